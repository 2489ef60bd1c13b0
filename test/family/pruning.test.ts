import { describe, expect, test } from 'vitest'
import type { Image } from '../../src/family/model/image.ts'
import type { BakeRequest, PromoteRequest } from '../../src/family/model/request.ts'
import type { RegionPlan } from '../../src/family/plan/plan.ts'
import { findFallback, planPruning } from '../../src/family/rules/pruning.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { copyOf, deprecated, image, region, shanghai, w, x, y } from './images.ts'
import { brief, concludeIn, lanesIn, regionsOf } from './planning.ts'
import { again, bake, promote } from './requests.ts'
import { later, visibleIn, walk } from './walk.ts'

const made = { tags: { 'image-family:run': '17200000-0000000000' } }
const own = (id: string, day: number, given: Partial<Image> = {}) => image(id, day, { ...made, ...given })
/** Six of this action, the newest of them served. */
const six = [1, 2, 3, 4, 5, 6].map((day) => own(`m-${day}`, day))
const six2 = six.map((each, index) => copyOf(each, shanghai, `${each.id}s`, index + 1))
const web = there(...six, ...six2)
const goes = (request: BakeRequest | PromoteRequest, situation: FakeEcs) =>
  lanesIn(request, situation).filter((lane) => lane.includes('prune'))

describe('what a rollback would fall back to', () => {
  test.each<[string, readonly Image[], string | undefined]>([
    ['the newest older one', [w, x, y], 'm-x'],
    ['no newer one', [w, y, image('m-z', 9)], 'm-w'],
    ['no deprecated one', [w, { ...x, ...deprecated }, y], 'm-w'],
    ['none of the same second', [w, image('m-tie', 3), y], 'm-w'],
    ['none at all', [y], undefined],
  ])('%s', (_, staying, id) => {
    expect(findFallback(y, staying)?.id).toBe(id)
  })
})

describe('keep', () => {
  test('holds in every region', () => {
    expect(goes(promote({ replicas: [shanghai], image: 'm-6', keep: 4 }), web)).toEqual([
      'cn-hangzhou prune: delete m-1, delete m-2',
      'cn-shanghai prune: delete m-1s, delete m-2s',
    ])
  })

  test('nothing else to do: holds all the same, and that is no decision', () => {
    const plan = walk(promote({ replicas: [shanghai], image: 'm-6', keep: 4 }), web)
    expect(plan.plan.kind).toBe('change')
    expect(plan.situation.current('web', shanghai)?.id).toBe('m-6s')
    expect(plan.situation.state.images.every(({ tags }) => !('image-family:decision' in tags))).toBe(true)
  })

  test('without it nothing is asked and nothing done', () => {
    const branch: RegionPlan = {
      kind: 'nothing',
      region,
      reason: '',
      image: 'm-6',
      previous: undefined,
      withdrawn: [],
      pending: [],
      notices: [],
      changedBefore: false,
    }
    const facts = { plan: branch, leavesFamily: false, members: six, target: six[5], origins: [] }
    const { result, questions } = concludeIn(planPruning(promote({ image: 'm-6' }), facts), web)
    expect([result, questions]).toEqual([branch, []])
  })

  test('what home serves and falls back to stays in every region, however old its copy', () => {
    // Copied in another order than they were made.
    const [old, served] = [
      copyOf(six[4] as Image, shanghai, 'm-old', 1),
      copyOf(six[5] as Image, shanghai, 'm-served', 31),
    ]
    const others = [2, 3, 4, 5].map((day) => copyOf(own(`m-o${day}`, day), shanghai, `m-os${day}`, day))
    expect(
      goes(promote({ replicas: [shanghai], image: 'm-6', keep: 2 }), there(...six, old, served, ...others)),
    ).toEqual([
      'cn-hangzhou prune: delete m-1, delete m-2, delete m-3, delete m-4',
      'cn-shanghai prune: delete m-os2, delete m-os3, delete m-os4',
    ])
  })

  test('in one region something is in use: it stays there alone', () => {
    const decisions = goes(promote({ replicas: [shanghai], image: 'm-6', keep: 4 }), web.using('m-1s'))
    expect(decisions).toEqual(['cn-hangzhou prune: delete m-1, delete m-2', 'cn-shanghai prune: delete m-2s'])
  })

  test('what the plan withdraws is not fallen back to, but counts; what it moves out does not', () => {
    const back = { image: 'm-4', deprecateNewer: true, keep: 3 }
    expect(goes(promote(back), there(...six))).toEqual(['cn-hangzhou prune: delete m-1, delete m-2'])
    expect(goes(promote({ ...back, quarantineFamily: 'bad' }), there(...six))).toEqual([
      'cn-hangzhou prune: delete m-1',
    ])
  })

  test('a copy to be made counts as the newest', () => {
    const lanes = goes(bake({ replicas: [shanghai], keep: 4 }), web)
    expect(lanes).toEqual([
      'cn-hangzhou prune: delete m-1, delete m-2, delete m-3',
      'cn-shanghai prune: delete m-1s, delete m-2s, delete m-3s',
    ])
  })

  test('a bake makes room first where the family is full, not of what it would fall back to meanwhile', () => {
    const [home] = regionsOf(bake({ keep: 2 }), there(...six))
    expect(home?.room?.map(brief)).toEqual(['delete m-1', 'delete m-2', 'delete m-3', 'delete m-4'])
  })

  test('snapshots that a lost attempt has left behind go too, in a later attempt alone', () => {
    const request = promote({ image: 'm-6', keep: 4 })
    const left = there(...six).leaving('s-1')
    expect(goes(request, left)).toEqual(['cn-hangzhou prune: delete m-1, delete m-2'])
    expect(goes(again(request), left)).toEqual(['cn-hangzhou prune: delete-snapshots s-1, delete m-1, delete m-2'])
  })

  test('lost anywhere, the next attempt leaves what the undisturbed run would', () => {
    for (const request of [
      promote({ replicas: [shanghai], image: 'm-4', deprecateNewer: true, keep: 3 }),
      bake({ replicas: [shanghai], keep: 3 }),
    ]) {
      const whole = walk(request, web)
      for (let phases = 0; phases < whole.phases; phases++) {
        for (const cuts of [
          [0, 9],
          [9, 0],
          [1, 1],
          [1, 2],
        ]) {
          const died = later(walk(request, web, { phases, cuts }).situation)
          const after = walk(again(request), died).situation
          expect(visibleIn(after), `${request.mode} ${phases} ${cuts}`).toEqual(visibleIn(whole.situation))
          expect(walk(again(request, 3), later(after)).seen).toHaveLength(1)
        }
      }
    }
  })
})

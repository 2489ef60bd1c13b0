/** At most ten images are deleted in one run and region; the rest waits for later runs, and a notice says how many. */
import { describe, expect, test } from 'vitest'
import type { Image } from '../../src/family/model/image.ts'
import { lanesOf } from '../../src/family/plan/plan.ts'
import { there } from './fake-ecs.ts'
import { copyOf, image, region, shanghai } from './images.ts'
import { planOf, regionsOf } from './planning.ts'
import { bake, promote } from './requests.ts'

const run = { 'image-family:run': '17200000-0000000000' }

/** `m-001`, `m-002`, …: a day apart, the last one served. */
const family = (count: number, given: Readonly<Record<string, Partial<Image>>> = {}): Image[] =>
  Array.from({ length: count }, (_, index) => {
    const id = `m-${String(index + 1).padStart(3, '0')}`
    return image(id, index + 20 - count, { tags: run, ...given[id] })
  })

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `m-${String(from + index).padStart(3, '0')}`)

const tidy = { image: 'm-090', keep: 2 }

/** The images that are deleted in each region, with the notices there. */
const deletedIn = (...[request, ecs]: Parameters<typeof regionsOf>) =>
  regionsOf(request, ecs).map((plan) => {
    const steps = lanesOf({ kind: 'change', regions: [plan] }, 'prune').flat()
    return {
      deleted: steps.flatMap(({ step }) => (step.action === 'delete' ? [step.image] : [])),
      room: (plan.room ?? []).flatMap((step) => (step.action === 'delete' ? [step.image] : [])),
      notices: plan.notices.filter(({ text }) => text.includes('`keep`')),
    }
  })

const crowded = { level: 'warning', text: expect.stringMatching(/ECS allows 100\. `keep` deletes the oldest/) }
const later = (count: string) => ({ level: 'notice', text: expect.stringContaining(count) })

describe('`keep: 2` typed for 20 on 90 images', () => {
  const ecs = there(...family(90))

  test('deletes the ten oldest, and one notice says how many are left for later runs', () => {
    expect(deletedIn(promote(tidy), ecs)).toEqual([
      {
        deleted: ids(1, 10),
        room: [],
        notices: [
          {
            level: 'notice',
            text: '`keep` deletes at most 10 images of a region in one run. Family web has 78 more that are older than the newest 2: later runs delete them.',
          },
        ],
      },
    ])
  })

  test('says of each image that is left why it stays', () => {
    const [home] = regionsOf(promote(tidy), ecs)
    const reasons = home?.retention?.filter((each) => !each.delete).map(({ reason }) => reason)
    const leftForLater = 'older than the newest 2, but at most 10 are deleted in one run'
    expect(reasons).toEqual([...Array(2).fill('among the newest 2'), ...Array(78).fill(leftForLater)])
  })

  test('asks about the shares of no more images than it deletes', () => {
    const { questions } = planOf(promote(tidy), ecs)
    expect(questions.flatMap((each) => (each.ask === 'shares' ? [each.image] : []))).toEqual(ids(1, 10))
  })

  test('holds in each region by itself', () => {
    const copies = family(90).map((each, index) => copyOf(each, shanghai, `${each.id}s`, index - 70, { tags: run }))
    const plans = deletedIn(promote({ ...tidy, replicas: [shanghai] }), ecs.with(...copies))
    expect(plans.map(({ deleted }) => deleted)).toEqual([ids(1, 10), ids(1, 10).map((id) => `${id}s`)])
    expect(plans.map(({ notices }) => notices)).toEqual([[later('78 more')], [later('78 more')]])
  })

  test('counts what this run has already deleted to make room', () => {
    const six = deletedIn(promote(tidy), ecs.havingDeleted(region, 6))
    expect(six).toMatchObject([{ deleted: ids(1, 4), notices: [later('84 more')] }])
    const ten = deletedIn(promote(tidy), ecs.havingDeleted(region, 10))
    expect(ten).toMatchObject([{ deleted: [], notices: [later('88 more')] }])
  })

  test('makes room in a full family with ten at most', () => {
    expect(deletedIn(bake({ keep: 2 }), ecs)).toMatchObject([
      { deleted: ids(1, 10), room: ids(1, 10), notices: [crowded, later('79 more')] },
    ])
  })
})

describe('images that are kept for a reason of their own', () => {
  const shared = Object.fromEntries(ids(2, 4).map((id) => [id, {}]))

  test('do not use up the ten', () => {
    const ecs = there(...family(20, { 'm-001': { tags: { ...run, 'image-family:protect': '' } } }))
    const withShares = Object.keys(shared).reduce((all, id) => all.sharing(id, '1001'), ecs.using('m-005'))
    const [home] = deletedIn(promote({ image: 'm-020', keep: 2 }), withShares)
    expect(home?.deleted).toEqual(ids(6, 15))
    expect(home?.notices).toEqual([
      { level: 'warning', text: expect.stringMatching(/still has 10 images.*m-001.*m-002.*m-003.*m-004.*m-005/) },
      later('3 more'),
    ])
  })
})

test.each([
  [12, 0],
  [13, 1],
])('%i images with `keep: 2`: %i are left for later', (count, left) => {
  const [home] = deletedIn(promote({ image: ids(count, count)[0] ?? '', keep: 2 }), there(...family(count)))
  expect(home?.deleted).toEqual(ids(1, 10))
  const text =
    '`keep` deletes at most 10 images of a region in one run. Family web has 1 more that is older than the newest 2: a later run deletes it.'
  expect(home?.notices).toEqual(left === 0 ? [] : [{ level: 'notice', text }])
})

/** How steps are carried out side by side, against an ECS that is a value. */
import { describe, expect, test } from 'vitest'
import { stepError } from '../../src/engine/action-error.ts'
import { Clock } from '../../src/engine/clock.ts'
import { applyLanes } from '../../src/engine/lanes.ts'
import type { Ecs, Ports } from '../../src/engine/ports.ts'
import type { PlannedStep } from '../../src/family/plan/plan.ts'
import { newImagePlaceholder, type Step } from '../../src/family/plan/steps.ts'
import { image } from '../family/images.ts'
import { bake } from '../family/requests.ts'
import { home, outcome, shanghai } from '../report/outcomes.ts'

const silent = () => undefined

function portsFor(ecs: Partial<Ecs>, stop = new AbortController()): Ports & { readonly known: string[] } {
  const known: string[] = []
  return {
    known,
    ecs: {
      look: async () => undefined as never,
      instancesOf: async () => [],
      write: async () => undefined,
      create: async () => ({ kind: 'accepted', image: 'm-new' }),
      wouldPermit: async () => ({ granted: true }),
      now: () => 0,
      ...ecs,
    },
    clock: new Clock({ interval: 1, limit: 60_000, signal: stop.signal }),
    log: { info: silent, notice: silent, warning: silent, error: silent, group: (_, work) => work() },
    postState: { instanceStopped: silent, instanceStarted: silent },
    onImage: (id) => void known.push(id),
  }
}

const lane = (region: string, ...steps: Step[]): PlannedStep[] =>
  steps.map((step, index) => ({ id: `${region}/activate/${index + 1}`, step }))

const restore = (region: string, id: string): Step => ({ action: 'restore', region, image: id })
const create: Step = {
  action: 'create',
  region: home,
  image: newImagePlaceholder,
  create: { ...bake(), family: 'web', name: 'web-1', generation: 0 },
}
const request = bake({ replicas: [shanghai] })

describe('lanes', () => {
  test('go on to their end when another one fails; the journal tells them region by region', async () => {
    const failing = stepError('No.', 'Do not.')
    const ports = portsFor({
      write: async (step) => {
        if (step.region === home) throw failing
        await ports.clock.wait(1)
      },
    })
    const lanes = [
      lane(home, restore(home, 'm-1'), restore(home, 'm-2')),
      lane(shanghai, restore(shanghai, 'm-3'), restore(shanghai, 'm-4')),
    ]
    const { outcome: applied } = await applyLanes(outcome(request), ports, { lanes })
    expect(applied.journal.map(({ id, state }) => `${id} ${state}`)).toEqual([
      `${home}/activate/1 failed`,
      `${shanghai}/activate/1 done`,
      `${shanghai}/activate/2 done`,
    ])
    expect(applied.failure).toEqual({
      doing: 'applying the plan',
      error: failing.toJSON(),
      steps: [{ round: 1, id: `${home}/activate/1` }],
    })
  })

  test('cancelled: what is under way is in the journal, and nothing more is begun', async () => {
    const stop = new AbortController()
    const written: string[] = []
    const write: Ecs['write'] = async (step) => {
      written.push(step.action)
      stop.abort()
    }
    const lanes = [lane(home, restore(home, 'm-1'), restore(home, 'm-2'))]
    const { outcome: applied } = await applyLanes(outcome(request), portsFor({ write }, stop), { lanes })
    expect(written).toEqual(['restore'])
    expect(applied.journal.map(({ id, state }) => `${id} ${state}`)).toEqual([`${home}/activate/1 done`])
    expect(applied.failure).toMatchObject({ error: { code: 'cancelled' }, steps: [] })
  })

  test('best effort: what fails is tolerated, and the next step done', async () => {
    const write: Ecs['write'] = async (step) => {
      if ('image' in step && step.image === 'm-1') throw stepError('No.', 'Do not.')
    }
    const lanes = [lane(home, restore(home, 'm-1'), restore(home, 'm-2'))]
    const { outcome: applied } = await applyLanes(outcome(request), portsFor({ write }), { lanes, bestEffort: true })
    expect(applied.failure).toBeUndefined()
    expect(applied.journal).toMatchObject([{ state: 'failed', tolerated: true }, { state: 'done' }])
  })

  test('an image is told of as soon as it is accepted, and is in the journal although the step fails after that', async () => {
    const look = async (): Promise<never> => {
      throw stepError('No.', 'Do not.')
    }
    const ports = portsFor({ look })
    const { outcome: applied } = await applyLanes(outcome(request), ports, { lanes: [lane(home, create)] })
    expect(ports.known).toEqual(['m-new'])
    expect(applied.journal).toMatchObject([{ state: 'failed', image: 'm-new' }])
  })

  test('later steps work on the image by its ID, and what is seen of it is observed', async () => {
    const seen = image('m-new', 9)
    const written: Step[] = []
    const ports = portsFor({
      look: async () => seen as never,
      write: async (step) => void written.push(step),
    })
    const share: Step = { action: 'share', region: home, image: newImagePlaceholder, accounts: ['1'] }
    const await_: Step = { action: 'await', region: home, image: newImagePlaceholder }
    const { outcome: applied } = await applyLanes(outcome(request), ports, {
      lanes: [lane(home, create, await_, share)],
    })
    expect(written).toEqual([{ ...share, image: 'm-new' }])
    expect(applied.journal.map(({ state, step }) => `${state} ${'image' in step ? step.image : ''}`)).toEqual([
      `done ${newImagePlaceholder}`,
      'done m-new',
      'done m-new',
    ])
    expect(applied.observations.images['m-new']).toEqual(seen)
  })

  test('a tag for images that are all gone is skipped', async () => {
    const tag: Step = { action: 'tag', region: home, resource: 'image', ids: [], tags: { a: 'b' } }
    const { outcome: applied } = await applyLanes(outcome(request), portsFor({}), { lanes: [lane(home, tag)] })
    expect(applied.journal).toMatchObject([{ state: 'skipped', skipped: 'nothing-to-do' }])
  })
})

/** What a run may meet, each arranged anew in a local ECS of its own: the same resources with the same IDs every time. */
import { type LocalEcs, startLocalEcs, steppedClock } from '../local-ecs/server.ts'
import type { Inputs } from './runner.ts'

export interface Scenario {
  readonly name: string
  /** @returns the inputs of the step */
  readonly arrange: (ecs: LocalEcs) => Inputs
}

const on = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T10:00:00Z`

/** A family `web` with one available image a day. */
const webOf = (ecs: LocalEcs, days: number, more: Parameters<LocalEcs['seed']['image']>[0] = {}) =>
  Array.from({ length: days }, (_, index) =>
    ecs.seed.image({ name: `web-${index + 1}`, family: 'web', createdAt: on(index + 1), ...more }),
  ).map(({ id }) => id)

const last = (ids: readonly string[]): string => ids.at(-1) ?? ''

export const bakes: readonly Scenario[] = [
  {
    name: 'bake from a stopped instance',
    arrange: (ecs) => {
      webOf(ecs, 1)
      return { mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance({ status: 'Stopped' }).id }
    },
  },
  {
    name: 'bake with a name of its own from a snapshot',
    arrange: (ecs) => {
      webOf(ecs, 1)
      return { mode: 'bake', family: 'web', 'snapshot-id': ecs.seed.snapshot({}).id, 'image-name': 'golden-1' }
    },
  },
]

export const stoppingBake: Scenario = {
  name: 'bake from a running instance that is stopped for it',
  arrange: (ecs) => {
    webOf(ecs, 1)
    const instance = ecs.seed.instance({ status: 'Running' })
    return { mode: 'bake', family: 'web', 'instance-id': instance.id, 'stop-instance': 'true' }
  },
}

export const promotions: readonly Scenario[] = [
  {
    name: 'promote what a candidate family serves',
    arrange: (ecs) => {
      webOf(ecs, 2)
      ecs.seed.image({ name: 'tested', family: 'web-candidate', createdAt: on(9) })
      return { mode: 'promote', family: 'web', 'from-family': 'web-candidate', tags: 'promoted=yes' }
    },
  },
  {
    name: 'promote a deprecated image of another family before which newer ones stand',
    arrange: (ecs) => {
      webOf(ecs, 3)
      const old = ecs.seed.image({
        name: 'proven',
        family: 'attic',
        status: 'Deprecated',
        createdAt: '2026-02-01T10:00:00Z',
      })
      return { mode: 'promote', family: 'web', 'image-id': old.id, 'deprecate-newer': 'true', reason: 'proven' }
    },
  },
  {
    name: 'promote an image and move a newer shared one into quarantine',
    arrange: (ecs) => {
      const [first = ''] = webOf(ecs, 2)
      ecs.seed.image({ name: 'bad', family: 'web', createdAt: on(9), sharedWith: [ecs.addAccount().uid] })
      return {
        mode: 'promote',
        family: 'web',
        'image-id': first,
        'deprecate-newer': 'true',
        'quarantine-family': 'bad',
      }
    },
  },
]

export const rollbacks: readonly Scenario[] = [
  {
    name: 'roll back one image',
    arrange: (ecs) => {
      webOf(ecs, 3)
      return { mode: 'rollback', family: 'web', reason: 'it drops connections' }
    },
  },
  {
    name: 'roll back several images to a deprecated one',
    arrange: (ecs) => {
      const target = ecs.seed.image({
        name: 'good',
        family: 'web',
        status: 'Deprecated',
        createdAt: '2026-02-01T10:00:00Z',
      })
      const current = last(webOf(ecs, 3))
      return { mode: 'rollback', family: 'web', 'to-image-id': target.id, 'expected-image-id': current }
    },
  },
  {
    name: 'roll back a shared image into quarantine',
    arrange: (ecs) => {
      webOf(ecs, 2)
      ecs.seed.image({ name: 'bad', family: 'web', createdAt: on(9), sharedWith: [ecs.addAccount().uid] })
      return { mode: 'rollback', family: 'web', 'quarantine-family': 'web-bad', reason: 'bad' }
    },
  },
  {
    name: 'roll back a shared image and take its shares back',
    arrange: (ecs) => {
      webOf(ecs, 2)
      const accounts = Array.from({ length: 12 }, () => ecs.addAccount().uid)
      ecs.seed.image({ name: 'bad', family: 'web', createdAt: on(9), sharedWith: accounts })
      return { mode: 'rollback', family: 'web', unshare: 'true' }
    },
  },
  {
    name: 'roll back, and also what is still being created',
    arrange: (ecs) => {
      webOf(ecs, 2)
      ecs.seed.image({ name: 'next', family: 'web', createdAt: '2026-04-01T07:59:59Z', readyIn: 100 })
      return { mode: 'rollback', family: 'web', 'withdraw-pending': 'true' }
    },
  },
  {
    name: 'empty a family on purpose',
    arrange: (ecs) => {
      webOf(ecs, 1)
      return { mode: 'rollback', family: 'web', 'allow-empty': 'true' }
    },
  },
]

/** With such a step of the clock for each request, half a minute is as many polls as at the usual pace. */
export const startEcs = (): Promise<LocalEcs> => startLocalEcs({ clock: steppedClock({ secondsPerRequest: 5 }) })

/** Times differ from walk to walk; everything else has to be the same. */
export const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z/g, 'time')
      .replaceAll(/\b2026\d{10}\b/g, 'time'),
  )

/** Outputs that a re-run has to repeat. */
export const lasting = (outputs: Readonly<Record<string, string>>): unknown => {
  const { plan: _, ...rest } = outputs
  return timeless(rest)
}

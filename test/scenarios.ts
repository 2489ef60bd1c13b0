/** What a run may meet, each arranged anew in a local ECS of its own: the same resources with the same IDs every time. */

import type { Inputs } from './action/runner.ts'
import { type LocalEcs, startLocalEcs, steppedClock } from './local-ecs/server.ts'

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

export const resolves: readonly Scenario[] = [
  {
    name: 'resolve a family',
    arrange: (ecs) => {
      ecs.seed.image({ name: 'web-1', family: 'web' })
      return { mode: 'resolve', family: 'web' }
    },
  },
  {
    name: 'resolve the family of an image',
    arrange: (ecs) => ({ mode: 'resolve', 'image-id': ecs.seed.image({ name: 'web-1', family: 'web' }).id }),
  },
]

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

/** A scenario a mode, with every kind of request that the mode makes in one region. */
export const oneOfEach: readonly Scenario[] = [resolves, [stoppingBake], promotions, rollbacks].flatMap((all, index) =>
  all.slice([0, 0, 2, 3][index]).slice(0, 1),
)

// ── One family in three regions ──────────────────────────────────────────────

export const home = 'cn-hangzhou'
export const replicas = ['cn-shanghai', 'cn-beijing'] as const
export const regions = [home, ...replicas]

const everywhere: Inputs = { 'replica-region-ids': replicas.join(',') }

/** An earlier run of this action has made it, with its copies. */
const madeBefore = { 'image-family:run': '900-0123456789abcdef0123', 'image-family:source': 'instance' }

type Seed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>

/** The copy of an image in another region, as this action makes it; a few minutes younger. */
function copyOf(ecs: LocalEcs, { id, region, name }: { id: string; region: string; name: string }, more: Seed) {
  const { 'image-family:source': _, ...tags } = madeBefore
  const origin = { 'image-family:origin': `${region}/${id}` }
  return ecs.seed.image({ name, copyOf: { region, id }, ...more, tags: { ...tags, ...origin, ...more.tags } })
}

/** A family `web` with one available image a day, and a copy of each in every replica. @returns the images at home */
const spreadWeb = (ecs: LocalEcs, days: number, more: (day: number, region: string) => Seed = () => ({})) =>
  Array.from({ length: days }, (_, index) => {
    const day = index + 1
    const [family, createdAt] = ['web', on(day)]
    const seed = { name: `web-${day}`, family, createdAt, tags: madeBefore, ...more(day, home) }
    const image = ecs.seed.image(seed)
    for (const region of replicas) copyOf(ecs, image, { family, createdAt, region, ...more(day, region) })
    return image
  })

const accountsIn = (ecs: LocalEcs, count: number): string[] => Array.from({ length: count }, () => ecs.addAccount().uid)

export const bakesEverywhere: readonly Scenario[] = [
  {
    name: 'bake into three regions, shared, with what is too many deleted',
    arrange: (ecs) => {
      spreadWeb(ecs, 3)
      const instance = ecs.seed.instance({ status: 'Stopped' }).id
      const sharing = { 'share-with': accountsIn(ecs, 11).join(',') }
      return { mode: 'bake', family: 'web', 'instance-id': instance, keep: '2', ...sharing, ...everywhere }
    },
  },
  {
    name: 'bake with a name of its own into three regions, in one of which a late copy is the newest',
    arrange: (ecs) => {
      const [first] = spreadWeb(ecs, 2)
      // As if it were made while this one is being copied.
      const later = { region: 'cn-beijing', name: 'late', family: 'web', createdAt: '2026-05-01T10:00:00Z' }
      if (first) copyOf(ecs, first, later)
      const source = { 'snapshot-id': ecs.seed.snapshot({}).id, 'image-name': 'golden-1' }
      return { mode: 'bake', family: 'web', ...source, ...everywhere }
    },
  },
  {
    name: 'bake into three regions where the family is full',
    arrange: (ecs) => {
      ecs.quotas.imagesPerFamily = 3
      const account = ecs.addAccount().uid
      spreadWeb(ecs, 3, (day) => (day === 1 ? { sharedWith: [account] } : {}))
      const source = { 'snapshot-id': ecs.seed.snapshot({}).id }
      return { mode: 'bake', family: 'web', ...source, keep: '2', unshare: 'true', ...everywhere }
    },
  },
]

export const stoppingBakeEverywhere: Scenario = {
  name: 'bake into three regions from a running instance that is stopped for it',
  arrange: (ecs) => {
    spreadWeb(ecs, 1)
    const instance = ecs.seed.instance({ status: 'Running' }).id
    return { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true', ...everywhere }
  },
}

export const promotionsEverywhere: readonly Scenario[] = [
  {
    name: 'promote into three regions what a candidate family serves, which one region has a copy of',
    arrange: (ecs) => {
      spreadWeb(ecs, 2)
      const [family, createdAt, tags] = ['web-candidate', on(9), madeBefore]
      const tested = ecs.seed.image({ name: 'tested', family, createdAt, tags })
      copyOf(ecs, tested, { region: 'cn-shanghai', createdAt })
      const more = { 'from-family': 'web-candidate', tags: 'promoted=yes', 'share-with': accountsIn(ecs, 2).join(',') }
      return { mode: 'promote', family: 'web', ...more, ...everywhere }
    },
  },
  {
    name: 'promote in three regions before newer ones, of which one is shared, with what is too many deleted',
    arrange: (ecs) => {
      const accounts = accountsIn(ecs, 12)
      const images = spreadWeb(ecs, 6, (day) => (day === 6 ? { sharedWith: accounts } : {}))
      const target = images[3]?.id ?? ''
      const rules = { 'deprecate-newer': 'true', unshare: 'true', keep: '2', reason: 'the last two leak' }
      return { mode: 'promote', family: 'web', 'image-id': target, ...rules, ...everywhere }
    },
  },
  {
    name: 'promote in three regions a deprecated image, which one region has and one is without',
    arrange: (ecs) => {
      spreadWeb(ecs, 2)
      const createdAt = '2026-02-01T10:00:00Z'
      const old = { name: 'proven', family: 'web', createdAt, tags: madeBefore }
      const target = ecs.seed.image({ ...old, status: 'Deprecated' })
      copyOf(ecs, target, { region: 'cn-shanghai', family: 'web', createdAt })
      const rules = { 'deprecate-newer': 'true', 'share-with': accountsIn(ecs, 1).join(',') }
      return { mode: 'promote', family: 'web', 'image-id': target.id, ...rules, ...everywhere }
    },
  },
]

export const rollbacksEverywhere: readonly Scenario[] = [
  {
    name: 'roll back shared images into quarantine in three regions',
    arrange: (ecs) => {
      const account = ecs.addAccount().uid
      spreadWeb(ecs, 3, (day) => (day === 3 ? { sharedWith: [account] } : {}))
      return { mode: 'rollback', family: 'web', 'quarantine-family': 'web-bad', reason: 'bad', ...everywhere }
    },
  },
  {
    name: 'roll back in three regions, one with a deprecated copy and one with a late copy of an older image',
    arrange: (ecs) => {
      const [first] = spreadWeb(ecs, 3, (day, region) =>
        day === 2 && region === 'cn-shanghai' ? { status: 'Deprecated' } : {},
      )
      if (first) copyOf(ecs, first, { region: 'cn-beijing', name: 'late', family: 'web', createdAt: on(9) })
      return { mode: 'rollback', family: 'web', 'share-with': accountsIn(ecs, 1).join(','), ...everywhere }
    },
  },
  {
    name: 'roll back in three regions to a deprecated image whose copy is the newest of one region, taking shares back',
    arrange: (ecs) => {
      const accounts = accountsIn(ecs, 2)
      const [target] = spreadWeb(ecs, 3, (day, region) => ({
        ...(day === 1 ? { status: 'Deprecated' } : {}),
        ...(day === 1 && region === 'cn-beijing' ? { createdAt: on(9) } : {}),
        ...(day === 3 && region === 'cn-shanghai' ? { sharedWith: accounts } : {}),
      }))
      const rules = { 'to-image-id': target?.id ?? '', unshare: 'true', reason: 'the rest leaks' }
      return { mode: 'rollback', family: 'web', ...rules, ...everywhere }
    },
  },
  {
    name: 'roll back in three regions, and also what is still being created in one of them',
    arrange: (ecs) => {
      spreadWeb(ecs, 2)
      const createdAt = '2026-04-01T07:59:59Z'
      ecs.seed.image({ region: 'cn-shanghai', name: 'next', family: 'web', createdAt, readyIn: 300 })
      return { mode: 'rollback', family: 'web', 'withdraw-pending': 'true', ...everywhere }
    },
  },
  {
    name: 'empty a family in three regions on purpose',
    arrange: (ecs) => {
      spreadWeb(ecs, 1)
      return { mode: 'rollback', family: 'web', 'allow-empty': 'true', ...everywhere }
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

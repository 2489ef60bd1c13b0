/** What may happen to one family in three regions: runs, crashes, troubles, people in the console, and time. */
import fc from 'fast-check'

export const places = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const

export type RunKind =
  | 'bake'
  | 'bake-snapshot'
  | 'bake-candidate'
  | 'promote-candidate'
  | 'promote-image'
  | 'rollback'
  | 'rollback-to'
  | 'quarantine'
  | 'resolve'

/** The process is killed, so that nothing more of it takes effect, or the step is cancelled, at a request. */
export interface Crash {
  readonly at: number
  readonly how: 'killed' | 'cancelled'
}

/** Some requests to one region go wrong. */
export interface Trouble {
  readonly place: number
  readonly from: number
  readonly requests: number
  readonly denied: boolean
}

export interface RegionsRun {
  readonly event: 'run'
  readonly kind: RunKind
  readonly pick: number
  readonly home: number
  /** The replica region that is left out; `alone`: all of them are. */
  readonly without: number | 'alone' | undefined
  readonly keep: number | undefined
  readonly share: boolean
  readonly unshare: boolean
  readonly crash: Crash | undefined
  readonly trouble: Trouble | undefined
}

export type RegionsEvent =
  | RegionsRun
  | { readonly event: 're-run'; readonly pick: number; readonly crash: Crash | undefined }
  /** What somebody does in one region by hand. */
  | { readonly event: 'console'; readonly pick: number; readonly place: number; readonly deed: Deed }
  | { readonly event: 'time'; readonly minutes: number }

const deeds = [
  'deprecate',
  'restore',
  'move out',
  'move in',
  'delete',
  'adopt',
  'copy',
  'late copy',
  'protect',
] as const
export type Deed = (typeof deeds)[number]

const pick = fc.nat(1000)

/** One time in so many. */
const oneIn = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const somewhere = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) })

export const crashes: fc.Arbitrary<Crash> = fc.record({
  at: fc.nat(60),
  how: fc.constantFrom('killed' as const, 'cancelled' as const),
})

const calmRun = {
  event: fc.constant('run' as const),
  kind: fc.constantFrom<RunKind>(
    'bake',
    'bake',
    'bake-snapshot',
    'bake-candidate',
    'promote-candidate',
    'promote-candidate',
    'promote-image',
    'promote-image',
    'rollback',
    'rollback',
    'rollback-to',
    'quarantine',
    'resolve',
  ),
  pick,
  home: somewhere,
  without: oneIn<number | 'alone'>(4, fc.constantFrom<number | 'alone'>(0, 1, 2, 'alone')),
  keep: oneIn(2, fc.constantFrom(2, 3)),
  share: fc.nat(4).map((number) => number === 0),
  unshare: fc.boolean(),
}

const troubles: fc.Arbitrary<Trouble> = fc.record({
  place: fc.nat(2),
  from: fc.nat(40),
  requests: fc.constantFrom(1, 2, 3, 1000),
  denied: fc.boolean(),
})

export const calmRuns: fc.Arbitrary<RegionsRun> = fc.record({
  ...calmRun,
  crash: fc.constant(undefined),
  trouble: fc.constant(undefined),
})

const regionsRuns: fc.Arbitrary<RegionsRun> = fc.record({
  ...calmRun,
  crash: oneIn(2, crashes),
  trouble: oneIn(4, troubles),
})

const consoles: fc.Arbitrary<RegionsEvent> = fc.record({
  event: fc.constant('console' as const),
  pick,
  place: fc.nat(2),
  deed: fc.constantFrom(...deeds),
})

const passing = fc.record({ event: fc.constant('time' as const), minutes: fc.constantFrom(1, 31) })

export const regionsEvents: fc.Arbitrary<readonly RegionsEvent[]> = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: regionsRuns },
    {
      weight: 4,
      arbitrary: fc.record({ event: fc.constant('re-run' as const), pick, crash: oneIn(2, crashes) }),
    },
    { weight: 3, arbitrary: consoles },
    { weight: 1, arbitrary: passing },
  ),
  { minLength: 2, maxLength: 7 },
)

/** What may have happened before a run that is looked at more closely. */
export const calmEvents: fc.Arbitrary<readonly RegionsEvent[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: calmRuns }, { weight: 3, arbitrary: consoles }, { weight: 1, arbitrary: passing }),
  { maxLength: 2 },
)

export interface Trial {
  readonly crash?: Crash | undefined
  readonly trouble?: Trouble | undefined
}

/** What an attempt does not survive, or does not survive unharmed. */
export const disturbances: fc.Arbitrary<readonly Trial[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ crash: crashes }) },
    { weight: 1, arbitrary: fc.record({ trouble: troubles }) },
  ),
  { minLength: 1, maxLength: 3 },
)

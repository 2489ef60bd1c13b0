/**
 * Random histories of a family against the local ECS: runs, crashes, re-runs and people in the console, with what must
 * hold after each of them. Used by the property tests and, for longer, by the soak.
 */
import fc from 'fast-check'
import type { Inputs } from '../action/runner.ts'
import { EcsError } from '../local-ecs/errors.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { startEcs, timeless } from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

type Kind = 'bake' | 'promote-candidate' | 'promote-image' | 'rollback' | 'rollback-to' | 'quarantine'

export type Event =
  /** A workflow run; `crashAt` is the request after which its process dies. `pick` chooses among what there is. */
  | { readonly event: 'run'; readonly kind: Kind; readonly pick: number; readonly crashAt: number | undefined }
  /** An earlier run is re-run. */
  | { readonly event: 're-run'; readonly pick: number; readonly crashAt: number | undefined }
  /** Somebody deprecates or restores an image in the console. */
  | { readonly event: 'console'; readonly pick: number }
  | { readonly event: 'time'; readonly minutes: number }

const crash = fc.option(fc.nat(18), { nil: undefined, freq: 2 })
const pick = fc.nat(1000)

export const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        event: fc.constant('run' as const),
        kind: fc.constantFrom<Kind>(
          'bake',
          'promote-candidate',
          'promote-image',
          'rollback',
          'rollback-to',
          'quarantine',
        ),
        pick,
        crashAt: crash,
      }),
    },
    { weight: 4, arbitrary: fc.record({ event: fc.constant('re-run' as const), pick, crashAt: crash }) },
    { weight: 1, arbitrary: fc.record({ event: fc.constant('console' as const), pick }) },
    { weight: 1, arbitrary: fc.record({ event: fc.constant('time' as const), minutes: fc.constantFrom(1, 31) }) },
  ),
  { minLength: 3, maxLength: 9 },
)

interface Begun {
  readonly id: number
  readonly inputs: Inputs
  attempts: number
  /** The family's answer when the last attempt ended well. */
  settled: Walk | undefined
}

export class History {
  readonly #ecs: LocalEcs
  readonly #instance: string
  readonly #runs: Begun[] = []
  readonly told: string[] = []

  private constructor(ecs: LocalEcs) {
    this.#ecs = ecs
    this.#instance = ecs.seed.instance({ status: 'Stopped' }).id
    for (const day of [1, 2, 3]) this.#seed('web', day)
    for (const day of [4, 5]) this.#seed('web-candidate', day)
  }

  static async begin(): Promise<History> {
    return new History(await startEcs())
  }

  #seed(family: string, day: number): void {
    this.#ecs.seed.image({ family, name: `${family}-${day}`, createdAt: `2026-03-0${day}T10:00:00Z` })
  }

  end(): Promise<void> {
    return this.#ecs.close()
  }

  async live(event: Event): Promise<void> {
    const current = this.#ecs.current('web')
    switch (event.event) {
      case 'time':
        this.#ecs.clock.advance(event.minutes * 60)
        return
      case 'console':
        this.#inConsole(event.pick)
        return
      case 'run':
        await this.#run(event)
        break
      case 're-run':
        await this.#runAgain(event)
        break
    }
    if (current !== undefined) this.#hold(this.#ecs.current('web') !== undefined, 'the family resolves to nothing')
  }

  #hold(truth: boolean, otherwise: string): void {
    if (!truth)
      throw new Error(
        `${otherwise}\n${this.told.join('\n')}\n${JSON.stringify(
          this.#ecs.images().map(({ id, family, status, tags }) => ({ id, family, status, tags })),
          null,
          1,
        )}`,
      )
  }

  #among<T>(things: readonly T[], pick: number): T | undefined {
    return things[pick % Math.max(1, things.length)]
  }

  #inConsole(pick: number): void {
    const members = this.#ecs.images().filter(({ family }) => family === 'web')
    const image = this.#among(members, pick)
    const available = members.filter(({ status }) => status === 'Available').length
    if (!image || (image.status === 'Available' && available < 2)) return
    this.told.push(`console: ${image.id} is ${image.status}, changed`)
    this.#ecs.change(image.id, { status: image.status === 'Available' ? 'Deprecated' : 'Available' })
  }

  #inputs(kind: Kind, pick: number): Inputs {
    const web = { family: 'web' }
    const members = this.#ecs.images().filter(({ family }) => family === 'web')
    const image = this.#among(members, pick)?.id ?? ''
    switch (kind) {
      case 'bake':
        return { ...web, mode: 'bake', family: pick % 2 ? 'web' : 'web-candidate', 'instance-id': this.#instance }
      case 'promote-candidate':
        return { ...web, mode: 'promote', 'from-family': 'web-candidate' }
      case 'promote-image':
        return { ...web, mode: 'promote', 'image-id': image, 'deprecate-newer': 'true' }
      case 'rollback':
        return { ...web, mode: 'rollback' }
      case 'rollback-to':
        return { ...web, mode: 'rollback', 'to-image-id': image }
      case 'quarantine':
        return { ...web, mode: 'rollback', 'quarantine-family': 'web-bad' }
    }
  }

  async #run({ kind, pick, crashAt }: Extract<Event, { event: 'run' }>): Promise<void> {
    const resumed: Begun = {
      id: 1000 + this.#runs.length,
      inputs: this.#inputs(kind, pick),
      attempts: 0,
      settled: undefined,
    }
    this.#runs.push(resumed)
    const before = this.#ecs.current('web')
    const walked = await this.#attempt(resumed, crashAt)
    if (walked.failure) return
    await this.#isSettled(resumed)
    if (kind === 'promote-candidate' && walked.outputs.changed === 'true' && before !== undefined) {
      await this.#rollbackRestores(before)
    }
  }

  /** What a promotion brought, a rollback takes back. */
  async #rollbackRestores(before: string): Promise<void> {
    const rollback: Begun = {
      id: 1000 + this.#runs.length,
      inputs: this.#inputs('rollback', 0),
      attempts: 0,
      settled: undefined,
    }
    this.#runs.push(rollback)
    const { failure } = await this.#attempt(rollback, undefined)
    this.#hold(
      failure === undefined && this.#ecs.current('web') === before,
      `rollback after promote did not restore ${before}: ${failure?.what}`,
    )
  }

  /** Planning what is already so plans nothing: the same run again writes nothing and says the same. */
  async #isSettled(resumed: Begun): Promise<void> {
    const outputs = resumed.settled?.outputs
    const from = this.#ecs.requests.length
    const again = await this.#attempt(resumed, undefined)
    const writes = this.#ecs.requests.slice(from).filter(({ write, dryRun }) => write && !dryRun)
    this.#hold(writes.length === 0, `run ${resumed.id} again wrote ${writes.map(({ action }) => action).join(', ')}`)
    const { plan: _, ...same } = again.outputs
    const { plan: __, ...said } = outputs ?? {}
    this.#hold(
      JSON.stringify(timeless(same)) === JSON.stringify(timeless(said)),
      `run ${resumed.id} again says ${JSON.stringify(same)}, not ${JSON.stringify(said)}`,
    )
  }

  async #runAgain({ pick, crashAt }: Extract<Event, { event: 're-run' }>): Promise<void> {
    const resumed = this.#among(this.#runs, pick)
    if (!resumed) return
    // What is being created gets ready first: that it becomes current is nobody's doing.
    this.#ecs.clock.advance(60)
    const before = this.#ecs.current('web')
    const isLast = this.#runs.at(-1) === resumed
    // A run that found nothing to do has decided nothing.
    const hadSettled = resumed.settled?.outputs.changed === 'true'
    await this.#attempt(resumed, crashAt)
    // One that has carried out its decision undoes nothing that came later, whoever decided it.
    if (hadSettled && !isLast) {
      this.#hold(this.#ecs.current('web') === before, `run ${resumed.id} again undid a later decision`)
    }
  }

  /** One attempt of a run, in which the family's answer changes at most once. */
  async #attempt(resumed: Begun, crashAt: number | undefined): Promise<Walk> {
    resumed.attempts += 1
    const crash = new AbortController()
    const from = this.#ecs.requests.length
    const answers = [this.#ecs.current('web')]
    // What changes while a request is carried out is this run's doing; an image that gets ready between two is not.
    this.#ecs.intercept = (phase, { index }) => {
      const now = this.#ecs.current('web')
      if (phase === 'before') answers.splice(-1, 1, now)
      else if (now !== answers.at(-1)) answers.push(now)
      if (phase === 'after' && crashAt !== undefined && index - from === crashAt) crash.abort()
    }
    const run = { id: resumed.id, attempt: resumed.attempts }
    const walked = await walk(this.#ecs, resumed.inputs, { run, signal: crash.signal })
    this.#ecs.intercept = undefined
    this.told.push(
      `run ${resumed.id}/${resumed.attempts} ${JSON.stringify(resumed.inputs)}${crashAt === undefined ? '' : ` crash after ${crashAt}`}: ${walked.failure?.what ?? walked.headline}; web: ${answers.join(' → ')}`,
    )
    this.#hold(answers.length <= 2, `run ${resumed.id} changed the family's answer ${answers.length - 1} times`)
    if (!walked.failure) resumed.settled = walked
    return walked
  }
}

// ── One family in three regions ──────────────────────────────────────────────

export const places = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const

type SpreadKind =
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
interface Trouble {
  readonly place: number
  readonly from: number
  readonly requests: number
  readonly denied: boolean
}

export interface SpreadRun {
  readonly event: 'run'
  readonly kind: SpreadKind
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

export type SpreadEvent =
  | SpreadRun
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
type Deed = (typeof deeds)[number]

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
  kind: fc.constantFrom<SpreadKind>(
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

export const calmRuns: fc.Arbitrary<SpreadRun> = fc.record({
  ...calmRun,
  crash: fc.constant(undefined),
  trouble: fc.constant(undefined),
})

const spreadRuns: fc.Arbitrary<SpreadRun> = fc.record({
  ...calmRun,
  crash: oneIn(2, crashes),
  trouble: oneIn(4, troubles),
})

const consoles: fc.Arbitrary<SpreadEvent> = fc.record({
  event: fc.constant('console' as const),
  pick,
  place: fc.nat(2),
  deed: fc.constantFrom(...deeds),
})

const passing = fc.record({ event: fc.constant('time' as const), minutes: fc.constantFrom(1, 31) })

export const spreadEvents: fc.Arbitrary<readonly SpreadEvent[]> = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: spreadRuns },
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
export const calmEvents: fc.Arbitrary<readonly SpreadEvent[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: calmRuns }, { weight: 3, arbitrary: consoles }, { weight: 1, arbitrary: passing }),
  { maxLength: 2 },
)

type Picture = ReturnType<LocalEcs['images']>[number]

interface Spread {
  readonly id: number
  readonly inputs: Inputs
  /** Home first. */
  readonly regions: readonly string[]
  attempts: number
  /** The last attempt that ended well. */
  settled: Walk | undefined
  /** What was decided elsewhere, and carried out, since the last attempt: by which run, in which regions. */
  decidedSince: { readonly by: number; readonly regions: readonly string[] }[]
}

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

const originOf = ({ region, id, tags }: Picture): string => tags['image-family:origin'] ?? `${region}/${id}`

const isOwn = ({ tags }: Picture): boolean =>
  ['run', 'origin', 'decision'].some((name) => `image-family:${name}` in tags)

/** Nothing is done apart from sharing and deleting. */
const isTidying = (walked: Walk | undefined): boolean => {
  const plan = walked?.outcome.plan
  return (
    plan?.kind === 'change' && plan.regions.every((region) => region.kind === 'nothing' || region.reason !== undefined)
  )
}

const isByHand = (image: Picture | undefined): boolean => !('image-family:run' in (image?.tags ?? {}))

const denial = () => new EcsError(403, 'Forbidden.RAM', 'User not authorized to operate on the specified resource.')

/** A family kept in three regions, with late copies, a shared, a protected, a used image and a foreign one. */
export class SpreadHistory {
  readonly ecs: LocalEcs
  readonly told: string[] = []
  readonly #runs: Spread[] = []
  readonly #instances: readonly string[]
  readonly #snapshots: readonly string[]
  readonly #account: string
  /** Names by ID, of all that there ever was. */
  readonly #names = new Map<string, string>()
  #console = 0

  private constructor(ecs: LocalEcs) {
    this.ecs = ecs
    this.#account = ecs.addAccount().uid
    this.#instances = places.map((region) => ecs.seed.instance({ region, status: 'Stopped' }).id)
    this.#snapshots = places.map((region) => ecs.seed.snapshot({ region }).id)
    const [, shanghai, beijing] = places
    const [v1 = '', v2 = '', v3 = '', v4 = ''] = [1, 2, 3, 4].map((day) => this.#seed('web', day))
    this.#seed('web-candidate', 5)
    const tested = this.#seed('web-candidate', 6)
    const shared = { sharedWith: [this.#account] }
    const used = this.#copy(shanghai, v1, '2026-03-01T16:00:00Z')
    this.#copy(shanghai, v2, '2026-03-02T16:00:00Z')
    this.#copy(shanghai, v3, '2026-03-03T16:00:00Z', shared)
    this.#copy(shanghai, v4, '2026-03-04T16:00:00Z')
    this.#copy(beijing, v2, '2026-03-02T16:00:00Z')
    this.#copy(beijing, v3, '2026-03-03T16:00:00Z')
    this.#copy(beijing, v1, '2026-03-03T20:00:00Z')
    this.#copy(beijing, v4, '2026-03-04T16:00:00Z')
    ecs.seed.image({
      region: shanghai,
      name: 'by-hand',
      createdAt: '2026-03-06T16:00:00Z',
      copyOf: { region: places[0], id: tested },
    })
    ecs.seed.instance({ region: shanghai, imageId: used })
    ecs.change(v2, { tags: { ...ecs.image(v2)?.tags, 'image-family:protect': 'yes' } })
  }

  static async begin(): Promise<SpreadHistory> {
    return new SpreadHistory(await startEcs())
  }

  end(): Promise<void> {
    return this.ecs.close()
  }

  /** The first of a family is not of this action. */
  #seed(family: string, day: number): string {
    const tags = day === 1 ? {} : { 'image-family:run': `${day}-0123456789`, 'image-family:source': 'instance' }
    return this.ecs.seed.image({ family, name: `${family}-${day}`, createdAt: `2026-03-0${day}T10:00:00Z`, tags }).id
  }

  #copy(
    region: string,
    id: string,
    createdAt: string | undefined,
    more: { sharedWith?: string[]; family?: string } = {},
  ): string {
    const first = this.ecs.image(id)
    if (!first) throw new Error(`No image ${id}.`)
    const tags = { 'image-family:origin': originOf(first) }
    this.#console += 1
    const name = `${first.name}-copy-${this.#console}`
    return this.ecs.seed.image({ family: 'web', region, name, createdAt, tags, copyOf: first, ...more }).id
  }

  async live(event: SpreadEvent): Promise<void> {
    switch (event.event) {
      case 'time':
        this.ecs.clock.advance(event.minutes * 60)
        return
      case 'console':
        this.#byHand(event)
        return
      case 'run':
        await this.#run(event)
        return
      case 're-run':
        await this.#runAgain(event)
        return
    }
  }

  hold(truth: boolean, otherwise: string): void {
    if (truth) return
    const images = this.ecs
      .images()
      .map(
        ({ id, region, name, family, status, creationTime, tags, sharedWith }) =>
          `${region} ${id.replace(/0{6,}/, '…')} ${name} [${family}] ${status} ${creationTime} ${JSON.stringify(tags)} ${sharedWith}`,
      )
    throw new Error([otherwise, ...this.told, ...images].join('\n'))
  }

  #among<T>(things: readonly T[], pick: number): T | undefined {
    return things[pick % Math.max(1, things.length)]
  }

  #members(region: string): Picture[] {
    return this.ecs.images(region).filter(({ family }) => family === 'web')
  }

  #byHand({ pick, place, deed }: Extract<SpreadEvent, { event: 'console' }>): void {
    const region = places[place] ?? places[0]
    const done = this.#deed(region, deed, pick)
    if (done !== undefined) this.told.push(`console in ${region}: ${deed} ${done}`)
  }

  #deed(region: string, deed: Deed, pick: number): string | undefined {
    const { ecs } = this
    const members = this.#members(region)
    const of = (status: string) =>
      this.#among(
        members.filter((image) => image.status === status),
        pick,
      )?.id
    const mayGo = members.filter(({ status }) => status === 'Available').length > 1
    const change = (id: string | undefined, wanted: Parameters<LocalEcs['change']>[1]) => {
      if (id !== undefined) ecs.change(id, wanted)
      return id
    }
    switch (deed) {
      case 'deprecate':
        return mayGo ? change(of('Available'), { status: 'Deprecated' }) : undefined
      case 'restore':
        return change(of('Deprecated'), { status: 'Available' })
      case 'move out': {
        const id = of('Available')
        // A bake with replicas cannot tell it from an image that never joined: stories.test.ts.
        const isBaked = id !== undefined && ecs.image(id)?.name.startsWith('web-7-')
        return mayGo && !isBaked ? change(id, { family: '' }) : undefined
      }
      case 'move in': {
        const free = ecs.images(region).filter(({ family, status }) => family === '' && status === 'Available')
        return change(this.#among(free, pick)?.id, { family: 'web' })
      }
      case 'delete': {
        const id = this.#among(members.slice(0, -1), pick)?.id
        const isLast = !mayGo && id === of('Available')
        if (id === undefined || isLast) return undefined
        ecs.remove(id)
        return id
      }
      case 'adopt': {
        const copy = ecs.images(region).find(({ copyOf, tags }) => copyOf && !('image-family:origin' in tags))
        const first = copy?.copyOf && ecs.image(copy.copyOf.id)
        return copy && first && change(copy.id, { tags: { ...copy.tags, 'image-family:origin': originOf(first) } })
      }
      case 'copy':
      case 'late copy': {
        const others = places.filter((each) => each !== region)
        const source = this.#among(this.#members(this.#among(others, pick) ?? ''), pick)
        const family = deed === 'copy' ? '' : 'web'
        return source && this.#copy(region, source.id, undefined, { family })
      }
      case 'protect': {
        const image = this.#among(members, pick)
        return image && change(image.id, { tags: { ...image.tags, 'image-family:protect': 'yes' } })
      }
    }
  }

  #inputs({ kind, pick, home, without, keep, share, unshare }: SpreadRun): Spread['inputs'] {
    const region = places[home] ?? places[0]
    const left = typeof without === 'number' ? places[without] : undefined
    const replicas = without === 'alone' ? [] : places.filter((each) => each !== region && each !== left)
    const image = this.#among(this.#members(region), pick)?.id ?? 'm-none'
    const web = {
      family: 'web',
      'region-id': region,
      ...(replicas.length > 0 ? { 'replica-region-ids': replicas.join(',') } : {}),
    }
    const sharing: Inputs = share ? { 'share-with': this.#account } : {}
    const pruning: Inputs = keep === undefined ? {} : { keep: String(keep) }
    const unsharing: Inputs = unshare ? { unshare: 'true' } : {}
    switch (kind) {
      case 'bake':
        return { ...web, ...sharing, ...pruning, mode: 'bake', 'instance-id': this.#instances[home] ?? '' }
      case 'bake-snapshot':
        return { ...web, ...sharing, ...pruning, mode: 'bake', 'snapshot-id': this.#snapshots[home] ?? '' }
      case 'bake-candidate':
        return {
          mode: 'bake',
          family: 'web-candidate',
          'region-id': region,
          'instance-id': this.#instances[home] ?? '',
        }
      case 'promote-candidate':
        return { ...web, ...sharing, ...pruning, ...unsharing, mode: 'promote', 'from-family': 'web-candidate' }
      case 'promote-image':
        return {
          ...web,
          ...sharing,
          ...pruning,
          ...unsharing,
          mode: 'promote',
          'image-id': image,
          'deprecate-newer': 'true',
        }
      case 'rollback':
        return { ...web, ...sharing, ...unsharing, mode: 'rollback', reason: 'bad' }
      case 'rollback-to':
        return { ...web, ...unsharing, mode: 'rollback', 'to-image-id': image }
      case 'quarantine':
        return { ...web, mode: 'rollback', 'quarantine-family': 'web-bad' }
      case 'resolve':
        return { ...web, mode: 'resolve' }
    }
  }

  resumed(event: SpreadRun): Spread {
    const inputs = this.#inputs(event)
    const replicas = (inputs['replica-region-ids'] ?? '').split(',').filter((region) => region !== '')
    const resumed: Spread = {
      id: 1000 + this.#runs.length,
      inputs,
      regions: [inputs['region-id'] ?? '', ...replicas],
      attempts: 0,
      settled: undefined,
      decidedSince: [],
    }
    this.#runs.push(resumed)
    return resumed
  }

  async #run(event: SpreadRun): Promise<void> {
    const resumed = this.resumed(event)
    const walked = await this.attempt(resumed, event)
    if (resumed.settled === walked && event.pick % 2 === 0) await this.#isSettled(resumed)
  }

  /** The same run again writes nothing and says the same. */
  async #isSettled(resumed: Spread): Promise<void> {
    const first = resumed.settled
    if (!first) return
    const before = this.lasting(first, first)
    const from = this.ecs.requests.length
    const again = await this.attempt(resumed, {})
    const writes = this.#writesSince(from)
    this.hold(writes.length === 0, `run ${resumed.id} again wrote ${writes.join(', ')}`)
    this.hold(again.failure === undefined, `run ${resumed.id} again failed`)
    const [now, then] = [this.lasting(again, first), before].map((said) => JSON.stringify(said))
    this.hold(now === then, `run ${resumed.id} again says\n${now}, not\n${then}`)
  }

  /** What each attempt of a run says that comes to its end, `first` among them. */
  lasting({ outputs: { plan: _, ...outputs } }: Walk, first: Walk): unknown {
    const withdrawn: string[] = JSON.parse(outputs['deprecated-image-ids'] || '[]')
    const images: Record<string, string> = JSON.parse(outputs['image-ids'] || '{}')
    return this.named({
      ...outputs,
      // Known not to last, see stories.test.ts: the order of regions, what was deleted, that there was only something to tidy.
      'image-ids': places.map((region) => images[region]),
      'deprecated-image-ids': withdrawn.filter((id) => this.ecs.image(id)),
      changed: isTidying(first) || outputs.changed,
      // That instances cannot be listed is no failure.
      'affected-instance-ids': first.outputs['affected-instance-ids'] && outputs['affected-instance-ids'],
    })
  }

  #writesSince(from: number): string[] {
    return this.ecs.requests
      .slice(from)
      .filter(({ write, dryRun, code }) => write && !dryRun && code === undefined)
      .map(({ action }) => action)
  }

  async #runAgain({ pick, crash }: Extract<SpreadEvent, { event: 're-run' }>): Promise<void> {
    const resumed = this.#among(this.#runs, pick)
    if (!resumed) return
    this.ecs.clock.advance(60)
    const before = places.map((region) => this.ecs.current('web', region))
    const { decidedSince, inputs } = resumed
    const { mode } = inputs
    // A run that found nothing to do has decided nothing.
    const hadSettled = resumed.settled?.outputs.changed === 'true'
    await this.attempt(resumed, { crash })
    for (const [index, region] of places.entries()) {
      // What a bake has not come to yet is no decision: its image comes late.
      const later = mode === 'bake' ? undefined : decidedSince.find(({ regions }) => regions.includes(region))
      // Known, see stories.test.ts: what is put before its copy by hand, a bake takes for a late copy.
      const isKnown = mode !== 'bake' || !isByHand(this.ecs.image(before[index] ?? ''))
      if (!(hadSettled && isKnown) && !later) continue
      const why = hadSettled ? 'had done its work before' : `undid what run ${later?.by} decided`
      const now = this.ecs.current('web', region)
      this.hold(
        now === before[index],
        `run ${resumed.id} again ${why}: ${region} now serves ${now}, not ${before[index]}`,
      )
    }
  }

  /** One attempt of a run, with everything that has to hold for it. */
  async attempt(resumed: Spread, { crash, trouble }: Trial): Promise<Walk> {
    const { ecs } = this
    resumed.attempts += 1
    // What is being created gets ready first: that it becomes current is nobody's doing.
    ecs.clock.advance(60)
    this.#learnNames()
    const dying = new AbortController()
    const from = ecs.requests.length
    const answers = new Map<string, (string | undefined)[]>(
      places.map((region) => [region, [ecs.current('web', region)]]),
    )
    const wrongs: string[] = []
    let left = trouble?.requests ?? 0
    ecs.intercept = (phase, record) => {
      const number = record.index - from
      for (const [region, served] of answers) {
        const now = ecs.current('web', region)
        // What changes while a request is carried out is this run's doing; an image that gets ready between two is not.
        if (phase === 'before') served.splice(-1, 1, now)
        else if (now !== served.at(-1)) served.push(now)
        if (now === undefined && served.at(-2) !== undefined) wrongs.push(`the family in ${region} is empty`)
      }
      if (phase === 'before') wrongs.push(...this.#wrongWith(resumed, record))
      if (crash && phase === 'after' && number === crash.at) dying.abort()
      if (phase === 'before' && crash?.how === 'killed' && number > crash.at) throw new Error('The process is dead.')
      if (
        phase === 'before' &&
        trouble &&
        number >= trouble.from &&
        record.region === places[trouble.place] &&
        left > 0
      ) {
        if (trouble.denied) {
          left -= 1
          throw denial()
        }
        if (left < 5) {
          left -= 1
          throw new EcsError(
            503,
            'ServiceUnavailable',
            'The request has failed due to a temporary failure of the server.',
          )
        }
      }
    }
    const run = { id: resumed.id, attempt: resumed.attempts }
    const walked = await walk(ecs, resumed.inputs, { run, signal: dying.signal })
    ecs.intercept = undefined
    this.#learnNames()
    const changes = [...answers].flatMap(([region, served]) =>
      served.length > 1 ? [`${region}: ${served.join(' → ')}`] : [],
    )
    this.told.push(
      `run ${resumed.id}/${resumed.attempts} ${JSON.stringify(resumed.inputs)}${crash ? ` ${crash.how} at ${crash.at}` : ''}${trouble ? ` trouble ${JSON.stringify(trouble)}` : ''}: ${walked.failure?.what ?? walked.headline}; ${changes.join('; ')}`,
    )
    this.hold(wrongs.length === 0, wrongs.join('\n'))
    for (const [region, served] of answers) {
      this.hold(served.length <= 2, `run ${resumed.id} changed what ${region} serves ${served.length - 1} times`)
      const mayChange = resumed.regions.includes(region)
      this.hold(
        served.length === 1 || mayChange,
        `run ${resumed.id} changed what ${region} serves, which it does not name`,
      )
    }
    this.#oneEach()
    this.#judge(resumed, walked, { from, changes })
    resumed.decidedSince = []
    // A process that is dead says nothing, whatever it would have said.
    if (!walked.failure && !dying.signal.aborted) {
      resumed.settled = walked
      if (changes.length > 0) {
        for (const other of this.#runs) {
          // By the numbers of workflow runs alone can one without a mark tell who came later.
          if (other.id < resumed.id) other.decidedSince.push({ by: resumed.id, regions: resumed.regions })
        }
      }
    }
    return walked
  }

  /** Never two images, or copies in one region, of one run. */
  #oneEach(): void {
    const made = this.ecs.images().flatMap(({ region, tags, status }) => {
      const key = tags['image-family:run']
      return key && status !== 'CreateFailed' ? [`${key} in ${region}`] : []
    })
    const twice = made.filter((each, index) => made.indexOf(each) !== index)
    this.hold(twice.length === 0, `two images of run ${twice.join(', ')}`)
  }

  /** What is deleted is asked for when nothing speaks for it. */
  #wrongWith({ inputs }: Spread, { action, parameters, dryRun }: RequestRecord): string[] {
    const { ecs } = this
    if (dryRun) return []
    if (action === 'DeleteSnapshot') {
      const snapshot = parameters.SnapshotId ?? ''
      return this.#snapshots.includes(snapshot) ? [`the user's snapshot ${snapshot} is deleted`] : []
    }
    if (action !== 'DeleteImage') return []
    const image = ecs.image(parameters.ImageId ?? '')
    if (!image) return []
    const { id, region, tags, sharedWith, creationTime } = image
    const members = this.#members(region)
    const current = ecs.images(region).find((each) => each.id === ecs.current('web', region))
    const older = members.filter(
      (each) => each.status === 'Available' && current && each.creationTime < current.creationTime,
    )
    const fallback = older.sort((a, b) => b.creationTime.localeCompare(a.creationTime))[0]
    const newerCount = members.filter(
      (each) => each.creationTime > creationTime && ['Available', 'Deprecated'].includes(each.status),
    ).length
    const faults = {
      'which is current': id === current?.id,
      'what a rollback falls back to': id === fallback?.id,
      'which is protected': 'image-family:protect' in tags,
      'which is shared': sharedWith.length > 0 && inputs.unshare !== 'true',
      'which is not of this action': !isOwn(image),
      'which is not of the family': image.family !== 'web',
      'of those to keep': newerCount < Number(inputs.keep),
      'in a region that is not listed': !`${inputs['region-id']},${inputs['replica-region-ids']}`.includes(region),
    }
    return Object.entries(faults).flatMap(([what, is]) => (is ? [`${id} is deleted, ${what}`] : []))
  }

  #judge(resumed: Spread, walked: Walk, { from, changes }: { from: number; changes: readonly string[] }): void {
    const { outcome, outputs, failure } = walked
    const { id, regions, inputs } = resumed
    if (outcome.plan?.kind === 'refuse') {
      this.hold(changes.length === 0, `run ${id} refused, and changed what is served`)
      // What takes long is made before all is looked at once more; it stays outside of the family.
      const writes = this.#writesSince(from).filter((action) => !['CreateImage', 'CopyImage'].includes(action))
      this.hold(writes.length === 0, `run ${id} refused, and wrote ${writes.join(', ')}`)
    }
    if (failure) return
    if (inputs.mode === 'bake' && inputs.family !== 'web') return
    const current = Object.fromEntries(
      regions.flatMap((region) => {
        const image = this.ecs.current('web', region)
        return image ? [[region, image]] : []
      }),
    )
    this.hold(
      outputs['current-image-ids'] === JSON.stringify(current),
      `run ${id} says ${outputs['current-image-ids']}, and ECS ${JSON.stringify(current)}`,
    )
    const origins = regions.map((region) => {
      const image = this.ecs.image(current[region] ?? '')
      return image && originOf(image)
    })
    const isInSync = origins.every((origin) => origin !== undefined && origin === origins[0])
    if (regions.length > 1)
      this.hold(outputs['in-sync'] === String(isInSync), `run ${id} says in-sync=${outputs['in-sync']}`)
    if (inputs.mode === 'resolve') return
    const isOvertaken = outcome.verifications.some(({ kind }) => kind === 'overtaken')
    const isRepeated = resumed.settled !== undefined || resumed.attempts > 1
    // What it was to take is older than what is served: nothing to do.
    const stays = inputs['from-family'] !== undefined && outputs['image-id'] === outputs['previous-image-id']
    if (isOvertaken || isRepeated || stays) return
    this.hold(isInSync, `run ${id} succeeded, and the regions are apart`)
    const settled: Record<string, string> = JSON.parse(outputs['image-ids'] ?? '{}')
    const isServed = regions.every((region) => settled[region] === current[region])
    this.hold(isServed, `run ${id} settled on ${JSON.stringify(settled)}`)
  }

  #learnNames(): void {
    for (const { id, region, name } of this.ecs.images()) this.#names.set(id, `${region}/${name}`)
  }

  /** With names in place of IDs, and without times: the same in every walk. */
  named(value: unknown): unknown {
    const text = JSON.stringify(timeless(value)).replaceAll(/m-[a-z0-9]{10,}/g, (id) => this.#names.get(id) ?? id)
    return JSON.parse(text.replaceAll(/s-[a-z0-9]{12,}/g, 's'))
  }

  /** What there is, in every region. */
  picture(): unknown {
    const images = this.ecs.images().sort((a, b) => `${a.region}/${a.name}`.localeCompare(`${b.region}/${b.name}`))
    return this.named(
      images.map(({ region, name, family, status, tags, sharedWith }) => ({
        region,
        name,
        family,
        status,
        tags,
        sharedWith,
      })),
    )
  }
}

interface Ending {
  readonly history: SpreadHistory
  readonly walked: Walk
}

/** A run in a history of its own: undisturbed, or disturbed again and again and then walked to its end. */
async function ending(before: readonly SpreadEvent[], run: SpreadRun, trials: readonly Trial[]): Promise<Ending> {
  const history = await SpreadHistory.begin()
  try {
    for (const event of before) await history.live(event)
    const resumed = history.resumed(run)
    for (const trial of trials) await history.attempt(resumed, trial)
    return { history, walked: await history.attempt(resumed, {}) }
  } finally {
    await history.end()
  }
}

/** Crashed or denied something anywhere and run again, a run ends where the undisturbed run ends. */
export async function endsTheSame(
  before: readonly SpreadEvent[],
  run: SpreadRun,
  trials: readonly Trial[],
): Promise<void> {
  const undisturbed = await ending(before, run, [])
  const disturbed = await ending(before, run, trials)
  const [wanted = [], got = []] = [undisturbed, disturbed].map(({ history, walked }) => {
    const end = { isWell: !walked.failure, said: history.lasting(walked, undisturbed.walked), there: history.picture() }
    return JSON.stringify(end, null, 1).split('\n')
  })
  const differences = [
    ...wanted.filter((line) => !got.includes(line)).map((line) => `- ${line}`),
    ...got.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
  ]
  const isSame = wanted.join() === got.join()
  disturbed.history.hold(isSame, ['disturbed and run again, the end is another one:', ...differences].join('\n'))
}

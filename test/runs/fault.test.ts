/**
 * Fault everywhere: each kind of fault at each request of each mode. The run comes out as without it; or, for faults
 * that nobody gains by repeating, it fails once and clearly, and a re-run completes what is missing. The second half is
 * about one family in three regions: faults at each request, a run lost at each request, and a region that fails from
 * each request on.
 */
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Phase, phases } from '../../src/family/plan/plan.ts'
import type { Inputs } from '../action/runner.ts'
import {
  bakes,
  bakesEverywhere,
  lasting,
  promotions,
  promotionsEverywhere,
  regions,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  startEcs,
  stoppingBake,
  stoppingBakeEverywhere,
  timeless,
} from '../action/scenarios.ts'
import type { Fault } from '../local-ecs/faults.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { type Walk, walk } from './walk.ts'

interface End {
  readonly state: unknown
  readonly outputs: unknown
}

const resolves: readonly Scenario[] = [
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

const endOf = (ecs: LocalEcs, { outputs }: Walk): End => ({ state: timeless(ecs.state()), outputs: lasting(outputs) })

async function undisturbed({ arrange }: Scenario): Promise<{ end: End; requests: number }> {
  const ecs = await startEcs()
  const inputs = arrange(ecs)
  const walked = await walk(ecs, inputs)
  expect(walked.failure).toBeUndefined()
  const end = endOf(ecs, walked)
  const requests = ecs.requests.length
  await ecs.close()
  return { end, requests }
}

const throttlings = [
  'Throttling',
  'Throttling.User',
  'Throttling.Api',
  'Rejected.Throttling',
  'Throttling.ConcurrentLimitExceeded',
  'Throttling.Resource',
]

/** What passes by itself, or is repeated safely. `at` varies the spelling from request to request. */
const passing: Readonly<Record<string, (at: number) => Omit<Fault, 'nth'>>> = {
  'throttling, in each spelling': (at) => ({
    kind: 'throttling',
    code: throttlings[at % throttlings.length],
    times: 2,
  }),
  'throttling that says when to come back': () => ({ kind: 'throttling-retry-after', retryAfter: 3 }),
  'an internal error': () => ({ kind: 'internal-error' }),
  'an internal error after it took effect': () => ({ kind: 'internal-error', takesEffect: true }),
  'a service that is unavailable': () => ({ kind: 'unavailable', times: 3 }),
  'HTML from a gateway': () => ({ kind: 'html' }),
  'HTML from a gateway after it took effect': () => ({ kind: 'html', takesEffect: true }),
  'broken JSON': () => ({ kind: 'broken-json' }),
  'an empty answer': () => ({ kind: 'empty' }),
  'a connection reset before it took effect': () => ({ kind: 'reset-before' }),
  'an answer lost after it took effect': () => ({ kind: 'reset-after' }),
  'a slow answer': () => ({ kind: 'slow', seconds: 0.03 }),
}

/** What only a person can mend. */
const permanent: Readonly<Record<string, () => Omit<Fault, 'nth'>>> = {
  'a denial': () => ({
    kind: 'error',
    status: 403,
    code: 'Forbidden.RAM',
    message: 'User not authorized to operate on the specified resource.',
  }),
  'an expired session': () => ({
    kind: 'error',
    status: 400,
    code: 'InvalidSecurityToken.Expired',
    message: 'Expired.',
  }),
}

interface Faulted {
  readonly ecs: LocalEcs
  readonly inputs: Inputs
  readonly walked: Walk
  readonly expected: End
  readonly where: string
}

async function faultEverywhere(
  scenario: Scenario,
  fault: (at: number) => Omit<Fault, 'nth'>,
  check: (faulted: Faulted) => Promise<void>,
): Promise<void> {
  const { end, requests } = await undisturbed(scenario)
  await sideBySide(
    Array.from({ length: requests }, (_, index) => index),
    async (at) => {
      const ecs = await startEcs()
      const inputs = scenario.arrange(ecs)
      ecs.faults.add({ nth: at + 1, ...fault(at) })
      const walked = await walk(ecs, inputs)
      const where = `at request ${at} (${ecs.requests[at]?.action})`
      expect(ecs.requests[at]?.fault, where).toBeDefined()
      ecs.faults.clear()
      await check({ ecs, inputs, walked, expected: end, where })
      await ecs.close()
    },
  )
}

/** Most of a walk's time is spent in waiting. */
async function sideBySide<T>(things: readonly T[], visit: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things]
  const worker = async (): Promise<void> => {
    for (let next = left.splice(0, 1); next.length > 0; next = left.splice(0, 1)) await visit(next[0] as T)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

const scenarios = [...resolves, ...bakes, stoppingBake, ...promotions, ...rollbacks]
const limit = 60_000

for (const scenario of scenarios) {
  for (const [name, fault] of Object.entries(passing)) {
    test(`${scenario.name}, with ${name} at any request`, { timeout: limit }, () =>
      faultEverywhere(scenario, fault, async ({ ecs, walked, expected, where }) => {
        expect(walked.failure, where).toBeUndefined()
        expect(endOf(ecs, walked), where).toEqual(expected)
      }),
    )
  }
  for (const [name, fault] of Object.entries(permanent)) {
    test(
      `${scenario.name}, with ${name} at any request: one clear failure, completed by a re-run`,
      { timeout: limit },
      () =>
        faultEverywhere(scenario, fault, async ({ ecs, inputs, walked, expected, where }) => {
          if (walked.failure) {
            expect(walked.failure.what, where).toMatch(/Forbidden\.RAM|InvalidSecurityToken\.Expired/)
            expect(walked.failure.remedy, where).toMatch(/\w{3}/)
          }
          const again = await walk(ecs, inputs, { run: { attempt: 2 } })
          expect(again.failure, where).toBeUndefined()
          expect(endOf(ecs, again), where).toEqual(expected)
        }),
    )
  }
}

// ── One family in three regions ──────────────────────────────────────────────

/**
 * A request by what it asks of whom, and the how manieth of its kind it is: regions go on side by side, so that its
 * place among the others differs from walk to walk.
 */
interface Place {
  readonly key: string
  readonly region: string
  readonly action: string
  readonly isWrite: boolean
  readonly occurrence: number
}

/** The region that a request is about; a copy is asked for where its source is. */
const regionOf = (ecs: LocalEcs, { parameters }: RequestRecord): string => {
  const { DestinationRegionId, RegionId, SnapshotId = '' } = parameters
  return DestinationRegionId ?? RegionId ?? ecs.snapshot(SnapshotId)?.region ?? 'cn-hangzhou'
}

/** Names each request as it comes. */
function placing(ecs: LocalEcs): (request: RequestRecord) => Place {
  const seen = new Map<string, number>()
  return (request) => {
    const { action, write, dryRun } = request
    const key = JSON.stringify([action, timeless(request.parameters)])
    const occurrence = (seen.get(key) ?? 0) + 1
    seen.set(key, occurrence)
    return { key, action, region: regionOf(ecs, request), isWrite: write && !dryRun, occurrence }
  }
}

const isAt = (one: Place, other: Place): boolean => one.key === other.key && one.occurrence === other.occurrence

const told = ({ action, region, key, occurrence }: Place): string =>
  `${action} (${occurrence}) about ${region}, ${key.slice(0, 200)}`

/** What comes of one run, over all its walks. */
class Watch {
  /** What the family has answered, in each region: each time that it changed. */
  readonly answers: (string | undefined)[][]
  /** What has been changed for people to see, one entry an effect: however many requests it took. */
  readonly effects: string[] = []
  readonly #ecs: LocalEcs

  constructor(ecs: LocalEcs) {
    this.#ecs = ecs
    this.answers = this.served.map((id) => [id])
  }

  get served(): (string | undefined)[] {
    return regions.map((region) => this.#ecs.current('web', region))
  }

  note(request: RequestRecord): void {
    for (const [index, id] of this.served.entries()) {
      if (this.answers[index]?.at(-1) !== id) this.answers[index]?.push(id)
    }
    const isRefused = 'Code' in (request.answer as object)
    if (request.write && !request.dryRun && !isRefused) this.effects.push(...effectsOf(request))
  }
}

/** Marks are the action's own business. */
function effectsOf({ action, parameters }: RequestRecord): string[] {
  if (action === 'UntagResources' || /"image-family:/.test(JSON.stringify(parameters))) {
    if (/TagResources$/.test(action)) return []
  }
  const { RegionId: _, ClientToken, Description, ...rest } = parameters
  const isListed = ([name]: [string, string]) => /^(AddAccount|RemoveAccount|ResourceId)\.\d+$/.test(name)
  const entries = Object.entries(rest).filter(([name]) => !/^(Tag|Destination(Description|ImageName))\b/.test(name))
  const what = [action, ...entries.filter((entry) => !isListed(entry)).map(([, value]) => value)].join(' ')
  const each = entries.filter(isListed).map(([, value]) => `${what} ${value}`)
  return each.length === 0 ? [what] : each
}

interface Gate {
  /** Before a request takes effect. Throws: it takes none. */
  readonly before?: (place: Place) => void
  /** It never gets an answer, and takes no effect. */
  readonly holds?: (place: Place) => boolean
  /** When it has taken effect. Throws: its answer is lost. */
  readonly after?: (place: Place) => void
}

const gone = new Error('The process that sent this request is gone.')

/** Lets one request in at a time, so that what is arranged for it meets it and no other. */
function guard(
  ecs: LocalEcs,
  waitForImage: Watch,
  { before, holds, after }: Gate,
  over = new AbortController().signal,
): void {
  const place = placing(ecs)
  const inside = new Map<number, { here: Place; leave: () => void }>()
  let free = Promise.resolve()
  const enter = async (request: RequestRecord): Promise<void> => {
    const turn = free
    const { promise, resolve: leave } = Promise.withResolvers<void>()
    free = promise
    await turn
    const here = place(request)
    try {
      if (holds?.(here)) {
        leave()
        await new Promise((resolve) => over.addEventListener('abort', resolve))
      }
      if (over.aborted) throw gone
      before?.(here)
      inside.set(request.index, { here, leave })
    } catch (error) {
      leave()
      throw error
    }
  }
  ecs.intercept = async (phase, request) => {
    if (phase === 'before') return await enter(request)
    const passing = inside.get(request.index)
    try {
      waitForImage.note(request)
      if (passing) after?.(passing.here)
    } finally {
      passing?.leave()
    }
  }
}

interface Straight extends End {
  readonly effects: readonly string[]
  readonly answers: Watch['answers']
}

/** An image that is withdrawn when it is ready is served for a moment, for longer where that takes two attempts. */
const answersOf = ({ answers }: Watch, inputs: Inputs): Watch['answers'] =>
  'withdraw-pending' in inputs ? answers.map((each) => each.slice(-1)) : answers

const endsOf = (
  ecs: LocalEcs,
  { walked, waitForImage, inputs }: { walked: Walk; waitForImage: Watch; inputs: Inputs },
): Straight => ({
  ...endOf(ecs, walked),
  effects: waitForImage.effects.sort(),
  answers: answersOf(waitForImage, inputs),
})

/** The undisturbed run, in one go: all that the others are measured by. */
async function straight({ arrange }: Scenario): Promise<{ expected: Straight; places: readonly Place[] }> {
  const ecs = await startEcs()
  const inputs = arrange(ecs)
  const places: Place[] = []
  const waitForImage = new Watch(ecs)
  guard(ecs, waitForImage, { before: (place) => void places.push(place) })
  const walked = await walk(ecs, inputs)
  expect(walked.failure).toBeUndefined()
  const expected = endsOf(ecs, { walked, waitForImage, inputs })
  for (const answers of expected.answers) expect(answers.length, 'each answer changes once at most').toBeLessThan(3)
  await ecs.close()
  return { expected, places }
}

interface Disturbed {
  readonly ecs: LocalEcs
  readonly inputs: Inputs
  readonly waitForImage: Watch
}

/** A first attempt that something is done to, and the next one, which has to succeed. */
async function inTwoAttempts({ arrange }: Scenario, first: (disturbed: Disturbed) => Promise<void>): Promise<Straight> {
  const ecs = await startEcs()
  const inputs = arrange(ecs)
  const waitForImage = new Watch(ecs)
  await first({ ecs, inputs, waitForImage })
  ecs.faults.clear()
  guard(ecs, waitForImage, {})
  const second = await walk(ecs, inputs, { run: { attempt: 2 } })
  expect(second.failure).toBeUndefined()
  const end = endsOf(ecs, { walked: second, waitForImage, inputs })
  await ecs.close()
  return end
}

/** Of a fault that is told, where it was. */
async function at(where: string, check: () => Promise<void>): Promise<void> {
  await check().catch((error: Error) => {
    error.message = `${where}: ${error.message}`
    throw error
  })
}

// What passes by itself

const spoilsOnly = ({ kind, takesEffect }: Omit<Fault, 'nth'>): boolean =>
  takesEffect ?? ['broken-json', 'empty', 'reset-after', 'slow'].includes(kind)
const kinds = Object.values(passing)
const [beforeEffect, afterEffect] = [false, true].map((isAfter) =>
  kinds.filter((fault) => spoilsOnly(fault(0)) === isAfter),
) as [typeof kinds, typeof kinds]

/** Each kind meets each kind of request in one region. Here they take turns: two at each write, one at each read. */
async function passingEverywhere(scenario: Scenario): Promise<void> {
  const { expected, places } = await straight(scenario)
  const cases = places.flatMap((place, index) =>
    (place.isWrite ? [beforeEffect, afterEffect] : [kinds]).flatMap((some) => {
      const fault = some[index % some.length]?.(index)
      return fault ? [{ place, fault }] : []
    }),
  )
  await sideBySide(cases, async ({ place, fault }) => {
    const ecs = await startEcs()
    const inputs = scenario.arrange(ecs)
    const waitForImage = new Watch(ecs)
    guard(ecs, waitForImage, { before: (here) => isAt(here, place) && ecs.faults.add(fault) })
    const walked = await walk(ecs, inputs)
    await at(`${fault.kind} at ${told(place)}`, async () => {
      expect(walked.failure).toBeUndefined()
      // What was carried out without an answer is asked for again.
      const { effects: _, ...end } = endsOf(ecs, { walked, waitForImage, inputs })
      const { effects: __, ...same } = expected
      expect(end).toEqual(same)
    })
    await ecs.close()
  })
}

// The process is lost

/**
 * Where a process may be lost: before and after each write, and after each read, for time passes with them. As long as
 * nothing is written there is nothing to be found; of the reads before, the first is as good as any.
 */
const deathsAmong = (places: readonly Place[]) => {
  const resumed = places.findIndex(({ isWrite }) => isWrite)
  return places
    .filter((_, index) => index === 0 || index >= resumed)
    .flatMap((place) =>
      (place.isWrite ? (['before', 'after'] as const) : (['after'] as const)).map((phase) => ({ place, phase })),
    )
}

/**
 * For ECS a process that is killed is one that asks for nothing more: the step is cancelled, and whatever it still asks
 * for takes no effect.
 */
async function lostEverywhere(scenario: Scenario): Promise<void> {
  const { expected, places } = await straight(scenario)
  await sideBySide(deathsAmong(places), async ({ place, phase }) => {
    const end = inTwoAttempts(scenario, async ({ ecs, inputs, waitForImage }) => {
      const death = new AbortController()
      const dies = (here: Place) => {
        if (!isAt(here, place)) return
        death.abort()
        throw gone
      }
      guard(ecs, waitForImage, { [phase]: dies }, death.signal)
      await walk(ecs, inputs, { signal: death.signal })
    })
    await at(`lost ${phase} ${told(place)}`, async () => expect(await end).toEqual(expected))
  })
}

/**
 * From a write on, one region alone gets answers, and goes as far as it can before the process is lost: each region in
 * turn, as one write follows the other.
 */
async function lostWithOneAhead(scenario: Scenario): Promise<void> {
  const { expected, places } = await straight(scenario)
  const writes = places.filter(({ isWrite }) => isWrite)
  const deaths = writes.map((place, index) => ({ place, ahead: regions[index % regions.length] }))
  await sideBySide(deaths, async ({ place, ahead }) => {
    const end = inTwoAttempts(scenario, async ({ ecs, inputs, waitForImage }) => {
      const death = new AbortController()
      let isHeld = false
      const gate: Gate = {
        holds: ({ region }) => isHeld && region !== ahead,
        after: (here) => {
          if (!isAt(here, place)) return
          isHeld = true
          void quiet(ecs).then(() => death.abort())
        },
      }
      guard(ecs, waitForImage, gate, death.signal)
      await walk(ecs, inputs, { signal: death.signal })
    })
    await at(`${ahead} ahead after ${told(place)}`, async () => expect(await end).toEqual(expected))
  })
}

/** Nothing more is asked: a few poll intervals without a request. */
async function quiet(ecs: LocalEcs): Promise<void> {
  for (let seen = -1; seen !== ecs.requests.length; ) {
    seen = ecs.requests.length
    await setTimeout(30)
  }
}

// One region fails

type Failing = 'denies this' | 'is down' | 'loses its answers'

const failures: Readonly<Record<Failing, Fault>> = {
  'denies this': { kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'User not authorized to operate.' },
  'is down': { kind: 'unavailable' },
  'loses its answers': { kind: 'reset-after' },
}
const kindsOfFailure = Object.keys(failures) as Failing[]

const quickly: Inputs = { 'poll-interval-seconds': '0.002' }

/** Until the switch no family's answer may change. */
const isBeforeSwitch = (phase: 'looking' | Phase | undefined): boolean =>
  phase === 'looking' || (phase !== undefined && phases.indexOf(phase) < phases.indexOf('activate'))

function failedIn({ outcome: { plan, failure } }: Walk): 'looking' | Phase | undefined {
  if (failure?.doing === 'looking at the family' || plan?.kind === 'refuse') return 'looking'
  const [failed] = failure?.steps ?? []
  return phases.find((phase) => failed?.id.split('/')[1] === phase)
}

/** One failure that names the region; nowhere an answer that has changed too early; the others served as they are told. */
function checkFailure(
  walked: Walk,
  { ecs, waitForImage }: Disturbed,
  { place, expected }: { place: Place; expected: Straight },
) {
  const { failure } = walked
  if (!failure) return
  const { region } = place
  // What is refused at home goes without its name.
  if (walked.outcome.plan?.kind !== 'refuse' || region !== regions[0]) expect(failure.what).toContain(region)
  expect(failure.remedy).toMatch(/\w{3}/)
  const phase = failedIn(walked)
  const isEarly = isBeforeSwitch(phase)
  const isSwitched = waitForImage.answers.some(({ length }) => length > 1)
  if (isEarly) expect(isSwitched, `an answer changed, and it failed in ${phase}`).toBe(false)
  for (const [index, other] of regions.entries()) {
    if (other === region) continue
    if (!isEarly) expect(ecs.current('web', other), `served in ${other}`).toBe(expected.answers[index]?.at(-1))
    // Where one region cannot be looked at any more, that is said; never what is not so.
    const served = `serves [^,]*${ecs.current('web', other) ?? 'nothing'}`
    if (isSwitched)
      expect(failure.what).toMatch(new RegExp(`${other} (${served}|was changed and has not been looked at)`))
  }
}

async function oneRegionFailing(scenario: Scenario): Promise<void> {
  const { expected, places } = await straight(scenario)
  // Writes fail in each way, of the others each in one of them. Before the first write one of a kind is enough.
  const resumed = places.findIndex(({ isWrite }) => isWrite)
  const isOther = ({ action, region }: Place, index: number) =>
    index > resumed || places.findIndex((other) => other.action === action && other.region === region) === index
  const cases = places
    .filter(isOther)
    .flatMap((place, index) =>
      kindsOfFailure
        .filter((_, kind) => place.isWrite || kind === index % kindsOfFailure.length)
        .map((failing) => ({ place, failing })),
    )
  await sideBySide(cases, async ({ place, failing }) => {
    const isMeant = ({ region, action }: Place) =>
      region === place.region && (failing === 'is down' || action === place.action)
    await at(`${failing} at ${told(place)}`, async () => {
      const end = await inTwoAttempts(scenario, async (disturbed) => {
        const { ecs, inputs, waitForImage } = disturbed
        let isFailing = false
        const before = (here: Place) => {
          isFailing ||= isAt(here, place)
          if (isFailing && isMeant(here)) ecs.faults.add(failures[failing])
        }
        guard(ecs, waitForImage, { before })
        checkFailure(await walk(ecs, { ...inputs, ...quickly }), disturbed, { place, expected })
      })
      // What was carried out without an answer is asked for again.
      const effects = failing === 'loses its answers' ? [...new Set(end.effects)] : end.effects
      expect({ ...end, effects }).toEqual(expected)
    })
  })
}

const everywhere = [...bakesEverywhere, stoppingBakeEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]
const longer = 120_000

for (const scenario of everywhere) {
  const { name } = scenario
  test(`${name}, with a fault at any request`, { timeout: longer }, () => passingEverywhere(scenario))
  test(`${name}, lost at any request`, { timeout: longer }, () => lostEverywhere(scenario))
  test(`${name}, lost with one region ahead`, { timeout: longer }, () => lostWithOneAhead(scenario))
  test(`${name}, one region failing from any request on`, { timeout: longer }, () => oneRegionFailing(scenario))
}

// The look after the failure is given up for all regions where one of them does not answer: it should tell what each of
// the others serves by now, and say only of the one that is down that it could not be looked at.
test('one region down in the switch: the failure says what the others serve', async () => {
  const [scenario] = rollbacksEverywhere
  if (!scenario) throw new Error('There is no such scenario.')
  const ecs = await startEcs()
  const inputs = scenario.arrange(ecs)
  let isDown = false
  const before = ({ region, action, isWrite }: Place) => {
    if (region !== 'cn-beijing') return
    isDown ||= isWrite && action === 'ModifyImageAttribute'
    if (isDown) ecs.faults.add(failures['is down'])
  }
  guard(ecs, new Watch(ecs), { before })
  const { failure } = await walk(ecs, { ...inputs, ...quickly })
  const others = ['cn-hangzhou', 'cn-shanghai'].map((region) => `${region} serves .*${ecs.current('web', region)}`)
  await ecs.close()
  for (const other of others) expect(failure?.what).toMatch(new RegExp(other))
})

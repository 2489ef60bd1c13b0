/**
 * Fault anywhere: at any request of a run something goes wrong between the action and ECS. What passes is sat out, and
 * the run comes out as without it; what a person has to put right fails once and clearly, and a re-run completes what
 * is missing. One scenario a mode meets each kind of fault at each request; in the others the kinds take turns, so that
 * each request meets one that spoils it before it takes effect and one after. In a soak all meet all, as far as `SOAK_RUNS`
 * allows.
 */
import { expect, test } from 'vitest'
import type { Fault } from '../local-ecs/faults.ts'
import {
  bakes,
  bakesEverywhere,
  oneOfEach,
  promotions,
  promotionsEverywhere,
  resolves,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  stoppingBake,
  stoppingBakeEverywhere,
} from '../scenarios.ts'
import { isSoak, spread, within } from '../soak.ts'
import { guard } from './gate.ts'
import { describePlace, isAt, type Place } from './places.ts'
import { at, type End, endInOneAttempt, endInTwoAttempts, sideBySide, undisturbed } from './re-run.ts'
import { runMain } from './step.ts'

/** `at` varies the spelling from request to request. */
type Kind = (at: number) => Omit<Fault, 'nth'>

const throttlings = [
  'Throttling',
  'Throttling.User',
  'Throttling.Api',
  'Rejected.Throttling',
  'Throttling.ConcurrentLimitExceeded',
  'Throttling.Resource',
]

/** What passes by itself, or is repeated safely. */
const passing: Readonly<Record<string, Kind>> = {
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

/** What only a person can put right. */
const permanent: Readonly<Record<string, Kind>> = {
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

interface Case {
  readonly place: Place
  readonly fault: Omit<Fault, 'nth'>
}

/** At each request each of these kinds; in a short soak some of it, and less where other tests share the scenario. */
const everyKind =
  (kinds: readonly Kind[], { tests = 1 } = {}) =>
  (places: readonly Place[]): readonly Case[] =>
    spread(
      places.flatMap((place, index) => kinds.map((kind) => ({ place, fault: kind(index) }))),
      tests,
    )

/** Each list gives one kind to a request, the next one to the next. */
const inTurns =
  (listsFor: (place: Place) => readonly (readonly Kind[])[]) =>
  (places: readonly Place[]): Case[] =>
    places.flatMap((place, index) =>
      listsFor(place).flatMap((kinds) => {
        const kind = kinds[index % kinds.length]
        return kind ? [{ place, fault: kind(index) }] : []
      }),
    )

const spoilsOnly = ({ kind, takesEffect }: Omit<Fault, 'nth'>): boolean =>
  takesEffect ?? ['broken-json', 'empty', 'reset-after', 'slow'].includes(kind)
const kinds = Object.values(passing)
const [beforeEffect, afterEffect] = [false, true].map((isAfter) =>
  kinds.filter((kind) => spoilsOnly(kind(0)) === isAfter),
) as [Kind[], Kind[]]

/** What was carried out without an answer is asked for again: effects may be there twice. */
const withoutEffects = ({ effects: _, ...end }: End): Omit<End, 'effects'> => end

type Cases = (places: readonly Place[]) => readonly Case[]

async function passes(scenario: Scenario, cases: Cases): Promise<void> {
  const { expected, places } = await undisturbed(scenario)
  await sideBySide(cases(places), ({ place, fault }) =>
    at(`${fault.kind} at ${describePlace(place)}`, async () => {
      let met = 0
      const end = await endInOneAttempt(scenario, ({ ecs, inputs, watch }) => {
        guard(ecs, watch, { before: (here) => void (isAt(here, place) && ecs.faults.add(fault)) })
        return runMain(ecs, inputs).finally(() => {
          met = ecs.requests.filter((request) => request.fault === fault.kind).length
        })
      })
      expect(met).toBeGreaterThan(0)
      expect(withoutEffects(end)).toEqual(withoutEffects(expected))
    }),
  )
}

async function failsOnce(scenario: Scenario, cases: Cases): Promise<void> {
  const { expected, places } = await undisturbed(scenario)
  await sideBySide(cases(places), ({ place, fault }) =>
    at(`${fault.code} at ${describePlace(place)}`, async () => {
      const end = await endInTwoAttempts(scenario, async ({ ecs, inputs, watch }) => {
        guard(ecs, watch, { before: (here) => void (isAt(here, place) && ecs.faults.add(fault)) })
        const { errors } = await runMain(ecs, inputs)
        expect(ecs.requests.some((request) => request.code === fault.code)).toBe(true)
        // What is only looked at for the report, or made up for, is no failure.
        if (errors.length === 0) return
        expect(errors).toHaveLength(1)
        expect(errors[0]).toMatch(/Forbidden\.RAM|InvalidSecurityToken\.Expired/)
        expect(errors[0]?.split('\n').slice(1).join()).toMatch(/\w{3}/)
      })
      expect(end).toEqual(expected)
    }),
  )
}

const here = [...resolves, ...bakes, stoppingBake, ...promotions, ...rollbacks]
const others = here.filter((scenario) => !oneOfEach.includes(scenario))
const everywhere = [...bakesEverywhere, stoppingBakeEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]

const limit = within(120_000)

const tests = Object.keys({ ...passing, ...permanent }).length

for (const scenario of isSoak ? here : oneOfEach) {
  for (const [name, kind] of Object.entries(passing)) {
    test(`${scenario.name}, with ${name} at any request`, { timeout: limit }, () =>
      passes(scenario, everyKind([kind], { tests })),
    )
  }
  for (const [name, kind] of Object.entries(permanent)) {
    test(
      `${scenario.name}, with ${name} at any request: one clear failure, completed by a re-run`,
      { timeout: limit },
      () => failsOnce(scenario, everyKind([kind], { tests })),
    )
  }
}

// In a soak they meet every kind above.
for (const scenario of isSoak ? [] : others) {
  test(`${scenario.name}, with a fault at any request`, { timeout: limit }, () =>
    passes(
      scenario,
      inTurns(() => [beforeEffect, afterEffect]),
    ),
  )
  test(`${scenario.name}, denied at any request: one clear failure, completed by a re-run`, { timeout: limit }, () =>
    failsOnce(
      scenario,
      inTurns(() => [Object.values(permanent)]),
    ),
  )
}

for (const scenario of everywhere) {
  test(`${scenario.name}, with a fault at any request`, { timeout: limit }, () =>
    passes(
      scenario,
      isSoak ? everyKind(kinds) : inTurns((place) => (place.isWrite ? [beforeEffect, afterEffect] : [kinds])),
    ),
  )
}

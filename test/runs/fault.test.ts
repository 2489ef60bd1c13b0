/**
 * Fault everywhere: each kind of fault at each request of each mode. The run comes out as without it; or, for faults
 * that nobody gains by repeating, it fails once and clearly, and a re-run completes what is missing.
 */
import { expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import {
  bakes,
  lasting,
  promotions,
  rollbacks,
  type Scenario,
  startEcs,
  stoppingBake,
  timeless,
} from '../action/scenarios.ts'
import type { Fault } from '../local-ecs/faults.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
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
  for (let at = 0; at < requests; at++) {
    const ecs = await startEcs()
    const inputs = scenario.arrange(ecs)
    ecs.faults.add({ nth: at + 1, ...fault(at) })
    const walked = await walk(ecs, inputs)
    const where = `at request ${at} (${ecs.requests[at]?.action})`
    expect(ecs.requests[at]?.fault, where).toBeDefined()
    ecs.faults.clear()
    await check({ ecs, inputs, walked, expected: end, where })
    await ecs.close()
  }
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
            expect(walked.failure.todo, where).toMatch(/\w{3}/)
          }
          const again = await walk(ecs, inputs, { run: { attempt: 2 } })
          expect(again.failure, where).toBeUndefined()
          expect(endOf(ecs, again), where).toEqual(expected)
        }),
    )
  }
}

/** The outcome of a run is plain data: it can be stored as JSON, and what comes back is the same. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import {
  bakes,
  bakesEverywhere,
  promotions,
  promotionsEverywhere,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  startEcs,
  stoppingBake,
  stoppingBakeEverywhere,
} from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startEcs()
})
afterEach(async () => await ecs.close())

function expectPlain({ outcome }: Walk): void {
  expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
  expect(outcome.observations.images).not.toEqual({})
}

const scenarios: readonly Scenario[] = [
  ...[...bakes, stoppingBake, ...promotions, ...rollbacks],
  ...[...bakesEverywhere, stoppingBakeEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere],
]

test.each(scenarios.map(({ name, arrange }) => [name, arrange] as const))('%s', async (_, arrange) => {
  const inputs = arrange(ecs)
  const walked = await walk(ecs, inputs)
  expect(walked.failure).toBeUndefined()
  expectPlain(walked)
  expectPlain(await walk(ecs, inputs, { run: { attempt: 2 } }))
})

describe('also of a run that did not come to its end', () => {
  const denial = { kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'No.' } as const

  test.each([
    ['the family cannot be looked at', 'DescribeImageFromFamily'],
    ['a change is not permitted', 'ModifyImageAttribute'],
    ['a record cannot be written', 'TagResources'],
    ['the affected instances cannot be listed', 'DescribeInstances'],
  ])('%s', async (_, action) => {
    const [scenario] = rollbacks
    const inputs = scenario?.arrange(ecs) ?? {}
    ecs.faults.add({ ...denial, action, times: 99 })
    const { outcome } = await walk(ecs, inputs)
    expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
  })

  test('it is cancelled', async () => {
    const inputs = stoppingBakeEverywhere.arrange(ecs)
    const stop = new AbortController()
    ecs.intercept = (phase, { action }) => {
      if (phase === 'after' && action === 'CopyImage') stop.abort()
    }
    const walked = await walk(ecs, inputs, { signal: stop.signal })
    expect(walked.outcome.failure).toMatchObject({ error: { code: 'cancelled' } })
    expectPlain(walked)
  })
})

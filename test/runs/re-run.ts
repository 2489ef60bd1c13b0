/** A re-run ends the same: whatever happens to the first attempt, the next ends where the undisturbed run ends. */
import { expect } from 'vitest'
import type { Inputs, WorkflowRun } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { lasting, type Scenario, startEcs, timeless } from '../scenarios.ts'
import { guard } from './gate.ts'
import type { Place } from './places.ts'
import { runMain } from './step.ts'
import { Watch } from './watch.ts'

interface Attempt {
  readonly errors: readonly string[]
  readonly outputs: Readonly<Record<string, string>>
}

/** Makes an attempt, in this process or in one of its own. */
export type Runner = (ecs: LocalEcs, inputs: Inputs, options: { readonly run?: WorkflowRun }) => Promise<Attempt>

/** What a run leaves behind, over all its attempts. */
export interface End {
  /** All there is in ECS. */
  readonly state: unknown
  /** Outputs that last. */
  readonly outputs: unknown
  readonly effects: readonly string[]
  readonly answers: Watch['answers']
}

export interface Disturbed {
  readonly ecs: LocalEcs
  readonly inputs: Inputs
  readonly watch: Watch
}

/** An image that is withdrawn when it is ready is served for a moment, for longer where that takes two attempts. */
const answersOf = ({ answers }: Watch, inputs: Inputs): Watch['answers'] =>
  'withdraw-pending' in inputs ? answers.map((each) => each.slice(-1)) : answers

export const endOfRun = ({ ecs, inputs, watch }: Disturbed, { outputs }: Pick<Attempt, 'outputs'>): End => ({
  state: timeless(ecs.state()),
  outputs: lasting(outputs),
  effects: watch.effects.sort(),
  answers: answersOf(watch, inputs),
})

async function arranged<T>({ arrange }: Scenario, visit: (disturbed: Disturbed) => Promise<T>): Promise<T> {
  const ecs = await startEcs()
  try {
    const inputs = arrange(ecs)
    return await visit({ ecs, inputs, watch: new Watch(ecs) })
  } finally {
    await ecs.close()
  }
}

/** The run in one go, which the others are measured by, and every request that it makes. */
export const undisturbed = (
  scenario: Scenario,
  runner: Runner = runMain,
): Promise<{ readonly expected: End; readonly places: readonly Place[] }> =>
  arranged(scenario, async (run) => {
    const places: Place[] = []
    guard(run.ecs, run.watch, { before: (place) => void places.push(place) })
    const attempt = await runner(run.ecs, run.inputs, {})
    expect(attempt.errors).toEqual([])
    const expected = endOfRun(run, attempt)
    for (const answers of expected.answers) expect(answers.length, 'each answer changes once at most').toBeLessThan(3)
    return { expected, places }
  })

/** One attempt that something is done to, and that succeeds all the same. */
export const endInOneAttempt = (scenario: Scenario, attempt: (run: Disturbed) => Promise<Attempt>): Promise<End> =>
  arranged(scenario, async (run) => {
    const first = await attempt(run)
    expect(first.errors).toEqual([])
    return endOfRun(run, first)
  })

/** A first attempt that something is done to, and the next one, which has to succeed. */
export const endInTwoAttempts = (
  scenario: Scenario,
  first: (run: Disturbed) => Promise<unknown>,
  runner: Runner = runMain,
): Promise<End> =>
  arranged(scenario, async (run) => {
    await first(run)
    run.ecs.faults.clear()
    guard(run.ecs, run.watch, {})
    const second = await runner(run.ecs, run.inputs, { run: { attempt: 2 } })
    expect(second.errors).toEqual([])
    return endOfRun(run, second)
  })

/** Most of an attempt's time is spent in waiting: several go side by side. */
export async function sideBySide<T>(
  things: readonly T[],
  visit: (thing: T) => Promise<void>,
  { workers = 8 } = {},
): Promise<void> {
  const left = [...things]
  const worker = async (): Promise<void> => {
    for (let next = left.splice(0, 1); next.length > 0; next = left.splice(0, 1)) await visit(next[0] as T)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}

/** Of a failed expectation, where it was. */
export async function at(where: string, check: () => Promise<void>): Promise<void> {
  await check().catch((error: Error) => {
    error.message = `${where}: ${error.message}`
    throw error
  })
}

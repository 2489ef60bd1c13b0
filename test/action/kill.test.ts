/**
 * Kill everywhere: the process is killed before and after each request that it makes, and the same run is walked
 * again. It has to end where the undisturbed run ends. The requests are found by making them: a new one is covered
 * without a word here.
 */
import type { ChildProcess } from 'node:child_process'
import { expect, test } from 'vitest'
import { runStep } from './runner.ts'
import { bakes, lasting, promotions, rollbacks, type Scenario, startEcs, stoppingBake, timeless } from './scenarios.ts'

interface End {
  readonly state: unknown
  readonly outputs: unknown
}

interface Walk extends End {
  readonly actions: readonly string[]
}

async function undisturbed({ arrange }: Scenario): Promise<Walk> {
  const ecs = await startEcs()
  const step = await runStep(ecs, arrange(ecs))
  expect(step.errors).toEqual([])
  expect(step.exitCode).toBe(0)
  const actions = ecs.requests.map(({ action }) => action)
  const end = { state: timeless(ecs.state()), outputs: lasting(step.outputs), actions }
  await ecs.close()
  return end
}

interface Death {
  readonly at: number
  readonly phase: 'before' | 'after'
  /** The whole runner is lost with the process: no post step. */
  readonly runnerLost: boolean
}

async function killedAndRunAgain({ arrange }: Scenario, { at, phase, runnerLost }: Death): Promise<End> {
  const ecs = await startEcs()
  const inputs = arrange(ecs)
  let victim: ChildProcess | undefined
  ecs.intercept = async (now, { index }) => {
    if (!victim || index !== at || now !== phase) return
    const dead = new Promise((resolve) => victim?.once('exit', resolve))
    victim.kill('SIGKILL')
    await dead
    ecs.intercept = undefined
    // Before it takes effect: then it must take none, because the process was dead by then.
    if (phase === 'before') throw new Error('The process that sent this request is dead.')
  }
  const first = await runStep(ecs, inputs, { onStart: (child) => (victim = child), post: !runnerLost })
  expect(first.signal, 'the process was to be killed').toBe('SIGKILL')
  ecs.intercept = undefined
  const second = await runStep(ecs, inputs, { run: { attempt: 2 } })
  const end = { state: timeless(ecs.state()), outputs: lasting(second.outputs) }
  expect(second.errors).toEqual([])
  await ecs.close()
  return end
}

/** So many walks at a time: the machine has few cores. */
const sideBySide = 3

async function killEverywhere(scenario: Scenario, { runnerLost = false } = {}): Promise<void> {
  const { actions, ...expected } = await undisturbed(scenario)
  expect(actions.length).toBeGreaterThan(5)
  const deaths = actions.flatMap((action, at) =>
    (['before', 'after'] as const).map((phase) => ({ action, at, phase, runnerLost })),
  )
  const walk = async (): Promise<void> => {
    for (let death = deaths.shift(); death; death = deaths.shift()) {
      const where = `killed ${death.phase} request ${death.at} (${death.action})`
      const end = await killedAndRunAgain(scenario, death).catch((error: Error) => {
        throw new Error(`${where}: ${error.message}`, { cause: error })
      })
      expect(end, where).toEqual(expected)
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, walk))
}

const limit = 180_000

for (const scenario of [...bakes, ...promotions, ...rollbacks]) {
  test(`${scenario.name}, killed anywhere`, { timeout: limit }, () => killEverywhere(scenario))
}

test(`${stoppingBake.name}, killed anywhere`, { timeout: limit }, () => killEverywhere(stoppingBake))

test(`${stoppingBake.name}, the whole runner lost anywhere`, { timeout: limit }, () =>
  killEverywhere(stoppingBake, { runnerLost: true }),
)

/**
 * Kill everywhere: the process is killed before and after each request that it makes, and the same run is walked
 * again. It has to end where the undisturbed run ends. The requests are found by making them: a new one is covered
 * without a word here.
 */
import type { ChildProcess } from 'node:child_process'
import { expect, test } from 'vitest'
import type { RequestRecord } from '../local-ecs/server.ts'
import { runStep } from './runner.ts'
import {
  bakes,
  bakesEverywhere,
  lasting,
  promotions,
  promotionsEverywhere,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  startEcs,
  stoppingBake,
  stoppingBakeEverywhere,
  timeless,
} from './scenarios.ts'

interface End {
  readonly state: unknown
  readonly outputs: unknown
}

interface Walk extends End {
  readonly places: readonly Place[]
}

/**
 * A request by what it asks, and the how manieth of its kind it is: where regions go on side by side, its place among
 * the others differs from walk to walk.
 */
interface Place {
  readonly asks: string
  readonly occurrence: number
  readonly isWrite: boolean
}

/** Names each request as it comes. */
function placing(): (request: RequestRecord) => Place {
  const seen = new Map<string, number>()
  return ({ action, parameters, write, dryRun }) => {
    const asks = `${action} ${JSON.stringify(timeless(parameters))}`
    const occurrence = (seen.get(asks) ?? 0) + 1
    seen.set(asks, occurrence)
    return { asks, occurrence, isWrite: write && !dryRun }
  }
}

const isAt = (one: Place, other: Place): boolean => one.asks === other.asks && one.occurrence === other.occurrence

async function undisturbed({ arrange }: Scenario): Promise<Walk> {
  const ecs = await startEcs()
  const step = await runStep(ecs, arrange(ecs))
  expect(step.errors).toEqual([])
  expect(step.exitCode).toBe(0)
  const places = ecs.requests.map(placing())
  const end = { state: timeless(ecs.state()), outputs: lasting(step.outputs), places }
  await ecs.close()
  return end
}

interface Death {
  readonly at: Place
  readonly phase: 'before' | 'after'
  /** The whole runner is lost with the process: no post step. */
  readonly runnerLost: boolean
}

async function killedAndRunAgain({ arrange }: Scenario, { at, phase, runnerLost }: Death): Promise<End> {
  const ecs = await startEcs()
  const inputs = arrange(ecs)
  let victim: ChildProcess | undefined
  const place = placing()
  const places = new Map<number, Place>()
  ecs.intercept = async (now, request) => {
    if (now === 'before') places.set(request.index, place(request))
    const here = places.get(request.index)
    if (!victim || !here || !isAt(here, at) || now !== phase) return
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

type Deaths = (places: readonly Place[]) => readonly Omit<Death, 'runnerLost'>[]

const everyRequest: Deaths = (places) =>
  places.flatMap((at) => (['before', 'after'] as const).map((phase) => ({ at, phase })))

/**
 * With three regions the requests are too many for two processes each: here every other write, and a read now and then,
 * show that a process leaves behind what is expected of it. That a run may be lost at every single request, with any
 * region ahead of the others, is shown without processes in test/runs/fault.test.ts.
 */
const everyOtherWrite: Deaths = (places) => {
  const writes = places.filter(({ isWrite }) => isWrite).filter((_, index) => index % 2 === 0)
  const reads = places.filter(({ isWrite }) => !isWrite).filter((_, index) => index % 20 === 0)
  return [...writes, ...reads].map((at) => ({ at, phase: 'after' }))
}

async function killEverywhere(
  scenario: Scenario,
  { runnerLost = false, among = everyRequest }: { runnerLost?: boolean; among?: Deaths } = {},
): Promise<void> {
  const { places, ...expected } = await undisturbed(scenario)
  expect(places.length).toBeGreaterThan(5)
  const deaths = among(places).map((death) => ({ ...death, runnerLost }))
  const walk = async (): Promise<void> => {
    for (let death = deaths.shift(); death; death = deaths.shift()) {
      const where = `killed ${death.phase} ${death.at.asks} (${death.at.occurrence})`
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

for (const scenario of [...bakesEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]) {
  test(`${scenario.name}, killed after every other write`, { timeout: limit }, () =>
    // No instance was stopped: a post step would find nothing to do.
    killEverywhere(scenario, { runnerLost: true, among: everyOtherWrite }),
  )
}

test(`${stoppingBakeEverywhere.name}, the whole runner lost after every other write`, { timeout: limit }, () =>
  killEverywhere(stoppingBakeEverywhere, { runnerLost: true, among: everyOtherWrite }),
)

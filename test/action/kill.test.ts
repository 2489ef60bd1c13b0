/**
 * A process that is killed leaves behind what a re-run needs: state for its post step, and what ECS has by then. It is
 * killed before and after each write of one scenario a mode, and once among its reads; the same run is walked again, and
 * ends where the undisturbed run ends. `npm run soak` does so at every request of every scenario, as far as `SOAK_RUNS`
 * allows; that a run may be lost at every request is shown without processes in test/runs/lost.test.ts.
 */
import type { ChildProcess } from 'node:child_process'
import { expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { guard, processIsGone } from '../runs/gate.ts'
import { describePlace, isAt, type Place } from '../runs/places.ts'
import { at, type Disturbed, type End, endInTwoAttempts, type Runner, sideBySide, undisturbed } from '../runs/re-run.ts'
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
import { runStep } from './runner.ts'

const inProcess: Runner = (ecs: LocalEcs, inputs: Inputs, options) => runStep(ecs, inputs, { ...options, post: false })

interface Kill {
  readonly place: Place
  readonly phase: 'before' | 'after'
}

/** @param post false: the whole runner is lost with the process, and no post step runs */
async function kill({ ecs, inputs, watch }: Disturbed, { place, phase }: Kill, post: boolean): Promise<void> {
  const over = new AbortController()
  let victim: ChildProcess | undefined
  const strike = async (here: Place) => {
    if (!isAt(here, place) || over.signal.aborted) return
    const dead = new Promise((resolve) => victim?.once('exit', resolve))
    victim?.kill('SIGKILL')
    await dead
    over.abort()
    // Before it takes effect: then it must take none, because the process was dead by then.
    if (phase === 'before') throw processIsGone
  }
  guard(ecs, watch, { [phase]: strike }, over.signal)
  const onStart = (child: ChildProcess) => {
    victim = child
    // The post step is another process: what it asks for takes effect.
    child.once('exit', () => guard(ecs, watch, {}))
  }
  const { signal } = await runStep(ecs, inputs, { onStart, post })
  expect(signal, 'the process was to be killed').toBe('SIGKILL')
  const instances = Object.values(ecs.state()).flatMap((region) => Object.values(region.instances))
  if (post) expect(instances.map(({ status }) => status)).toEqual(['Running'])
}

type Kills = (places: readonly Place[]) => readonly Kill[]

const everyRequest: Kills = (places) =>
  places.flatMap((place) => (['before', 'after'] as const).map((phase) => ({ place, phase })))

/** As long as nothing is written, one read is as good as any. */
const everyWrite: Kills = (places) => [
  ...everyRequest(places.filter(({ isWrite }) => isWrite)),
  ...everyRequest(places.filter(({ isWrite }) => !isWrite).slice(0, 1)).slice(1),
]

async function killedAnywhere(scenario: Scenario, { post = false } = {}): Promise<void> {
  const { expected, places } = await undisturbed(scenario, inProcess)
  // Two processes take as long as several runs in this one.
  const kills = isSoak ? spread(everyRequest(places), 5) : everyWrite(places)
  // What the post step has started again, the next attempt stops again.
  const ofInterest = ({ effects, ...end }: End) => (post ? end : { effects, ...end })
  const visit = (each: Kill) =>
    at(`killed ${each.phase} ${describePlace(each.place)}`, async () => {
      const end = await endInTwoAttempts(scenario, (disturbed) => kill(disturbed, each, post), inProcess)
      expect(ofInterest(end)).toEqual(ofInterest(expected))
    })
  await sideBySide(kills, visit, { workers: 3 })
}

const limit = within(180_000)

const others = oneOfEach.filter((scenario) => scenario !== stoppingBake)
const all = [...resolves, ...bakes, ...promotions, ...rollbacks]
const everywhere = [...bakesEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]

test(`${stoppingBake.name}, killed anywhere`, { timeout: limit }, () => killedAnywhere(stoppingBake, { post: true }))

for (const scenario of isSoak ? [...all, ...everywhere, stoppingBake, stoppingBakeEverywhere] : others) {
  // But for a stopped instance a post step would find nothing to do.
  test(`${scenario.name}, the whole runner lost anywhere`, { timeout: limit }, () => killedAnywhere(scenario))
}

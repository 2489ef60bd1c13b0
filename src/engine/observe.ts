/** Runs the planner of the mode and answers its queries: ECS is asked, and the engine waits and tells the time. */

import { type Image, isPending } from '../family/model/image.ts'
import type { Instance } from '../family/model/instance.ts'
import { planFor } from '../family/modes/index.ts'
import { isRefusal, type Plan, plannedSteps } from '../family/plan/plan.ts'
import { interpret, type Query } from '../family/plan/query.ts'
import { isPlaceholder, type Step } from '../family/plan/steps.ts'
import { type Clock, consistencyIntervals } from './clock.ts'
import { describeFamilies, logPlan } from './log-plan.ts'
import { type Outcome, regionsIn } from './outcome.ts'
import type { Ecs, Log, Ports, PostState } from './ports.ts'
import { runStage } from './stage.ts'
import { waitForImage } from './wait-for-image.ts'

type LagOf = Extract<Query, { ask: 'lag' }>['writesOf']

/** Waits until reads show earlier writes. Callers that ask for the same at the same time share one wait. */
export type WaitOutLag = (of: LagOf) => Promise<void>

export interface RunPorts extends Ports {
  readonly waitOutLag: WaitOutLag
}

/** The writes of an earlier attempt are awaited only once a run. */
export function lagWaiter({ clock, log }: { readonly clock: Clock; readonly log: Log }): WaitOutLag {
  const waits = new Map<LagOf, Promise<void>>()
  const begin = async (of: LagOf): Promise<void> => {
    log.info('Waiting out the time that reads may lag behind writes, then looking again.')
    await clock.wait(consistencyIntervals)
    if (of === 'others') waits.delete(of)
  }
  return (of) => {
    const wait = waits.get(of) ?? begin(of)
    waits.set(of, wait)
    return wait
  }
}

interface Observing {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly waitOutLag: WaitOutLag
  /** Looks once where a real run would wait. */
  readonly dryRun: boolean
}

const isChanging = (instance: Instance | undefined): boolean =>
  ['Pending', 'Starting', 'Stopping'].includes(instance?.status ?? '')

export async function answerQuery(query: Query, { ecs, clock, log, waitOutLag, dryRun }: Observing): Promise<unknown> {
  switch (query.ask) {
    case 'time':
      return ecs.now()
    case 'lag':
      return await waitOutLag(query.writesOf)
    case 'permitted':
      return await ecs.wouldPermit(query.step, query)
    case 'awaited': {
      const look = () => ecs.look({ ask: 'image', region: query.region, image: query.image })
      const judge = (image: Image | undefined) => (image && isPending(image) ? 'on its way' : 'good')
      return dryRun ? await look() : (await waitForImage(look, judge, { clock, log })).seen
    }
    case 'instance': {
      const look = () => ecs.look(query)
      return dryRun ? await look() : await clock.poll(look, (instance) => !isChanging(instance))
    }
    default:
      return await ecs.look(query)
  }
}

/** Begins a round: observes the families as they are now, and plans. */
export async function observe(outcome: Outcome, ports: RunPorts): Promise<Outcome> {
  const { request } = outcome
  return await runStage(outcome, ports, {
    doing: 'looking at the family',
    work: async ({ ecs, observations }) => {
      const plan = await ports.log.group('Observe', async () => {
        const observing = { ...ports, ecs, dryRun: request.dryRun }
        const planned = await interpret(planFor(request), (query) => answerQuery(query, observing))
        for (const line of describeFamilies(request, observations())) ports.log.info(line)
        return planned
      })
      await logPlan(request, plan, ports.log)
      if (!request.dryRun) announce(plan, ports)
      return { plan, round: outcome.round + 1, persistent: [...outcome.persistent, ...persistentIn(outcome)] }
    },
  })
}

/** The notices of the present plan that must outlive it. */
const persistentIn = (outcome: Outcome): Outcome['persistent'] =>
  regionsIn(outcome).flatMap(({ region, notices }) =>
    notices.filter(({ persistent }) => persistent).map((notice) => ({ region, notice })),
  )

/** Reports what must outlive the run if it is lost: an instance to start again, and the chosen image. */
function announce(plan: Plan, { postState, onImage }: { postState: PostState; onImage: Ports['onImage'] }): void {
  const stopped = findLeftStopped(plan)
  if (stopped) postState.instanceStopped(stopped)
  const image = regionsIn({ plan })[0]?.image
  if (image !== undefined && !isPlaceholder(image)) onImage(image)
}

/** Finds an instance that an earlier attempt left stopped: if this attempt fails too, the post step starts it. */
function findLeftStopped(plan: Plan): { readonly region: string; readonly instance: string } | undefined {
  if (isRefusal(plan)) return plan.leavesStopped
  const steps = plannedSteps(plan).map(({ step }) => step)
  if (steps.some(({ action }) => action === 'stop')) return undefined
  return steps.find((step): step is Extract<Step, { action: 'start' }> => step.action === 'start')
}

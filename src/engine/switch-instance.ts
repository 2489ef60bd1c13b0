/** Stops and starts the instance that an image is baked from. */

import type { Instance } from '../family/model/instance.ts'
import type { Step } from '../family/plan/steps.ts'
import { stepError } from './action-error.ts'
import type { StepContext } from './step-result.ts'

type InstanceStep = Extract<Step, { action: 'stop' | 'start' }>

export async function stopInstance(step: InstanceStep, context: StepContext): Promise<void> {
  // Saved before the request, because its answer may never come.
  context.postState.instanceStopped(step)
  await context.ecs.write(step)
  await awaitInstance(step, context)
  context.log.info(`Instance ${step.instance} is Stopped.`)
}

export async function startInstance(step: InstanceStep, context: StepContext): Promise<void> {
  await context.ecs.write(step)
  await awaitInstance(step, context)
  context.log.info(`Instance ${step.instance} is Running.`)
  context.postState.instanceStarted()
}

/**
 * Waits until the instance is in the state that the step leads to.
 * @throws ActionError if it is neither in that state nor on its way there, for longer than reads may lag
 */
export async function awaitInstance(
  { action, region, instance }: InstanceStep,
  { ecs, clock }: Pick<StepContext, 'ecs' | 'clock'>,
): Promise<Instance> {
  const [wanted, onItsWay] = action === 'stop' ? ['Stopped', 'Stopping'] : ['Running', 'Starting']
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const { seen, isGood } = await clock.pollUntilStable(look, (now) =>
    now?.status === wanted ? 'good' : now?.status === onItsWay ? 'on its way' : 'hopeless',
  )
  if (!seen || !isGood) {
    throw stepError(
      `ECS accepted the request to ${action} instance ${instance}, but it is ${seen?.status ?? 'gone'}.`,
      'Look at the instance in the ECS console: somebody else may be starting or stopping it. Then press "Re-run failed jobs".',
    )
  }
  return seen
}

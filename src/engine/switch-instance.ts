/** Stops and starts the instance that an image is baked from, and makes sure that nobody starts it in between. */

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

interface Place {
  readonly region: string
  readonly instance: string
}

/** The last look at a stopped instance before ECS is asked for its image: meanwhile, somebody may have started it. */
export async function confirmStopped(
  { region, instance }: Place,
  { ecs, clock }: Pick<StepContext, 'ecs' | 'clock'>,
): Promise<void> {
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const { seen, isGood } = await clock.pollUntilStable(look, (now) =>
    now?.status === 'Stopped' ? 'good' : now?.status === 'Stopping' ? 'on its way' : 'hopeless',
  )
  if (isGood) return
  throw stepError(
    `Instance ${instance} is ${seen?.status ?? 'gone'} and must be Stopped (\`stop-instance\`): another job, another workflow or a person has started it. No image was created: it would lack what the instance has not yet written to its disks.`,
    'Let one job at a time bake from this instance (`concurrency`, or `max-parallel: 1` in a matrix). Then press "Re-run failed jobs".',
  )
}

/** After the last look, and while ECS does not answer a request, somebody may start the instance. */
export async function warnIfStarted(
  { region, instance }: Place,
  { ecs, log }: Pick<StepContext, 'ecs' | 'log'>,
  image: string,
): Promise<void> {
  const seen = await ecs.look({ ask: 'instance', region, instance })
  if (seen?.status === 'Stopped') return
  log.warning(
    `Instance ${instance} was started at about the time when ECS was asked for ${image}: data that it had not yet written to its disks may be missing from the image. Test the image, or bake again while nobody else uses the instance.`,
  )
}

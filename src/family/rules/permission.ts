/** Whether ECS would permit the changes of a plan. */

import { describeStep } from '../plan/describe-step.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryEach } from '../plan/query.ts'
import { hasDryRun, isPlaceholder, type Step } from '../plan/steps.ts'

/**
 * Asks ECS, with its own DryRun, whether each change would be permitted. The refusal names the first that is not. A
 * change that an earlier step makes possible cannot be asked about yet, nor one of an image that is still to be created:
 * ECS would only answer that the image is being created.
 * @param canMakeRoom deletions are planned for the case that the family is full
 */
export function* refuseForbidden(
  steps: readonly Step[],
  { canMakeRoom = false } = {},
): QueryGenerator<Refusal | undefined> {
  const restored = imagesIn(steps, (step) => step.action === 'restore')
  const unshared = imagesIn(steps, (step) => step.action === 'unshare')
  const created = imagesIn(steps, (step) => step.action === 'await' && step.family === undefined).filter(
    (image) => !restored.includes(image),
  )
  const askedSteps = steps
    .filter(hasDryRun)
    .filter(
      (step) =>
        !(isPlaceholder(step.image) || created.includes(step.image)) &&
        (step.action !== 'unshare' || step === steps.find((each) => isSameUnshare(each, step))),
    )
  const answers = yield* queryEach(askedSteps, (step) => ({ ask: 'permitted', step }))
  for (const { thing: step, answer } of answers) {
    if (answer.granted) continue
    const isTooEarly =
      (step.action === 'deprecate' && unshared.includes(step.image) && answer.obstacle === 'shared') ||
      (['share', 'join-family'].includes(step.action) &&
        restored.includes(step.image) &&
        answer.obstacle !== 'identity') ||
      (step.action === 'join-family' && canMakeRoom && answer.obstacle === 'family-full')
    if (!isTooEarly) return refuseNotPermitted(step, answer.reason)
  }
  return undefined
}

const imagesIn = (steps: readonly Step[], isMeant: (step: Step) => boolean): readonly string[] =>
  steps.flatMap((step) => (isMeant(step) && 'image' in step ? [step.image] : []))

/** ECS itself listed the accounts, so the answer for the first request of an image holds for all of its requests. */
const isSameUnshare = (step: Step, other: Step): boolean =>
  step.action === 'unshare' && other.action === 'unshare' && step.image === other.image

export const refuseNotPermitted = (step: Step, reason: string): Refusal =>
  refuse('not-permitted', `ECS would not ${describeStep(step)}: ${reason}`, 'Fix this, then run again.')

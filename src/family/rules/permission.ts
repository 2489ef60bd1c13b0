/** Whether ECS would permit the changes of a plan. */

import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryEach } from '../plan/query.ts'
import { describeStep, isPlaceholder, type Step, traits } from '../plan/steps.ts'

/**
 * Asks ECS, by its own DryRun, whether each change would be permitted; a refusal names the first that is not. What a
 * step before makes possible (a share taken back, an image restored) cannot be asked yet, nor what is still to be made.
 * @param canMakeRoom deletions are planned for the case that the family is full
 */
export function* refuseForbidden(
  steps: readonly Step[],
  { canMakeRoom = false } = {},
): QueryGenerator<Refusal | undefined> {
  const imagesOf = (action: Step['action']) =>
    steps.flatMap((step) => (step.action === action && 'image' in step ? [step.image] : []))
  const [unshared, restored] = [imagesOf('unshare'), imagesOf('restore')]
  const asked = steps.filter(
    (step) =>
      traits[step.action].dryRun &&
      !('image' in step && isPlaceholder(step.image)) &&
      (step.action !== 'unshare' || step === steps.find((each) => isSameUnshare(each, step))),
  )
  const answers = yield* queryEach(asked, (step) => ({ ask: 'permitted', step }))
  const isAfterRestore = (step: Step) => 'image' in step && restored.includes(step.image)
  for (const { thing: step, answer } of answers) {
    if (answer.granted) continue
    const comesTooEarly =
      (step.action === 'deprecate' && unshared.includes(step.image) && answer.obstacle === 'shared') ||
      (['share', 'join-family'].includes(step.action) && isAfterRestore(step) && answer.obstacle !== 'identity') ||
      (step.action === 'join-family' && canMakeRoom && answer.obstacle === 'family-full')
    if (!comesTooEarly) return refuseNotPermitted(step, answer.reason)
  }
  return undefined
}

/** The accounts are ECS's own answer: what holds for the first ten of an image holds for all. */
const isSameUnshare = (step: Step, other: Step): boolean =>
  step.action === 'unshare' && other.action === 'unshare' && step.image === other.image

export const refuseNotPermitted = (step: Step, reason: string): Refusal =>
  refuse('not-permitted', `ECS would not ${describeStep(step)}: ${reason}`, 'Fix this, then run again.')

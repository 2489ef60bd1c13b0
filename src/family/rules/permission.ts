/** Whether ECS would permit the changes of a plan. */

import { describeStep } from '../plan/describe-step.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { type Permission, type QueryGenerator, queryEach } from '../plan/query.ts'
import { type DryRunStep, hasDryRun, isPlaceholder, type Step } from '../plan/steps.ts'

interface PermissionContext {
  /** Deletions are planned for the case that the family is full. */
  readonly canMakeRoom?: boolean
  /** The plan is only shown. */
  readonly dryRun?: boolean
}

/**
 * Asks ECS, with its own DryRun, whether each change would be permitted. The refusal names the first that is not. A
 * change that an earlier step makes possible cannot be asked about yet, nor one of an image that is still to be created:
 * ECS would only answer that the image is being created.
 */
export function* checkPermissions(
  steps: readonly Step[],
  { canMakeRoom = false, dryRun = false }: PermissionContext = {},
): QueryGenerator<Refusal | readonly Notice[]> {
  const restored = imagesIn(steps, (step) => step.action === 'restore')
  const unshared = imagesIn(steps, (step) => step.action === 'unshare')
  const created = imagesIn(steps, (step) => step.action === 'await' && step.family === undefined).filter(
    (image) => !restored.includes(image),
  )
  const askedSteps = steps
    .filter(hasDryRun)
    .filter(
      (step) =>
        (step.action === 'create' || !(isPlaceholder(step.image) || created.includes(step.image))) &&
        (step.action !== 'unshare' || step === steps.find((each) => isSameUnshare(each, step))),
    )
  // A busy source is waited for before its instance is stopped. Otherwise CreateImage itself waits for it.
  const stops = steps.some(({ action }) => action === 'stop')
  const isAskedOnce = (step: Step) => step.action === 'create' && (dryRun || !stops)
  const answers = yield* queryEach(askedSteps, (step) => ({
    ask: 'permitted',
    step,
    ...(isAskedOnce(step) ? { once: true } : {}),
  }))
  const notices: Notice[] = []
  for (const { thing: step, answer } of answers) {
    if (answer.granted) continue
    if (step.action === 'create' && isTolerable(answer, { canMakeRoom, dryRun })) {
      if (dryRun) notices.push(...dryRunNotices(step, answer))
      continue
    }
    const isTooEarly =
      (step.action === 'deprecate' && unshared.includes(step.image) && answer.obstacle === 'shared') ||
      (['share', 'join-family'].includes(step.action) &&
        restored.includes(step.image) &&
        answer.obstacle !== 'identity') ||
      (step.action === 'join-family' && canMakeRoom && answer.obstacle === 'family-full')
    if (!isTooEarly) return refuseNotPermitted(step, answer.reason)
  }
  return notices
}

type Denial = Extract<Permission, { granted: false }>

/**
 * What may be otherwise when the image is really created: the source is ready, room was made, or the image that has the
 * name turns out to be this run's own, which reads do not show yet. A dry run shows its plan to anybody.
 */
function isTolerable({ obstacle }: Denial, { canMakeRoom, dryRun }: Required<PermissionContext>): boolean {
  if (obstacle === 'identity') return dryRun
  return obstacle === 'busy' || obstacle === 'name-taken' || (obstacle === 'family-full' && canMakeRoom)
}

const dryRunNotices = (step: DryRunStep, { obstacle, reason }: Denial): Notice[] => {
  const text = `At the moment, ECS would not ${describeStep(step)}: ${reason}`
  if (obstacle === 'identity') return [{ level: 'warning', text }]
  return obstacle === 'busy' ? [{ level: 'notice', text }] : []
}

const imagesIn = (steps: readonly Step[], isMeant: (step: Step) => boolean): readonly string[] =>
  steps.flatMap((step) => (isMeant(step) && 'image' in step ? [step.image] : []))

/** ECS itself listed the accounts, so the answer for the first request of an image holds for all of its requests. */
const isSameUnshare = (step: Step, other: Step): boolean =>
  step.action === 'unshare' && other.action === 'unshare' && step.image === other.image

export const refuseNotPermitted = (step: Step, reason: string): Refusal =>
  refuse('not-permitted', `ECS would not ${describeStep(step)}: ${reason}`, 'Fix this, then run again.')

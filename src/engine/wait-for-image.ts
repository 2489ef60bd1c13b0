/** Waits for an image to become available, and logs its progress. */

import { decisionOn, describeDecision } from '../family/model/decision-record.ts'
import { type Image, isAvailable, isFailed, isPending, isReady, label } from '../family/model/image.ts'
import type { Step } from '../family/plan/steps.ts'
import { type ActionError, stepError } from './action-error.ts'
import type { Clock, Verdict } from './clock.ts'
import { describeDuration } from './duration.ts'
import type { Log } from './ports.ts'
import type { StepContext, StepResult } from './step-result.ts'

type AwaitStep = Extract<Step, { action: 'await' }>

/** Waits until the image is available and, with `family`, seen in that family; or until the round ends. */
export async function awaitImage(step: AwaitStep, context: StepContext): Promise<StepResult> {
  const { ecs, clock, log, roundEnd, record } = context
  const { region, image, family } = step
  let justCreated = context.justCreated?.id === image ? context.justCreated : undefined
  const isInPlace = (seen: Image | undefined) =>
    seen !== undefined && isAvailable(seen) && (family === undefined || seen.family === family)
  const judge = (seen: Image | undefined): Verdict => {
    if (seen && isInPlace(seen) && isReady(seen)) return 'good'
    // CreateFailed and UnAvailable are final, so waiting longer does not help.
    if (roundEnd.aborted || (seen && isFailed(seen))) return 'over'
    return seen && (isPending(seen) || isInPlace(seen)) ? 'on its way' : 'hopeless'
  }
  const look = async () => {
    const seen = justCreated ?? (await ecs.look({ ask: 'image', region, image }))
    justCreated = undefined
    if (!seen) record({ kind: 'gone', image })
    return seen
  }
  const { seen, isGood } = await waitForImage(look, judge, { clock, log })
  if (isGood) return { kind: 'done' }
  const hasFailed = seen !== undefined && isFailed(seen)
  if (roundEnd.aborted && !hasFailed) return { kind: 'interrupted' }
  if (step.mayFail) return { kind: 'lost' }
  throw hasFailed ? notCreated(seen) : takenAway(step, seen)
}

const notCreated = (image: Image): ActionError =>
  image.isCopied
    ? stepError(
        `ECS could not make the copy ${label(image)} (${image.status}), and gives no reason.`,
        'Press "Re-run failed jobs": only this copy is made again. The failed one counts towards the quota until you delete it.',
      )
    : stepError(
        `ECS could not create image ${label(image)} (${image.status}), and gives no reason.`,
        'Look at the image and its snapshots in the ECS console, then press "Re-run failed jobs": the failed image is replaced. It counts towards the quota until you delete it.',
      )

function takenAway({ image, family }: AwaitStep, seen: Image | undefined): ActionError {
  const decision = seen && decisionOn(seen)
  const isNow = seen ? `${seen.status} in ${seen.family ? `family ${seen.family}` : 'no family'}` : 'gone'
  return stepError(
    `${seen ? label(seen) : image} is ${isNow}, not available${family === undefined ? '' : ` in family ${family}`}: somebody has taken it away${decision ? ` (${describeDecision(decision)})` : ''}.`,
    'Check who else works on this family, then start a new workflow run.',
  )
}

/** Without news, a line is logged after so many looks, so that a long wait does not look like a hang: one a minute at 5 s. */
const looksWithoutNews = 12

const describe = (image: Image | undefined): string =>
  image
    ? `${label(image)}: ${image.status}${image.progress === undefined ? '' : `, ${image.progress}%`}${image.usable === false ? ', not usable yet' : ''}`
    : 'ECS does not list the image yet'

export async function waitForImage(
  look: () => Promise<Image | undefined>,
  judge: (image: Image | undefined) => Verdict,
  { clock, log }: { clock: Clock; log: Log },
): Promise<{ readonly seen: Image | undefined; readonly isGood: boolean }> {
  let lastLine = ''
  let looks = 0
  const began = performance.now()
  const logProgress = (image: Image | undefined): void => {
    const line = describe(image)
    looks += 1
    if (line === lastLine && looks < looksWithoutNews) return
    log.info(`${line} (after ${describeDuration(performance.now() - began)})`)
    lastLine = line
    looks = 0
  }
  return await clock.pollUntilStable(async () => {
    const image = await look()
    logProgress(image)
    return image
  }, judge)
}

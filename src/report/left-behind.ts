/** What a failed run leaves behind: images that ECS is still making, unanswered requests, a stopped instance. */

import type { Outcome } from '../engine/outcome.ts'
import { isPending } from '../family/model/image.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { stoppedInstance, unansweredIn } from './journal.ts'

export const factsAfter = (outcome: Outcome): string[] => [
  ...imagesUnderWay(outcome),
  ...unansweredIn(outcome.journal).map(
    (step) => `ECS may or may not have received the request to ${describeStep(step)}.`,
  ),
  ...describeStopped(outcome),
]

/** Images that ECS is still making, for this run or for another one. */
function imagesUnderWay({ journal, observations: { images } }: Outcome): string[] {
  const made = journal.flatMap(({ step, image }) =>
    image === undefined ? [] : [{ id: image, region: step.region, isCopy: step.action === 'copy' }],
  )
  const awaited = journal.flatMap(({ step, state }) => {
    const image = step.action === 'await' && state === 'failed' ? images[step.image] : undefined
    return image ? [{ id: image.id, region: step.region, isCopy: image.isCopied }] : []
  })
  const isUnderWay = ({ id }: { id: string }) => {
    const image = images[id]
    return !image || isPending(image)
  }
  const all = [...new Map([...awaited, ...made].map((each) => [each.id, each])).values()].filter(isUnderWay)
  return all.map(({ id, region, isCopy }) =>
    isCopy ? `ECS is still copying image ${id} to ${region}.` : `ECS is still creating image ${id}.`,
  )
}

function describeStopped(outcome: Outcome): string[] {
  const found = stoppedInstance(outcome)
  if (!found) return []
  const { instance, earlier, isCertain } = found
  if (outcome.request.dryRun) {
    return [`An earlier attempt left instance ${instance} stopped. A run without \`dry-run\` starts it again.`]
  }
  if (!isCertain)
    return [`Instance ${instance} may be stopped. If it is, the post step of this action starts it again.`]
  const what = earlier ? `An earlier attempt left instance ${instance} stopped.` : `Instance ${instance} is stopped.`
  return [`${what} The post step of this action starts it again.`]
}

/** Finds later decisions of others: a re-run never undoes a later decision. */

import {
  type DecisionOnImage,
  decisionOn,
  decisionsReplacing,
  describeDecision,
  findLaterBakes,
  findLaterDecisions,
  isSameWorkflowRun,
  ownDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, label } from '../model/image.ts'
import { type Run, workflowRunOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import { type Refusal, refuse } from '../plan/plan.ts'

/** This run has recorded a decision, even if a later decision has replaced the record. */
export const hasOwnRecord = (run: Run, { known }: FamilyState): boolean =>
  ownDecision(run, known) !== undefined || decisionsReplacing(run, known).length > 0

export const startNewRun = 'Start a new workflow run to decide again: a re-run never undoes a later decision.'

export const refuseSuperseded = ({ image, decision }: DecisionOnImage): Refusal => {
  const reason = decision.target === image.id ? undefined : image.tags[tag.reason]
  return refuse(
    'superseded',
    `After this run's first attempt, ${describeDecision(decision)} decided about ${label(image)}${reason ? `, because: ${reason}` : ''}.`,
    startNewRun,
  )
}

/**
 * Somebody has undone this run's decision without recording a decision: with the console or the CLI.
 * @param what this run had done to the image: `withdrawn`
 */
export const changedExternally = (image: Image, what: string): Refusal =>
  refuse(
    'superseded',
    `An earlier attempt of this run had ${what} ${label(image)}. Since then, somebody has changed that outside of this action: the image is now ${image.status} in ${image.family ? `family ${image.family}` : 'no family'}.`,
    startNewRun,
  )

/** Both this run and the later decision want the image to be current here, so they do not conflict. */
export const wantsSameImage = (
  { image, decision, own }: ReturnType<typeof decisionsReplacing>[number],
  { members }: FamilyState,
): boolean => own.role === 'target' && decision.target === image.id && members.some(({ id }) => id === image.id)

/** Images with a decision about this family: members, and images whose decision has a member as target or previous image. */
function findDecidedImages({ known, members }: FamilyState): Image[] {
  const ids = new Set(members.map(({ id }) => id))
  return known.filter((image) => {
    const { target = '', previous = '' } = decisionOn(image) ?? {}
    return [image.id, target, previous].some((id) => ids.has(id))
  })
}

/** Finds a later decision on other images, made before the target of this run joined the family: resuming would undo it. */
function findDecisionMeanwhile(run: Run, state: FamilyState): DecisionOnImage | undefined {
  const own = ownDecision(run, state.known)?.decision
  const hasJoined = state.members.some(({ id }) => id === own?.target)
  if (run.attempt === 1 || own?.state !== 'planned' || hasJoined) return undefined
  return findDecidedImages(state)
    .flatMap((image) => {
      const decision = decisionOn(image)
      return decision ? [{ image, decision }] : []
    })
    .find(
      ({ decision }) => !isSameWorkflowRun(run, decision.run) && decision.at > own.at && decision.target !== own.target,
    )
}

/**
 * Refuses when another run has decided otherwise since. A decision of another step of the same workflow run does not
 * count.
 */
export function findSuperseding(run: Run, state: FamilyState): Refusal | undefined {
  const later = decisionsReplacing(run, state.known).find(
    (replaced) => !isSameWorkflowRun(run, replaced.decision.run) && !wantsSameImage(replaced, state),
  )
  if (later) return refuseSuperseded(later)
  const meanwhile = findDecisionMeanwhile(run, state)
  if (meanwhile) return refuseSuperseded(meanwhile)
  return hasOwnRecord(run, state) ? undefined : refuseIfDecidedSince(run, state)
}

/** Before a later attempt decides again: refuses when a workflow run that began after this one has decided or baked. */
export function refuseIfDecidedSince(run: Run, state: FamilyState): Refusal | undefined {
  if (run.attempt === 1) return undefined
  const decided = findLaterDecisions(run, findDecidedImages(state))
  // The reason of a decision is recorded on the images that it withdrew.
  const later = decided.find(({ image }) => tag.reason in image.tags) ?? decided[0]
  if (later) return refuseSuperseded(later)
  const [baked] = findLaterBakes(run, state.members)
  return (
    baked &&
    refuse(
      'superseded',
      `After this run's first attempt, run ${workflowRunOf(baked.tags[tag.run] ?? '')} has baked ${label(baked)}.`,
      startNewRun,
    )
  )
}

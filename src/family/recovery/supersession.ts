/** Who decided after this run did, and that it gives way to them: a re-run never undoes a later decision. */

import {
  bakedAfter,
  type DecisionOnImage,
  decisionOn,
  decisionsAfter,
  decisionsReplacing,
  describeDecision,
  isSameWorkflowRun,
  ownDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, label } from '../model/image.ts'
import { type Run, workflowRunOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import { type Refusal, refuse } from '../plan/plan.ts'

/** This run has left a mark, also where a later decision is noted over it. */
export const hasOwnRecord = (run: Run, { known }: FamilyState): boolean =>
  ownDecision(run, known) !== undefined || decisionsReplacing(run, known).length > 0

export const startNewRun = 'Start a new workflow run to decide again: a re-run never undoes a later decision.'

export const supersededBy = ({ image, decision }: DecisionOnImage): Refusal => {
  const reason = decision.target === image.id ? undefined : image.tags[tag.reason]
  return refuse(
    'superseded',
    `After this run's first attempt, ${describeDecision(decision)} decided about ${label(image)}${reason ? `, because: ${reason}` : ''}.`,
    startNewRun,
  )
}

/** Somebody without a mark (the console, the CLI) has undone what this run had done. */
export const changedExternally = (image: Image, what: string): Refusal =>
  refuse(
    'superseded',
    `This run had ${what} ${label(image)} in an earlier attempt; since then somebody changed that outside of this action (it is ${image.status} in ${image.family ? `family ${image.family}` : 'no family'}).`,
    startNewRun,
  )

/** An image that this run wanted served here, and that the later decision wants served here too, is no quarrel. */
export const agrees = (
  { image, decision, own }: ReturnType<typeof decisionsReplacing>[number],
  { members }: FamilyState,
): boolean => own.role === 'target' && decision.target === image.id && members.some(({ id }) => id === image.id)

/** Decisions about this family: on its members, or to and from one of them. */
function recordsOfFamily({ known, members }: FamilyState): Image[] {
  const ids = new Set(members.map(({ id }) => id))
  return known.filter((image) => {
    const { target = '', previous = '' } = decisionOn(image) ?? {}
    return [image.id, target, previous].some((id) => ids.has(id))
  })
}

/** Another decision was made, on other images, while the image of this one had not come in yet: it would undo that. */
function decidedMeanwhile(run: Run, state: FamilyState): DecisionOnImage | undefined {
  const own = ownDecision(run, state.known)?.decision
  const isIn = state.members.some(({ id }) => id === own?.target)
  if (run.attempt === 1 || own?.state !== 'planned' || isIn) return undefined
  return recordsOfFamily(state)
    .flatMap((image) => {
      const decision = decisionOn(image)
      return decision ? [{ image, decision }] : []
    })
    .find(
      ({ decision }) => !isSameWorkflowRun(run, decision.run) && decision.at > own.at && decision.target !== own.target,
    )
}

/**
 * A refusal when another run has decided otherwise since. A decision by another step of the same workflow run is not
 * somebody else's.
 */
export function findSuperseding(run: Run, state: FamilyState): Refusal | undefined {
  const later = decisionsReplacing(run, state.known).find(
    (replaced) => !isSameWorkflowRun(run, replaced.decision.run) && !agrees(replaced, state),
  )
  if (later) return supersededBy(later)
  const meanwhile = decidedMeanwhile(run, state)
  if (meanwhile) return supersededBy(meanwhile)
  return hasOwnRecord(run, state) ? undefined : decidedSince(run, state)
}

/** Before a later attempt decides anew: what workflow runs begun after this one have decided or baked stands. */
export function decidedSince(run: Run, state: FamilyState): Refusal | undefined {
  if (run.attempt === 1) return undefined
  const decided = decisionsAfter(run, recordsOfFamily(state))
  // Why, stands on what was withdrawn.
  const telling = decided.find(({ image }) => tag.reason in image.tags) ?? decided[0]
  if (telling) return supersededBy(telling)
  const [baked] = bakedAfter(run, state.members)
  return (
    baked &&
    refuse(
      'superseded',
      `After this run's first attempt, run ${workflowRunOf(baked.tags[tag.run] ?? '')} has baked ${label(baked)}.`,
      startNewRun,
    )
  )
}

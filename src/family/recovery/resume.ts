/**
 * Recovers what earlier attempts of this run decided, from the records in the tags:
 *
 * | record of this run              | later decision of somebody else | result                                         |
 * | ------------------------------- | ------------------------------- | ---------------------------------------------- |
 * | none                            | none                            | undefined: this attempt decides                |
 * | none, or without commit marker  | began after this workflow run   | refused: `superseded`                          |
 * | planned, without commit marker  | none                            | undefined: nothing visible was changed yet     |
 * | planned, with commit marker     | none                            | completed (`resume`)                           |
 * | done                            | none                            | the same result again (`replay`)               |
 * | any                             | replaced the record, or undid it | refused: `superseded`                         |
 * | replaced, by a decision that went on from this one | –            | nothing to do (`findContinuation`)             |
 */

import {
  type DecisionRecord,
  decisionsReplacing,
  decisionTraits,
  describeDecision,
  isWithdrawnFrom,
  type OwnDecision,
  ownDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { createdAt, type Image, isAvailable, isNewer, isPending, label } from '../model/image.ts'
import { haveSameOrigin } from '../model/origin.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import type { Change, RegionDecision } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { commitMarkerOf, hasRoomForRecord } from './record.ts'
import { findContinuation, isAvailableIn, refuseTargetGone, refuseUndone, replay } from './replay.ts'
import { findSuperseding, refuseIfDecidedSince } from './supersession.ts'

/**
 * Reads from the tags what this run decided in an earlier attempt; undefined when it has decided nothing yet.
 * @param named the image that the request names in this region
 */
export function recover(
  request: RecordedRequest,
  state: FamilyState,
  { named }: { named?: string | undefined } = {},
): RegionDecision | undefined {
  const { run } = request
  const later = findSuperseding(run, state)
  if (later) return later
  const own = ownDecision(run, state.known)
  if (!own) return findContinuation(request, state)
  const other = refuseOtherImage(named, own.decision)
  if (other) return other
  if (own.decision.state === 'done') return replay(request, state, own)
  return hasCommitMarker(request, state, own) ? resume(request, state, own) : refuseIfDecidedSince(run, state)
}

/** Refuses when the request names another image than this run has decided on: the two requests have the same run key. */
function refuseOtherImage(named: string | undefined, { target }: DecisionRecord): Refusal | undefined {
  if (named === undefined || named === target) return undefined
  return refuse(
    'already-decided',
    `This run has already decided on ${target ?? 'emptying the family'}, but is now asked for ${named}.`,
    'Start a new workflow run. If this step runs more than once in a run, give each call its own `idempotency-key`.',
  )
}

/**
 * The commit marker was written: its image has the record, or a later decision that replaced the record, or was
 * withdrawn as the last image without room for a record. If that image is deleted, nobody can tell; the decision then
 * counts as committed and is completed.
 */
function hasCommitMarker(
  { run, family }: RecordedRequest,
  { known }: FamilyState,
  { decision, images }: OwnDecision,
): boolean {
  const [marker, target] = [commitMarkerOf(decision), decision.target].map((wanted) =>
    known.find(({ id }) => id === wanted),
  )
  // A copy that is the newest of its region withdraws nothing, so it carries the only record.
  const markerImage = marker && target && isNewer(target, marker) ? target : marker
  if (!markerImage) return true
  const recorded = [...images, ...decisionsReplacing(run, known).map(({ image }) => image)]
  return (
    recorded.includes(markerImage) || (!hasRoomForRecord(markerImage, decision) && isWithdrawnFrom(family, markerImage))
  )
}

/** Completes a decision that an earlier attempt recorded. Images that joined the family since are not part of it. */
function resume(request: RecordedRequest, state: FamilyState, own: OwnDecision): RegionDecision {
  const { run, family } = request
  const { decision, images } = own
  const target = state.known.find(({ id }) => id === decision.target)
  const recorded = images.filter(({ id }) => id !== decision.target)
  const toWithdraw = [...recorded, ...findUnrecorded(request, state, { decision, target })]
  const withdrawn = toWithdraw.filter((image) => isWithdrawnFrom(family, image))
  const lost = decision.target === undefined ? undefined : findLostTarget(request, { decision, target, withdrawn })
  if (lost === 'gone') return refuseTargetGone(decision)
  if (lost) return refuseUndone(run, lost, 'chosen') ?? replay(request, state, own)
  const remaining = toWithdraw.filter((image) => isAvailableIn(image, family))
  const returned = findReturned(request, { decision, remaining, withdrawn })
  if (returned) return refuseUndone(run, returned, 'withdrawn') ?? replay(request, state, own)
  return {
    kind: 'change',
    target,
    previous: decision.previous,
    changedBefore: true,
    withdraw: withdrawalOrder(remaining, state.current?.id),
    withdrawWhenReady: toWithdraw.filter((image) => isPending(image) && image.family === family),
    resumed: { own, withdrawn },
  }
}

/** Images that a rollback with `to-image-id` withdraws without a record, because they have no room for one. */
function findUnrecorded(
  request: RecordedRequest,
  { known }: FamilyState,
  { decision, target }: { decision: DecisionRecord; target: Image | undefined },
): Image[] {
  if (!('toImage' in request) || request.toImage === undefined || !target) return []
  const canBeWithdrawn = (image: Image) => isAvailable(image) || (request.withdrawPending && isPending(image))
  const wasRival = (image: Image) =>
    image.family === request.family &&
    canBeWithdrawn(image) &&
    isNewer(image, target) &&
    createdAt(image) <= decision.at
  return known.filter(
    (image) => !hasRoomForRecord(image, decision) && (image.id === decision.previous || wasRival(image)),
  )
}

/** The previous image is withdrawn last. If it is withdrawn and another one is available, somebody restored that one. */
const findReturned = (
  request: RecordedRequest,
  {
    decision,
    remaining,
    withdrawn,
  }: { decision: DecisionRecord; remaining: readonly Image[]; withdrawn: readonly Image[] },
): Image | undefined => {
  const pendingComeLater = 'withdrawPending' in request && request.withdrawPending
  return !pendingComeLater && withdrawn.some(({ id }) => id === decision.previous) ? remaining[0] : undefined
}

/**
 * The target, if somebody has since deprecated or moved it. It was available in the family when it was chosen, unless it
 * had to be restored, and it is available there before anything is withdrawn.
 * @returns undefined when the target is not lost; `gone` when it no longer exists
 */
function findLostTarget(
  request: RecordedRequest,
  { decision, target, withdrawn }: { decision: DecisionRecord; target: Image | undefined; withdrawn: readonly Image[] },
): Image | 'gone' | undefined {
  if (!target) return 'gone'
  if (isAvailableIn(target, request.family)) return undefined
  const wasAvailable = withdrawn.length > 0 || !(isAvailable(target) || decision.restores)
  // A copy may still be outside of the family, waiting to join it.
  const mayJoin = decision.restores && target.family === ''
  const wasMoved = decisionTraits[decision.mode].fallsBack && target.family !== request.family && !mayJoin
  return wasAvailable || wasMoved ? target : undefined
}

/** Refuses when a region recorded another image than the one chosen now: in one run, all regions get the same image. */
export function refuseDifferentTarget(recovered: Image | undefined, target: Image | undefined): Refusal | undefined {
  const isSame = recovered === undefined || target === undefined || haveSameOrigin(recovered, target)
  if (isSame) return undefined
  return refuse(
    'already-decided',
    `An earlier attempt of this run decided on ${label(recovered)}, but this attempt would choose ${label(target)}.`,
    'Start a new workflow run to decide again.',
  )
}

/**
 * Says that this attempt resumes a decision of an earlier one. A first attempt can only find its own decision, made
 * before it made room in a full family.
 */
export const resumeNotices = ({ attempt }: Run, { resumed }: Change): Notice[] =>
  resumed && attempt > 1
    ? [
        {
          level: 'notice',
          text: `This attempt completes the decision of an earlier one: ${describeDecision(resumed.own.decision)}.`,
        },
      ]
    : []

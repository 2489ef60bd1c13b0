/** What earlier attempts of this run have left behind: complete it, repeat it, or decide anew. */

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
import { sameImage } from '../model/origin.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Change, RegionDecision } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { commitMarkerOf, hasRoomForRecord } from './record.ts'
import { continuedBy, isServable, refuseIfUndone, refuseTargetGone, replay } from './replay.ts'
import { decidedSince, findSuperseding } from './supersession.ts'

/**
 * What this run has decided in an earlier attempt, as the tags tell it; undefined when it has decided nothing yet.
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
  if (!own) return continuedBy(request, state)
  const other = refuseOtherTarget(named, own.decision)
  if (other) return other
  if (own.decision.state === 'done') return replay(request, state, own)
  return hasCommitMarker(request, state, own) ? resume(request, state, own) : decidedSince(run, state)
}

/** Another image is asked for than this run has decided on: as a run it cannot be told from the one before. */
function refuseOtherTarget(named: string | undefined, { target }: DecisionRecord): Refusal | undefined {
  if (named === undefined || named === target) return undefined
  return refuse(
    'already-decided',
    `This run has decided on ${target ?? 'emptying the family'} before, and is now asked for ${named}.`,
    'Start a new workflow run; or, where this step runs more than once in a run, tell its calls apart by `idempotency-key`.',
  )
}

/**
 * The keystone carries the mark, or a later decision over it, or was withdrawn (as the last of all) without room for
 * one. Where it is deleted nobody can tell; what then carries a mark is completed, and nothing else decided.
 */
function hasCommitMarker(
  { run, family }: RecordedRequest,
  { known }: FamilyState,
  { decision, images }: OwnDecision,
): boolean {
  const [before, target] = [commitMarkerOf(decision), decision.target].map((wanted) =>
    known.find(({ id }) => id === wanted),
  )
  // A copy that is the newest of its region withdraws nothing: then it bears the only mark.
  const keystone = before && target && isNewer(target, before) ? target : before
  if (!keystone) return true
  const marked = [...images, ...decisionsReplacing(run, known).map(({ image }) => image)]
  return marked.includes(keystone) || (!hasRoomForRecord(keystone, decision) && isWithdrawnFrom(family, keystone))
}

/** Completes what an earlier attempt had decided and noted; what came into the family since is not part of it. */
function resume(request: RecordedRequest, state: FamilyState, own: OwnDecision): RegionDecision {
  const { run, family } = request
  const { decision, images } = own
  const target = state.known.find(({ id }) => id === decision.target)
  const marked = images.filter(({ id }) => id !== decision.target)
  const ours = [...marked, ...unrecordedImages(request, state, { decision, target })]
  const withdrawn = ours.filter((image) => isWithdrawnFrom(family, image))
  const undone = decision.target === undefined ? undefined : lostTarget(request, { decision, target, withdrawn })
  if (undone === 'gone') return refuseTargetGone(decision)
  if (undone) return refuseIfUndone(run, undone, 'settled on') ?? replay(request, state, own)
  const standing = ours.filter((image) => isServable(image, family))
  const back = broughtBack(request, { decision, standing, withdrawn })
  if (back) return refuseIfUndone(run, back, 'withdrawn') ?? replay(request, state, own)
  return {
    kind: 'change',
    target,
    previous: decision.previous,
    changedBefore: true,
    withdraw: withdrawalOrder(standing, state.current?.id),
    withdrawWhenReady: ours.filter((image) => isPending(image) && image.family === family),
    resumed: { own, withdrawn },
  }
}

/** A rollback that was told where to goes on without marking images that have no room: by that they are known. */
function unrecordedImages(
  request: RecordedRequest,
  { known }: FamilyState,
  { decision, target }: { decision: DecisionRecord; target: Image | undefined },
): Image[] {
  if (!('toImage' in request) || request.toImage === undefined || !target) return []
  const mayGo = (image: Image) => isAvailable(image) || (request.withdrawPending && isPending(image))
  const stood = (image: Image) =>
    image.family === request.family && mayGo(image) && isNewer(image, target) && createdAt(image) <= decision.at
  return known.filter((image) => !hasRoomForRecord(image, decision) && (image.id === decision.previous || stood(image)))
}

/** What the family served leaves last: an image that stands after it was brought back by somebody. */
const broughtBack = (
  request: RecordedRequest,
  {
    decision,
    standing,
    withdrawn,
  }: { decision: DecisionRecord; standing: readonly Image[]; withdrawn: readonly Image[] },
): Image | undefined => {
  const mayComeLater = 'withdrawPending' in request && request.withdrawPending
  return !mayComeLater && withdrawn.some(({ id }) => id === decision.previous) ? standing[0] : undefined
}

/**
 * The target stands before anything is withdrawn, and stood when it was chosen unless it had to be restored. If it does
 * not stand by now, that was somebody's decision.
 */
function lostTarget(
  request: RecordedRequest,
  { decision, target, withdrawn }: { decision: DecisionRecord; target: Image | undefined; withdrawn: readonly Image[] },
): Image | 'gone' | undefined {
  if (!target) return 'gone'
  if (isServable(target, request.family)) return undefined
  const stood = withdrawn.length > 0 || !(isAvailable(target) || decision.restores)
  // A copy may have been outside of the family, where it was to join.
  const mayJoin = decision.restores && target.family === ''
  const left = decisionTraits[decision.mode].fallsBack && target.family !== request.family && !mayJoin
  return stood || left ? target : undefined
}

/** In one run every region goes to the same image, also where an earlier attempt has recorded the decision. */
export function refuseDifferentTarget(recovered: Image | undefined, target: Image | undefined): Refusal | undefined {
  const isSame = recovered === undefined || target === undefined || sameImage(recovered, target)
  if (isSame) return undefined
  return refuse(
    'already-decided',
    `An earlier attempt of this run has decided on ${label(recovered)}, and now it would be ${label(target)}.`,
    'Start a new workflow run to decide anew.',
  )
}

/** What a re-run goes on with, for the log. */
export const resumeNotice = ({ resumed }: Change): Notice[] =>
  resumed
    ? [
        {
          level: 'notice',
          text: `An earlier attempt decided this as ${describeDecision(resumed.own.decision)}; this attempt completes it.`,
        },
      ]
    : []

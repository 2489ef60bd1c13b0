/** What earlier attempts of this run have left behind: complete it, repeat it, or decide anew. */

import {
  type DecisionRecord,
  decisionOn,
  decisionsReplacing,
  decisionTraits,
  describeDecision,
  isSameWorkflowRun,
  isWithdrawnFrom,
  type OwnDecision,
  ownDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { createdAt, type Image, isAvailable, isNewer, isPending, label, oldestFirst } from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import type { Change, RegionDecision } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { pendingAfter } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { commitMarkerOf, hasRoomForRecord } from './record.ts'
import { agrees, changedExternally, decidedSince, findSuperseding, startNewRun, supersededBy } from './supersession.ts'

/** What is left alone, in the words of `nothing`. */
export const doneByEarlierAttempt = 'an earlier attempt of this run has done it'

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

const isServable = (image: Image | undefined, family: string): boolean =>
  image !== undefined && isAvailable(image) && image.family === family

/** What undid this run's decision about an image; a later step of the same workflow run may have. */
function refuseIfUndone(run: Run, image: Image, what: string): Refusal | undefined {
  const decision = decisionOn(image)
  if (!decision || decision.run === run.key) return changedExternally(image, what)
  return isSameWorkflowRun(run, decision.run) ? undefined : supersededBy({ image, decision })
}

const withdrawnBefore = (run: Run, { known }: FamilyState): Image[] =>
  decisionsReplacing(run, known).flatMap(({ image, own }) => (own.role === 'withdrawn' ? [image] : []))

/** What this run has withdrawn, also where a later decision is noted over its mark, or where there was no room for one. */
function withdrawnBy(run: Run, state: FamilyState, { decision, images }: OwnDecision): Image[] {
  const { known } = state
  const target = known.find(({ id }) => id === decision.target)
  const previous = known.filter(({ id }) => id === decision.previous)
  const ids = [
    ...images,
    ...withdrawnBefore(run, state),
    ...previous.filter((image) => !target || isNewer(image, target)),
  ].map(({ id }) => id)
  return oldestFirst(known.filter(({ id }) => ids.includes(id) && id !== decision.target))
}

/** What has undone, since, a decision that was carried out. */
function undoneSince({ run, family }: RecordedRequest, state: FamilyState, own: OwnDecision): Refusal | undefined {
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  if (decision.target !== undefined && !target) return refuseTargetGone(decision)
  const back = withdrawnBy(run, state, own).filter((image) => isServable(image, family))
  return [
    ...back.map((image) => refuseIfUndone(run, image, 'withdrawn')),
    target && !isServable(target, family) ? refuseIfUndone(run, target, 'settled on') : undefined,
  ].find((refusal) => refusal !== undefined)
}

/** The decision was carried out in an earlier attempt: nothing changes, unless somebody has undone it. */
function replay(request: RecordedRequest, state: FamilyState, own: OwnDecision): RegionDecision {
  const undone = undoneSince(request, state, own)
  if (undone) return undone
  const { run, region, family } = request
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  const ids = withdrawnBy(run, state, own).map(({ id }) => id)
  return {
    kind: 'nothing',
    region,
    reason: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: ids,
    listInstancesOf: decisionTraits[decision.mode].fallsBack ? ids : [],
    pending: pendingAfter(state.members, target).map(({ id }) => id),
    notices: currentChangedNotice(family, state.current, decision),
  }
}

const currentChangedNotice = (family: string, current: Image | undefined, { target }: DecisionRecord): Notice[] =>
  current?.id === target
    ? []
    : [{ level: 'warning', text: `By now ${family} serves ${current ? label(current) : 'nothing'}.` }]

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

const refuseTargetGone = ({ target }: DecisionRecord): Refusal =>
  refuse('superseded', `An earlier attempt of this run was to settle on ${target}, which is gone since.`, startNewRun)

/**
 * All that is left of this run's decision is its key in a later one, which went on from where this one had ended: a
 * later step of the same workflow run (a rollback after a promote, in one job), or somebody who fell back to the same
 * image. Nothing is left to do here.
 */
function continuedBy(request: RecordedRequest, state: FamilyState): RegionDecision | undefined {
  const { run, region, mode } = request
  const { commitMarker } = decisionTraits[mode]
  const later = decisionsReplacing(run, state.known).find(
    (replaced) => replaced.own.state === 'done' || replaced.own.role === commitMarker || agrees(replaced, state),
  )
  if (!later) return undefined
  const { image, decision, own } = later
  const wasTarget = own.role === 'target'
  const undone = decision.target === image.id ? undoneSince(request, state, { decision, images: [image] }) : undefined
  return (
    undone ?? {
      kind: 'nothing',
      region,
      reason: `an earlier attempt of this run has done it, and ${describeDecision(decision)} has gone on from there`,
      changedBefore: true,
      image: wasTarget ? image.id : state.current?.id,
      // Withdrawing what a promotion brought leads back to what was there before it.
      previous: wasTarget && decision.target !== image.id ? decision.target : undefined,
      withdrawn: withdrawnBefore(run, state).map(({ id }) => id),
      pending: [],
      notices: [],
    }
  )
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

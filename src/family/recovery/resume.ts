/** What earlier attempts of this run have left behind: complete it, repeat it, or decide anew. */

import {
  type DecisionRecord,
  decisionOn,
  decisionsReplacing,
  describeDecision,
  isSameWorkflowRun,
  isWithdrawnFrom,
  type OwnDecision,
  ownDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { createdAt, type Image, isAvailable, isNewer, isPending, label, oldestFirst } from '../model/image.ts'
import type { PromoteRequest, RollbackRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import type { Tags } from '../model/tags.ts'
import { type Notice, type Refusal, type RegionDecision, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { commitMarkerOf, hasRoomForRecord, type RecordSteps, recordDecision, recordDone } from './record.ts'
import {
  agrees,
  changedExternally,
  decidedSince,
  findSuperseding,
  hasOwnRecord,
  nothingChanged,
  supersededBy,
} from './supersession.ts'

/** What is decided, whether now or in an earlier attempt. */
export interface Change {
  /** Undefined: the family is emptied. */
  readonly target: Image | undefined
  readonly previous: string | undefined
  /** In the order in which they go. */
  readonly withdraw: readonly Image[]
  /** Still being created; withdrawn when they are ready. */
  readonly withdrawWhenReady: readonly Image[]
  /** What an earlier attempt has noted, and how far it came; undefined for a decision made now. */
  readonly resumed: { readonly recalled: OwnDecision; readonly withdrawn: readonly Image[] } | undefined
}

type Request = PromoteRequest | RollbackRequest

/** Of ECS's answers, given side by side, one is late after somebody's write: they name different images. */
const isBetweenWrites = ({ current, members }: FamilyState): boolean => {
  const available = members.filter(isAvailable)
  const isListed = !current || available.some(({ id }) => id === current.id)
  return !isListed || available.some((image) => !current || isNewer(image, current))
}

/**
 * Looks, and looks again after the time that reads may lag where the first look does not add up, or where a later
 * attempt finds no mark of its own: the attempt before may have written one just before it died.
 */
export function* observeConsistently<S extends FamilyState>(
  request: Request,
  look: () => QueryGenerator<S>,
): QueryGenerator<S> {
  const { run } = request
  const scene = yield* look()
  const mayBeLate = run.attempt > 1 && !hasOwnRecord(run, scene)
  if (!mayBeLate && !isBetweenWrites(scene)) return yield* withMovedImages(request, scene)
  yield* query({ ask: 'lag', of: isBetweenWrites(scene) ? 'others' : 'earlier attempt' })
  const again = yield* withMovedImages(request, yield* look())
  return run.attempt === 1 || hasOwnRecord(run, again) ? again : yield* withImagesElsewhere(request, again)
}

/** The only image that carries the mark may be in a family by now that no input names. */
function* withImagesElsewhere<S extends FamilyState>({ run, region }: Request, scene: S): QueryGenerator<S> {
  const [own] = yield* query({ ask: 'own', region })
  const isOurs = (image: Image) => hasOwnRecord(run, { ...scene, known: [image] })
  const elsewhere = own.filter((image) => isOurs(image) && !scene.known.some(({ id }) => id === image.id))
  return { ...scene, known: [...scene.known, ...elsewhere] }
}

/** What this run has decided about may have been moved since, to a family that this request does not name. */
function* withMovedImages<S extends FamilyState>({ run, region }: Request, scene: S): QueryGenerator<S> {
  const { target, previous } = ownDecision(run, scene.known)?.decision ?? {}
  const missing = [target, previous].filter((wanted) => !scene.known.some(({ id }) => id === wanted))
  const ids = missing.filter((wanted) => wanted !== undefined)
  const found = yield* queryEach(ids, (image) => ({ ask: 'image', region, image }))
  return { ...scene, known: [...scene.known, ...found.flatMap(({ answer }) => answer ?? [])] }
}

/**
 * A mark that says `done` is written after every region was confirmed: a region without a mark needed nothing then, and
 * what has come there since is not this run's to decide about.
 */
export const isDoneInAnyRegion = (run: Run, scenes: readonly FamilyState[]): boolean =>
  scenes
    .flatMap(({ known }) => known)
    .some((image) => {
      const decision = decisionOn(image)
      const { replaces } = decision ?? {}
      return (
        (decision?.run === run.key && decision.state === 'done') ||
        (replaces?.run === run.key && replaces.state === 'done')
      )
    })

/** What is left alone, in the words of `nothing`. */
export const doneByEarlierAttempt = 'an earlier attempt of this run has done it'

/** What memory says of this run; undefined when it has decided nothing yet. */
export function recover(request: Request, scene: FamilyState): RegionDecision | Change | undefined {
  const { run } = request
  const later = findSuperseding(run, scene)
  if (later) return later
  const recalled = ownDecision(run, scene.known)
  if (!recalled) return continuedBy(request, scene)
  const other = otherTarget(request, recalled.decision)
  if (other) return other
  if (recalled.decision.state === 'done') return replay(request, scene, recalled)
  return hasCommitMarker(request, scene, recalled) ? resume(request, scene, recalled) : decidedSince(run, scene)
}

/** Another image is asked for than this run has decided on: as a run it cannot be told from the one before. */
function otherTarget(request: Request, { target }: DecisionRecord): Refusal | undefined {
  const named = request.mode === 'promote' ? request.image : request.toImage
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
function hasCommitMarker({ run, family }: Request, { known }: FamilyState, { decision, images }: OwnDecision): boolean {
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
function withdrawnBy(run: Run, scene: FamilyState, { decision, images }: OwnDecision): Image[] {
  const { known } = scene
  const target = known.find(({ id }) => id === decision.target)
  const previous = known.filter(({ id }) => id === decision.previous)
  const ids = [
    ...images,
    ...withdrawnBefore(run, scene),
    ...previous.filter((image) => !target || isNewer(image, target)),
  ].map(({ id }) => id)
  return oldestFirst(known.filter(({ id }) => ids.includes(id) && id !== decision.target))
}

/** What has undone, since, a decision that was carried out. */
function undoneSince({ run, family }: Request, scene: FamilyState, recalled: OwnDecision): Refusal | undefined {
  const { decision } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  if (decision.target !== undefined && !target) return refuseTargetGone(decision)
  const back = withdrawnBy(run, scene, recalled).filter((image) => isServable(image, family))
  return [
    ...back.map((image) => refuseIfUndone(run, image, 'withdrawn')),
    target && !isServable(target, family) ? refuseIfUndone(run, target, 'settled on') : undefined,
  ].find((refusal) => refusal !== undefined)
}

/** The decision was carried out in an earlier attempt: nothing changes, unless somebody has undone it. */
function replay(request: Request, scene: FamilyState, recalled: OwnDecision): RegionDecision {
  const undone = undoneSince(request, scene, recalled)
  if (undone) return undone
  const { run, region, family } = request
  const { decision } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  const ids = withdrawnBy(run, scene, recalled).map(({ id }) => id)
  return {
    kind: 'nothing',
    region,
    reason: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: ids,
    listInstancesOf: decision.mode === 'rollback' ? ids : [],
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: currentChangedNotice(family, scene.current, decision),
  }
}

const currentChangedNotice = (family: string, current: Image | undefined, { target }: DecisionRecord): Notice[] =>
  current?.id === target
    ? []
    : [{ level: 'warning', text: `By now ${family} serves ${current ? label(current) : 'nothing'}.` }]

/** Images that will stand before the target as soon as they are created. */
export const pendingAfter = (members: readonly Image[], target: Image | undefined): Image[] =>
  oldestFirst(
    members.filter((image) => isPending(image) && image.id !== target?.id && (!target || isNewer(image, target))),
  )

/** Completes what an earlier attempt had decided and noted; what came into the family since is not part of it. */
function resume(request: Request, scene: FamilyState, recalled: OwnDecision): Change | RegionDecision {
  const { run, family } = request
  const { decision, images } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  const marked = images.filter(({ id }) => id !== decision.target)
  const ours = [...marked, ...unrecordedImages(request, scene, { decision, target })]
  const withdrawn = ours.filter((image) => isWithdrawnFrom(family, image))
  const undone = decision.target === undefined ? undefined : lostTarget(request, { decision, target, withdrawn })
  if (undone === 'gone') return refuseTargetGone(decision)
  if (undone) return refuseIfUndone(run, undone, 'settled on') ?? replay(request, scene, recalled)
  const standing = ours.filter((image) => isServable(image, family))
  const back = broughtBack(request, { decision, standing, withdrawn })
  if (back) return refuseIfUndone(run, back, 'withdrawn') ?? replay(request, scene, recalled)
  return {
    target,
    previous: decision.previous,
    withdraw: withdrawalOrder(standing, scene.current?.id),
    withdrawWhenReady: ours.filter((image) => isPending(image) && image.family === family),
    resumed: { recalled, withdrawn },
  }
}

/** A rollback that was told where to goes on without marking images that have no room: by that they are known. */
function unrecordedImages(
  request: Request,
  { known }: FamilyState,
  { decision, target }: { decision: DecisionRecord; target: Image | undefined },
): Image[] {
  if (request.mode !== 'rollback' || request.toImage === undefined || !target) return []
  const mayGo = (image: Image) => isAvailable(image) || (request.withdrawPending && isPending(image))
  const stood = (image: Image) =>
    image.family === request.family && mayGo(image) && isNewer(image, target) && createdAt(image) <= decision.at
  return known.filter((image) => !hasRoomForRecord(image, decision) && (image.id === decision.previous || stood(image)))
}

/** What the family served leaves last: an image that stands after it was brought back by somebody. */
const broughtBack = (
  request: Request,
  {
    decision,
    standing,
    withdrawn,
  }: { decision: DecisionRecord; standing: readonly Image[]; withdrawn: readonly Image[] },
): Image | undefined => {
  const mayComeLater = request.mode === 'rollback' && request.withdrawPending
  return !mayComeLater && withdrawn.some(({ id }) => id === decision.previous) ? standing[0] : undefined
}

/**
 * The target stands before anything is withdrawn, and stood when it was chosen unless it had to be restored. If it does
 * not stand by now, that was somebody's decision.
 */
function lostTarget(
  request: Request,
  { decision, target, withdrawn }: { decision: DecisionRecord; target: Image | undefined; withdrawn: readonly Image[] },
): Image | 'gone' | undefined {
  if (!target) return 'gone'
  if (isServable(target, request.family)) return undefined
  const stood = withdrawn.length > 0 || !(isAvailable(target) || decision.restores)
  // A copy may have been outside of the family, where it was to join.
  const mayJoin = decision.restores && target.family === ''
  const left = decision.mode === 'rollback' && target.family !== request.family && !mayJoin
  return stood || left ? target : undefined
}

const refuseTargetGone = ({ target }: DecisionRecord): Refusal =>
  refuse(
    'superseded',
    `An earlier attempt of this run was to settle on ${target}, which is gone since.`,
    nothingChanged,
  )

/**
 * All that is left of this run's decision is its key in a later one, which went on from where this one had ended: a
 * later step of the same workflow run (a rollback after a promote, in one job), or somebody who fell back to the same
 * image. Nothing is left to do here.
 */
function continuedBy(request: Request, scene: FamilyState): RegionDecision | undefined {
  const { run, region, mode } = request
  const keystone = mode === 'promote' ? 'target' : 'withdrawn'
  const later = decisionsReplacing(run, scene.known).find(
    (replaced) => replaced.own.state === 'done' || replaced.own.role === keystone || agrees(replaced, scene),
  )
  if (!later) return undefined
  const { image, decision, own } = later
  const wasTarget = own.role === 'target'
  const undone = decision.target === image.id ? undoneSince(request, scene, { decision, images: [image] }) : undefined
  return (
    undone ?? {
      kind: 'nothing',
      region,
      reason: `an earlier attempt of this run has done it, and ${describeDecision(decision)} has gone on from there`,
      changedBefore: true,
      image: wasTarget ? image.id : scene.current?.id,
      // Withdrawing what a promotion brought leads back to what was there before it.
      previous: wasTarget && decision.target !== image.id ? decision.target : undefined,
      withdrawn: withdrawnBefore(run, scene).map(({ id }) => id),
      pending: [],
      notices: [],
    }
  )
}

/** What a re-run goes on with, for the log. */
export const resumeNotice = ({ resumed }: Change): Notice[] =>
  resumed
    ? [
        {
          level: 'notice',
          text: `An earlier attempt decided this as ${describeDecision(resumed.recalled.decision)}; this attempt completes it.`,
        },
      ]
    : []

/**
 * The marks of a decision made now; of one that was noted before, only what settles them.
 * @param targetTags what the request itself puts on the target, besides the mark
 * @param mayGoWithout a re-run ends at the same image even without a mark
 */
export function recordSteps(
  { mode, region, family, run, reason }: Request,
  {
    decided,
    now,
    targetTags = {},
    mayGoWithout,
  }: { decided: Change; now: number; targetTags?: Tags; mayGoWithout: boolean },
): RecordSteps | Refusal {
  const { target, previous, withdraw, withdrawWhenReady, resumed } = decided
  if (resumed) {
    const { decision, images } = resumed.recalled
    return { planned: [], done: recordDone(decision, { region, images }), notices: [] }
  }
  const joins = mode === 'rollback' && target !== undefined && target.family !== family
  const restores = joins || target?.status === 'Deprecated' ? { restores: true } : {}
  const decision = { state: 'planned', mode, run: run.key, target: target?.id, ...restores, previous, at: now } as const
  const subject = { region, withdraw: [...withdrawWhenReady, ...withdraw], target, targetTags }
  return recordDecision(decision, { ...subject, reason, mayGoWithout })
}

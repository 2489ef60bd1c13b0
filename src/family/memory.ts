/** What earlier attempts of this run have left behind: complete it, repeat it, or decide anew. */

import {
  agrees,
  givesWayTo,
  isRemembered,
  nothingDone,
  type Scene,
  startedSince,
  supersededBy,
  undoneBySomebody,
} from './giving-way.ts'
import { createdAt, type Image, isAvailable, isNewer, isPending, label, oldestFirst, type Tags } from './image.ts'
import {
  type Decision,
  decisionOn,
  describeDecision,
  isSameWorkflowRun,
  isWithdrawnFrom,
  type Recalled,
  recall,
  replacedBy,
} from './mark.ts'
import { hasRoomForMark, keystoneOf, type Notes, note, noteDone } from './noting.ts'
import { type Branch, type Notice, type Refusal, refuse } from './plan.ts'
import { ask, askEach, type Planning } from './question.ts'
import type { PromoteRequest, RollbackRequest } from './request.ts'
import type { Run } from './run-key.ts'
import { inWithdrawalOrder } from './withdrawal.ts'

/** What is decided, whether now or in an earlier attempt. */
export interface Decided {
  /** Undefined: the family is emptied. */
  readonly target: Image | undefined
  readonly previous: string | undefined
  /** In the order in which they go. */
  readonly withdraw: readonly Image[]
  /** Still being created; withdrawn when they are ready. */
  readonly withdrawLater: readonly Image[]
  /** What an earlier attempt has noted, and how far it came; undefined for a decision made now. */
  readonly begun: { readonly recalled: Recalled; readonly withdrawn: readonly Image[] } | undefined
}

type Request = PromoteRequest | RollbackRequest

/** Of ECS's answers, given side by side, one is late after somebody's write: they name different images. */
const isBetweenWrites = ({ current, members }: Scene): boolean => {
  const available = members.filter(isAvailable)
  const isListed = !current || available.some(({ id }) => id === current.id)
  return !isListed || available.some((image) => !current || isNewer(image, current))
}

/**
 * Looks, and looks again after the time that reads may lag where the first look does not add up, or where a later
 * attempt finds no mark of its own: the attempt before may have written one just before it died.
 */
export function* lookTwice<S extends Scene>(request: Request, look: () => Planning<S>): Planning<S> {
  const { run } = request
  const scene = yield* look()
  const mayBeLate = run.attempt > 1 && !isRemembered(run, scene)
  if (!mayBeLate && !isBetweenWrites(scene)) return yield* withMoved(request, scene)
  yield* ask({ ask: 'lag', of: isBetweenWrites(scene) ? 'others' : 'earlier attempt' })
  const again = yield* withMoved(request, yield* look())
  return run.attempt === 1 || isRemembered(run, again) ? again : yield* fromEverywhere(request, again)
}

/** The only image that carries the mark may be in a family by now that no input names. */
function* fromEverywhere<S extends Scene>({ run, region }: Request, scene: S): Planning<S> {
  const [own] = yield* ask({ ask: 'own', region })
  const isOurs = (image: Image) => isRemembered(run, { ...scene, known: [image] })
  const elsewhere = own.filter((image) => isOurs(image) && !scene.known.some(({ id }) => id === image.id))
  return { ...scene, known: [...scene.known, ...elsewhere] }
}

/** What this run has decided about may have been moved since, to a family that this request does not name. */
function* withMoved<S extends Scene>({ run, region }: Request, scene: S): Planning<S> {
  const { target, previous } = recall(run, scene.known)?.decision ?? {}
  const missing = [target, previous].filter((wanted) => !scene.known.some(({ id }) => id === wanted))
  const ids = missing.filter((wanted) => wanted !== undefined)
  const found = yield* askEach(ids, (image) => ({ ask: 'image', region, image }))
  return { ...scene, known: [...scene.known, ...found.flatMap(({ answer }) => answer ?? [])] }
}

/**
 * A mark that says `done` is written after every region was confirmed: a region without a mark needed nothing then, and
 * what has come there since is not this run's to decide about.
 */
export const isDoneSomewhere = (run: Run, scenes: readonly Scene[]): boolean =>
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
export const doneBefore = 'an earlier attempt of this run has done it'

/** What memory says of this run; undefined when it has decided nothing yet. */
export function remember(request: Request, scene: Scene): Branch | Decided | undefined {
  const { run } = request
  const later = givesWayTo(run, scene)
  if (later) return later
  const recalled = recall(run, scene.known)
  if (!recalled) return continuedBy(request, scene)
  const other = otherTarget(request, recalled.decision)
  if (other) return other
  if (recalled.decision.state === 'done') return repeat(request, scene, recalled)
  return isNoted(request, scene, recalled) ? resume(request, scene, recalled) : startedSince(run, scene)
}

/** Another image is asked for than this run has decided on: as a run it cannot be told from the one before. */
function otherTarget(request: Request, { target }: Decision): Refusal | undefined {
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
function isNoted({ run, family }: Request, { known }: Scene, { decision, images }: Recalled): boolean {
  const [before, target] = [keystoneOf(decision), decision.target].map((wanted) =>
    known.find(({ id }) => id === wanted),
  )
  // A copy that is the newest of its region withdraws nothing: then it bears the only mark.
  const keystone = before && target && isNewer(target, before) ? target : before
  if (!keystone) return true
  const marked = [...images, ...replacedBy(run, known).map(({ image }) => image)]
  return marked.includes(keystone) || (!hasRoomForMark(keystone, decision) && isWithdrawnFrom(family, keystone))
}

const stands = (image: Image | undefined, family: string): boolean =>
  image !== undefined && isAvailable(image) && image.family === family

/** What undid this run's decision about an image; a later step of the same workflow run may have. */
function undoing(run: Run, image: Image, what: string): Refusal | undefined {
  const decision = decisionOn(image)
  if (!decision || decision.run === run.key) return undoneBySomebody(image, what)
  return isSameWorkflowRun(run, decision.run) ? undefined : supersededBy({ image, decision })
}

const withdrawnBefore = (run: Run, { known }: Scene): Image[] =>
  replacedBy(run, known).flatMap(({ image, own }) => (own.role === 'withdrawn' ? [image] : []))

/** What this run has withdrawn, also where a later decision is noted over its mark, or where there was no room for one. */
function withdrawnBy(run: Run, scene: Scene, { decision, images }: Recalled): Image[] {
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
function undoneSince({ run, family }: Request, scene: Scene, recalled: Recalled): Refusal | undefined {
  const { decision } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  if (decision.target !== undefined && !target) return goneSince(decision)
  const back = withdrawnBy(run, scene, recalled).filter((image) => stands(image, family))
  return [
    ...back.map((image) => undoing(run, image, 'withdrawn')),
    target && !stands(target, family) ? undoing(run, target, 'settled on') : undefined,
  ].find((refusal) => refusal !== undefined)
}

/** The decision was carried out in an earlier attempt: nothing changes, unless somebody has undone it. */
function repeat(request: Request, scene: Scene, recalled: Recalled): Branch {
  const undone = undoneSince(request, scene, recalled)
  if (undone) return undone
  const { run, region, family } = request
  const { decision } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  const ids = withdrawnBy(run, scene, recalled).map(({ id }) => id)
  return {
    kind: 'nothing',
    region,
    because: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: ids,
    affects: decision.mode === 'rollback' ? ids : [],
    pending: pendingAfter(scene.members, target).map(({ id }) => id),
    notices: servesNow(family, scene.current, decision),
  }
}

const servesNow = (family: string, current: Image | undefined, { target }: Decision): Notice[] =>
  current?.id === target
    ? []
    : [{ level: 'warning', text: `By now ${family} serves ${current ? label(current) : 'nothing'}.` }]

/** Images that will stand before the target as soon as they are created. */
export const pendingAfter = (members: readonly Image[], target: Image | undefined): Image[] =>
  oldestFirst(
    members.filter((image) => isPending(image) && image.id !== target?.id && (!target || isNewer(image, target))),
  )

/** Completes what an earlier attempt had decided and noted; what came into the family since is not part of it. */
function resume(request: Request, scene: Scene, recalled: Recalled): Decided | Branch {
  const { run, family } = request
  const { decision, images } = recalled
  const target = scene.known.find(({ id }) => id === decision.target)
  const marked = images.filter(({ id }) => id !== decision.target)
  const ours = [...marked, ...unmarked(request, scene, { decision, target })]
  const withdrawn = ours.filter((image) => isWithdrawnFrom(family, image))
  const undone = decision.target === undefined ? undefined : targetLost(request, { decision, target, withdrawn })
  if (undone === 'gone') return goneSince(decision)
  if (undone) return undoing(run, undone, 'settled on') ?? repeat(request, scene, recalled)
  const standing = ours.filter((image) => stands(image, family))
  const back = broughtBack(request, { decision, standing, withdrawn })
  if (back) return undoing(run, back, 'withdrawn') ?? repeat(request, scene, recalled)
  return {
    target,
    previous: decision.previous,
    withdraw: inWithdrawalOrder(standing, scene.current?.id),
    withdrawLater: ours.filter((image) => isPending(image) && image.family === family),
    begun: { recalled, withdrawn },
  }
}

/** A rollback that was told where to goes on without marking images that have no room: by that they are known. */
function unmarked(
  request: Request,
  { known }: Scene,
  { decision, target }: { decision: Decision; target: Image | undefined },
): Image[] {
  if (request.mode !== 'rollback' || request.toImage === undefined || !target) return []
  const mayGo = (image: Image) => isAvailable(image) || (request.withdrawPending && isPending(image))
  const stood = (image: Image) =>
    image.family === request.family && mayGo(image) && isNewer(image, target) && createdAt(image) <= decision.at
  return known.filter((image) => !hasRoomForMark(image, decision) && (image.id === decision.previous || stood(image)))
}

/** What the family served leaves last: an image that stands after it was brought back by somebody. */
const broughtBack = (
  request: Request,
  { decision, standing, withdrawn }: { decision: Decision; standing: readonly Image[]; withdrawn: readonly Image[] },
): Image | undefined => {
  const mayComeLater = request.mode === 'rollback' && request.withdrawPending
  return !mayComeLater && withdrawn.some(({ id }) => id === decision.previous) ? standing[0] : undefined
}

/**
 * The target stands before anything is withdrawn, and stood when it was chosen unless it had to be restored. If it does
 * not stand by now, that was somebody's decision.
 */
function targetLost(
  request: Request,
  { decision, target, withdrawn }: { decision: Decision; target: Image | undefined; withdrawn: readonly Image[] },
): Image | 'gone' | undefined {
  if (!target) return 'gone'
  if (stands(target, request.family)) return undefined
  const stood = withdrawn.length > 0 || !(isAvailable(target) || decision.restores)
  // A copy may have been outside of the family, where it was to join.
  const mayJoin = decision.restores && target.family === ''
  const left = decision.mode === 'rollback' && target.family !== request.family && !mayJoin
  return stood || left ? target : undefined
}

const goneSince = ({ target }: Decision): Refusal =>
  refuse('superseded', `An earlier attempt of this run was to settle on ${target}, which is gone since.`, nothingDone)

/**
 * All that is left of this run's decision is its key in a later one, which went on from where this one had ended: a
 * later step of the same workflow run (a rollback after a promote, in one job), or somebody who fell back to the same
 * image. Nothing is left to do here.
 */
function continuedBy(request: Request, scene: Scene): Branch | undefined {
  const { run, region, mode } = request
  const keystone = mode === 'promote' ? 'target' : 'withdrawn'
  const later = replacedBy(run, scene.known).find(
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
      because: `an earlier attempt of this run has done it, and ${describeDecision(decision)} has gone on from there`,
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
export const goesOnWith = ({ begun }: Decided): Notice[] =>
  begun
    ? [
        {
          level: 'notice',
          text: `An earlier attempt decided this as ${describeDecision(begun.recalled.decision)}; this attempt completes it.`,
        },
      ]
    : []

/**
 * The marks of a decision made now; of one that was noted before, only what settles them.
 * @param targetTags what the request itself puts on the target, besides the mark
 * @param mayGoWithout a re-run ends at the same image even without a mark
 */
export function notesFor(
  { mode, region, family, run, reason }: Request,
  {
    decided,
    now,
    targetTags = {},
    mayGoWithout,
  }: { decided: Decided; now: number; targetTags?: Tags; mayGoWithout: boolean },
): Notes | Refusal {
  const { target, previous, withdraw, withdrawLater, begun } = decided
  if (begun) {
    const { decision, images } = begun.recalled
    return { planned: [], done: noteDone(decision, { region, images }), notices: [] }
  }
  const joins = mode === 'rollback' && target !== undefined && target.family !== family
  const restores = joins || target?.status === 'Deprecated' ? { restores: true } : {}
  const decision = { state: 'planned', mode, run: run.key, target: target?.id, ...restores, previous, at: now } as const
  const subject = { region, withdraw: [...withdrawLater, ...withdraw], target, targetTags }
  return note(decision, { ...subject, reason, mayGoWithout })
}

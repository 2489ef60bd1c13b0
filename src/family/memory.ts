/** What earlier attempts of this run, and other runs since, have left behind: completes, repeats or gives way. */
import { availableOf, type Image, isAvailable, isNewer, label, list } from './image.ts'
import {
  type Decision,
  decisionsAfter,
  decisionTag,
  describeDecision,
  hasRoomFor,
  isSameWorkflowRun,
  type LaterDecision,
  reasonTag,
  recall,
  replacedBy,
  tag,
  tagLimit,
} from './mark.ts'
import { type Notice, type Plan, type Refusal, refuse, type Step } from './plan.ts'
import { ask, type Planning } from './question.ts'
import type { Run } from './run-key.ts'

export interface Scene {
  /** What ECS says that the family resolves to. */
  readonly current: Image | undefined
  /** Own images of the family. */
  readonly members: readonly Image[]
  /** Images that may carry this run's decision. */
  readonly known: readonly Image[]
}

/** An available image before the current one: either of ECS's answers is late after somebody's write. */
const isBetweenWrites = ({ current, members }: Scene): boolean =>
  members.some((image) => isAvailable(image) && (!current || isNewer(image, current)))

const isRemembered = (run: Run, { known }: Scene): boolean =>
  recall(run, known) !== undefined || replacedBy(run, known).length > 0

/**
 * Looks, and looks again after the time that reads may lag where the first look does not add up, or where a later
 * attempt finds no mark of its own: the attempt before may have written one just before it died.
 */
export function* lookTwice<S extends Scene>(run: Run, look: () => Planning<S>): Planning<S> {
  const scene = yield* look()
  const mayBeLate = run.attempt > 1 && !isRemembered(run, scene)
  if (!mayBeLate && !isBetweenWrites(scene)) return scene
  yield* ask({ ask: 'lag' })
  return yield* look()
}

const superseded = ({ image, decision }: LaterDecision): Refusal =>
  refuse(
    'superseded',
    `After this run's first attempt, ${describeDecision(decision)} decided about ${label(image)}${
      image.tags[tag.reason] ? `, because: ${image.tags[tag.reason]}` : ''
    }.`,
    'Nothing was changed. Start a new workflow run if you want to decide anew; a re-run never undoes a later decision.',
  )

/** Somebody without a mark (the console, the CLI) has undone what this run had done. */
export const undoneBySomebody = (image: Image, what: string): Refusal =>
  refuse(
    'superseded',
    `This run had ${what} ${label(image)} in an earlier attempt; since then somebody changed that outside of this action (it is ${image.status} in ${image.family ? `family ${image.family}` : 'no family'}).`,
    'Nothing was changed. Start a new workflow run if you want to decide anew; a re-run never undoes a later decision.',
  )

/**
 * A refusal when another run has decided since. A decision by another step of the same workflow run is not
 * somebody else's.
 */
export function givesWayTo(run: Run, scene: Scene): Refusal | undefined {
  const later = replacedBy(run, scene.known).find(({ decision }) => !isSameWorkflowRun(run, decision.run))
  if (later) return superseded(later)
  const startedLater = run.attempt > 1 && !recall(run, scene.known) ? decisionsAfter(run, scene.known) : []
  return startedLater[0] && superseded(startedLater[0])
}

/**
 * Steps that write a decision on images, with the reason on those that it withdraws. Images whose tags come out the
 * same are tagged by one step.
 */
export function markSteps(
  decision: Omit<Decision, 'replaces'>,
  {
    region,
    images,
    reason,
  }: { readonly region: string; readonly images: readonly Image[]; readonly reason?: string | undefined },
): Step[] {
  const byTags = new Map<string, Extract<Step, { action: 'tag' }>>()
  for (const image of images) {
    const withReason = reason !== undefined && image.id !== decision.target && decision.state === 'planned'
    const tags = { ...decisionTag(image, decision), ...(withReason ? reasonTag(reason) : {}) }
    const key = JSON.stringify(tags)
    const ids = [...(byTags.get(key)?.ids ?? []), image.id]
    byTags.set(key, { action: 'tag', region, resource: 'image', ids, tags })
  }
  // What is written already, by an earlier attempt, is not written again.
  const isWritten = (step: Extract<Step, { action: 'tag' }>) =>
    images
      .filter(({ id }) => step.ids.includes(id))
      .every((image) => Object.entries(step.tags).every(([key, value]) => image.tags[key] === value))
  return [...byTags.values()].filter((step) => !isWritten(step))
}

/**
 * A later step of the same workflow run has gone on from where this one had ended (a rollback after a promote, in one
 * job): in a re-run this step stays as it was, and the later one decides again what it decided.
 */
export function continuedBy(run: Run, scene: Scene, image: string | undefined): Plan | undefined {
  const later = replacedBy(run, scene.known).find(({ replacedState }) => replacedState === 'done')
  return (
    later && {
      kind: 'nothing',
      because: `an earlier attempt of this run has done it, and ${describeDecision(later.decision)} has gone on from there`,
      changedBefore: true,
      image,
      previous: undefined,
      withdrawn: [],
      pending: [],
      notices: [],
    }
  )
}

/**
 * Images that an unfinished decision still has to withdraw: available, newer than its target, and either noted as
 * part of it or already there when it was made. What came into the family since is not part of it.
 */
export const standingBefore = (
  target: Image | undefined,
  { members }: Scene,
  { previous, decided }: { readonly previous: Image; readonly decided: readonly Image[] },
): Image[] =>
  availableOf(members).filter(
    (image) =>
      image.id !== target?.id &&
      (!target || isNewer(image, target)) &&
      (decided.includes(image) || !isNewer(image, previous)),
  )

export interface Room {
  readonly images: readonly Image[]
  readonly reason: string | undefined
  readonly notices: readonly Notice[]
}

/**
 * Without a mark a re-run could not tell what this run has decided, and would decide about the next image.
 * @param mayGoWithout a re-run ends at the same image even without a mark
 */
export function roomForMarks(
  images: readonly Image[],
  decision: Omit<Decision, 'replaces'>,
  { reason, mayGoWithout }: { readonly reason: string | undefined; readonly mayGoWithout: boolean },
): Room | Refusal {
  const full = images.filter((image) => !hasRoomFor(image, decisionTag(image, decision)))
  const first = full[0]
  if (first && !mayGoWithout) {
    const spare = Object.keys(first.tags).find((key) => !/^(image-family|github):/.test(key))
    return refuse(
      'no-room-for-mark',
      `${label(first)} has ${tagLimit} tags, as many as ECS allows: there is no room to note this decision, and without the note a re-run could decide a second time.`,
      `Drop one of its tags${spare ? `, for instance ${spare}` : ''}${decision.mode === 'rollback' ? ', or name the image to fall back to in `to-image-id`' : ''}.`,
    )
  }
  const roomy = images.filter((image) => !full.includes(image))
  const reasonFits =
    reason === undefined ||
    roomy.every((image) => hasRoomFor(image, { ...decisionTag(image, decision), ...reasonTag(reason) }))
  const warnings = [
    ...(first ? [`${list(full)}: not marked, ${tagLimit} tags are in use already.`] : []),
    ...(reasonFits ? [] : ['The reason was not kept on the images: one of them has no room for another tag.']),
  ]
  return {
    images: roomy,
    reason: reasonFits ? reason : undefined,
    notices: warnings.map((text) => ({ level: 'warning', text })),
  }
}

/**
 * The decision record: a tag on each image that a decision concerns. It is written before anything visible happens and
 * marked as done after ECS has confirmed the result. So a later attempt of the same run can complete the decision, and a
 * later decision of somebody else is recognised.
 */
import { type Image, isAvailable } from './image.ts'
import { type Run, workflowRunOf } from './run.ts'
import { formatTime, parseTime, type Tags, tag } from './tags.ts'

export interface DecisionRecord {
  readonly state: 'planned' | 'done'
  readonly mode: 'promote' | 'rollback'
  /** Key of the run that decided. */
  readonly run: string
  /** ID of the image that the family is to resolve to; undefined when it was emptied on purpose. */
  readonly target: string | undefined
  /** When it was chosen, the target was not available in the family: it was deprecated, or a copy outside of it. */
  readonly restores?: boolean
  /** ID of the image that the family resolved to before. */
  readonly previous: string | undefined
  /** ECS's time, milliseconds. */
  readonly at: number
  /** The decision that this record replaced, so that its run can still find out what happened. */
  readonly replaces: ReplacedDecision | undefined
}

interface DecisionTraits {
  /** Which image gets its record last: the target, or the image that the family resolved to before. */
  readonly commitMarker: 'target' | 'withdrawn'
  /** The family goes back to a target that it already has, which may have to be restored. */
  readonly fallsBack: boolean
  /** Once it is done and another decision follows, its target is no longer needed. */
  readonly endsWithNextDecision: boolean
}

/** How decisions to promote and to roll back differ. */
export const decisionTraits: Readonly<Record<DecisionRecord['mode'], DecisionTraits>> = {
  promote: { commitMarker: 'target', fallsBack: false, endsWithNextDecision: true },
  rollback: { commitMarker: 'withdrawn', fallsBack: true, endsWithNextDecision: false },
}

export interface ReplacedDecision {
  readonly run: string
  readonly state: 'planned' | 'done'
  /** Whether the image was the target of that decision, or was withdrawn by it. */
  readonly role: 'target' | 'withdrawn'
}

const formatReplaced = ({ run, state, role }: ReplacedDecision): string =>
  `${run}${role === 'target' ? '+' : ''}${state === 'planned' ? '?' : ''}`
const parseReplaced = (text: string): ReplacedDecision => ({
  run: text.replace(/[+?]*$/, ''),
  state: text.endsWith('?') ? 'planned' : 'done',
  role: /\+\??$/.test(text) ? 'target' : 'withdrawn',
})

/** At most 128 characters. The replaced decision is left out if there is no room for it; the rest always fits. */
export function formatRecord(decision: DecisionRecord): string {
  const { state, mode, run, target, restores, previous, at, replaces } = decision
  const text = [state, mode, run, `${target ?? '-'}${restores ? '!' : ''}`, previous ?? '-', formatTime(at)].join(' ')
  const replaced = replaces && ` ${formatReplaced(replaces)}`
  return replaced && text.length + replaced.length <= 128 ? text + replaced : text
}

/** The decision recorded on an image; undefined if there is none, or if the tag does not have this form. */
export function decisionOn(image: Image): DecisionRecord | undefined {
  const [state, mode, run, target, previous, time, replaced] = (image.tags[tag.decision] ?? '').split(' ')
  if ((state !== 'planned' && state !== 'done') || (mode !== 'promote' && mode !== 'rollback')) return undefined
  const at = parseTime(time ?? '')
  if (!run || !target || !previous || Number.isNaN(at)) return undefined
  return {
    state,
    mode,
    run,
    target: target === '-' ? undefined : target.replace(/!$/, ''),
    ...(target.endsWith('!') ? { restores: true } : {}),
    previous: previous === '-' ? undefined : previous,
    at,
    replaces: replaced ? parseReplaced(replaced) : undefined,
  }
}

/** The tag that records a decision on an image. It keeps the key of the decision that it replaces. */
export function recordTag(image: Image, decision: Omit<DecisionRecord, 'replaces'>): Tags {
  const before = decisionOn(image)
  const replaces: ReplacedDecision | undefined =
    before && before.run !== decision.run
      ? { run: before.run, state: before.state, role: before.target === image.id ? 'target' : 'withdrawn' }
      : before?.replaces
  return { [tag.decision]: formatRecord({ ...decision, replaces }) }
}

/** The image can no longer be current in the family: it is deprecated or in another family. */
export const isWithdrawnFrom = (family: string, image: Image): boolean =>
  image.status === 'Deprecated' || image.family !== family

/** What this run decided in an earlier attempt, as read from the tags. */
export interface OwnDecision {
  readonly decision: DecisionRecord
  /** Images that still have the record. */
  readonly images: readonly Image[]
}

/** The latest decision of this run: an attempt that was lost while recording may have been followed by a new decision. */
export function ownDecision(run: Run, images: readonly Image[]): OwnDecision | undefined {
  const records = images.flatMap((image) => {
    const decision = decisionOn(image)
    return decision?.run === run.key ? [{ image, decision }] : []
  })
  const at = Math.max(...records.map(({ decision }) => decision.at))
  const latest = records.filter(({ decision }) => decision.at === at)
  // One record that is still `planned` means that not everything was confirmed.
  const decision = (latest.find((each) => each.decision.state === 'planned') ?? latest[0])?.decision
  return decision && { decision, images: latest.map(({ image }) => image) }
}

export interface DecisionOnImage {
  readonly image: Image
  readonly decision: DecisionRecord
}

/** Decisions that replaced one of this run, each with the one that it replaced. */
export function decisionsReplacing(
  run: Run,
  images: readonly Image[],
): (DecisionOnImage & { readonly own: ReplacedDecision })[] {
  return images.flatMap((image) => {
    const decision = decisionOn(image)
    return decision?.replaces?.run === run.key ? [{ image, decision, own: decision.replaces }] : []
  })
}

export const isSameWorkflowRun = (run: Run, key: string): boolean => workflowRunOf(key) === run.workflowRun

const beganAfter = (run: Run, key: string): boolean => {
  const theirs = workflowRunOf(key)
  return [theirs, run.workflowRun].every((id) => /^\d+$/.test(id)) && BigInt(theirs) > BigInt(run.workflowRun)
}

/**
 * Decisions of workflow runs that began after this one, and decisions that replaced those. GitHub's run IDs increase, so
 * a re-run can tell that somebody decided after its first attempt even if it has no record of its own.
 */
export function findLaterDecisions(run: Run, images: readonly Image[]): DecisionOnImage[] {
  return images.flatMap((image) => {
    const decision = decisionOn(image)
    if (!decision) return []
    const keys = [decision.run, decision.replaces?.run ?? '']
    return keys.some((key) => beganAfter(run, key)) ? [{ image, decision }] : []
  })
}

/** Available images that were baked by a workflow run which began after this one. */
export const findLaterBakes = (run: Run, images: readonly Image[]): Image[] =>
  images.filter((image) => isAvailable(image) && beganAfter(run, image.tags[tag.run] ?? ''))

/**
 * The decision of another workflow run that rolled back to the current image within the last half hour: a second person
 * must not accidentally roll that back too.
 * @param now ECS's time, milliseconds
 */
export function findRecentRollback(
  current: Image,
  { run, images, now }: { run: Run; images: readonly Image[]; now: number },
): DecisionRecord | undefined {
  return images
    .map(decisionOn)
    .find(
      (decision) =>
        decision !== undefined &&
        decisionTraits[decision.mode].fallsBack &&
        decision.target === current.id &&
        !isSameWorkflowRun(run, decision.run) &&
        now - decision.at < 30 * 60_000,
    )
}

/** `run 17230001 at 2026-04-01T08:30:00Z (rollback to m-…)`: who, when and what. */
export const describeDecision = (decision: DecisionRecord): string =>
  `run ${workflowRunOf(decision.run)} at ${new Date(decision.at).toISOString().replace('.000', '')} (${decision.mode}${
    decision.target ? ` to ${decision.target}` : ''
  })`

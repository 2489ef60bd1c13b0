/**
 * The tags that are the action's only memory. A decision (to promote or to withdraw) is written on the images it
 * concerns before anything visible happens and settled after ECS has confirmed it, so that a later attempt of the
 * same run completes it and a later decision of somebody else is recognised.
 */
import { type Image, isAvailable } from './image.ts'
import { type Run, workflowRunOf } from './run.ts'
import { formatTime, parseTime, type Tags, tag } from './tags.ts'

export interface DecisionRecord {
  readonly state: 'planned' | 'done'
  readonly mode: 'promote' | 'rollback'
  /** Key of the run that decided. */
  readonly run: string
  /** The image that the family is to resolve to; undefined when it was emptied on purpose. */
  readonly target: string | undefined
  /** The target did not stand in the family when it was chosen: deprecated, or a copy that had not joined it. */
  readonly restores?: boolean
  /** What the family resolved to before. */
  readonly previous: string | undefined
  /** ECS's time, milliseconds. */
  readonly at: number
  /** The decision that stood here before, so that its run can still tell what became of it. */
  readonly replaces: Replaced | undefined
}

interface DecisionTraits {
  /** Which images carry the record that is written last: the target, or what the family resolved to before. */
  readonly commitMarker: 'target' | 'withdrawn'
  /** The target is an image of the family already, and only has to be restored or found again. */
  readonly fallsBack: boolean
  /** When it is carried out and another decision follows, its target is wanted no longer. */
  readonly endsWithNext: boolean
}

/** What differs between decisions to promote and to roll back. */
export const decisionTraits: Readonly<Record<DecisionRecord['mode'], DecisionTraits>> = {
  promote: { commitMarker: 'target', fallsBack: false, endsWithNext: true },
  rollback: { commitMarker: 'withdrawn', fallsBack: true, endsWithNext: false },
}

export interface Replaced {
  readonly run: string
  readonly state: 'planned' | 'done'
  /** What the image was to that decision: its target, or one that it withdrew. */
  readonly role: 'target' | 'withdrawn'
}

const formatReplaced = ({ run, state, role }: Replaced): string =>
  `${run}${role === 'target' ? '+' : ''}${state === 'planned' ? '?' : ''}`
const parseReplaced = (text: string): Replaced => ({
  run: text.replace(/[+?]*$/, ''),
  state: text.endsWith('?') ? 'planned' : 'done',
  role: /\+\??$/.test(text) ? 'target' : 'withdrawn',
})

/** At most 128 characters: what it replaces is left out when there is no room, the rest always fits. */
export function formatRecord(decision: DecisionRecord): string {
  const { state, mode, run, target, restores, previous, at, replaces } = decision
  const text = [state, mode, run, `${target ?? '-'}${restores ? '!' : ''}`, previous ?? '-', formatTime(at)].join(' ')
  const replaced = replaces && ` ${formatReplaced(replaces)}`
  return replaced && text.length + replaced.length <= 128 ? text + replaced : text
}

/** Undefined for an image without a decision, and for a tag that is not of this form. */
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

/** Tag that puts a decision on an image, keeping the key of the one that it replaces. */
export function recordTag(image: Image, decision: Omit<DecisionRecord, 'replaces'>): Tags {
  const before = decisionOn(image)
  const replaces: Replaced | undefined =
    before && before.run !== decision.run
      ? { run: before.run, state: before.state, role: before.target === image.id ? 'target' : 'withdrawn' }
      : before?.replaces
  return { [tag.decision]: formatRecord({ ...decision, replaces }) }
}

/** Taken out of the contest of `family` by somebody's decision: deprecated, or moved elsewhere. */
export const isWithdrawnFrom = (family: string, image: Image): boolean =>
  image.status === 'Deprecated' || image.family !== family

/** What this run decided in an earlier attempt, as the tags tell it. */
export interface OwnDecision {
  readonly decision: DecisionRecord
  /** Images that carry the decision still. */
  readonly images: readonly Image[]
}

/** The latest: an attempt that was lost while it wrote its marks may have been followed by one that decided anew. */
export function ownDecision(run: Run, images: readonly Image[]): OwnDecision | undefined {
  const marks = images.flatMap((image) => {
    const decision = decisionOn(image)
    return decision?.run === run.key ? [{ image, decision }] : []
  })
  const at = Math.max(...marks.map(({ decision }) => decision.at))
  const latest = marks.filter(({ decision }) => decision.at === at)
  // One mark that is still `planned` means that not everything was confirmed.
  const decision = (latest.find((each) => each.decision.state === 'planned') ?? latest[0])?.decision
  return decision && { decision, images: latest.map(({ image }) => image) }
}

export interface DecisionOnImage {
  readonly image: Image
  readonly decision: DecisionRecord
}

/** Decisions of other runs that were written over this run's own, with what this run's had been. */
export function decisionsReplacing(
  run: Run,
  images: readonly Image[],
): (DecisionOnImage & { readonly own: Replaced })[] {
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
 * Decisions of workflow runs that began after this one, or that replace such a decision. GitHub's run IDs grow, so a re-run can tell that somebody
 * decided after its first attempt even where no mark of its own is left.
 */
export function decisionsAfter(run: Run, images: readonly Image[]): DecisionOnImage[] {
  return images.flatMap((image) => {
    const decision = decisionOn(image)
    if (!decision) return []
    const keys = [decision.run, decision.replaces?.run ?? '']
    return keys.some((key) => beganAfter(run, key)) ? [{ image, decision }] : []
  })
}

/** Images that a workflow run begun after this one has baked into the contest. */
export const bakedAfter = (run: Run, images: readonly Image[]): Image[] =>
  images.filter((image) => isAvailable(image) && beganAfter(run, image.tags[tag.run] ?? ''))

/** What another run fell back to within the last half hour: a second person must not roll that back by reflex. */
export function recentRollbackTo(
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

/** `run 17230001 on 2026-04-01T08:30:00Z (rollback to m-…)`: who, when and what. */
export const describeDecision = (decision: DecisionRecord): string =>
  `run ${workflowRunOf(decision.run)} at ${new Date(decision.at).toISOString().replace('.000', '')} (${decision.mode}${
    decision.target ? ` to ${decision.target}` : ''
  })`

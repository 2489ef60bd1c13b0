/** What `keep` makes of a family in one region: its oldest images go, except those that somebody may still need. */

import { type DecisionRecord, decisionOn, describeDecision } from '../model/decision-record.ts'
import { type FamilyRef, type Image, isAvailable, label, newestFirst, sameSecond } from '../model/image.ts'
import { originOf, sameImage } from '../model/origin.ts'
import type { Run } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Notice, RetentionDecision } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { type Deletion, isPlaceholder, type Step } from '../plan/steps.ts'

interface RetentionRequest extends FamilyRef {
  /** How many images are to remain. */
  readonly keep: number
  /** Takes back the shares of an image that must be deleted, instead of keeping it. */
  readonly unshare: boolean
  readonly run: Run
}

/** The family as it is, and what the rest of the plan does to it: what counts is the family as it will be. */
export interface RetentionFacts {
  /** Own images of the family, as they are now. */
  readonly members: readonly Image[]
  /** What the family is to serve then: a member, one that joins, or one still to be made (its ID is a label). */
  readonly target: Image | undefined
  /** IDs of the images that the plan deprecates. */
  readonly withdrawn: readonly string[]
  /** IDs of the images that leave the family. */
  readonly leaves: readonly string[]
  /** Origins of what the home region serves and would fall back to: they stay in every region. */
  readonly origins: readonly string[]
}

export interface Retention {
  /** Of every image that counts, newest first. */
  readonly decisions: readonly RetentionDecision[]
  readonly steps: readonly Step[]
  /** Oldest first. */
  readonly deletions: readonly Deletion[]
  /** How many of the images that count remain. */
  readonly left: number
  readonly notices: readonly Notice[]
}

/** Why an image stays that is older than those to keep; both for people. */
interface Hold {
  /** Goes on after 'it is'. */
  readonly reason: string
  readonly remedy: string
}

interface Judgement {
  readonly image: Image
  /** Undefined: it goes. */
  readonly hold: Hold | undefined
  /** What it is shared with, where that was asked. */
  readonly accounts: readonly string[]
}

export function* planRetention(request: RetentionRequest, facts: RetentionFacts): QueryGenerator<Retention> {
  const counted = countedIn(facts)
  const judged = yield* judgeImages(request, facts, counted)
  const going = judged.filter(({ hold }) => hold === undefined)
  const deletions = deletionsOf(request, facts, going)
  const left = counted.length - going.length
  return {
    decisions: retentionDecisions(request, counted, judged),
    steps: [...claimSnapshots(request, deletions), ...deletions],
    deletions,
    left,
    notices: [...leftNotices(request, judged, left), ...unshareNotices(going)],
  }
}

/** Own images as they are known, the target among them. */
const knownIn = ({ members, target }: RetentionFacts): Image[] =>
  target ? [target, ...members.filter(({ id }) => id !== target.id)] : [...members]

/** Images of the family as it will be, newest first; of those being created only the one that is waited for. */
function countedIn(facts: RetentionFacts): Image[] {
  const { target, leaves } = facts
  const counts = ({ id, status }: Image) =>
    id === target?.id || (['Available', 'Deprecated'].includes(status) && !leaves.includes(id))
  const images = knownIn(facts).filter(counts)
  // Newer than all that there is, whatever time is written on it until it is made.
  const made = images.filter(({ id }) => isPlaceholder(id))
  return [...made, ...newestFirst(images.filter(({ id }) => !isPlaceholder(id)))]
}

/** Judges what is older than the newest ones to keep, oldest first. ECS is asked only about what would otherwise go. */
function* judgeImages(
  request: RetentionRequest,
  facts: RetentionFacts,
  counted: readonly Image[],
): QueryGenerator<readonly Judgement[]> {
  const { region, family, keep, unshare } = request
  const beyond = counted.slice(keep).reverse()
  const standby = fallbacksIn(facts, counted)
  const known = beyond.map((image) => ({ image, hold: findHold(image, request, facts, standby) }))
  const [used] = known.some(({ hold }) => !hold) ? yield* query({ ask: 'used', region, family }) : [[]]
  const seen = known.map(({ image, hold }) => ({ image, hold: hold ?? (used.includes(image.id) ? inUse : undefined) }))
  const free = seen.filter(({ hold }) => !hold).map(({ image }) => image)
  const shares = yield* queryEach(free, ({ id }) => ({ ask: 'shares', region, image: id }))
  const sharing = new Map(shares.map(({ thing, answer }) => [thing.id, answer]))
  return seen.map(({ image, hold }) => {
    const accounts = sharing.get(image.id) ?? []
    return { image, accounts, hold: hold ?? (accounts.length > 0 && !unshare ? sharedWith(accounts) : undefined) }
  })
}

/**
 * What a rollback would fall back to: the newest available image older than the target, and no copy of it. Images of
 * the same second cannot be ordered, so one beside it, or beside the target, may be the one just as well.
 */
function fallbacksIn({ target, withdrawn }: RetentionFacts, counted: readonly Image[]): Image[] {
  const others = counted.filter(
    (image) =>
      isAvailable(image) &&
      !withdrawn.includes(image.id) &&
      !(target && (image === target || sameImage(image, target))),
  )
  const older = counted.slice(counted.findIndex(({ id }) => id === target?.id) + 1)
  const next = older.find((image) => others.includes(image) && !(target && sameSecond(image, target)))
  return others.filter((image) => [target, next].some((one) => one && (one.id === image.id || sameSecond(one, image))))
}

const servedNow: Hold = { reason: 'what the family serves', remedy: 'it may go once another one is served' }
const fallenBackTo: Hold = {
  reason: 'what a rollback falls back to',
  remedy: 'it may go once there is a newer one to fall back to',
}
const neededAtHome: Hold = {
  reason: 'what the home region serves or falls back to',
  remedy: 'it may go once that has changed',
}
const guarded: Hold = { reason: `tagged ${tag.protect}`, remedy: 'remove the tag to let it go' }
const foreign: Hold = { reason: 'not made by this action', remedy: 'delete it yourself if nobody needs it' }
const inUse: Hold = { reason: 'in use by an instance', remedy: 'release the instances made from it' }

const decidedOn = (decision: DecisionRecord): Hold => ({
  reason: `decided on by ${describeDecision(decision)}`,
  remedy: 'delete it yourself if that run is not to be repeated',
})

const sharedWith = (accounts: readonly string[]): Hold => ({
  reason: `shared with ${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`,
  remedy: 'set `unshare: true` to take that back',
})

/** What keeps an image of which ECS need not be asked anything. */
function findHold(
  image: Image,
  { run }: RetentionRequest,
  { members, target, origins }: RetentionFacts,
  standby: readonly Image[],
): Hold | undefined {
  if (image.id === target?.id) return servedNow
  if (standby.some(({ id }) => id === image.id)) return fallenBackTo
  if (origins.includes(originOf(image))) return neededAtHome
  if (tag.protect in image.tags) return guarded
  if (!isOfThisAction(image)) return foreign
  const decision = decisionFor(image, members, run)
  return decision && decidedOn(decision)
}

const isOfThisAction = ({ tags }: Image): boolean => [tag.run, tag.origin, tag.decision].some((key) => key in tags)

/**
 * The latest decision of another run that wants this image served: a re-run of that one relies on it. A promotion that
 * is done and was followed by other decisions wants nothing any more; otherwise nothing ever promoted could go.
 */
function decisionFor({ id }: Image, members: readonly Image[], run: Run): DecisionRecord | undefined {
  const decisions = members
    .map(decisionOn)
    .filter((decision) => decision !== undefined)
    .sort((a, b) => b.at - a.at)
  const isOver = ({ mode, state, at }: DecisionRecord) =>
    mode === 'promote' && state === 'done' && at < (decisions[0]?.at ?? at)
  return decisions.find((decision) => decision.target === id && decision.run !== run.key && !isOver(decision))
}

function deletionsOf(
  { region, family, run }: RetentionRequest,
  facts: RetentionFacts,
  going: readonly Judgement[],
): Deletion[] {
  const known = knownIn(facts)
  return going.map(({ image, accounts }, index) => {
    const before = going.slice(0, index).map((each) => each.image)
    return {
      action: 'delete',
      region,
      image: image.id,
      family,
      accounts,
      snapshots: snapshotsWith(image, { known, before }),
      decision: image.tags[tag.decision],
      run: run.key,
    }
  })
}

/** By CreateImage from an instance, or by CopyImage; all others were named by the user. */
const hasOwnSnapshots = ({ tags, isCopied }: Image): boolean =>
  tags[tag.source] === 'instance' || (isCopied && tag.origin in tags)

/** Snapshots that go with the image: of those that several images rest on, the last image takes them along. */
function snapshotsWith(
  image: Image,
  { known, before }: { known: readonly Image[]; before: readonly Image[] },
): readonly string[] {
  if (!hasOwnSnapshots(image)) return []
  const gone = [image, ...before.filter(hasOwnSnapshots)].map(({ id }) => id)
  const needed = known.filter(({ id }) => !gone.includes(id)).flatMap(({ snapshots }) => snapshots)
  return [...new Set(image.snapshots)].filter((id) => !needed.includes(id))
}

/** Before their images are gone: a later attempt finds by it which snapshots were to go with them. */
export function claimSnapshots(
  { region, run }: Pick<RetentionRequest, 'region' | 'run'>,
  deletions: readonly Deletion[],
): Step[] {
  const ids = deletions.flatMap(({ snapshots }) => snapshots)
  return ids.length === 0 ? [] : [{ action: 'tag', region, resource: 'snapshot', ids, tags: { [tag.run]: run.key } }]
}

function retentionDecisions(
  { keep }: RetentionRequest,
  counted: readonly Image[],
  judged: readonly Judgement[],
): RetentionDecision[] {
  const verdicts = new Map(judged.map((each) => [each.image.id, each]))
  return counted.map((image) => {
    const verdict = verdicts.get(image.id)
    if (!verdict) return { image, delete: false, reason: `the newest ${keep} stay` }
    const { hold } = verdict
    return { image, delete: hold === undefined, reason: hold?.reason ?? `beyond the newest ${keep}` }
  })
}

function leftNotices({ family, keep }: RetentionRequest, judged: readonly Judgement[], left: number): Notice[] {
  if (left <= keep) return []
  const reasons = judged.flatMap(({ image, hold }) =>
    hold ? [`${label(image)} is ${hold.reason}: ${hold.remedy}.`] : [],
  )
  const text = `Family ${family} is left with ${left} images, more than the ${keep} of \`keep\`. ${reasons.join(' ')}`
  return [{ level: 'warning', text }]
}

function unshareNotices(going: readonly Judgement[]): Notice[] {
  const losses = going
    .filter(({ accounts }) => accounts.length > 0)
    .map(({ image, accounts }) => `${accounts.join(', ')} ${accounts.length === 1 ? 'loses' : 'lose'} ${label(image)}`)
  if (losses.length === 0) return []
  return [{ level: 'warning', text: `What is deleted was shared: ${losses.join('; ')}.` }]
}

/** Somebody, or an earlier step of this run, was faster. */
export const alreadyDeleted = 'it is gone already'

/**
 * Why an image that was to go stays after all, by the last look at it; undefined when it may go. Whether it is in use or
 * shared by now, ECS judges itself: it does not delete such an image. What this run has noted itself is no news.
 */
export function reasonToKeep(
  deletion: Deletion,
  {
    image,
    current,
    fallback,
  }: {
    readonly image: Image | undefined
    readonly current: Image | undefined
    /** What a rollback would fall back to by now. */
    readonly fallback?: Image | undefined
  },
): string | undefined {
  if (!image) return alreadyDeleted
  if (image.family !== deletion.family) return `it is in ${image.family ? `family ${image.family}` : 'no family'} now`
  if (!['Available', 'Deprecated'].includes(image.status)) return `it is ${image.status} now`
  if (image.id === current?.id) return `it is what ${deletion.family} serves now`
  if (image.id === fallback?.id) return `it is what a rollback of ${deletion.family} falls back to now`
  if (tag.protect in image.tags) return `it is tagged ${tag.protect} now`
  if (!isOfThisAction(image)) return "this action's tags are gone from it"
  const decision = decisionOn(image)
  if (image.tags[tag.decision] === deletion.decision || decision?.run === deletion.run) return undefined
  return decision
    ? `${describeDecision(decision)} decided about it since`
    : 'the decision noted on it has changed since'
}

/** Snapshots that an earlier attempt, lost in the middle of a deletion, has left without their image. */
export function* deleteLeftovers({
  region,
  run,
}: Pick<RetentionRequest, 'region' | 'run'>): QueryGenerator<readonly Step[]> {
  if (run.attempt === 1) return []
  const [snapshots] = yield* query({ ask: 'leftovers', region, run: run.key })
  return snapshots.length === 0 ? [] : [{ action: 'delete-snapshots', region, snapshots }]
}

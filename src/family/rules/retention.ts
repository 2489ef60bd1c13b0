/** What `keep` makes of a family in one region: its oldest images are deleted, except those that somebody may still need. */
import { type Image, label, newestFirst } from '../model/image.ts'
import type { Notice, RetentionDecision } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { type Deletion, isPlaceholder, type Step } from '../plan/steps.ts'
import { claimSnapshots, knownIn, planDeletions } from './deletion.ts'
import {
  fallbacksIn,
  findHold,
  type Hold,
  inUse,
  type RetentionFacts,
  type RetentionRequest,
  sharedWith,
} from './reasons-to-keep.ts'

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

/** An image that is older than those to keep. */
interface Candidate {
  readonly image: Image
  /** Undefined: it is deleted. */
  readonly hold: Hold | undefined
  /** What it is shared with, where that was asked. */
  readonly accounts: readonly string[]
}

export function* planRetention(request: RetentionRequest, facts: RetentionFacts): QueryGenerator<Retention> {
  const counted = countedIn(facts)
  const judged = yield* findHolds(request, facts, counted)
  const going = judged.filter(({ hold }) => hold === undefined)
  const deletions = planDeletions(request, facts, going)
  const left = counted.length - going.length
  return {
    decisions: retentionDecisions(request, counted, judged),
    steps: [...claimSnapshots(request, deletions), ...deletions],
    deletions,
    left,
    notices: [...leftNotices(request, judged, left), ...unshareNotices(going)],
  }
}

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
function* findHolds(
  request: RetentionRequest,
  facts: RetentionFacts,
  counted: readonly Image[],
): QueryGenerator<readonly Candidate[]> {
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

function retentionDecisions(
  { keep }: RetentionRequest,
  counted: readonly Image[],
  judged: readonly Candidate[],
): RetentionDecision[] {
  const verdicts = new Map(judged.map((each) => [each.image.id, each]))
  return counted.map((image) => {
    const verdict = verdicts.get(image.id)
    if (!verdict) return { image, delete: false, reason: `the newest ${keep} stay` }
    const { hold } = verdict
    return { image, delete: hold === undefined, reason: hold?.reason ?? `beyond the newest ${keep}` }
  })
}

function leftNotices({ family, keep }: RetentionRequest, judged: readonly Candidate[], left: number): Notice[] {
  if (left <= keep) return []
  const reasons = judged.flatMap(({ image, hold }) =>
    hold ? [`${label(image)} is ${hold.reason}: ${hold.remedy}.`] : [],
  )
  const text = `Family ${family} is left with ${left} images, more than the ${keep} of \`keep\`. ${reasons.join(' ')}`
  return [{ level: 'warning', text }]
}

function unshareNotices(going: readonly Candidate[]): Notice[] {
  const losses = going
    .filter(({ accounts }) => accounts.length > 0)
    .map(({ image, accounts }) => `${accounts.join(', ')} ${accounts.length === 1 ? 'loses' : 'lose'} ${label(image)}`)
  if (losses.length === 0) return []
  return [{ level: 'warning', text: `What is deleted was shared: ${losses.join('; ')}.` }]
}

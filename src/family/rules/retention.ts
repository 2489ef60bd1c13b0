/** Applies `keep` to a family in one region: its oldest images are deleted, except those that somebody may still need. */
import { type Image, label, newestFirst } from '../model/image.ts'
import { deletionLimit } from '../model/limits.ts'
import type { Notice, RetentionDecision } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { type Deletion, isPlaceholder, type Step } from '../plan/steps.ts'
import { claimSnapshots, membersWithTarget, planDeletions } from './deletion.ts'
import {
  findFallbacks,
  findHold,
  type Hold,
  inUse,
  type RetentionFacts,
  type RetentionRequest,
  sharedWith,
} from './reasons-to-keep.ts'

export interface Retention {
  /** One for every image that counts, newest first. */
  readonly decisions: readonly RetentionDecision[]
  readonly steps: readonly Step[]
  /** Oldest first. */
  readonly deletions: readonly Deletion[]
  /** How many of the images that count are kept. */
  readonly remaining: number
  readonly notices: readonly Notice[]
}

/** An image that is older than the newest ones that `keep` counts. */
interface Candidate {
  readonly image: Image
  /** Undefined: it is deleted, now or by a later run. */
  readonly hold: Hold | undefined
  /** The accounts that it is shared with, if that was asked. */
  readonly accounts: readonly string[]
  /** This run has deleted as many images as it may: a later run deletes it. */
  readonly isLeft: boolean
}

export function* planRetention(request: RetentionRequest, facts: RetentionFacts): QueryGenerator<Retention> {
  const counted = selectCounted(facts)
  const candidates = yield* findCandidates(request, facts, counted)
  const deleted = candidates.filter(({ hold, isLeft }) => hold === undefined && !isLeft)
  const deletions = planDeletions(request, facts, deleted)
  const remaining = counted.length - deleted.length
  return {
    decisions: retentionDecisions(request, counted, candidates),
    steps: [...claimSnapshots(request, deletions), ...deletions],
    deletions,
    remaining,
    notices: [
      ...excessNotices(request, candidates, remaining),
      ...limitNotices(request, candidates),
      ...unshareNotices(deleted),
    ],
  }
}

/** Images of the family as it will be, newest first. Of the images still being created, only the target counts. */
function selectCounted(facts: RetentionFacts): Image[] {
  const { target, leaves } = facts
  const counts = ({ id, status }: Image) =>
    id === target?.id || (['Available', 'Deprecated'].includes(status) && !leaves.includes(id))
  const images = membersWithTarget(facts).filter(counts)
  // An image that is still to be created will be newer than all others, whatever its provisional time says.
  const planned = images.filter(({ id }) => isPlaceholder(id))
  return [...planned, ...newestFirst(images.filter(({ id }) => !isPlaceholder(id)))]
}

/** Checks the images beyond `keep`, oldest first. ECS is asked only about those that would otherwise be deleted. */
function* findCandidates(
  request: RetentionRequest,
  facts: RetentionFacts,
  counted: readonly Image[],
): QueryGenerator<readonly Candidate[]> {
  const { region, family, keep } = request
  const beyond = counted.slice(keep).reverse()
  const fallbacks = findFallbacks(facts, counted)
  const known = beyond.map((image) => ({ image, hold: findHold(image, request, facts, fallbacks) }))
  const [used, deleted] = known.some(({ hold }) => !hold)
    ? yield* query({ ask: 'used', region, family }, { ask: 'deleted', region })
    : [[], 0]
  const seen = known.map(({ image, hold }) => ({ image, hold: hold ?? (used.includes(image.id) ? inUse : undefined) }))
  const free = seen.filter(({ hold }) => !hold).map(({ image }) => image)
  const checked = yield* checkShares(request, free, deletionLimit - deleted)
  return seen.map(
    ({ image, hold }) => checked.get(image.id) ?? { image, hold, accounts: [], isLeft: hold === undefined },
  )
}

/** Asks what the images are shared with, oldest first, until as many were found as may be deleted. */
function* checkShares(
  { region, unshare }: RetentionRequest,
  images: readonly Image[],
  allowed: number,
): QueryGenerator<ReadonlyMap<string, Candidate>> {
  const checked = new Map<string, Candidate>()
  for (let open = allowed; open > 0 && checked.size < images.length; ) {
    const next = images.slice(checked.size, checked.size + open)
    const answers = yield* queryEach(next, ({ id }) => ({ ask: 'shares', region, image: id }))
    for (const { thing: image, answer: accounts } of answers) {
      const hold = accounts.length > 0 && !unshare ? sharedWith(accounts) : undefined
      checked.set(image.id, { image, hold, accounts, isLeft: false })
      if (!hold) open -= 1
    }
  }
  return checked
}

const limit = `at most ${deletionLimit} are deleted in one run`

function retentionDecisions(
  { keep }: RetentionRequest,
  counted: readonly Image[],
  candidates: readonly Candidate[],
): RetentionDecision[] {
  const byId = new Map(candidates.map((each) => [each.image.id, each]))
  return counted.map((image) => {
    const candidate = byId.get(image.id)
    if (!candidate) return { image, delete: false, reason: `among the newest ${keep}` }
    const { hold, isLeft } = candidate
    if (isLeft) return { image, delete: false, reason: `older than the newest ${keep}, but ${limit}` }
    return { image, delete: hold === undefined, reason: hold?.reason ?? `older than the newest ${keep}` }
  })
}

function excessNotices(
  { family, keep }: RetentionRequest,
  candidates: readonly Candidate[],
  remaining: number,
): Notice[] {
  const reasons = candidates.flatMap(({ image, hold }) =>
    hold ? [`${label(image)} is kept: ${hold.reason}. ${hold.remedy}`] : [],
  )
  if (reasons.length === 0) return []
  const text = `Family ${family} still has ${remaining} images although \`keep\` is ${keep}. ${reasons.join(' ')}`
  return [{ level: 'warning', text }]
}

function limitNotices({ family, keep }: RetentionRequest, candidates: readonly Candidate[]): Notice[] {
  const left = candidates.filter(({ isLeft }) => isLeft).length
  if (left === 0) return []
  const text = `\`keep\` deletes at most ${deletionLimit} images of a region in one run. Family ${family} has ${left} more that ${
    left === 1 ? 'is' : 'are'
  } older than the newest ${keep}: ${left === 1 ? 'a later run deletes it' : 'later runs delete them'}.`
  return [{ level: 'notice', text }]
}

function unshareNotices(deleted: readonly Candidate[]): Notice[] {
  const losses = deleted
    .filter(({ accounts }) => accounts.length > 0)
    .map(({ image, accounts }) => `${accounts.join(', ')} ${accounts.length === 1 ? 'loses' : 'lose'} ${label(image)}`)
  if (losses.length === 0) return []
  return [{ level: 'warning', text: `Shared images are deleted: ${losses.join('; ')}.` }]
}

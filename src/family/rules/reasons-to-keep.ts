/** Why an image stays although it is older than those to keep. */

import { type DecisionRecord, decisionOn, decisionTraits, describeDecision } from '../model/decision-record.ts'
import { type FamilyRef, type Image, isAvailable, sameSecond } from '../model/image.ts'
import { originOf, sameImage } from '../model/origin.ts'
import type { Run } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Deletion } from '../plan/steps.ts'
export interface RetentionRequest extends FamilyRef {
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

/** Why an image stays that is older than those to keep; both for people. */
export interface Hold {
  /** Goes on after 'it is'. */
  readonly reason: string
  readonly remedy: string
}

/**
 * What a rollback would fall back to: the newest available image older than the target, and no copy of it. Images of
 * the same second cannot be ordered, so one beside it, or beside the target, may be the one just as well.
 */
export function fallbacksIn({ target, withdrawn }: RetentionFacts, counted: readonly Image[]): Image[] {
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
export const inUse: Hold = { reason: 'in use by an instance', remedy: 'release the instances made from it' }

const decidedOn = (decision: DecisionRecord): Hold => ({
  reason: `decided on by ${describeDecision(decision)}`,
  remedy: 'delete it yourself if that run is not to be repeated',
})

export const sharedWith = (accounts: readonly string[]): Hold => ({
  reason: `shared with ${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`,
  remedy: 'set `unshare: true` to take that back',
})

/** What keeps an image of which ECS need not be asked anything. */
export function findHold(
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
    decisionTraits[mode].endsWithNext && state === 'done' && at < (decisions[0]?.at ?? at)
  return decisions.find((decision) => decision.target === id && decision.run !== run.key && !isOver(decision))
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

/** Why an image is kept although it is older than the newest ones that `keep` counts. */

import { type DecisionRecord, decisionOn, decisionTraits, describeDecision } from '../model/decision-record.ts'
import { createdInSameSecond, type FamilyRef, type Image, isAvailable, label, preferUsable } from '../model/image.ts'
import { haveSameOrigin, originOf } from '../model/origin.ts'
import { findTagCopy, findTagSource, hasConsistentTags } from '../model/own-image.ts'
import type { Run } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Deletion } from '../plan/steps.ts'

export interface RetentionRequest extends FamilyRef {
  /** How many images to keep. */
  readonly keep: number
  /** Takes back the shares of an image that must be deleted, instead of keeping it. */
  readonly unshare: boolean
  readonly run: Run
}

/** The family as it is now, and what the rest of the plan does to it. Retention counts the family as it will be. */
export interface RetentionFacts {
  /** Own images of the family, as they are now. */
  readonly members: readonly Image[]
  /** The image that is current after the plan: a member, one that joins, or one still to be created (a placeholder). */
  readonly target: Image | undefined
  /** IDs of the images that the plan deprecates. */
  readonly withdrawn: readonly string[]
  /** IDs of the images that leave the family. */
  readonly leaves: readonly string[]
  /** Origins of the home region's current image and of the image it would fall back to. All regions keep their copies. */
  readonly origins: readonly string[]
}

/** Why an image is kept, and how that can be changed; both for people. */
export interface Hold {
  /** Follows `Keep web-v1: `. */
  readonly reason: string
  /** One sentence. */
  readonly remedy: string
}

/**
 * The images that a rollback might fall back to: the newest available image that is older than the target and not a
 * copy of it, and the newest one of these that is usable now. ECS does not define the order of images created in the same second, so those beside the target or beside
 * that image are included.
 */
export function findFallbacks({ target, withdrawn }: RetentionFacts, counted: readonly Image[]): Image[] {
  const others = counted.filter(
    (image) =>
      isAvailable(image) &&
      !withdrawn.includes(image.id) &&
      !(target && (image === target || haveSameOrigin(image, target))),
  )
  const older = counted.slice(counted.findIndex(({ id }) => id === target?.id) + 1)
  const eligible = older.filter((image) => others.includes(image) && !(target && createdInSameSecond(image, target)))
  return others.filter((image) =>
    [target, eligible[0], preferUsable(eligible)].some(
      (one) => one && (one.id === image.id || createdInSameSecond(one, image)),
    ),
  )
}

const servedNow: Hold = {
  reason: 'the family serves it',
  remedy: 'It can be deleted once the family serves another image.',
}
const rollbackTarget: Hold = {
  reason: 'a rollback falls back to it',
  remedy: 'It can be deleted once there is a newer image to fall back to.',
}
const neededAtHome: Hold = {
  reason: 'the home region serves it or falls back to it',
  remedy: 'It can be deleted once that has changed.',
}
const protectedByTag: Hold = { reason: `tagged ${tag.protect}`, remedy: 'Remove the tag to allow its deletion.' }
const notOurs = (reason: string): Hold => ({ reason, remedy: 'Delete it by hand if nobody needs it.' })
/** Once it was deleted, nothing would tell that the other image is not the run's own. */
const neededToTell = (copy: Image): Hold => ({
  reason: `its tags were copied to ${label(copy)}`,
  remedy: `Remove \`${tag.run}\` from ${copy.id}.`,
})
export const inUse: Hold = { reason: 'in use by an instance', remedy: 'Release the instances that use it.' }

const wantedBy = (decision: DecisionRecord): Hold => ({
  reason: `the target of ${describeDecision(decision)}`,
  remedy: 'Delete it by hand if you will not re-run that job.',
})

export const sharedWith = (accounts: readonly string[]): Hold => ({
  reason: `shared with ${accounts.length} account${accounts.length === 1 ? '' : 's'} (${accounts.join(', ')})`,
  remedy: 'Set `unshare: true` to take the shares back.',
})

/** Finds a reason to keep the image that is known without asking ECS. */
export function findHold(
  image: Image,
  { run }: RetentionRequest,
  { members, target, origins }: RetentionFacts,
  fallbacks: readonly Image[],
): Hold | undefined {
  if (image.id === target?.id) return servedNow
  if (fallbacks.some(({ id }) => id === image.id)) return rollbackTarget
  if (origins.includes(originOf(image))) return neededAtHome
  if (tag.protect in image.tags) return protectedByTag
  if (!hasOwnTag(image, run.key)) return notOurs('not made by this action')
  const copied = findCopiedTags(image, members)
  if (copied) return copied
  const decision = findDecisionFor(image, members, run)
  return decision && wantedBy(decision)
}

/**
 * This action made the image, adopted it as a copy, or decided about it, unless its tags were copied. The record of the
 * present run alone does not count: the run found the image in the family.
 */
function hasOwnTag(image: Image, run: string): boolean {
  const { tags } = image
  if (tag.run in tags || tag.origin in tags) return true
  const decision = decisionOn(image)
  return tag.decision in tags && !(decision?.run === run && decision.replaces === undefined)
}

/** Somebody has copied the tags from one image to another, so they do not tell which of the two this action made. */
function findCopiedTags(image: Image, members: readonly Image[]): Hold | undefined {
  const source = findTagSource(image, members)
  if (source) return notOurs(`its tags were copied from ${label(source)}`)
  if (!hasConsistentTags(image)) return notOurs('its tags were copied from another image')
  const copy = findTagCopy(image, members)
  return copy && neededToTell(copy)
}

/**
 * The latest decision of another run that has this image as its target: a re-run of that run needs the image. A
 * promotion that is done and was followed by another decision no longer counts; otherwise no promoted image could ever
 * be deleted.
 */
function findDecisionFor({ id }: Image, members: readonly Image[], run: Run): DecisionRecord | undefined {
  const decisions = members
    .map(decisionOn)
    .filter((decision) => decision !== undefined)
    .sort((a, b) => b.at - a.at)
  const hasEnded = ({ mode, state, at }: DecisionRecord) =>
    decisionTraits[mode].endsWithNextDecision && state === 'done' && at < (decisions[0]?.at ?? at)
  return decisions.find((decision) => decision.target === id && decision.run !== run.key && !hasEnded(decision))
}

/** Somebody else, or an earlier step of this run, has deleted the image. */
export const alreadyDeleted = 'it is already deleted'

/**
 * Why an image that was planned to be deleted is kept after all, according to the last look at it; undefined when it can
 * be deleted. An image that is in use or shared is not checked for here: ECS refuses to delete it. A decision that this
 * run has recorded since is no reason to keep it.
 */
export function reasonToKeep(
  deletion: Deletion,
  {
    image,
    members = [],
    current,
    fallback,
  }: {
    readonly image: Image | undefined
    readonly members?: readonly Image[]
    readonly current: Image | undefined
    /** What a rollback would fall back to now. */
    readonly fallback?: Image | undefined
  },
): string | undefined {
  if (!image) return alreadyDeleted
  if (image.family !== deletion.family) return `it is in ${image.family ? `family ${image.family}` : 'no family'} now`
  if (!['Available', 'Deprecated'].includes(image.status)) return `it is ${image.status} now`
  if (image.id === current?.id) return `it is what ${deletion.family} serves now`
  if (image.id === fallback?.id) return `it is what a rollback of ${deletion.family} falls back to now`
  if (tag.protect in image.tags) return `it is tagged ${tag.protect} now`
  if (!hasOwnTag(image, deletion.run)) return "it no longer has this action's tags"
  const held = findCopiedTags(image, members)
  if (held) return held.reason
  const decision = decisionOn(image)
  if (image.tags[tag.decision] === deletion.decision || decision?.run === deletion.run) return undefined
  return decision
    ? `${describeDecision(decision)} has decided about it since`
    : 'the decision recorded on it has changed since'
}

/** What is done after everything else in a region: images beyond `keep` are deleted, and what an attempt has left. */

import { availableOf, type Image, isNewer } from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { BakeRequest, PromoteRequest } from '../model/request.ts'
import type { RegionPlan } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import { withSteps } from '../plan/regions.ts'
import { claimSnapshots, deleteLeftovers } from './deletion.ts'
import { planRetention } from './retention.ts'

/** What a rollback would fall back to: no other copy of the same image. @param staying the members of the family that are not withdrawn */
export const fallbackOf = (target: Image, staying: readonly Image[]): Image | undefined =>
  availableOf(staying).find((image) => isNewer(target, image) && !sameImage(image, target))

/**
 * @param target what the region is to serve
 * @param origins of the images that stay in every region
 * @param leavesFamily what is withdrawn is moved to another family
 */
export function* planPruning(
  { region, family, keep, unshare, run }: BakeRequest | PromoteRequest,
  {
    plan,
    members,
    target,
    origins,
    leavesFamily,
  }: {
    plan: RegionPlan
    members: readonly Image[]
    target: Image | undefined
    origins: readonly string[]
    leavesFamily: boolean
  },
): QueryGenerator<RegionPlan> {
  if (keep === undefined) return plan
  const [withdrawn, leaves] = leavesFamily ? [[], plan.withdrawn] : [plan.withdrawn, []]
  const left = yield* deleteLeftovers({ region, run })
  const facts = { members, target, withdrawn, leaves, origins }
  const { decisions, steps, deletions, notices } = yield* planRetention({ region, family, keep, unshare, run }, facts)
  const pruned = { ...plan, retention: decisions, notices: [...plan.notices, ...notices] }
  // Before the new image is there, a rollback would fall back to one that may go afterwards.
  const current = availableOf(members)[0]
  const fallback = current && fallbackOf(current, members)
  const early = deletions.filter(({ image }) => image !== fallback?.id)
  const room = [...claimSnapshots({ region, run }, early), ...early]
  return withSteps(plan.kind === 'change' && room.length > 0 ? { ...pruned, room } : pruned, {
    prune: [...left, ...steps],
  })
}

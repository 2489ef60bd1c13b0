/** Plans the last steps of a region: images beyond `keep` are deleted, and snapshots that a lost attempt left. */

import { availableNewestFirst, type Image, isNewer, preferUsable } from '../model/image.ts'
import { haveSameOrigin } from '../model/origin.ts'
import type { BakeRequest, PromoteRequest } from '../model/request.ts'
import type { RegionPlan } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import { addSteps } from '../plan/regions.ts'
import { claimSnapshots, deleteLeftovers } from './deletion.ts'
import { planRetention } from './retention.ts'

/**
 * The image that a rollback would fall back to; never another copy of the same image.
 * @param target the current image
 * @param members of the family, without those that are withdrawn
 */
export const findFallback = (target: Image, members: readonly Image[]): Image | undefined =>
  preferUsable(
    availableNewestFirst(members).filter((image) => isNewer(target, image) && !haveSameOrigin(image, target)),
  )

/**
 * @param target the image that is current after the plan
 * @param origins of the images that are kept in every region
 * @param leavesFamily withdrawn images are moved to another family
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
  const leftovers = yield* deleteLeftovers({ region, run })
  const facts = { members, target, withdrawn, leaves, origins }
  const { decisions, steps, deletions, notices } = yield* planRetention({ region, family, keep, unshare, run }, facts)
  const pruned = { ...plan, retention: decisions, notices: [...plan.notices, ...notices] }
  // Until the new image is current, a rollback needs an image that may be deleted afterwards.
  const current = availableNewestFirst(members)[0]
  const fallback = current && findFallback(current, members)
  const early = deletions.filter(({ image }) => image !== fallback?.id)
  const room = [...claimSnapshots({ region, run }, early), ...early]
  return addSteps(plan.kind === 'change' && room.length > 0 ? { ...pruned, room } : pruned, {
    prune: [...leftovers, ...steps],
  })
}

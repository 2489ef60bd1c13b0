/** What is done after everything else in a region: images beyond `keep` are deleted, and what an attempt has left. */
import { availableOf, type Image, isNewer } from './image.ts'
import { sameImage } from './origin.ts'
import type { RegionPlan, Room, Step } from './plan.ts'
import type { Planning } from './question.ts'
import { alsoDoing } from './regions.ts'
import type { BakeRequest, PromoteRequest } from './request.ts'
import { claiming, leftoversOf, planRetention } from './retention.ts'

/** What a rollback would fall back to: no other copy of the same image. @param staying the members of the family that are not withdrawn */
export const fallbackOf = (target: Image, staying: readonly Image[]): Image | undefined =>
  availableOf(staying).find((image) => isNewer(target, image) && !sameImage(image, target))

/**
 * @param target what the region is to serve
 * @param origins of the images that stay in every region
 */
export function* planTidying(
  { region, family, keep, unshare, run, ...request }: BakeRequest | PromoteRequest,
  {
    branch,
    members,
    target,
    origins,
  }: { branch: RegionPlan; members: readonly Image[]; target: Image | undefined; origins: readonly string[] },
): Planning<RegionPlan> {
  if (keep === undefined) return branch
  const leavesFamily = request.mode === 'promote' && request.quarantineFamily !== undefined
  const [withdrawn, leaves] = leavesFamily ? [[], branch.withdrawn] : [branch.withdrawn, []]
  const left = yield* leftoversOf({ region, run })
  const facts = { members, target, withdrawn, leaves, origins }
  const { fates, steps, deletions, notices } = yield* planRetention({ region, family, keep, unshare, run }, facts)
  const tidied = { ...branch, fates, notices: [...branch.notices, ...notices] }
  // Before the new image is there, a rollback would fall back to one that may go afterwards.
  const current = availableOf(members)[0]
  const fallback = current && fallbackOf(current, members)
  const early = deletions.filter(({ image }) => image !== fallback?.id)
  const room = [...claiming({ region, run }, early), ...early]
  return alsoDoing(withRoom(tidied, room), { prune: [...left, ...steps] })
}

/** In a full family goes first what would go in the end. */
function withRoom(branch: RegionPlan, room: Room): RegionPlan {
  if (branch.kind === 'nothing' || room.length === 0) return branch
  const make = (step: Step): Step =>
    step.action === 'create' || step.action === 'copy' || step.action === 'join-family' ? { ...step, room } : step
  const does = Object.entries(branch.does).map(([phase, steps]) => [phase, steps.map(make)])
  return { ...branch, does: Object.fromEntries(does) }
}

/** A rollback in the replica regions: to the copy of the image that home falls back to. */

import {
  availableOf,
  type Image,
  isAvailable,
  isNewer,
  isReady,
  label,
  list,
  newestFirst,
  sameSecond,
} from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import { type Refusal, type RegionDecision, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryAll } from '../plan/query.ts'
import { differentTarget, inRegion } from '../plan/regions.ts'
import { type Change, pendingAfter, recover } from '../recovery/resume.ts'
import { copyQueries } from '../rules/replication.ts'
import { refuseAmbiguous, refuseForeignRival } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'
import { already, type FamilyScene, leftAlone, targetOf } from './rollback-choice.ts'

/** What can be used at once comes before what has to be restored, and that before what has yet to join the family. */
const copyIn = ({ members, known }: FamilyScene, target: Image): Image | undefined => {
  const inFamily = newestFirst(members).filter((image) => sameImage(image, target))
  const outside = known.filter((image) => image.family === '' && sameImage(image, target))
  const isDeprecated = ({ status }: Image) => status === 'Deprecated'
  return inFamily.find(isAvailable) ?? inFamily.find(isDeprecated) ?? outside.find(isReady)
}

/** A bake that was overtaken has left its copies outside of the family: they are as good to fall back to. */
export function* withCopiesOutside(scene: FamilyScene, target: Image): QueryGenerator<FamilyScene> {
  if (copyIn(scene, target)) return scene
  const { copies, original } = yield* queryAll(copyQueries(target, scene.region))
  const outside = [...copies, ...(original ? [original] : [])].filter(({ family }) => family === '')
  return { ...scene, known: [...scene.known, ...outside] }
}

/** What was given about shares holds for the runs that help as well. */
const sharesGiven = ({ quarantineFamily, unshare, shareWith }: RollbackRequest): string[] => [
  ...(quarantineFamily === undefined ? [] : [`quarantine-family: ${quarantineFamily}`]),
  ...(unshare ? ['unshare: true'] : []),
  ...(shareWith.length === 0 ? [] : [`share-with: ${shareWith.join(',')}`]),
]

/** The two runs that help; where home serves the target already, it is only the second. */
export function copyMissing(
  request: RollbackRequest,
  {
    target,
    missing,
    home,
    isThere,
  }: { target: Image; missing: readonly FamilyScene[]; home: FamilyScene; isThere: boolean },
): Refusal {
  const { region, replicas, family, withdrawPending } = request
  const without = missing.map((scene) => scene.region)
  const rest = replicas.filter((each) => !without.includes(each))
  const served = missing.map(
    (scene) => `${scene.region} (which serves ${scene.current ? label(scene.current) : 'nothing'})`,
  )
  const inputs = (given: readonly string[]) => given.map((each) => `\`${each}\``).join(', ')
  const back = inputs([
    'mode: rollback',
    `region-id: ${region}`,
    ...(rest.length > 0 ? [`replica-region-ids: ${rest.join(',')}`] : []),
    `to-image-id: ${target.id}`,
    ...sharesGiven(request),
    ...(withdrawPending ? ['withdraw-pending: true'] : []),
  ])
  const there = inputs([
    'mode: promote',
    `region-id: ${region}`,
    `replica-region-ids: ${without.join(',')}`,
    `image-id: ${target.id}`,
    'deprecate-newer: true',
    ...sharesGiven(request),
  ])
  const bad = home.current ? ` ${label(home.current)} or a copy of it` : ' what is bad'
  const now = `At once: ${back}${rest.length > 0 ? '' : ', without `replica-region-ids`'}; ${without.join(', ')} may serve${bad} until the next is done. Then: `
  return refuse(
    'copy-missing',
    `Family ${family} has no copy of ${label(target)} in ${served.join(', ')}: not every region can fall back to it.`,
    `${isThere ? '' : now}${there}, which copies it there.`,
  )
}

/** In a replica the copies' own creation times count: whatever stands before the target's copy there has to go. */
export function decideInReplica(
  whole: RollbackRequest,
  scene: FamilyScene,
  { home, target, isDone }: { home: FamilyScene; target: Image | undefined; isDone: boolean },
): Change | RegionDecision | 'missing' {
  const copy = target && copyIn(scene, target)
  const request = { ...inRegion(whole, scene.region), toImage: whole.toImage === undefined ? undefined : copy?.id }
  const remembered = recover(request, scene)
  if (remembered) return (isDone ? undefined : differentTarget(targetOf(remembered, scene), target)) ?? remembered
  if (isDone) return leftAlone(request, scene)
  if (!copy) return target ? 'missing' : emptyReplica(request, scene, home)
  const { current, members } = scene
  const rivals = [...availableOf(members), ...(current ? [current] : [])]
  const tied = rivals.find((image) => sameSecond(image, copy))
  if (tied) return refuseAmbiguous(request.family, [copy, tied])
  const newer = availableOf(members).filter((image) => isNewer(image, copy))
  const withdrawWhenReady = request.withdrawPending ? pendingAfter(members, copy) : []
  const isServed = isAvailable(copy) && current?.id === copy.id
  if (isServed && newer.length + withdrawWhenReady.length === 0) return already(request, members, copy)
  const decided: Change = {
    target: copy,
    previous: current?.id,
    withdraw: withdrawalOrder(newer, current?.id),
    withdrawWhenReady: withdrawWhenReady,
    resumed: undefined,
  }
  return refuseForeignRival(request.family, { current, members, target: copy }) ?? decided
}

/** The family is emptied at home: here it may lose copies of the same image, and nothing else. */
function emptyReplica(request: RollbackRequest, scene: FamilyScene, home: FamilyScene): Change | RegionDecision {
  const { current, members } = scene
  const others = availableOf(members).filter((image) => !home.current || !sameImage(image, home.current))
  if (others.length > 0) {
    return refuse(
      'regions-differ',
      `Family ${request.family} has ${list(others)} there, which ${home.region} has not: emptied at home, it would still serve that.`,
      `Roll back without this region in \`replica-region-ids\`, or promote ${label(others[0] as Image)} everywhere from here.`,
    )
  }
  const withdraw = withdrawalOrder(availableOf(members), current?.id)
  const withdrawWhenReady = request.withdrawPending ? pendingAfter(members, undefined) : []
  if (withdraw.length + withdrawWhenReady.length === 0) return already(request, members, undefined)
  return {
    target: undefined,
    previous: current?.id,
    withdraw,
    withdrawWhenReady: withdrawWhenReady,
    resumed: undefined,
  }
}

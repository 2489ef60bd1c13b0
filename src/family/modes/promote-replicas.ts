/** A promotion in the replica regions: by a copy that is there, or one to be made. */

import { decisionOn } from '../model/decision-record.ts'
import { availableOf, distinct, type Image, isAvailable, isNewer, isReady, label } from '../model/image.ts'
import { originOf } from '../model/origin.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Tags, tag } from '../model/tags.ts'
import { isRefusal, type Notice, type Refusal, type RegionDecision, refuse } from '../plan/plan.ts'
import { all, type QueryGenerator, queryAll, queryEach } from '../plan/query.ts'
import { differentTarget, inRegion } from '../plan/regions.ts'
import type { Step } from '../plan/steps.ts'
import { type Change, isDoneInAnyRegion, observeConsistently, recover } from '../recovery/resume.ts'
import { tagging, wouldBeServed } from '../rules/entry.ts'
import { awaitCopy, type CopyPlan, copyQueries, pickCopy, planCopy, plannedCopy } from '../rules/replication.ts'
import { classifyRivals, refuseForeignRival } from '../rules/rivals.ts'
import { already, decideOn, leftAlone, type RegionScene, targetOf } from './promote-choice.ts'

interface ReplicaScene extends RegionScene {
  /** Copies of the target, whatever their family. */
  readonly copies: readonly Image[]
}

function* lookInReplica(request: PromoteRequest, target: Image): QueryGenerator<ReplicaScene> {
  const { region, family, quarantineFamily } = request
  const seen = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    quarantined: quarantineFamily === undefined ? undefined : { ask: 'members', region, family: quarantineFamily },
    ...copyQueries(target, region),
  })
  const { current, members, quarantined = [], original: first } = seen
  const copies = distinct([...seen.copies, ...(first ? [first] : [])])
  return { region, current, members, quarantined, copies, known: distinct([...members, ...quarantined, ...copies]) }
}

/** What is decided for one region, and what there is to go by. */
export interface Case {
  readonly scene: RegionScene
  readonly decided: Change | RegionDecision
  /** What the region is to serve. */
  readonly target: Image | undefined
  /** Steps that make the image, or the copy, ready for use. */
  readonly make: readonly Step[]
  readonly copy: readonly Step[]
  readonly notices: readonly Notice[]
}

/** The members that stay after the plan. */
export const remainingMembers = ({ scene, decided }: Case): readonly Image[] => {
  const gone = 'kind' in decided ? [] : decided.withdraw
  return scene.members.filter((image) => !gone.includes(image))
}

/** The cases of all regions: everywhere the same image, by a copy that is there or one to be made. */
export function* spread(
  request: PromoteRequest,
  { home, target, stays, now }: { home: Case; target: Image; stays: boolean; now: number },
): QueryGenerator<readonly Case[] | Refusal> {
  const scenes = yield* all(
    request.replicas.map((region) =>
      observeConsistently(inRegion(request, region), () => lookInReplica(inRegion(request, region), target)),
    ),
  )
  if (stays) return [home, ...scenes.map((scene) => staying(request, scene, home))]
  const isDone = isDoneInAnyRegion(request.run, [home.scene, ...scenes])
  const isMissing = ({ copies }: ReplicaScene) => pickCopy(copies) === undefined
  const source = scenes.some(isMissing) ? yield* planSource(request, { target, scenes }) : undefined
  if (source && isRefusal(source)) return source
  const replicas = yield* all(scenes.map((scene) => decideInReplica(request, scene, { target, source, isDone, now })))
  return [source ? restored(home, source.restore) : home, ...replicas]
}

const staying = (request: PromoteRequest, scene: ReplicaScene, { decided }: Case): Case => {
  const reason = 'kind' in decided && decided.kind === 'nothing' ? decided.reason : ''
  const branch: RegionDecision = { ...already(request, scene, scene.current, reason), region: scene.region }
  return { scene, decided: branch, target: scene.current, make: [], copy: [], notices: [] }
}

/** Where copies come from, and what makes that possible. */
interface Source {
  readonly from: { readonly region: string; readonly image: string }
  readonly restore: readonly Step[]
}

/** With the target restored before anything is decided on, so that it can be copied. */
const restored = (home: Case, restore: readonly Step[]): Case => {
  const { decided, target } = home
  if (restore.length === 0 || !target) return home
  const now: Image = { ...target, status: 'Available' }
  return { ...home, make: restore, target: now, decided: 'kind' in decided ? decided : { ...decided, target: now } }
}

/** A deprecated image cannot be copied: an available copy elsewhere can, or the image once it is restored. */
function* planSource(
  request: PromoteRequest,
  { target, scenes }: { target: Image; scenes: readonly ReplicaScene[] },
): QueryGenerator<Source | Refusal> {
  const { region, family, replicas } = request
  const home = { region, image: target.id }
  if (target.status !== 'Deprecated') return { from: home, restore: [] }
  const elsewhere = scenes.flatMap(({ copies }) => copies).find(isReady)
  if (elsewhere) return { from: { region: elsewhere.region, image: elsewhere.id }, restore: [] }
  if (!(yield* wouldBeServed(request, target))) {
    return { from: home, restore: [{ action: 'restore', region, image: target.id }] }
  }
  return refuse(
    'not-permitted',
    `${label(target)} is deprecated, and ECS copies no deprecated image; restored first, it would be what family ${target.family} serves in ${region} long before its copies are ready.`,
    `Two runs do it: promote it into ${family} without \`replica-region-ids\`, then once more with \`replica-region-ids: ${replicas.join(',')}\`.`,
  )
}

/** In a replica the copies' own creation times count: what stands before the target's copy there has to go. */
function* decideInReplica(
  whole: PromoteRequest,
  scene: ReplicaScene,
  { target, source, isDone, now }: { target: Image; source: Source | undefined; isDone: boolean; now: number },
): QueryGenerator<Case> {
  const { region, copies } = scene
  const isDecided = (image: Image) => {
    const decision = decisionOn(image)
    return decision?.run === whole.run.key && decision.target === image.id
  }
  const found = pickCopy(copies, [isDecided, ({ id }) => id === scene.current?.id])
  const request = { ...inRegion(whole, region), image: found?.id }
  if (isDone && !found) {
    const branch = leftAlone(request, scene)
    return { scene, decided: branch, target: undefined, make: [], copy: [], notices: [] }
  }
  const making = found ? { steps: awaitCopy(found), notices: [] } : planCopyOf(request, { target, source, copies })
  const made = making.steps.find((step): step is Extract<Step, { action: 'copy' }> => step.action === 'copy')
  const copy = made ? plannedCopy(target, { region, copy: made.copy, now }) : found
  const decided = yield* decideOnCopy(request, scene, { target, copy: copy ?? target, isDone })
  const steps = { make: [], copy: making.steps, notices: making.notices }
  return { scene, decided, target: isRefusal(decided) ? undefined : (targetOf(decided, scene) ?? copy), ...steps }
}

function* decideOnCopy(
  request: PromoteRequest,
  scene: ReplicaScene,
  { target, copy, isDone }: { target: Image; copy: Image; isDone: boolean },
): QueryGenerator<Change | RegionDecision> {
  const remembered = recover(request, scene)
  if (remembered) return (isDone ? undefined : differentTarget(targetOf(remembered, scene), target)) ?? remembered
  if (isDone) return leftAlone(request, scene)
  const { current, members } = scene
  if (current?.id === copy.id && isAvailable(copy) && tagging(request, copy).length === 0) {
    return already(request, scene, current, `${request.family} already serves ${label(current)}`)
  }
  const foreign = refuseForeignRival(request.family, { current, members, target: copy })
  if (foreign) return foreign
  const newer = availableOf(members).filter((image) => isNewer(image, copy))
  // What is promoted from a family is the newest there; a late copy of an older image is no reason against it here.
  const mayRetire = request.fromFamily !== undefined && newer.length > 0
  const isLate =
    mayRetire &&
    (yield* classifyRivals(newer, { image: target, regions: [target.region, ...request.replicas] })).late.length ===
      newer.length
  return yield* decideOn(isLate ? { ...request, deprecateNewer: true } : request, scene, copy)
}

/** What a copy of this run is tagged with: where the image comes from, and who copied it. */
function tagsOfCopy({ copyTags, tags }: PromoteRequest, target: Image): Tags {
  const isProvenance = ([key]: [string, string]) => key.startsWith('github:')
  const own = Object.entries(copyTags)
  const inherited = Object.entries(target.tags).filter(isProvenance)
  const provenance = inherited.length > 0 ? inherited : own.filter(isProvenance)
  const rest = own.filter((entry) => !isProvenance(entry))
  return { ...tags, ...Object.fromEntries([...rest, ...provenance]), [tag.origin]: originOf(target) }
}

function planCopyOf(
  request: PromoteRequest,
  { target, source, copies }: { target: Image; source: Source | undefined; copies: readonly Image[] },
) {
  const { region, run, family, resourceGroupId, copyKmsKeyIds } = request
  const copying: CopyPlan['copying'] = {
    description: `Copy of ${originOf(target)}`,
    tags: tagsOfCopy(request, target),
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  const from = source?.from ?? { region: target.region, image: target.id }
  return planCopy({ region, run, family, imageName: undefined, from, copying }, copies)
}

/** On a re-run without a mark at home: an image of a replica region on which this run has decided, and is done. */
export function* doneElsewhere({ run, family, replicas }: PromoteRequest): QueryGenerator<Image | undefined> {
  if (run.attempt === 1) return undefined
  const looks = yield* queryEach(replicas, (region) => ({ ask: 'members', region, family }))
  const members = looks.flatMap(({ answer }) => answer)
  const target = members
    .map(decisionOn)
    .find((decision) => decision?.run === run.key && decision.state === 'done')?.target
  return members.find(({ id }) => id === target)
}

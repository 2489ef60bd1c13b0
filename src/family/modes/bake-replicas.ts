/** A bake in the replica regions: copies, and all families joined at once, everywhere or nowhere. */

import { type DecisionOnImage, decisionOn, describeDecision, isSameWorkflowRun } from '../model/decision-record.ts'
import { availableOf, type Image, isNewer, isPending, label, list, sameSecond } from '../model/image.ts'
import { originOf } from '../model/origin.ts'
import { type BakeRequest, regionsOf } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import {
  entrySteps,
  isRefusal,
  type Notice,
  type Plan,
  type Refusal,
  type RegionDecision,
  type RegionOutcome,
  type RegionPlan,
  refuse,
} from '../plan/plan.ts'
import { all, type QueryGenerator, query, queryAll } from '../plan/query.ts'
import { combineRefusals, combineRegions, inRegion, withSteps } from '../plan/regions.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { changedExternally, supersededBy } from '../recovery/supersession.ts'
import { refuseForbidden } from '../rules/permission.ts'
import { fallbackOf, planPruning } from '../rules/pruning.ts'
import { quotaNotices } from '../rules/quota.ts'
import { awaitCopy, type CopyPlan, originTag, pickCopy, planCopy, plannedCopy } from '../rules/replication.ts'
import { classifyRivals, refuseAmbiguous } from '../rules/rivals.ts'
import { accountsLeftBehind, planSharing } from '../rules/sharing.ts'
import { planWithdrawal, type Withdrawal, withdrawalOrder } from '../rules/withdrawal.ts'

export interface RegionScene {
  readonly region: string
  readonly current: Image | undefined
  readonly members: readonly Image[]
}

export const nameTaken = (taken: Image): Refusal =>
  refuse(
    'name-taken',
    `The name ${taken.name} belongs to ${taken.id} (${taken.status}, created ${taken.creationTime}), which this run has not made. Names are unique in a region.`,
    'Choose another `image-name`, or leave it out: a name is then made from family and run.',
  )

/** The image, or its copy in a region, is not where this run would have it. */
export function whereItIs({ run, region }: BakeRequest, image: Image, settlement: RegionOutcome): RegionDecision {
  const decision = decisionOn(image)
  if (!decision) return changedExternally(image, 'created')
  if (!isSameWorkflowRun(run, decision.run)) {
    return refuse(
      'superseded',
      `This run's image ${label(image)} is ${image.status} in family ${image.family || '(none)'}: ${describeDecision(decision)} decided so${
        image.tags[tag.reason] ? `, because: ${image.tags[tag.reason]}` : ''
      }.`,
      'Nothing was changed. Start a new workflow run to bake anew.',
    )
  }
  return {
    kind: 'nothing',
    region,
    reason: `an earlier attempt of this run has created ${label(image)}, and a later step of it has taken it on (${decision.mode})`,
    ...settlement,
  }
}

/** The newest available image before this one: what the family resolved to when this one was begun. */
export function settle(
  { family }: BakeRequest,
  { members }: Pick<RegionScene, 'members'>,
  image: Image,
): RegionOutcome {
  const before = availableOf(members).find(
    (other) => other.id !== image.id && other.family === family && other.creationTime < image.creationTime,
  )
  const pending = members.filter(
    (other) => isPending(other) && other.id !== image.id && other.creationTime > image.creationTime,
  )
  return {
    image: image.id,
    changedBefore: !isPlaceholder(image.id),
    previous: before?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: [],
  }
}

/** What is planned in one region, and the image that is to be served there: one that is there, or one to be. */
interface Case {
  readonly scene: RegionScene
  readonly branch: RegionPlan
  readonly image: Image
}

interface ReplicaScene extends RegionScene {
  readonly copies: readonly Image[]
  /** Somebody else's image of the name that the copy would have. */
  readonly taken: Image | undefined
}

function* lookInReplica(request: BakeRequest, image: Image): QueryGenerator<ReplicaScene> {
  const { region, family, imageName, run } = request
  const { current, members, copies, named } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    copies: isPlaceholder(image.id) ? undefined : { ask: 'copies', region, origin: originOf(image) },
    named: imageName === undefined ? undefined : { ask: 'named', region, name: imageName },
  })
  const taken = named?.find(({ tags }) => tags[tag.run] !== run.key)
  return { region, current, members, copies: copies ?? [], taken }
}

/** Copies to every replica region, and all families switched at once: everywhere, or nowhere. */
export function* spread(request: BakeRequest, { home, now }: { home: Case; now: number }): QueryGenerator<Plan> {
  const scenes = yield* all(request.replicas.map((region) => lookInReplica(inRegion(request, region), home.image)))
  const order = orderAtHome(request, home)
  if (isRefusal(order)) return order
  const joined = isTakenOn(home) ? home : joining(request, home)
  const replicas = yield* all(scenes.map((scene) => planReplica(request, scene, { home, ...order, now })))
  const refusal = combineRefusals(request, [joined.branch, ...replicas])
  if (refusal) return refusal
  const cases = [joined, ...replicas.filter((each): each is Case => !isRefusal(each))]
  const serves = order.overtakenBy ?? home.image
  const kept = [serves, fallbackOf(serves, home.scene.members)].flatMap((image) =>
    image && !isPlaceholder(image.id) ? [originOf(image)] : [],
  )
  return combineRegions(
    request,
    yield* all(cases.map((each) => finish(inRegion(request, each.scene.region), each, kept))),
  )
}

/** Whether the image wins at home by now; where that is not defined, nothing is done. */
function orderAtHome(
  { family }: BakeRequest,
  { scene: { members }, image }: Case,
): { readonly overtakenBy: Image | undefined } | Refusal {
  const others = availableOf(members).filter(({ id }) => id !== image.id)
  const tied = others.find((other) => sameSecond(other, image))
  return tied ? refuseAmbiguous(family, [image, tied]) : { overtakenBy: others.find((other) => isNewer(other, image)) }
}

/** Where images stand before it, it has to be there before those go; otherwise the proof of the whole is proof enough. */
const entryOf = ({ region, family }: BakeRequest, image: Image, { isQuiet = false } = {}): Step[] => {
  if (image.family === family) return []
  const there: Step[] = isQuiet ? [{ action: 'await', region, image: image.id, family }] : []
  return [{ action: 'join-family', region, image: image.id, family }, ...there]
}

const joining = (request: BakeRequest, { scene, branch, image }: Case): Case => ({
  scene,
  image,
  branch: withSteps(branch, { activate: entryOf(request, image) }),
})

/** A later step of the same workflow run has moved the image on; an instance left stopped may be to start all the same. */
const isTakenOn = ({ branch }: Case): boolean => branch.reason !== undefined

interface Order {
  readonly home: Case
  readonly overtakenBy: Image | undefined
  readonly now: number
}

/** The copy wins here exactly if the image wins at home. */
function* planReplica(whole: BakeRequest, scene: ReplicaScene, order: Order): QueryGenerator<Case | Refusal> {
  const request = inRegion(whole, scene.region)
  const { home, overtakenBy } = order
  const found = pickCopy(scene.copies, [({ tags }) => tags[tag.run] === request.run.key])
  if (!found && scene.taken) return nameTaken(scene.taken)
  const making = found ? { steps: awaitCopy(found), notices: [] } : planCopyOf(request, scene, home.image)
  const made = making.steps.find((step): step is Extract<Step, { action: 'copy' }> => step.action === 'copy')
  const image = made ? plannedCopy(home.image, { region: scene.region, copy: made.copy, now: order.now }) : found
  if (!image) throw new Error('A replica without a copy, and none to be made.')
  const settlement = settle(request, scene, image)
  const notices = [...making.notices, ...quotaNotices(request, scene.members)]
  const out = (newer: Image | undefined): Case => ({
    scene,
    image,
    branch: stayingOut(scene, { overtakenBy: newer, home, settlement, notices, copy: making.steps }),
  })
  if (overtakenBy || isTakenOn(home)) return out(overtakenBy)
  const moved = image.status === 'Deprecated' || !['', request.family].includes(image.family)
  if (moved) {
    const branch = whereItIs(request, image, settlement)
    return isRefusal(branch) ? branch : { scene, image, branch }
  }
  const standing = yield* standingBefore(request, { scene, home, image })
  if (isRefusal(standing)) return standing
  if (standing.overtakenBy) return out(standing.overtakenBy)
  const withdrawal = yield* clearing(request, { scene, home, image, images: standing.late })
  if (isRefusal(withdrawal)) return withdrawal
  const withdrawn = standing.late.map(({ id }) => id)
  const isQuiet = withdrawal.steps.length > 0
  const entry = entryOf(request, image, { isQuiet })
  const branch: RegionPlan = {
    ...settlement,
    kind: 'change',
    region: scene.region,
    steps: {
      copy: making.steps,
      prepare: isQuiet ? entry : [],
      activate: [...(isQuiet ? [] : entry), ...withdrawal.steps],
    },
    expect: { region: scene.region, family: request.family, image: image.id, withdrawn },
    withdrawn,
    notices: [...notices, ...withdrawal.notices],
  }
  return { scene, image, branch }
}

function stayingOut(
  { region }: RegionScene,
  {
    overtakenBy,
    home,
    settlement,
    notices,
    copy,
  }: {
    overtakenBy: Image | undefined
    home: Case
    settlement: RegionOutcome
    notices: readonly Notice[]
    copy: readonly Step[]
  },
): RegionPlan {
  const reason = overtakenBy
    ? `${label(overtakenBy)} is newer than the image of this run, whose copy stays outside of the family`
    : 'nothing is done at home'
  const told: Notice[] = overtakenBy ? [{ level: 'warning', text: `${reason}.` }] : []
  const all = { ...settlement, region, notices: [...notices, ...told] }
  // What a later step of the same workflow run has taken on at home is its to copy.
  if (copy.length === 0 || isTakenOn(home)) return { ...all, kind: 'nothing', reason }
  return { ...all, kind: 'change', steps: { copy }, expect: undefined }
}

function planCopyOf(request: BakeRequest, { copies }: ReplicaScene, image: Image) {
  const { region, run, family, imageName, description, resourceGroupId, copyKmsKeyIds } = request
  const { [tag.source]: _, ...tags } = request.tags
  const copying: CopyPlan['copying'] = {
    description,
    tags: { ...tags, ...originTag(image.region, image.id) },
    resourceGroupId,
    kmsKeyId: copyKmsKeyIds[region],
  }
  return planCopy({ region, run, family, imageName, from: { region: image.region, image: image.id }, copying }, copies)
}

/**
 * What is newer than the copy in its own region, told apart by the images that those are copies of. A newer bake may be
 * joining its regions just now. What was made here by somebody is not this run's to take.
 */
function* standingBefore(
  request: BakeRequest,
  { scene, home, image }: { scene: RegionScene; home: Case; image: Image },
): QueryGenerator<{ readonly late: readonly Image[]; readonly overtakenBy: Image | undefined } | Refusal> {
  const others = availableOf(scene.members).filter(({ id }) => id !== image.id)
  const tied = others.find((other) => sameSecond(other, image))
  if (tied) return refuseAmbiguous(request.family, [image, tied])
  const standing = others.filter((other) => isNewer(other, image))
  const promoted = standing.flatMap((other) => decidedByOthers(request, other))[0]
  if (promoted) return supersededBy(promoted)
  const { late, ahead, foreign } = yield* classifyRivals(standing, {
    image: home.image,
    regions: regionsOf({ ...request, region: home.scene.region }),
  })
  // Where the copy has joined before, the proof of the whole tells by what it was overtaken.
  if (foreign.length > 0 && image.family !== request.family) {
    return refuse(
      'newer-images',
      `${list(foreign)} in family ${request.family} ${foreign.length === 1 ? 'was' : 'were'} made there while this run copied ${label(home.image)}, and would still be served.`,
      `Nothing was switched in any region; the image and its copies are ready. Promote the one that you want: \`mode: promote\`, \`image-id: ${home.image.id}\`, \`deprecate-newer: true\`.`,
    )
  }
  return { late: withdrawalOrder(late, scene.current?.id), overtakenBy: ahead[0] }
}

/** Somebody has promoted it here, and did not only copy it late. */
function decidedByOthers({ run }: BakeRequest, image: Image): DecisionOnImage[] {
  const decision = decisionOn(image)
  const isTheirs = decision && decision.target === image.id && !isSameWorkflowRun(run, decision.run)
  return isTheirs ? [{ image, decision }] : []
}

/** Late copies of older images stand before this one: they go. */
function* clearing(
  request: BakeRequest,
  { scene, home, image, images }: { scene: RegionScene; home: Case; image: Image; images: readonly Image[] },
): QueryGenerator<Withdrawal | Refusal> {
  const asked = { ...request, region: scene.region, unshare: false, quarantineFamily: undefined }
  const withdrawal = yield* planWithdrawal(asked, { images, target: image, quarantined: [] })
  if (!isRefusal(withdrawal)) return (yield* refuseForbidden(withdrawal.steps)) ?? withdrawal
  const remedy = `Promote the image of this run: \`mode: promote\`, \`image-id: ${home.image.id}\`, \`deprecate-newer: true\`, and \`unshare: true\` or \`quarantine-family\`.`
  return withdrawal.code === 'already-shared' ? { ...withdrawal, remedy } : withdrawal
}

/** Shares what is ready, and deletes what is too many. */
export function* finish(
  request: BakeRequest,
  { scene, branch, image }: Case,
  origins: readonly string[],
): QueryGenerator<RegionDecision> {
  // What a later step has withdrawn since is not shared.
  const shared = image.status === 'Deprecated' ? undefined : image
  const sharing = yield* planSharing(request, shared && isPlaceholder(shared.id) ? shared.id : shared)
  if (isRefusal(sharing)) return sharing
  const behind = yield* leavingBehind(request, { scene, branch, image })
  const settled = withSteps(branch, { commit: sharing.steps })
  const told = { ...settled, notices: [...settled.notices, ...behind, ...sharing.notices] }
  const { current, members } = scene
  const joins = branch.kind === 'change' && branch.expect !== undefined
  const isAhead = current !== undefined && isNewer(current, image)
  const target = joins && !isAhead ? image : current
  const tidied = yield* planPruning(request, { branch: told, members, target, origins })
  return (
    (yield* refuseForbidden([...entrySteps(tidied), ...sharing.steps], {
      canMakeRoom: (tidied.room ?? []).length > 0,
    })) ?? tidied
  )
}

/** Accounts that see what the family serves now, and will not see this image. */
function* leavingBehind(
  request: BakeRequest,
  { scene: { region, current }, branch, image }: Case,
): QueryGenerator<Notice[]> {
  const isServed = branch.kind === 'change' && branch.expect !== undefined
  if (!isServed || !current || current.id === image.id || isNewer(current, image)) return []
  const [answer] = yield* query({ ask: 'shares', region, image: current.id })
  return accountsLeftBehind([{ thing: current, answer }], { target: image.name, seenBy: request.shareWith })
}

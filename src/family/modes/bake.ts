/**
 * Creates an image into a family, once a run, and copies it to the replica regions: what an earlier attempt has made
 * is found and gone on with.
 */

import { availableOf, distinct, type Image, isFailed, isReady, label, sameSecond, secondAfter } from '../model/image.ts'
import type { BakeRequest } from '../model/request.ts'
import { imageNameOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Change, RegionDecision } from '../plan/decision.ts'
import { type Plan, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query, queryAll, withoutQuery } from '../plan/query.ts'
import { type CreateSpec, newImagePlaceholder, type Step } from '../plan/steps.ts'
import { quotaNotices } from '../rules/quota.ts'
import { failedNotices, nextGeneration, renameFailed } from '../rules/replication.ts'
import { refuseAmbiguous } from '../rules/rivals.ts'
import { bakeCopies } from './bake-copies.ts'
import { type BakeState, leaveMoved, refuseTakenName, settleOn } from './bake-image.ts'
import { keepStoppedInstance, noticeRunning, refuseInstance, restart, stop } from './bake-instance.ts'
import { planRegions } from './pipeline.ts'
import type { ModePolicy } from './policy.ts'

export const planBake = (request: BakeRequest): QueryGenerator<Plan> => planRegions(request, bake)

const bake: ModePolicy<BakeRequest, BakeState> = {
  look: (request, { isHome }) => (isHome ? lookAtHome(request) : lookAtReplica(request)),
  choose: (request, { home, now }) => {
    const decision = refuseTied(request, home) ?? choose(request, home, now)
    return withoutQuery(keepStoppedInstance(decision, request, home.instance))
  },
  ...bakeCopies,
  sharePhase: 'commit',
  awaitsTarget: false,
  listsInstances: false,
  overtaken: 'warns',
  expectsTarget: ({ wait }) => wait,
  // The shares that `unshare` takes back are those of images that `keep` deletes.
  withdrawing: (request) => ({ ...request, unshare: false, quarantineFamily: undefined }),
  record: () => ({ planned: [], done: [], notices: [] }),
  confirmExpected: () => [],
  tagTarget: () => [],
  noticePending: () => [],
}

// ── What there is ────────────────────────────────────────────────────────────

/** A given name says nothing of who made the image, and tags may lag. */
function* lookAtHome(request: BakeRequest): QueryGenerator<BakeState> {
  const state = yield* lookForOwn(request)
  if (request.run.attempt === 1 || !state.taken) return state
  yield* query({ ask: 'lag', of: 'earlier attempt' })
  return yield* lookForOwn(request)
}

function* lookForOwn(request: BakeRequest): QueryGenerator<BakeState> {
  const { region, family, run, source, imageName } = request
  const { current, members, made, instance } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    made: { ask: 'made', region, run: run.key },
    instance: source.kind === 'instance' ? { ask: 'instance', region, instance: source.instance } : undefined,
  })
  const seen = { region, current, members, quarantined: [], instance }
  if (made.some((image) => !isFailed(image))) {
    return { ...seen, known: distinct([...members, ...made]), own: made, taken: undefined, name: '', generation: 0 }
  }
  let generation = nextGeneration(request, made)
  for (;;) {
    const name = imageName ?? imageNameOf(run, family, generation)
    const [named] = yield* query({ ask: 'named', region, name })
    // A generated name holds a digest of the run: it is this run's even where its tags cannot be read yet.
    const isOwn = (image: Image) => imageName === undefined || image.tags[tag.run] === run.key
    const own = distinct([...made, ...named.filter(isOwn)])
    const taken = named.find((image) => !isOwn(image))
    const hasFailed = imageName === undefined && named.some(({ status }) => status === 'CreateFailed')
    if (!hasFailed) return { ...seen, known: distinct([...members, ...own]), own, taken, name, generation }
    generation += 1
  }
}

function* lookAtReplica({ region, family, imageName, run }: BakeRequest): QueryGenerator<BakeState> {
  const { current, members, named } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    named: imageName === undefined ? undefined : { ask: 'named', region, name: imageName },
  })
  const taken = named?.find(({ tags }) => tags[tag.run] !== run.key)
  const nothing = { own: [], name: '', generation: 0, instance: undefined }
  return { ...nothing, region, current, members, quarantined: [], known: members, taken }
}

// ── At home ──────────────────────────────────────────────────────────────────

function choose(request: BakeRequest, state: BakeState, now: number): RegionDecision {
  const finished = findFinished(state)
  if (finished) return goOn(request, state, finished)
  if (state.taken) return refuseTakenName(state.taken)
  return refuseInstance(request, state.instance) ?? create(request, state, now)
}

const findFinished = ({ own }: BakeState): Image | undefined => own.find(({ status }) => status !== 'CreateFailed')

/** With copies it has to be clear whether the image is served at home: they follow it. */
function refuseTied({ family, replicas }: BakeRequest, state: BakeState): Refusal | undefined {
  const image = findFinished(state)
  const tied = image && availableOf(state.members).find((other) => sameSecond(other, image))
  return replicas.length > 0 && image && tied ? refuseAmbiguous(family, [image, tied]) : undefined
}

/** An image of this run exists: wait for it, or leave it where the same workflow run has taken it. */
function goOn(request: BakeRequest, state: BakeState, image: Image): RegionDecision {
  if (image.status === 'UnAvailable') {
    return refuse(
      'image-failed',
      `${label(image)}, made by an earlier attempt, is UnAvailable.`,
      'Delete it in the ECS console, then run again: a new image is created.',
    )
  }
  // With copies it joins its family when they are ready.
  const mayJoinYet = request.replicas.length > 0 && image.family === ''
  const isMoved = image.status === 'Deprecated' || !(mayJoinYet || image.family === request.family)
  if (isMoved) return leaveMoved(request, state, image)
  const wait: Step[] =
    isReady(image) || !request.wait ? [] : [{ action: 'await', region: state.region, image: image.id }]
  return {
    ...settleOn(request, state, image),
    create: [...wait, ...restart(state.region, state.instance)],
  }
}

function create(request: BakeRequest, state: BakeState, now: number): Change {
  const { region, stopInstance, wait } = request
  const { name, generation, instance, current } = state
  const failed = state.own.filter(({ status }) => status === 'CreateFailed')
  const isStopped = stopInstance !== 'no' && instance?.status === 'Running'
  const spec = createSpec(request, { name, generation })
  const made: Step[] = [
    { action: 'create', region, image: newImagePlaceholder, create: spec },
    ...(wait ? [{ action: 'await', region, image: newImagePlaceholder } as const] : []),
  ]
  return {
    kind: 'change',
    target: plannedImage(request, spec, now),
    previous: current?.id,
    withdraw: [],
    withdrawWhenReady: [],
    resumed: undefined,
    changedBefore: false,
    create: [
      ...renameFailed(request, failed, { name, generation }),
      ...(isStopped ? stop(request, instance, { now, meanwhile: made }) : [...made, ...restart(region, instance)]),
    ],
    notices: [
      ...failedNotices(failed),
      ...noticeRunning(request, instance),
      ...(spec.family === undefined ? [] : quotaNotices(request, state.members)),
    ],
  }
}

const createSpec = (request: BakeRequest, { name, generation }: { name: string; generation: number }): CreateSpec => {
  const { source, imageVersion, description, platform, architecture, bootMode, tags, run } = request
  const { detectionStrategy, imdsSupport, resourceGroupId } = request
  // With copies to come, all regions join at once.
  const family = request.replicas.length === 0 ? request.family : undefined
  const given = { source, imageVersion, description, platform, architecture, bootMode, tags, run }
  return { ...given, detectionStrategy, imdsSupport, resourceGroupId, family, name, generation }
}

/** The image as it will be: made now, it is the newest. */
const plannedImage = ({ region, tags }: BakeRequest, { name, family = '' }: CreateSpec, now: number): Image => ({
  id: newImagePlaceholder,
  region,
  name,
  family,
  version: '',
  description: '',
  status: 'Available',
  creationTime: secondAfter(now),
  progress: undefined,
  usable: undefined,
  ownerAlias: 'self',
  architecture: '',
  osName: '',
  isCopied: false,
  snapshots: [],
  tags,
})

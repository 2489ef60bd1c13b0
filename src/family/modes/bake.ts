/**
 * Creates an image in a family, once a run, and copies it to the replica regions. An image that an earlier attempt
 * created is found and used.
 */

import {
  availableNewestFirst,
  createdInSameSecond,
  distinctImages,
  type Image,
  isFailed,
  isReady,
  label,
  secondAfter,
} from '../model/image.ts'
import { isMadeBy } from '../model/own-image.ts'
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
import { type BakeState, changeTo, decideMoved, refuseMisnamed, refuseTakenName } from './bake-image.ts'
import { planRestart, planStop, refuseInstance, restartStoppedInstance, runningNotices } from './bake-instance.ts'
import { planRegions } from './pipeline.ts'
import type { ModePolicy } from './policy.ts'

export const planBake = (request: BakeRequest): QueryGenerator<Plan> => planRegions(request, bake)

const bake: ModePolicy<BakeRequest, BakeState> = {
  look: (request, { isHome }) => (isHome ? lookAtHome(request) : lookAtReplica(request)),
  // The image is awaited as soon as it is created.
  awaitsUsable: false,
  decideHome: (request, { home, now }) => {
    const decision = refuseTied(request, home) ?? decideBake(request, home, now)
    return withoutQuery(restartStoppedInstance(decision, request, home.instance))
  },
  ...bakeCopies,
  sharePhase: 'commit',
  awaitsTarget: false,
  listsInstances: false,
  overtaken: 'warns',
  expectsTarget: ({ wait }) => wait,
  // The shares that `unshare` takes back are those of images that `keep` deletes.
  withdrawalRequest: (request) => ({ ...request, unshare: false, quarantineFamily: undefined }),
  record: () => ({ planned: [], done: [], notices: [] }),
  confirmExpected: () => [],
  tagTarget: () => [],
  pendingNotices: () => [],
}

// ── What is there ────────────────────────────────────────────────────────────

/** A name that the user chose does not show who created the image, and tags may be late. */
function* lookAtHome(request: BakeRequest): QueryGenerator<BakeState> {
  const state = yield* lookForOwn(request)
  if (request.run.attempt === 1 || !state.taken) return state
  yield* query({ ask: 'lag', writesOf: 'earlier attempt' })
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
  const ours = made.filter((image) => isMadeBy(image, request))
  const misnamed = ours.length > 0 ? [] : made.filter((image) => !isFailed(image))
  const seen = { region, current, members, quarantined: [], instance, misnamed }
  if (ours.some((image) => !isFailed(image))) {
    return {
      ...seen,
      known: distinctImages([...members, ...ours]),
      own: ours,
      taken: undefined,
      name: '',
      generation: 0,
    }
  }
  let generation = nextGeneration(request, ours)
  for (;;) {
    const name = imageName ?? imageNameOf(run, family, generation)
    const [named] = yield* query({ ask: 'named', region, name })
    // A generated name contains a digest of the run: the image is this run's even before its tags can be read.
    const isOwn = (image: Image) => !image.isCopied && (imageName === undefined || image.tags[tag.run] === run.key)
    const own = distinctImages([...ours, ...named.filter(isOwn)])
    const taken = named.find((image) => !isOwn(image))
    const hasFailed = imageName === undefined && named.some(({ status }) => status === 'CreateFailed')
    if (!hasFailed) return { ...seen, known: distinctImages([...members, ...own]), own, taken, name, generation }
    generation += 1
  }
}

function* lookAtReplica({ region, family, imageName, run }: BakeRequest): QueryGenerator<BakeState> {
  const { current, members, named } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    named: imageName === undefined ? undefined : { ask: 'named', region, name: imageName },
  })
  const taken = named?.find(({ tags, isCopied }) => !isCopied || tags[tag.run] !== run.key)
  const nothing = { own: [], misnamed: [], name: '', generation: 0, instance: undefined }
  return { ...nothing, region, current, members, quarantined: [], known: members, taken }
}

// ── At home ──────────────────────────────────────────────────────────────────

function decideBake(request: BakeRequest, state: BakeState, now: number): RegionDecision {
  const finished = findOwnImage(state)
  if (finished) return continueWith(request, state, finished)
  if (state.taken) return refuseTakenName(state.taken)
  const [misnamed] = state.own.length > 0 ? [] : state.misnamed
  if (misnamed) return refuseMisnamed(misnamed)
  return refuseInstance(request, state.instance) ?? planCreation(request, state, now)
}

const findOwnImage = ({ own }: BakeState): Image | undefined => own.find(({ status }) => status !== 'CreateFailed')

/** Copies follow what is current at home, so with copies the order at home must not be ambiguous. */
function refuseTied({ family, replicas }: BakeRequest, state: BakeState): Refusal | undefined {
  const image = findOwnImage(state)
  const tied = image && availableNewestFirst(state.members).find((other) => createdInSameSecond(other, image))
  return replicas.length > 0 && image && tied ? refuseAmbiguous(family, [image, tied]) : undefined
}

/** An image of this run exists: wait for it, or leave it where a later step of the same workflow run moved it. */
function continueWith(request: BakeRequest, state: BakeState, image: Image): RegionDecision {
  if (image.status === 'UnAvailable') {
    return refuse(
      'image-failed',
      `${label(image)}, which an earlier attempt created, is UnAvailable.`,
      'Delete it in the ECS console, then run again: a new image is created.',
    )
  }
  // With copies, the image joins its family once the copies are ready.
  const isStillOutside = request.replicas.length > 0 && image.family === ''
  const isMoved = image.status === 'Deprecated' || !(isStillOutside || image.family === request.family)
  if (isMoved) return decideMoved(request, state, image)
  const wait: Step[] =
    isReady(image) || !request.wait ? [] : [{ action: 'await', region: state.region, image: image.id }]
  return {
    ...changeTo(request, state, image),
    create: [...wait, ...planRestart(state.region, state.instance)],
  }
}

function planCreation(request: BakeRequest, state: BakeState, now: number): Change {
  const { region, stopInstance, wait } = request
  const { name, generation, instance, current } = state
  const failed = state.own.filter(({ status }) => status === 'CreateFailed')
  const mustStop = stopInstance !== 'no' && instance?.status === 'Running'
  const spec = createSpec(request, { name, generation })
  const createSteps: Step[] = [
    {
      action: 'create',
      region,
      image: newImagePlaceholder,
      create: spec,
      ...(instance && stopInstance !== 'no' ? { stoppedInstance: instance.id } : {}),
    },
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
      ...(mustStop
        ? planStop(request, instance, { now, meanwhile: createSteps })
        : [...createSteps, ...planRestart(region, instance)]),
    ],
    notices: [
      ...failedNotices(failed),
      ...runningNotices(request, instance),
      ...(spec.family === undefined ? [] : quotaNotices(request, state.members)),
    ],
  }
}

const createSpec = (request: BakeRequest, { name, generation }: { name: string; generation: number }): CreateSpec => {
  const { source, imageVersion, description, platform, architecture, bootMode, tags, run } = request
  const { detectionStrategy, imdsSupport, resourceGroupId } = request
  // With copies, the image joins its family together with them.
  const family = request.replicas.length === 0 ? request.family : undefined
  const given = { source, imageVersion, description, platform, architecture, bootMode, tags, run }
  return { ...given, detectionStrategy, imdsSupport, resourceGroupId, family, name, generation }
}

/** The image as it will be: created now, it is the newest. */
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

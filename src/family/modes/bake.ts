/**
 * Creates an image into a family, once a run, and copies it to the replica regions: what an earlier attempt has made
 * is found and gone on with.
 */

import { distinct, type Image, isFailed, isReady, label, secondAfter } from '../model/image.ts'
import { type Instance, isLeftStopped, stoppedTag } from '../model/instance.ts'
import type { BakeRequest } from '../model/request.ts'
import { imageNameOf } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import { isRefusal, type Notice, type Plan, type Refusal, type RegionDecision, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query, queryAll } from '../plan/query.ts'
import { combineRegions, withSteps } from '../plan/regions.ts'
import { type CreateSpec, newImagePlaceholder, type Step } from '../plan/steps.ts'
import { quotaNotices } from '../rules/quota.ts'
import { failedNotices, nextGeneration, renameFailed } from '../rules/replication.ts'
import { finish, nameTaken, type RegionScene, settle, spread, whereItIs } from './bake-replicas.ts'

interface Workshop {
  readonly current: Image | undefined
  readonly members: readonly Image[]
  /** Images that this run has made, in whatever state. */
  readonly own: readonly Image[]
  /** Somebody else's image of the name that this run would use. */
  readonly taken: Image | undefined
  readonly name: string
  readonly generation: number
  readonly instance: Instance | undefined
}

function* look(request: BakeRequest): QueryGenerator<Workshop> {
  const { region, family, run, source } = request
  const { current, members, made, instance } = yield* queryAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    made: { ask: 'made', region, run: run.key },
    instance: source.kind === 'instance' ? { ask: 'instance', region, instance: source.instance } : undefined,
  })
  if (made.some((image) => !isFailed(image))) {
    return { current, members, own: made, taken: undefined, name: '', generation: 0, instance }
  }
  let generation = nextGeneration(request, made)
  for (;;) {
    const name = request.imageName ?? imageNameOf(run, family, generation)
    const [named] = yield* query({ ask: 'named', region, name })
    // A generated name holds a digest of the run: it is this run's even where its tags cannot be read yet.
    const isOwn = (image: Image) => request.imageName === undefined || image.tags[tag.run] === run.key
    const own = distinct([...made, ...named.filter(isOwn)])
    const taken = named.find((image) => !isOwn(image))
    const failed = request.imageName === undefined && named.some(({ status }) => status === 'CreateFailed')
    if (!failed) return { current, members, own, taken, name, generation, instance }
    generation += 1
  }
}

export function* planBake(request: BakeRequest): QueryGenerator<Plan> {
  const workshop = yield* lookTwice(request)
  const [now] = yield* query({ ask: 'time' })
  const home = decide(request, workshop, now)
  const branch = notLeavingStopped(home, request, workshop.instance)
  if (isRefusal(branch)) return branch
  const scene: RegionScene = { region: request.region, current: workshop.current, members: workshop.members }
  const image = workshop.own.find(({ id }) => id === branch.image) ?? imageToBe(request, workshop, now)
  if (request.replicas.length === 0)
    return combineRegions(request, [yield* finish(request, { scene, branch, image }, [])])
  return yield* spread(request, { home: { scene, branch, image }, now })
}

const imageToBe = ({ region, tags }: BakeRequest, { name }: Workshop, now: number): Image => ({
  id: newImagePlaceholder,
  region,
  name,
  family: '',
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

function decide(request: BakeRequest, workshop: Workshop, now: number): RegionDecision {
  const finished = workshop.own.find(({ status }) => status !== 'CreateFailed')
  if (finished) return goOn(request, workshop, finished)
  if (workshop.taken) return nameTaken(workshop.taken)
  return faultOf(request, workshop.instance) ?? create(request, workshop, now)
}

/**
 * Whatever comes of the image: an instance that a lost attempt of this run has left stopped is started again. What
 * another run has stopped may be what it is baking just now.
 */
function notLeavingStopped(
  branch: RegionDecision,
  { region, run }: BakeRequest,
  instance: Instance | undefined,
): RegionDecision {
  if (branch.kind === 'change' || !instance || !isLeftStopped(instance)) return branch
  if (!instance.tags[tag.stopped]?.startsWith(`${run.key} `)) return branch
  if (branch.kind === 'refuse') return { ...branch, leavesStopped: { region, instance: instance.id } }
  return withSteps(branch, { create: startAgain(region, instance) })
}

/** A given name says nothing of who made the image, and tags may lag. */
function* lookTwice(request: BakeRequest): QueryGenerator<Workshop> {
  const workshop = yield* look(request)
  if (request.run.attempt === 1 || !workshop.taken) return workshop
  yield* query({ ask: 'lag', of: 'earlier attempt' })
  return yield* look(request)
}

function faultOf({ source }: BakeRequest, instance: Instance | undefined): Refusal | undefined {
  if (source.kind !== 'instance') return undefined
  if (!instance) {
    return refuse(
      'instance-unusable',
      `Instance ${source.instance} does not exist in this region, or is not visible to this account.`,
      'Check `instance-id` and `region-id`.',
    )
  }
  if (instance.locks.includes('security')) {
    return refuse(
      'instance-unusable',
      `Instance ${instance.id} is locked for security reasons: ECS makes no image of it.`,
      'Clear the security incident in the console, then run again.',
    )
  }
  if (['Running', 'Stopped'].includes(instance.status)) return undefined
  return refuse(
    'instance-unusable',
    `Instance ${instance.id} is ${instance.status}; an image is made of one that is Running or Stopped.`,
    'Run again when it has settled.',
  )
}

/** An image of this run exists: wait for it, or leave it where the same workflow run has taken it. */
function goOn(request: BakeRequest, workshop: Workshop, image: Image): RegionDecision {
  if (image.status === 'UnAvailable') {
    return refuse(
      'image-failed',
      `${label(image)}, made by an earlier attempt, is UnAvailable.`,
      'Delete it in the ECS console, then run again: a new image is created.',
    )
  }
  // With copies it joins its family when they are ready.
  const mayJoinYet = request.replicas.length > 0 && image.family === ''
  const moved = image.status === 'Deprecated' || !(mayJoinYet || image.family === request.family)
  if (moved) return whereItIs(request, image, settle(request, workshop, image))
  const { region, family } = request
  const wait: Step[] = isReady(image) || !request.wait ? [] : [{ action: 'await', region, image: image.id }]
  return {
    kind: 'change',
    region,
    steps: { create: [...wait, ...startAgain(region, workshop.instance)] },
    expect: request.wait ? { region, family, image: image.id, withdrawn: [] } : undefined,
    ...settle(request, workshop, image),
  }
}

function create(request: BakeRequest, workshop: Workshop, now: number): RegionDecision {
  const { region, family, stopInstance, wait } = request
  const { name, generation, instance, current } = workshop
  const failed = workshop.own.filter(({ status }) => status === 'CreateFailed')
  const stop = stopInstance !== 'no' && instance?.status === 'Running'
  const waits: Step[] = wait ? [{ action: 'await', region, image: newImagePlaceholder }] : []
  return {
    kind: 'change',
    region,
    steps: {
      create: [
        ...renameFailed(request, failed, { name, generation }),
        ...(stop ? stopping(request, instance, now) : []),
        { action: 'create', region, image: newImagePlaceholder, create: creationOf(request, { name, generation }) },
        ...waits,
        ...(stop ? starting(region, instance) : startAgain(region, instance)),
      ],
    },
    expect: wait ? { region, family, image: newImagePlaceholder, withdrawn: [] } : undefined,
    image: newImagePlaceholder,
    changedBefore: false,
    previous: current?.id,
    withdrawn: [],
    pending: [],
    notices: [
      ...failedNotices(failed),
      ...instanceNotices(request, instance),
      ...quotaNotices(request, workshop.members),
    ],
  }
}

const creationOf = (request: BakeRequest, { name, generation }: { name: string; generation: number }): CreateSpec => {
  const { source, imageVersion, description, platform, architecture, bootMode, tags, run } = request
  const { detectionStrategy, imdsSupport, resourceGroupId } = request
  // With copies to come, all regions join at once.
  const family = request.replicas.length === 0 ? request.family : undefined
  const given = { source, imageVersion, description, platform, architecture, bootMode, tags, run }
  return { ...given, detectionStrategy, imdsSupport, resourceGroupId, family, name, generation }
}

/** The mark comes first: where the whole runner is lost, the next bake of the instance starts it again. */
const stopping = ({ region, run, stopInstance }: BakeRequest, instance: Instance, now: number): Step[] => [
  { action: 'tag', region, resource: 'instance', ids: [instance.id], tags: stoppedTag(run, now) },
  { action: 'stop', region, instance: instance.id, force: stopInstance === 'by-force' },
]

const starting = (region: string, instance: Instance): Step[] => [
  { action: 'start', region, instance: instance.id },
  ...forgetting(region, instance),
]

const forgetting = (region: string, { id }: Instance): Step[] => [
  { action: 'untag', region, resource: 'instance', ids: [id], keys: [tag.stopped] },
]

/** An instance that a lost attempt, of this run or another, has left stopped; a mark that no longer holds goes unheeded. */
function startAgain(region: string, instance: Instance | undefined): Step[] {
  if (!instance || !(tag.stopped in instance.tags)) return []
  return isLeftStopped(instance) ? starting(region, instance) : forgetting(region, instance)
}

const instanceNotices = ({ stopInstance }: BakeRequest, instance: Instance | undefined): Notice[] =>
  instance?.status === 'Running' && stopInstance === 'no'
    ? [
        {
          level: 'warning',
          persistent: true,
          text: `Instance ${instance.id} is running: what it has not written to its disks yet is not in the image. Set \`stop-instance: true\` to have it stopped meanwhile.`,
        },
      ]
    : []

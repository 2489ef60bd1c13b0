/** Creates an image into a family, once a run: what an earlier attempt has made is found and gone on with. */

import { undoneBySomebody } from './giving-way.ts'
import { availableOf, type Image, isPending, isReady, label } from './image.ts'
import { decisionOn, describeDecision, isLeftStopped, isSameWorkflowRun, stoppedTag, tag } from './mark.ts'
import { type Creation, type Notice, newImage, type Plan, type Refusal, refuse, type Step } from './plan.ts'
import { ask, askAll, type Instance, type Planning } from './question.ts'
import type { BakeRequest } from './request.ts'
import { imageNameOf } from './run-key.ts'

/** ECS takes 100 images a family. Its answer decides, not our count; from here on a warning. */
const crowded = 90

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

function* look(request: BakeRequest): Planning<Workshop> {
  const { region, family, run, source } = request
  const { current, members, made, instance } = yield* askAll({
    current: { ask: 'current', region, family },
    members: { ask: 'members', region, family },
    made: { ask: 'made', region, run: run.key },
    instance: source.kind === 'instance' ? { ask: 'instance', region, instance: source.instance } : undefined,
  })
  let generation = nextGeneration(request, made)
  for (;;) {
    const name = request.imageName ?? imageNameOf(run, family, generation)
    const [named] = yield* ask({ ask: 'named', region, name })
    // A generated name holds a digest of the run: it is this run's even where its tags cannot be read yet.
    const isOwn = (image: Image) => request.imageName === undefined || image.tags[tag.run] === run.key
    const own = [...new Map([...made, ...named.filter(isOwn)].map((image) => [image.id, image])).values()]
    const taken = named.find((image) => !isOwn(image))
    const failed = request.imageName === undefined && named.some(({ status }) => status === 'CreateFailed')
    if (!failed) return { current, members, own, taken, name, generation, instance }
    generation += 1
  }
}

/**
 * Each image that ECS failed to create has used up a name and a token, also when others of them are deleted by now. Of
 * one that holds a given name still, only so much is known: no attempt makes more than one image.
 */
function nextGeneration({ run, family, imageName }: BakeRequest, made: readonly Image[]): number {
  const failed = made.filter(({ status }) => status === 'CreateFailed')
  const generations = failed.map(({ name }, index) => {
    if (imageName !== undefined) return Number(/-failed-(\d+)-[^-]+$/.exec(name)?.[1] ?? run.attempt - 1)
    const tail = name.slice(imageNameOf(run, family, 0).length)
    return tail === '' ? 1 : Number(/^-(\d+)$/.exec(tail)?.[1] ?? index + 1)
  })
  return Math.max(0, ...generations)
}

export function* planBake(request: BakeRequest): Planning<Plan> {
  const workshop = yield* lookTwice(request)
  const [now] = yield* ask({ ask: 'time' })
  return notLeavingStopped(decide(request, workshop, now), request, workshop.instance)
}

function decide(request: BakeRequest, workshop: Workshop, now: number): Plan {
  const finished = workshop.own.find(({ status }) => status !== 'CreateFailed')
  if (finished) return goOn(request, workshop, finished)
  if (workshop.taken) return nameTaken(workshop.taken)
  return faultOf(request, workshop.instance) ?? create(request, workshop, now)
}

/**
 * Whatever comes of the image: an instance that a lost attempt of this run has left stopped is started again. What
 * another run has stopped may be what it is baking just now.
 */
function notLeavingStopped(plan: Plan, { region, run }: BakeRequest, instance: Instance | undefined): Plan {
  if (plan.kind === 'change' || !instance || !isLeftStopped(instance)) return plan
  if (!instance.tags[tag.stopped]?.startsWith(`${run.key} `)) return plan
  if (plan.kind === 'refuse') return { ...plan, leavesStopped: { region, instance: instance.id } }
  const { because, ...settlement } = plan
  const steps = startAgain(region, instance)
  return {
    ...settlement,
    kind: 'change',
    steps,
    expect: undefined,
    afterwards: [],
    notices: [{ level: 'notice', text: `Nothing to bake: ${because}.` }],
  }
}

/** A given name says nothing of who made the image, and tags may lag. */
function* lookTwice(request: BakeRequest): Planning<Workshop> {
  const workshop = yield* look(request)
  if (request.run.attempt === 1 || !workshop.taken) return workshop
  yield* ask({ ask: 'lag' })
  return yield* look(request)
}

const nameTaken = (taken: Image): Refusal =>
  refuse(
    'name-taken',
    `The name ${taken.name} belongs to ${taken.id} (${taken.status}, created ${taken.creationTime}), which this run has not made. Names are unique in a region.`,
    'Choose another `image-name`, or leave it out: a name is then made from family and run.',
  )

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
function goOn(request: BakeRequest, workshop: Workshop, image: Image): Plan {
  if (image.status === 'UnAvailable') {
    return refuse(
      'image-failed',
      `${label(image)}, made by an earlier attempt, is UnAvailable.`,
      'Delete it in the ECS console, then run again: a new image is created.',
    )
  }
  const moved = image.status === 'Deprecated' || image.family !== request.family
  if (moved) return whereItIs(request, workshop, image)
  const { region, family } = request
  const wait: Step[] = isReady(image) || !request.wait ? [] : [{ action: 'await', region, image: image.id }]
  const expect = request.wait ? { region, family, image: image.id, withdrawn: [] } : undefined
  return {
    kind: 'change',
    steps: [...wait, ...startAgain(region, workshop.instance)],
    expect,
    afterwards: [],
    ...settle(request, workshop, image),
    notices: [],
  }
}

function whereItIs(request: BakeRequest, workshop: Workshop, image: Image): Plan {
  const decision = decisionOn(image)
  if (!decision) return undoneBySomebody(image, 'created')
  if (!isSameWorkflowRun(request.run, decision.run)) {
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
    because: `an earlier attempt of this run has created ${label(image)}, and a later step of it has taken it on (${decision.mode})`,
    ...settle(request, workshop, image),
    notices: [],
  }
}

/** The newest available image before this one: what the family resolved to when this one was begun. */
function settle({ family }: BakeRequest, { members }: Workshop, image: Image) {
  const before = availableOf(members).find(
    (other) => other.id !== image.id && other.family === family && other.creationTime < image.creationTime,
  )
  const pending = members.filter(
    (other) => isPending(other) && other.id !== image.id && other.creationTime > image.creationTime,
  )
  return {
    image: image.id,
    changedBefore: true,
    previous: before?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
  }
}

function create(request: BakeRequest, workshop: Workshop, now: number): Plan {
  const { region, family } = request
  const { stopInstance, wait, mode: _, dryRun: __, imageName: ___, region: ____, ...creation } = request
  const { name, generation, instance, current } = workshop
  const create: Creation = { ...creation, name, generation }
  const failed = workshop.own.filter(({ status }) => status === 'CreateFailed')
  const stop = stopInstance !== 'no' && instance?.status === 'Running'
  const waits: Step[] = wait ? [{ action: 'await', region, image: newImage }] : []
  return {
    kind: 'change',
    steps: [
      ...setAside(request, failed, { name, generation }),
      ...(stop ? stopping(request, instance, now) : []),
      { action: 'create', region, image: newImage, create },
      ...waits,
      ...(stop ? starting(region, instance) : startAgain(region, instance)),
    ],
    expect: wait ? { region, family, image: newImage, withdrawn: [] } : undefined,
    afterwards: [],
    image: newImage,
    changedBefore: false,
    previous: current?.id,
    withdrawn: [],
    pending: [],
    notices: [...failedNotices(failed), ...instanceNotices(request, instance), ...crowdedNotices(request, workshop)],
  }
}

/** A given name is held by the image that failed: it makes way under another one, as evidence. */
const setAside = (
  { region, imageName }: BakeRequest,
  failed: readonly Image[],
  { name, generation }: { name: string; generation: number },
): Step[] =>
  imageName === undefined
    ? []
    : failed
        .filter((image) => image.name === name)
        .map((image) => {
          const tail = `-failed-${generation}-${image.id.slice(-8)}`
          return {
            action: 'rename',
            region,
            image: image.id,
            name: [...name].slice(0, 128 - tail.length).join('') + tail,
          }
        })

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

const failedNotices = (failed: readonly Image[]): Notice[] =>
  failed.map((image) => ({
    level: 'warning',
    text: `ECS failed to create ${label(image)} in an earlier attempt; it counts for the quota until you delete it. It is replaced by a new image.`,
  }))

const instanceNotices = ({ stopInstance }: BakeRequest, instance: Instance | undefined): Notice[] =>
  instance?.status === 'Running' && stopInstance === 'no'
    ? [
        {
          level: 'warning',
          text: `Instance ${instance.id} is running: what it has not written to its disks yet is not in the image. Set \`stop-instance: true\` to have it stopped meanwhile.`,
        },
      ]
    : []

const crowdedNotices = ({ family }: BakeRequest, { members }: Workshop): Notice[] =>
  members.length >= crowded
    ? [{ level: 'warning', text: `Family ${family} holds ${members.length} images; ECS takes 100. Delete old ones.` }]
    : []

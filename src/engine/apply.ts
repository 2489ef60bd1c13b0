/** Carries out the steps of a plan, region by region side by side, and keeps a journal of what was done. */

import { decisionOn, describeDecision } from '../family/model/decision-record.ts'
import { type Image, isAvailable, isFailed, isPending, isReady, label } from '../family/model/image.ts'
import { tag } from '../family/model/tags.ts'
import {
  type Deletion,
  describeStep,
  type ImageRef,
  isPlaceholder,
  type Placeholder,
  type Step,
  stepTarget,
} from '../family/plan/steps.ts'
import { fallbackOf } from '../family/rules/pruning.ts'
import { reasonToKeep } from '../family/rules/retention.ts'
import { ActionError, describeError, stepError } from './action-error.ts'
import { Cancelled, type Clock, consistencyIntervals } from './clock.ts'
import type { Create, CreateAnswer, Ecs, Log, PostState, Write } from './ports.ts'
import { waitForImage } from './wait-for-image.ts'

export interface Entry {
  readonly step: Step
  /** The step as it stands in the plan, where an image may have had no ID yet. */
  readonly planned: Step
  readonly state: 'done' | 'failed' | 'skipped'
  /** Why it was skipped, for people. */
  readonly reason?: string
  readonly error?: unknown
  /** It failed, and nothing rested on it. */
  readonly tolerated?: boolean
  /** ID of the image that the step has made. */
  readonly id?: string | undefined
}

/** Images that were deleted, by the steps that did it. */
export const deletedIn = (journal: readonly Entry[]): Deletion[] =>
  journal.flatMap(({ step, state }) => (step.action === 'delete' && state === 'done' ? [step] : []))

/** `m-… in cn-hangzhou`: images that were made, for people. */
export const madeIn = (journal: readonly Entry[]): string[] =>
  journal.flatMap(({ step, id }) => (id === undefined ? [] : [`${id} in ${step.region}`]))

export interface ApplyContext {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly postState: PostState
  readonly journal: Entry[]
  /** IDs of the images that steps have made. */
  readonly made: Map<Placeholder, string>
  /** What was seen of an image directly after it was asked for: the wait for it begins with that. */
  readonly fresh: Map<string, Image>
  /** Told what each image that is looked at looks like; undefined: it is gone. */
  readonly note: (id: string, image: Image | undefined) => void
  /** Called as soon as the ID is known. */
  readonly onMade: (step: Create, image: string) => void
  /** A step that fails is told, and the next one done: nothing rests on it. */
  readonly bestEffort?: boolean
}

/** What came of a step that was carried out: nothing to say, an image that is lost, or why it was left undone. */
type Result = undefined | 'failed' | { readonly skipped: string }

export async function apply(steps: readonly Step[], applying: ApplyContext): Promise<void> {
  const { journal, clock, log } = applying
  const dead = new Set<string>()
  for (const planned of steps) {
    clock.check()
    const step = withIds(planned, applying.made)
    if (dead.has(stepTarget(step))) {
      journal.push({ step, planned, state: 'skipped' })
      continue
    }
    log.info(`→ ${describeStep(step)}`)
    try {
      const result = await withRoom(step, applying)
      if (result === 'failed') dead.add(stepTarget(step))
      if (typeof result === 'object') {
        log.info(`Left as it is: ${result.skipped}.`)
        journal.push({ step, planned, state: 'skipped', reason: result.skipped })
      } else journal.push({ step, planned, state: 'done', id: idOf(step, applying) })
    } catch (error) {
      const tolerated = applying.bestEffort === true && !(error instanceof Cancelled)
      journal.push({ step, planned, state: 'failed', error, tolerated: tolerated, id: idOf(step, applying) })
      if (!tolerated) throw error
    }
  }
}

const idOf = (step: Step, { made }: ApplyContext): string | undefined =>
  step.action === 'create' || step.action === 'copy' ? made.get(step.image) : undefined

/** Several lanes side by side, each to its end: that one fails is no reason to leave another half done. */
export async function applyLanes(
  lanes: readonly (readonly Step[])[],
  applyingIn: (region: string) => ApplyContext,
): Promise<void> {
  const ended = await Promise.allSettled(
    lanes.flatMap((steps) => (steps[0] ? [apply(steps, applyingIn(steps[0].region))] : [])),
  )
  const errors = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
  if (errors.length > 0) throw errors.find((error) => error instanceof Cancelled) ?? errors[0]
}

/** The step with IDs in place of the labels of images that have been made by now. */
function withIds(step: Step, made: ReadonlyMap<Placeholder, string>): Step {
  const refTo = (image: ImageRef): ImageRef => (isPlaceholder(image) ? (made.get(image) ?? image) : image)
  if (step.action === 'create') return step
  if (step.action === 'copy') {
    const { from, tags } = step.copy
    const image = refTo(from.image)
    const origin = tags[tag.origin]?.replace(from.image, image)
    const withOrigin = origin === undefined ? tags : { ...tags, [tag.origin]: origin }
    return { ...step, copy: { ...step.copy, from: { ...from, image }, tags: withOrigin } }
  }
  return 'image' in step ? { ...step, image: refTo(step.image) } : step
}

/** Where ECS says that there is no room for another image, what is too many goes first, and the step is tried once more. */
async function withRoom(step: Step, applying: ApplyContext): Promise<Result> {
  try {
    return await carryOut(step, applying)
  } catch (error) {
    const room = 'room' in step ? (step.room ?? []) : []
    if (!(error instanceof ActionError && error.code === 'family-full') || room.length === 0) throw error
    applying.log.info(`${describeError(error.toJSON())} What \`keep\` leaves over goes first.`)
    await apply(room, { ...applying, bestEffort: true })
    return await carryOut(step, applying)
  }
}

async function carryOut(step: Step, applying: ApplyContext): Promise<Result> {
  const { ecs, postState } = applying
  switch (step.action) {
    case 'create':
    case 'copy':
      await create(step, applying)
      return undefined
    case 'delete':
      return await deleteImage(step, applying)
    case 'await':
      return await awaitImage(step, applying)
    case 'confirm':
      await confirm(step, ecs)
      return undefined
    case 'stop':
      // Before the request: its answer may never come.
      postState.instanceStopped(step)
      await ecs.write(step)
      await awaitInstance(step, applying)
      return undefined
    case 'start':
      await ecs.write(step)
      await awaitInstance(step, applying)
      postState.instanceStarted()
      return undefined
    default:
      await ecs.write(step satisfies Write)
      return undefined
  }
}

/**
 * The name is what makes the image of a run unique, the ClientToken what makes its request so. Where ECS remembers a
 * token for something else, or for an image long gone, the same name is asked for with the next token.
 */
async function create(step: Create, applying: ApplyContext): Promise<void> {
  const { ecs, clock, log } = applying
  const made = (image: string): void => {
    applying.made.set(step.image, image)
    applying.onMade(step, image)
  }
  let answer: CreateAnswer | undefined
  for (let renewal = 0; renewal < 3; renewal++) {
    answer = await ecs.create(step, renewal)
    if (answer.kind === 'accepted') {
      const image = answer.image
      // At once: whatever happens now, ECS is making it.
      made(image)
      const look = () => ecs.look({ ask: 'image', region: step.region, image })
      const seen = await clock.poll(look, (found) => found !== undefined, consistencyIntervals)
      if (seen) {
        applying.fresh.set(image, seen)
        return
      }
      log.info(`ECS answers ${image}, an image that is gone; asking for a new one.`)
      continue
    }
    const own = await findOwn(step, { ecs, clock, patient: answer.kind === 'name-taken' })
    if (own) {
      made(own.id)
      return
    }
    if (answer.kind === 'name-taken') throw answer.error
  }
  if (answer && answer.kind !== 'accepted') throw answer.error
  throw stepError(
    `ECS accepted the image ${nameOf(step)} but does not list it.`,
    'Look for it in the ECS console; run this step again to pick it up.',
  )
}

const nameOf = (step: Create): string => (step.action === 'create' ? step.create : step.copy).name

/** The image of this run, from a request whose answer was lost. It may not be listed yet, nor its tags. */
async function findOwn(
  step: Create,
  { ecs, clock, patient }: { ecs: Ecs; clock: Clock; patient: boolean },
): Promise<Image | undefined> {
  const { run } = step.action === 'create' ? step.create : step.copy
  const isOwn = (image: Image) => image.tags[tag.run] === run.key
  const look = () => ecs.look({ ask: 'named', region: step.region, name: nameOf(step) })
  const images = await clock.poll(look, (seen) => seen.some(isOwn), patient ? consistencyIntervals : 0)
  return images.find(isOwn)
}

/** Read again directly before: what has changed since the plan may be a reason to keep it. */
async function deleteImage(step: Deletion, { ecs, note }: ApplyContext): Promise<Result> {
  const { region, image, family } = step
  const [members, current] = await Promise.all([
    ecs.look({ ask: 'members', region, family }),
    ecs.look({ ask: 'current', region, family }),
  ])
  const seen = members.find(({ id }) => id === image)
  const reason = reasonToKeep(step, { image: seen, current, fallback: current && fallbackOf(current, members) })
  if (reason !== undefined) return { skipped: reason }
  // ECS would refuse it only after the shares are gone.
  const used = step.accounts.length > 0 ? await ecs.look({ ask: 'used', region, family }) : []
  if (used.includes(image)) return { skipped: 'it is in use by an instance now' }
  await ecs.write(step)
  note(image, undefined)
  return undefined
}

async function awaitImage(
  step: Extract<Step, { action: 'await' }>,
  { ecs, clock, log, note, fresh }: ApplyContext,
): Promise<'failed' | undefined> {
  const { region, image, family } = step
  const judge = (seen: Image | undefined) => {
    if (seen && isPending(seen)) return 'on its way'
    if (!seen || !isAvailable(seen) || (family !== undefined && seen.family !== family)) return 'hopeless'
    return isReady(seen) ? 'good' : 'on its way'
  }
  const look = async () => {
    const seen = fresh.get(image) ?? (await ecs.look({ ask: 'image', region, image }))
    fresh.delete(image)
    note(image, seen)
    return seen
  }
  // CreateFailed and UnAvailable are final, and nothing to give time to.
  const isOver = (seen: Image | undefined) => (seen && isFailed(seen) ? 'good' : judge(seen))
  const { seen } = await waitForImage(look, isOver, { clock, log })
  if (judge(seen) === 'good') return undefined
  if (step.mayFail) return 'failed'
  throw seen && isFailed(seen) ? notCreated(seen) : takenAway(step, seen)
}

const notCreated = (image: Image): ActionError =>
  image.isCopied
    ? stepError(
        `ECS failed to make the copy ${label(image)} (${image.status}) in ${image.region}; it gives no reason.`,
        'Re-run this job: only this copy is made anew. The failed one counts for the quota until it is deleted.',
      )
    : stepError(
        `ECS failed to create ${label(image)} (${image.status}); it gives no reason.`,
        'Look at the image and its snapshots in the ECS console, then run again: the failed image is replaced. It counts for the quota until it is deleted.',
      )

function takenAway({ image, family }: Extract<Step, { action: 'await' }>, seen: Image | undefined): ActionError {
  const decision = seen && decisionOn(seen)
  const isNow = seen ? `${seen.status} in ${seen.family ? `family ${seen.family}` : 'no family'}` : 'gone'
  return stepError(
    `${seen ? label(seen) : image} is ${isNow}, not available${family === undefined ? '' : ` in family ${family}`}: somebody has taken it away${decision ? ` (${describeDecision(decision)})` : ''}.`,
    'Look at who works on this family at the same time, then decide anew in a new workflow run.',
  )
}

async function confirm({ region, family, image }: Extract<Step, { action: 'confirm' }>, ecs: Ecs): Promise<void> {
  const current = await ecs.look({ ask: 'current', region, family })
  if (current?.id === image) return
  throw stepError(
    `Family ${family} resolves to ${current ? label(current) : 'nothing'} by now, not to ${image} as \`expected-image-id\` says.`,
    'Nothing visible was changed. Look at what is current now, then decide anew.',
  )
}

/** What is neither there nor on its way there after the time that reads may lag has not come to hold. */
async function awaitInstance(
  { action, region, instance }: Extract<Step, { action: 'stop' | 'start' }>,
  { ecs, clock, log }: ApplyContext,
): Promise<void> {
  const [wanted, onItsWay] = action === 'stop' ? ['Stopped', 'Stopping'] : ['Running', 'Starting']
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const { seen, isGood } = await clock.pollUntilStable(look, (now) =>
    now?.status === wanted ? 'good' : now?.status === onItsWay ? 'on its way' : 'hopeless',
  )
  if (isGood) log.info(`Instance ${instance} is ${wanted}.`)
  else {
    throw stepError(
      `ECS accepted to ${action} instance ${instance}, but it is ${seen?.status ?? 'gone'}.`,
      'Look at the instance in the ECS console: somebody else may be switching it.',
    )
  }
}

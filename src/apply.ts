/** Carries out the steps of a plan, one after the other, and keeps a journal of what was done. */
import { type Image, isAvailable, isFailed, isReady, label } from './family/image.ts'
import { tag } from './family/mark.ts'
import { describe, type ImageRef, isMade, type Made, type Step, targetOf } from './family/plan.ts'
import { graceIntervals, type Pace } from './pace.ts'
import type { Create, CreateAnswer, Ecs, Keepsake, Log, Write } from './ports.ts'
import { watch } from './watch.ts'

/** A step that could not be completed for a reason that ECS states in its answers rather than as an error. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure'
  readonly todo: string
  constructor(because: string, todo: string) {
    super(because)
    this.todo = todo
  }
}

export interface Entry {
  readonly step: Step
  readonly state: 'done' | 'failed' | 'skipped'
}

export interface Applying {
  readonly ecs: Ecs
  readonly pace: Pace
  readonly log: Log
  readonly keepsake: Keepsake
  readonly journal: Entry[]
  /** IDs of the images that steps have made. */
  readonly made: Map<Made, string>
  /** Called as soon as the ID is known. */
  readonly onMade: (image: string) => void
}

export async function apply(steps: readonly Step[], applying: Applying): Promise<void> {
  const { journal, pace, log } = applying
  const dead = new Set<string>()
  for (const planned of steps) {
    pace.check()
    const step = withIds(planned, applying.made)
    if (dead.has(targetOf(step))) {
      journal.push({ step, state: 'skipped' })
      continue
    }
    log.info(`→ ${describe(step)}`)
    try {
      if ((await carryOut(step, applying)) === 'failed') dead.add(targetOf(step))
    } catch (error) {
      journal.push({ step, state: 'failed' })
      throw error
    }
    journal.push({ step, state: 'done' })
  }
}

/** The step with IDs in place of the labels of images that have been made by now. */
function withIds(step: Step, made: ReadonlyMap<Made, string>): Step {
  if (step.action === 'create' || !('image' in step)) return step
  const image: ImageRef = isMade(step.image) ? (made.get(step.image) ?? step.image) : step.image
  return { ...step, image }
}

async function carryOut(step: Step, applying: Applying): Promise<'failed' | undefined> {
  const { ecs, keepsake } = applying
  switch (step.action) {
    case 'create':
      await create(step, applying)
      return undefined
    case 'await':
      return await awaitImage(step, applying)
    case 'confirm':
      await confirm(step, ecs)
      return undefined
    case 'stop':
      // Before the request: its answer may never come.
      keepsake.stopped(step)
      await ecs.write(step)
      await awaitInstance(step, { ...applying, status: 'Stopped' })
      return undefined
    case 'start':
      await ecs.write(step)
      await awaitInstance(step, { ...applying, status: 'Running' })
      keepsake.started()
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
async function create(step: Create, applying: Applying): Promise<void> {
  const { ecs, pace, log } = applying
  const made = (image: string): void => {
    applying.made.set(step.image, image)
    applying.onMade(image)
  }
  let answer: CreateAnswer | undefined
  for (let renewal = 0; renewal < 3; renewal++) {
    answer = await ecs.create(step, renewal)
    if (answer.kind === 'accepted') {
      const image = answer.image
      // At once: whatever happens now, ECS is making it.
      made(image)
      const look = () => ecs.look({ ask: 'image', region: step.region, image })
      if (await pace.until(look, (seen) => seen !== undefined, graceIntervals)) return
      log.info(`ECS answers ${image}, an image that is gone; asking for a new one.`)
      continue
    }
    const own = await findOwn(step, { ecs, pace, patient: answer.kind === 'name-taken' })
    if (own) {
      made(own.id)
      return
    }
    if (answer.kind === 'name-taken') throw answer.fault
  }
  if (answer && answer.kind !== 'accepted') throw answer.fault
  throw new StepFailure(
    `ECS accepted the image ${step.create.name} but does not list it.`,
    'Look for it in the ECS console; run this step again to pick it up.',
  )
}

/** The image of this run, from a request whose answer was lost. It may not be listed yet, nor its tags. */
async function findOwn(
  { region, create }: Create,
  { ecs, pace, patient }: { ecs: Ecs; pace: Pace; patient: boolean },
): Promise<Image | undefined> {
  const isOwn = (image: Image) => image.tags[tag.run] === create.run.key
  const look = () => ecs.look({ ask: 'named', region, name: create.name })
  const images = await pace.until(look, (seen) => seen.some(isOwn), patient ? graceIntervals : 0)
  return images.find(isOwn)
}

async function awaitImage(
  step: Extract<Step, { action: 'await' }>,
  { ecs, pace, log }: Applying,
): Promise<'failed' | undefined> {
  const { region, image, family } = step
  const isHere = (seen: Image | undefined): boolean =>
    seen !== undefined && (isFailed(seen) || (isReady(seen) && (family === undefined || seen.family === family)))
  const seen = await watch(() => ecs.look({ ask: 'image', region, image }), isHere, {
    pace,
    log,
  })
  if (seen && isAvailable(seen)) return undefined
  if (step.mayFail) return 'failed'
  throw new StepFailure(
    `ECS failed to create ${seen ? label(seen) : image} (${seen?.status}); it gives no reason.`,
    'Look at the image and its snapshots in the ECS console, then run again: the failed image is replaced. It counts for the quota until it is deleted.',
  )
}

async function confirm({ region, family, image }: Extract<Step, { action: 'confirm' }>, ecs: Ecs): Promise<void> {
  const current = await ecs.look({ ask: 'current', region, family })
  if (current?.id === image) return
  throw new StepFailure(
    `Family ${family} resolves to ${current ? label(current) : 'nothing'} by now, not to ${image} as \`expected-image-id\` says.`,
    'Nothing visible was changed. Look at what is current now, then decide anew.',
  )
}

async function awaitInstance(
  { region, instance }: Extract<Step, { action: 'stop' | 'start' }>,
  { ecs, pace, status }: { ecs: Ecs; pace: Pace; status: string },
): Promise<void> {
  const look = () => ecs.look({ ask: 'instance', region, instance })
  await pace.until(look, (seen) => seen === undefined || seen.status === status)
}

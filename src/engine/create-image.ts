/** Creates an image or a copy once a run: a lost answer never leads to a second one. */

import type { Image } from '../family/model/image.ts'
import { tag } from '../family/model/tags.ts'
import { stepError } from './action-error.ts'
import { consistencyIntervals } from './clock.ts'
import type { Create, CreateAnswer } from './ports.ts'
import type { StepContext } from './step-result.ts'
import { confirmStopped, warnIfStarted } from './switch-instance.ts'

/**
 * The name makes the image of a run unique, and the ClientToken makes its request unique. If ECS remembers the token for
 * another request, or for an image that no longer exists, the request is sent again with the next token.
 * @returns the image as ECS lists it; undefined when it was found by its name
 */
export async function createOnce(step: Create, context: StepContext): Promise<Image | undefined> {
  const { ecs, log, onCreated } = context
  const stopped = step.action === 'create' ? step.stoppedInstance : undefined
  const place = stopped === undefined ? undefined : { region: step.region, instance: stopped }
  const beforeEach = place && (() => confirmStopped(place, context))
  let answer: CreateAnswer | undefined
  for (let renewal = 0; renewal < 3; renewal++) {
    answer = await ecs.create(step, renewal, beforeEach)
    if (answer.kind === 'accepted') {
      const { image } = answer
      // Reported at once: from here on, ECS is creating the image whatever happens.
      onCreated(image)
      if (place) await warnIfStarted(place, context, image)
      const seen = await findCreated(step, image, context)
      if (seen) return seen
      log.info(`ECS answers ${image}, an image that is gone; asking for a new one.`)
      continue
    }
    const own = await findByName(step, { ...context, isPatient: answer.kind === 'name-taken' })
    if (own) {
      onCreated(own.id)
      return undefined
    }
    if (answer.kind === 'name-taken') throw answer.error
  }
  if (answer && answer.kind !== 'accepted') throw answer.error
  throw stepError(
    `ECS accepted the image ${requestedName(step)} but does not list it.`,
    'Look for it in the ECS console. Press "Re-run failed jobs" to pick it up.',
  )
}

const requestedName = (step: Create): string => (step.action === 'create' ? step.create : step.copy).name

async function findCreated(
  { region }: Create,
  image: string,
  { ecs, clock }: Pick<StepContext, 'ecs' | 'clock'>,
): Promise<Image | undefined> {
  const look = () => ecs.look({ ask: 'image', region, image })
  return await clock.poll(look, (found) => found !== undefined, consistencyIntervals)
}

/** Finds the image of an earlier request whose answer was lost. The image or its tags may not be listed yet. */
async function findByName(
  step: Create,
  { ecs, clock, isPatient }: Pick<StepContext, 'ecs' | 'clock'> & { readonly isPatient: boolean },
): Promise<Image | undefined> {
  const { run } = step.action === 'create' ? step.create : step.copy
  const isOwn = ({ tags, isCopied }: Image) => tags[tag.run] === run.key && isCopied === (step.action === 'copy')
  const look = () => ecs.look({ ask: 'named', region: step.region, name: requestedName(step) })
  const images = await clock.poll(look, (seen) => seen.some(isOwn), isPatient ? consistencyIntervals : 0)
  return images.find(isOwn)
}

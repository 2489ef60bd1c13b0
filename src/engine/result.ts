/** Observes the result at the end, for outputs and page. */

import { type FamilyRef, isFailed } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { isVisible, type Step, switchesFamily } from '../family/plan/steps.ts'
import { errorData, explainError } from './action-error.ts'
import { membersIn, withSightings } from './observations.ts'
import { deletedIn, imageId, type Outcome, regionsIn } from './outcome.ts'
import type { Ports } from './ports.ts'
import { logIn, type Recorder, runStage } from './stage.ts'

export async function observeResult(outcome: Outcome, ports: Ports): Promise<Outcome> {
  return await runStage(outcome, ports, {
    doing: 'looking at the result',
    work: async (recorder) => {
      await lookAtHomeFamily(outcome, recorder)
      return { affected: await listAffected(outcome, ports) }
    },
  })
}

/** The family at home, if it has changed, and the image. */
async function lookAtHomeFamily(outcome: Outcome, { ecs, observations }: Recorder): Promise<void> {
  const [home] = regionsIn(outcome)
  if (home?.kind !== 'change') return
  const { region } = home
  const family = familyOf(outcome.request)
  if (family !== undefined && (home.expect || deletedIn(outcome.journal).length > 0)) {
    await ecs.look({ ask: 'members', region, family })
  }
  const image = imageId(outcome, home.image)
  const members = (family !== undefined && membersIn(observations(), { region, family })) || []
  if (image !== undefined && !members.some(({ id }) => id === image)) await ecs.look({ ask: 'image', region, image })
}

async function listAffected(outcome: Outcome, ports: Ports): Promise<Outcome['affected']> {
  const listed = regionsIn(outcome).map(
    async ({ region, listInstancesOf = [] }) => [region, await instancesOf(region, listInstancesOf, ports)] as const,
  )
  return Object.fromEntries(await Promise.all(listed))
}

/** Null when they cannot be listed: that is no reason to fail. */
async function instancesOf(
  region: string,
  images: readonly string[],
  { ecs, log }: Ports,
): Promise<readonly string[] | null> {
  try {
    return images.length === 0 ? [] : await ecs.instancesOf(region, images)
  } catch (thrown) {
    const error = errorData(thrown)
    if (error.code === 'cancelled') throw thrown
    log.warning(`Could not list the instances that still run a withdrawn image: ${explainError(error)}`)
    return null
  }
}

/** Observes what was changed before the failure. After a cancellation, ECS is not asked any more. */
export async function observeAfterFailure(outcome: Outcome, ports: Ports): Promise<Outcome> {
  if (outcome.failure?.error.code === 'cancelled') {
    const outdated = familiesChanged(outcome, switchesFamily).map((family) => ({ kind: 'outdated', family }) as const)
    return { ...outcome, observations: withSightings(outcome.observations, outdated) }
  }
  const changed = familiesChanged(outcome, isVisible)
  if (changed.length === 0) return outcome
  const observed = await runStage(outcome, ports, {
    doing: 'looking at the family',
    work: async (recorder) => {
      await Promise.all(changed.map((family) => lookOrForget(family, { outcome, ports, recorder })))
      await lookAtHomeFamily(outcome, recorder)
      return {}
    },
  })
  // If ECS cannot be asked now, that is no further failure.
  return { ...observed, failure: outcome.failure }
}

async function lookOrForget(
  family: FamilyRef,
  { outcome, ports, recorder }: { outcome: Outcome; ports: Ports; recorder: Recorder },
): Promise<void> {
  try {
    await recorder.ecs.look({ ask: 'current', ...family })
  } catch {
    logIn(family.region, outcome.request, ports.log).info('Could not look at what ECS serves now.')
    recorder.record({ kind: 'outdated', family })
  }
}

/** Families in which a step of this kind was done, or may have been done. */
function familiesChanged({ request, journal }: Outcome, isMeant: (step: Step) => boolean): FamilyRef[] {
  const family = familyOf(request)
  const begun = journal.filter(({ step, state }) => state !== 'skipped' && isMeant(step))
  const regions = new Set(begun.map(({ step }) => step.region))
  return family === undefined ? [] : [...regions].map((region) => ({ region, family }))
}

/** IDs of the images that the run chose, by region. */
export function chosenImages(outcome: Outcome): Outcome['images'] {
  const { request, journal, observations } = outcome
  const made = journal.flatMap(({ step, image }) => (image === undefined ? [] : [[step.region, image] as const]))
  const chosen = regionsIn(outcome).flatMap(({ region, image }) => {
    const id = imageId(outcome, image)
    // An image still to be created: one that an earlier round created in its place is there all the same.
    return image !== undefined && id === undefined ? [] : [[region, id] as const]
  })
  // A refusal in a later round does not undo images that were created. A copy that ECS failed to create does not count.
  const known = new Map([...made, ...chosen])
  return Object.fromEntries(
    regionsOf(request).flatMap((region): [string, string][] => {
      const id = known.get(region)
      const image = id === undefined ? undefined : observations.images[id]
      return id === undefined || (region !== request.region && image && isFailed(image)) ? [] : [[region, id]]
    }),
  )
}

/** What has to hold for every attempt of every run in three regions; each check says what does not. */
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { type ImageView, originOf, type RegionsWorld } from './regions-world.ts'
import type { Walk } from './walk.ts'

export interface Begun {
  readonly id: number
  readonly inputs: Inputs
  /** Home first. */
  readonly regions: readonly string[]
  attempts: number
  /** The last attempt that ended well. */
  settled: Walk | undefined
  /** What was decided elsewhere, and carried out, since the last attempt: by which run, in which regions. */
  decidedSince: { readonly by: number; readonly regions: readonly string[] }[]
}

const isOwn = ({ tags }: ImageView): boolean =>
  ['run', 'origin', 'decision'].some((name) => `image-family:${name}` in tags)

/** Nothing is done apart from sharing and deleting. */
export const isOnlyPruning = (walked: Walk | undefined): boolean => {
  const plan = walked?.outcome.plan
  return (
    plan?.kind === 'change' && plan.regions.every((region) => region.kind === 'nothing' || region.reason !== undefined)
  )
}

export const isByHand = (image: ImageView | undefined): boolean => !('image-family:run' in (image?.tags ?? {}))

/** Never two images, or copies in one region, of one run. */
export function imagesMadeTwice(ecs: LocalEcs): string[] {
  const made = ecs.images().flatMap(({ region, tags, status }) => {
    const key = tags['image-family:run']
    return key && status !== 'CreateFailed' ? [`${key} in ${region}`] : []
  })
  const twice = made.filter((each, index) => made.indexOf(each) !== index)
  return twice.length === 0 ? [] : [`two images of run ${twice.join(', ')}`]
}

/** What is deleted is asked for when nothing speaks for it. */
export function wrongDeletion(
  world: RegionsWorld,
  inputs: Inputs,
  { action, parameters, dryRun }: RequestRecord,
): string[] {
  if (dryRun) return []
  if (action === 'DeleteSnapshot') {
    const snapshot = parameters.SnapshotId ?? ''
    return world.snapshots.includes(snapshot) ? [`the user's snapshot ${snapshot} is deleted`] : []
  }
  if (action !== 'DeleteImage') return []
  const { ecs } = world
  const image = ecs.image(parameters.ImageId ?? '')
  return image ? reasonsAgainst(image, { ecs, members: world.members(image.region), inputs }) : []
}

function reasonsAgainst(
  image: ImageView,
  { ecs, members, inputs }: { ecs: LocalEcs; members: readonly ImageView[]; inputs: Inputs },
): string[] {
  const { id, region, tags, sharedWith, creationTime } = image
  const current = ecs.images(region).find((each) => each.id === ecs.current('web', region))
  const older = members.filter(
    (each) => each.status === 'Available' && current && each.creationTime < current.creationTime,
  )
  const fallback = older.sort((a, b) => b.creationTime.localeCompare(a.creationTime))[0]
  const newerCount = members.filter(
    (each) => each.creationTime > creationTime && ['Available', 'Deprecated'].includes(each.status),
  ).length
  const reasons = {
    'which is current': id === current?.id,
    'what a rollback falls back to': id === fallback?.id,
    'which is protected': 'image-family:protect' in tags,
    'which is shared': sharedWith.length > 0 && inputs.unshare !== 'true',
    'which is not of this action': !isOwn(image),
    'which is not of the family': image.family !== 'web',
    'of those to keep': newerCount < Number(inputs.keep),
    'in a region that is not listed': !`${inputs['region-id']},${inputs['replica-region-ids']}`.includes(region),
  }
  return Object.entries(reasons).flatMap(([what, is]) => (is ? [`${id} is deleted, ${what}`] : []))
}

/** What an attempt says, against what ECS says by then. */
export function wrongOutcome(
  ecs: LocalEcs,
  run: Begun,
  walked: Walk,
  { writes, changes }: { writes: readonly string[]; changes: readonly string[] },
): string[] {
  const { outcome, outputs, failure } = walked
  const { id, inputs } = run
  const wrongs: string[] = []
  if (outcome.plan?.kind === 'refuse') {
    if (changes.length > 0) wrongs.push(`run ${id} refused, and changed what is served`)
    // What takes long is made before all is looked at once more; it stays outside of the family.
    const others = writes.filter((action) => !['CreateImage', 'CopyImage'].includes(action))
    if (others.length > 0) wrongs.push(`run ${id} refused, and wrote ${others.join(', ')}`)
  }
  const isElsewhere = inputs.mode === 'bake' && inputs.family !== 'web'
  return failure || isElsewhere ? wrongs : [...wrongs, ...wrongSuccess(ecs, run, { outcome, outputs })]
}

function wrongSuccess(ecs: LocalEcs, run: Begun, { outcome, outputs }: Pick<Walk, 'outcome' | 'outputs'>): string[] {
  const { id, regions, inputs } = run
  const current = Object.fromEntries(
    regions.flatMap((region) => {
      const image = ecs.current('web', region)
      return image ? [[region, image]] : []
    }),
  )
  const wrongs: string[] = []
  if (outputs['current-image-ids'] !== JSON.stringify(current)) {
    wrongs.push(`run ${id} says ${outputs['current-image-ids']}, and ECS ${JSON.stringify(current)}`)
  }
  const origins = regions.map((region) => {
    const image = ecs.image(current[region] ?? '')
    return image && originOf(image)
  })
  const isInSync = origins.every((origin) => origin !== undefined && origin === origins[0])
  if (regions.length > 1 && outputs['in-sync'] !== String(isInSync)) {
    wrongs.push(`run ${id} says in-sync=${outputs['in-sync']}`)
  }
  const isOvertaken = outcome.verifications.some(({ kind }) => kind === 'overtaken')
  const isRepeated = run.settled !== undefined || run.attempts > 1
  // What it was to take is older than what is served: nothing to do.
  const stays = inputs['from-family'] !== undefined && outputs['image-id'] === outputs['previous-image-id']
  if (inputs.mode === 'resolve' || isOvertaken || isRepeated || stays) return wrongs
  if (!isInSync) wrongs.push(`run ${id} succeeded, and the regions are apart`)
  const settled: Record<string, string> = JSON.parse(outputs['image-ids'] ?? '{}')
  const isServed = regions.every((region) => settled[region] === current[region])
  return isServed ? wrongs : [...wrongs, `run ${id} settled on ${JSON.stringify(settled)}`]
}

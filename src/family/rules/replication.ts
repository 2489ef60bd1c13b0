/** Copies of an image in the replica regions: finds the usable ones, and plans those that are missing. */

import {
  type Image,
  isAvailable,
  isFailed,
  isPending,
  isReady,
  label,
  newestFirst,
  secondAfter,
} from '../model/image.ts'
import { haveSameOrigin, originOf, originParts } from '../model/origin.ts'
import { nameOfFailed } from '../model/own-image.ts'
import { imageNameOf, type Run } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Notice } from '../plan/plan.ts'
import { type CopySpec, copyPlaceholder, type ImageRef, type Step } from '../plan/steps.ts'

/** Queries for the copies of an image in a region. If the image is itself a copy, its original may be in that region. */
export const copyQueries = (image: Image, region: string) => {
  const origin = originParts(image)
  return {
    copies: { ask: 'copies', region, origin: originOf(image) },
    original: origin?.region === region ? ({ ask: 'image', region, image: origin.id } as const) : undefined,
  } as const
}

/** Leaves out images that only carry the tag of a copy. */
export const copiesAmong = (images: readonly Image[], image: Image): Image[] =>
  images.filter((each) => haveSameOrigin(each, image))

/** Higher is better. */
const fitness = (image: Image): number =>
  isReady(image) ? 4 : isAvailable(image) ? 3 : isPending(image) ? 2 : image.status === 'Deprecated' ? 1 : 0

/**
 * Picks the copy to use; undefined when there is none that ECS did not fail to create.
 * @param preferring tests in order of preference: a copy that passes one is picked before all others
 */
export function pickCopy(
  copies: readonly Image[],
  preferring: readonly ((image: Image) => boolean)[] = [],
): Image | undefined {
  const usable = newestFirst(copies.filter((image) => !isFailed(image)))
  const best = [...usable].sort((a, b) => fitness(b) - fitness(a))[0]
  return preferring.map((isPreferred) => usable.find(isPreferred)).find((image) => image !== undefined) ?? best
}

/** How many images of this run ECS has failed to create; the next image gets a name of its own. */
export function nextGeneration(
  { run, family, imageName }: { run: Run; family: string; imageName: string | undefined },
  made: readonly Image[],
): number {
  const failed = made.filter(isFailed)
  const generations = failed.map(({ name }, index) => {
    // An image that still has a name given by the user does not tell: no attempt creates more than one image.
    if (imageName !== undefined) return Number(/-failed-(\d+)-[^-]+$/.exec(name)?.[1] ?? run.attempt - 1)
    const tail = name.slice(imageNameOf(run, family, 0).length)
    return tail === '' ? 1 : Number(/^-(\d+)$/.exec(tail)?.[1] ?? index + 1)
  })
  return Math.max(0, ...generations)
}

/** Renames a failed image that has the name given by the user, so that the name is free and the image can be examined. */
export const renameFailed = (
  { region, imageName }: { region: string; imageName: string | undefined },
  failed: readonly Image[],
  { name, generation }: { name: string; generation: number },
): Step[] =>
  imageName === undefined
    ? []
    : failed
        .filter((image) => image.name === name)
        .map((image) => ({
          action: 'rename',
          region,
          image: image.id,
          name: nameOfFailed(name, image.id, generation),
        }))

export const failedNotices = (failed: readonly Image[]): Notice[] =>
  failed.map((image) => ({
    level: 'warning',
    persistent: true,
    text: `ECS failed to create ${label(image)} in an earlier attempt (${image.status}); it counts towards the quota until you delete it. It is replaced by a new image.`,
  }))

export interface CopyPlan {
  readonly region: string
  readonly run: Run
  readonly family: string
  /** Undefined: a name is made from family and run. */
  readonly imageName: string | undefined
  readonly from: CopySpec['from']
  readonly attributes: Omit<CopySpec, 'from' | 'name' | 'generation' | 'run'>
}

interface PlannedCopy {
  readonly copy: CopySpec
  readonly steps: readonly Step[]
  readonly notices: readonly Notice[]
}

/**
 * Steps that make a copy and wait for it. Copies of this run that ECS failed to create are replaced.
 * @param existing copies in the region, whatever their status
 */
export function planCopy(
  { region, run, family, imageName, from, attributes }: CopyPlan,
  existing: readonly Image[],
): PlannedCopy {
  const own = existing.filter((image) => image.tags[tag.run] === run.key)
  const failed = own.filter(isFailed)
  const generation = nextGeneration({ run, family, imageName }, own)
  const name = imageName ?? imageNameOf(run, family, generation)
  const copy: CopySpec = { ...attributes, from, run, name, generation }
  const image = copyPlaceholder(region)
  return {
    copy,
    steps: [
      ...renameFailed({ region, imageName }, failed, { name, generation }),
      { action: 'copy', region, image, copy },
      { action: 'await', region, image },
    ],
    notices: failedNotices(failed),
  }
}

/**
 * The copy as it will be, so that further steps can be planned for it: created now, it is the newest.
 * @param now ECS's time, milliseconds
 */
export const plannedCopy = (
  source: Image,
  { region, copy, now }: { region: string; copy: CopySpec; now: number },
): Image => ({
  ...source,
  id: copyPlaceholder(region),
  region,
  name: copy.name,
  family: '',
  status: 'Available',
  creationTime: secondAfter(now),
  usable: undefined,
  isCopied: true,
  snapshots: [],
  tags: copy.tags,
})

/** `cn-hangzhou/m-…`, or with a placeholder for the ID while the image is still to be created. */
export const originTag = (region: string, image: ImageRef) => ({ [tag.origin]: `${region}/${image}` })

const awaitImage = ({ region, id }: Image): Step[] => [{ action: 'await', region, image: id }]

/** A step that waits for an image which is available but not usable yet. */
export const awaitUsable = (image: Image): Step[] => (isAvailable(image) && !isReady(image) ? awaitImage(image) : [])

/** A step that waits for the copy, unless it is ready. */
export const awaitCopy = (copy: Image): Step[] => (isPending(copy) ? awaitImage(copy) : awaitUsable(copy))

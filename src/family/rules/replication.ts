/** Copies of an image in the replica regions: which there are, and how a missing one is made. */

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
import { originOf, originParts } from '../model/origin.ts'
import { imageNameOf, type Run } from '../model/run.ts'
import { tag } from '../model/tags.ts'
import type { Notice } from '../plan/plan.ts'
import { type CopySpec, copyPlaceholder, type ImageRef, type Step } from '../plan/steps.ts'

/** Where copies of an image are in a region; it may itself be a copy, of an image that is there. */
export const copyQueries = (image: Image, region: string) => {
  const origin = originParts(image)
  return {
    copies: { ask: 'copies', region, origin: originOf(image) },
    original: origin?.region === region ? ({ ask: 'image', region, image: origin.id } as const) : undefined,
  } as const
}

/** Copies as the tags tell them, in the order in which they are fit for use. */
const fitness = (image: Image): number =>
  isReady(image) ? 4 : isAvailable(image) ? 3 : isPending(image) ? 2 : image.status === 'Deprecated' ? 1 : 0

/**
 * The copy to go on with; one that ECS failed to make is none.
 * @param preferring of several, the first that one of these holds of
 */
export function pickCopy(
  copies: readonly Image[],
  preferring: readonly ((image: Image) => boolean)[] = [],
): Image | undefined {
  const usable = newestFirst(copies.filter((image) => !isFailed(image)))
  const best = [...usable].sort((a, b) => fitness(b) - fitness(a))[0]
  return preferring.map((holds) => usable.find(holds)).find((image) => image !== undefined) ?? best
}

/** A name of this run that was used up by an image which ECS failed to create is followed by the next one. */
export function nextGeneration(
  { run, family, imageName }: { run: Run; family: string; imageName: string | undefined },
  made: readonly Image[],
): number {
  const failed = made.filter(isFailed)
  const generations = failed.map(({ name }, index) => {
    // Of one that holds a given name still, only so much is known: no attempt makes more than one image.
    if (imageName !== undefined) return Number(/-failed-(\d+)-[^-]+$/.exec(name)?.[1] ?? run.attempt - 1)
    const tail = name.slice(imageNameOf(run, family, 0).length)
    return tail === '' ? 1 : Number(/^-(\d+)$/.exec(tail)?.[1] ?? index + 1)
  })
  return Math.max(0, ...generations)
}

/** A given name is held by the image that failed: it makes way under another one, as evidence. */
export const renameFailed = (
  { region, imageName }: { region: string; imageName: string | undefined },
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

export const failedNotices = (failed: readonly Image[]): Notice[] =>
  failed.map((image) => ({
    level: 'warning',
    persistent: true,
    text: `ECS failed to create ${label(image)} in an earlier attempt (${image.status}); it counts for the quota until you delete it. It is replaced by a new image.`,
  }))

export interface CopyPlan {
  readonly region: string
  readonly run: Run
  readonly family: string
  /** Undefined: a name is made from family and run. */
  readonly imageName: string | undefined
  readonly from: CopySpec['from']
  readonly copying: Omit<CopySpec, 'from' | 'name' | 'generation' | 'run'>
}

interface PlannedCopy {
  readonly copy: CopySpec
  readonly steps: readonly Step[]
  readonly notices: readonly Notice[]
}

/**
 * Steps that make a copy and wait for it; what this run has failed to make there before is replaced.
 * @param existing copies that are there, in whatever state
 */
export function planCopy(
  { region, run, family, imageName, from, copying }: CopyPlan,
  existing: readonly Image[],
): PlannedCopy {
  const made = existing.filter((image) => image.tags[tag.run] === run.key)
  const failed = made.filter(isFailed)
  const generation = nextGeneration({ run, family, imageName }, made)
  const name = imageName ?? imageNameOf(run, family, generation)
  const copy: CopySpec = { ...copying, from, run, name, generation }
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
 * The copy as it will be, for what is planned to be done with it: made now, it is the newest.
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

/** `cn-hangzhou/m-…`; of an image still to be made its label stands in place of the ID. */
export const originTag = (region: string, image: ImageRef) => ({ [tag.origin]: `${region}/${image}` })

/** A copy that is not fit for use yet. */
export const awaitCopy = (copy: Image): Step[] =>
  isPending(copy) || (isAvailable(copy) && !isReady(copy))
    ? [{ action: 'await', region: copy.region, image: copy.id }]
    : []

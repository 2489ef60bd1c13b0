/** Rivals of an image: newer images of its family, which would be current instead of it. */
import { availableNewestFirst, type Image, isNewer, isPending, label, listLabels, oldestFirst } from '../model/image.ts'
import { originParts } from '../model/origin.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryEach } from '../plan/query.ts'

export const refuseAmbiguous = (family: string, images: readonly Image[]): Refusal =>
  refuse(
    'ambiguous-order',
    `${listLabels(images)} in family ${family} were created in the same second, and ECS does not define which of them it serves.`,
    'Deprecate one of them in the ECS console, then run again.',
  )

/** Refuses when the current image is newer than the target and belongs to another account: it cannot be withdrawn. */
export function refuseForeignRival(
  family: string,
  { current, members, target }: { current: Image | undefined; members: readonly Image[]; target: Image },
): Refusal | undefined {
  const isOwn = !current || current.id === target.id || members.some(({ id }) => id === current.id)
  if (isOwn || !isNewer(current, target)) return undefined
  return refuse(
    'image-not-own',
    `Family ${family} serves ${label(current)} there. That image is newer than ${label(target)} and cannot be withdrawn, because it belongs to another account (${current.ownerAlias || 'unknown owner'}).`,
    'Run without this region in `replica-region-ids` until that image is gone. The ECS console shows where it comes from.',
  )
}

interface RivalKinds {
  /** Copies of older images that were made later: they are newer only by their own creation time. */
  readonly lateCopies: readonly Image[]
  /** Copies of newer images. */
  readonly newerCopies: readonly Image[]
  /** Not copies, or copies of images that no longer exist or are in a region that may not be asked. */
  readonly unrelated: readonly Image[]
}

/**
 * Classifies newer images of a replica region by the images that they are copies of.
 * @param image the image at home, to compare with
 * @param regions that may be asked: a region that this run leaves out may be down
 */
export function* classifyRivals(
  newerImages: readonly Image[],
  { image, regions }: { image: Image; regions: readonly string[] },
): QueryGenerator<RivalKinds> {
  const copies = newerImages.flatMap((copy) => {
    const origin = copy.isCopied ? originParts(copy) : undefined
    return origin && regions.includes(origin.region) && origin.id !== copy.id ? [{ copy, origin }] : []
  })
  const originals = yield* queryEach(copies, ({ origin: { region, id } }) => ({ ask: 'image', region, image: id }))
  const known = originals.flatMap(({ thing: { copy }, answer }) => (answer ? [{ copy, original: answer }] : []))
  return {
    lateCopies: known.filter(({ original }) => !isNewer(original, image)).map(({ copy }) => copy),
    newerCopies: known.filter(({ original }) => isNewer(original, image)).map(({ copy }) => copy),
    unrelated: newerImages.filter((each) => !known.some(({ copy }) => copy === each)),
  }
}

/** Images that will be current instead of the target as soon as they are created. */
export const findPendingNewer = (members: readonly Image[], target: Image | undefined): Image[] =>
  oldestFirst(
    members.filter((image) => isPending(image) && image.id !== target?.id && (!target || isNewer(image, target))),
  )

/** Available images that are current instead of the target, newest first. */
export const findNewer = (members: readonly Image[], target: Image): Image[] =>
  availableNewestFirst(members).filter((image) => image.id !== target.id && isNewer(image, target))

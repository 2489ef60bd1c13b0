/** What stands before an image in the contest of a family, and what to think of it. */
import { availableOf, type Image, isNewer, isPending, label, list, oldestFirst } from '../model/image.ts'
import { originParts } from '../model/origin.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, queryEach } from '../plan/query.ts'

export const refuseAmbiguous = (family: string, images: readonly Image[]): Refusal =>
  refuse(
    'ambiguous-order',
    `${list(images)} in family ${family} were created in the same second: which of them ECS would serve is not defined.`,
    'Deprecate one of them by hand in the ECS console, then run again.',
  )

/** Only this account's images can be withdrawn: what else is served before the target stands for good. */
export function refuseForeignRival(
  family: string,
  { current, members, target }: { current: Image | undefined; members: readonly Image[]; target: Image },
): Refusal | undefined {
  const isOwn = !current || current.id === target.id || members.some(({ id }) => id === current.id)
  if (isOwn || !isNewer(current, target)) return undefined
  return refuse(
    'image-not-own',
    `Family ${family} serves ${label(current)} there, which is not this account's (${current.ownerAlias || 'unknown owner'}) and newer than ${label(target)}: it cannot be withdrawn.`,
    'Look at that image in the ECS console; run without this region in `replica-region-ids` meanwhile.',
  )
}

interface RivalKinds {
  /** Copies of older images, made later: only ECS takes them for newer. */
  readonly late: readonly Image[]
  /** Copies of newer images. */
  readonly ahead: readonly Image[]
  /** Not copies, or of images that are gone or in a region that is not asked. */
  readonly foreign: readonly Image[]
}

/**
 * Tells images of a replica region apart by the images that they are copies of.
 * @param image at home
 * @param regions that may be asked; one that was left out of this run may be down
 */
export function* classifyRivals(
  standing: readonly Image[],
  { image, regions }: { image: Image; regions: readonly string[] },
): QueryGenerator<RivalKinds> {
  const copies = standing.flatMap((copy) => {
    const origin = copy.isCopied ? originParts(copy) : undefined
    return origin && regions.includes(origin.region) && origin.id !== copy.id ? [{ copy, origin }] : []
  })
  const looks = yield* queryEach(copies, ({ origin: { region, id } }) => ({ ask: 'image', region, image: id }))
  const known = looks.flatMap(({ thing: { copy }, answer }) => (answer ? [{ copy, first: answer }] : []))
  return {
    late: known.filter(({ first }) => !isNewer(first, image)).map(({ copy }) => copy),
    ahead: known.filter(({ first }) => isNewer(first, image)).map(({ copy }) => copy),
    foreign: standing.filter((each) => !known.some(({ copy }) => copy === each)),
  }
}

/** Images that will stand before the target as soon as they are created. */
export const pendingAfter = (members: readonly Image[], target: Image | undefined): Image[] =>
  oldestFirst(
    members.filter((image) => isPending(image) && image.id !== target?.id && (!target || isNewer(image, target))),
  )

/** Available images that would be served instead of the target. */
export const findNewer = (members: readonly Image[], target: Image): Image[] =>
  availableOf(members).filter((image) => image.id !== target.id && isNewer(image, target))

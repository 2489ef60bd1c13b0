/** Finds the image that a family resolves to in every region, or the family that an image belongs to. */

import {
  availableNewestFirst,
  createdInSameSecond,
  type Image,
  isAvailable,
  label,
  listLabels,
} from '../model/image.ts'
import { isForeignFamily } from '../model/name.ts'
import { haveSameOrigin } from '../model/origin.ts'
import { type ResolveRequest, regionsOf } from '../model/request.ts'
import { isRefusal, type Notice, type Plan, type Refusal, type RegionPlan, refuse, warning } from '../plan/plan.ts'
import { all, type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { combineRegions, inRegion } from '../plan/regions.ts'
import { unmetCondition } from '../rules/conditions.ts'

export function* planResolve(request: ResolveRequest): QueryGenerator<Plan> {
  const { subject } = request
  if (subject.kind === 'image') return yield* planImage(request, subject.image)
  const served = yield* all(regionsOf(request).map((each) => findServed(each, subject.family)))
  const refused = served.map((image) => (image && isRefusal(image) ? image : undefined))
  const found = yield* fetchMissingTags(served.map((image) => (image && !isRefusal(image) ? image : undefined)))
  const [home] = found
  const plans = yield* all(
    regionsOf(request).map((each, index) =>
      planRegion(inRegion(request, each), {
        image: found[index],
        current: found[index],
        // Copies do not carry every tag, so conditions are checked on the home image when both are the same.
        checked: isSame(found[index], home) ? home : found[index],
        missingReason: `Family ${subject.family} resolves to nothing in ${each}.`,
      }),
    ),
  )
  const plan = combineRegions(
    request,
    plans.map((each, index) => refused[index] ?? each),
  )
  return plan.kind === 'refuse' ? plan : addNotices(plan, describeDifferences(regionsOf(request), found))
}

const isSame = (image: Image | undefined, other: Image | undefined): boolean =>
  image !== undefined && other !== undefined && haveSameOrigin(image, other)

/** ECS may answer the current image without its tags. The comparison needs them, so missing ones are queried. */
function* fetchMissingTags(images: readonly (Image | undefined)[]): QueryGenerator<(Image | undefined)[]> {
  const [home] = images
  const needsTags = (image: Image | undefined) =>
    image?.ownerAlias === 'self' && !isSame(image, home) && Object.keys(image.tags).length === 0
  const untagged = images.some(needsTags) ? images.filter((image) => image && Object.keys(image.tags).length === 0) : []
  const queried = untagged.flatMap((image) => (image && images.length > 1 ? [image] : []))
  const answers = yield* queryEach(queried, ({ region, id }) => ({ ask: 'image', region, image: id }))
  return images.map((image) => answers.find(({ thing }) => thing === image)?.answer ?? image)
}

/** Names the regions that serve another image than home does. */
function describeDifferences(regions: readonly string[], images: readonly (Image | undefined)[]): Notice[] {
  const [first] = images
  if (images.every((image) => image === undefined || isSame(image, first)) && first) {
    const missing = regions.filter((_, index) => images[index] === undefined)
    return missing.length === 0 ? [] : [warning(`${missing.join(', ')}: the family resolves to nothing there.`)]
  }
  if (images.every((image) => image === undefined)) return []
  const states = images.map((image, index) => {
    const what = image ? `${label(image)}${describeCommit(image)}` : 'nothing'
    return `${regions[index]} serves ${what}${image && !isSame(image, first) ? ', another image' : ''}`
  })
  return [
    warning(
      `The regions are not in sync: ${states.join('; ')}. Promote the image that you want in all of them: \`mode: promote\` with its \`image-id\`.`,
    ),
  ]
}

const describeCommit = ({ tags }: Image): string =>
  tags['github:sha'] ? ` of commit ${tags['github:sha'].slice(0, 12)}` : ''

function addNotices(plan: Exclude<Plan, Refusal>, notices: readonly Notice[]): Plan {
  const [home, ...others] = plan.regions
  return { ...plan, regions: [{ ...home, notices: [...home.notices, ...notices] }, ...others] }
}

function* planImage(request: ResolveRequest, id: string): QueryGenerator<Plan> {
  const { region } = request
  const [image] = yield* query({ ask: 'image', region, image: id })
  const missingReason = `Image ${id} does not exist in ${region}, or is not visible to this account.`
  // One of the outputs says whether the image is current in its family.
  const found = image?.family ? yield* findServed(region, image.family) : undefined
  const current = found && !isRefusal(found) ? found : undefined
  return combineRegions(request, [yield* planRegion(request, { image, current, checked: image, missingReason })])
}

/**
 * ECS's documents disagree on whether DescribeImageFromFamily covers families of other accounts. When it finds nothing
 * for such a name, the visible images are listed instead.
 */
function* findServed(region: string, family: string): QueryGenerator<Image | undefined | Refusal> {
  const [current] = yield* query({ ask: 'current', region, family })
  if (current || !isForeignFamily(family)) return current
  const [visible] = yield* query({ ask: 'visible', region, family })
  const [newest, second] = availableNewestFirst(visible)
  if (!newest || !second || !createdInSameSecond(newest, second)) return newest
  return refuse(
    'ambiguous-order',
    `${listLabels([newest, second])} in family ${family} were created in the same second, and ECS does not define which of them it serves.`,
    'Ask the owner of the images to deprecate one of them.',
  )
}

interface Lookup {
  readonly image: Image | undefined
  /** The image that the family resolves to. */
  readonly current: Image | undefined
  /** The image that must meet the conditions. */
  readonly checked: Image | undefined
  /** Says that there is no image, for people. */
  readonly missingReason: string
}

function* planRegion(
  request: ResolveRequest,
  { image, current, checked, missingReason }: Lookup,
): QueryGenerator<RegionPlan | Refusal> {
  const { region, requireTags, maxAgeDays } = request
  const nothing = {
    kind: 'nothing',
    region,
    changedBefore: false,
    withdrawn: [],
    pending: [],
    notices: [],
    previous: current?.id,
    resolvedImage: current,
  } as const
  if (!image) {
    if (request.ifMissing === 'ignore') return { ...nothing, reason: missingReason, image: undefined }
    return refuse(
      'not-found',
      missingReason,
      `Check ${request.subject.kind === 'family' ? '`family`' : '`image-id`'} and \`region-id\`.${request.replicas.length > 0 ? ' To copy an image to that region, use `mode: promote` with the region in `replica-region-ids`.' : ''} To accept a missing image, set \`if-missing: ignore\`.`,
    )
  }
  const [now] = yield* query({ ask: 'time' })
  const reason =
    request.subject.kind === 'family'
      ? `Family ${request.subject.family} resolves to ${label(image)}`
      : `Image ${label(image)} is ${isAvailable(image) ? 'available' : image.status} in ${image.family ? `family ${image.family}` : 'no family'}`
  return unmetCondition(checked ?? image, { requireTags, maxAgeDays, now }) ?? { ...nothing, reason, image: image.id }
}

/** What a family serves now, in every region, or which family an image belongs to. */

import { availableOf, type Image, isAvailable, label, list, sameSecond } from '../model/image.ts'
import { isForeignFamily } from '../model/name.ts'
import { sameImage } from '../model/origin.ts'
import { type ResolveRequest, regionsOf } from '../model/request.ts'
import { isRefusal, type Notice, type Plan, type Refusal, type RegionPlan, refuse } from '../plan/plan.ts'
import { all, type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { combineRegions, inRegion } from '../plan/regions.ts'
import { unmetCondition } from '../rules/conditions.ts'

export function* planResolve(request: ResolveRequest): QueryGenerator<Plan> {
  const { of } = request
  if (of.kind === 'image') return yield* planImage(request, of.image)
  const served = yield* all(regionsOf(request).map((each) => imageOf(each, of.family)))
  const refused = served.map((image) => (image && isRefusal(image) ? image : undefined))
  const found = yield* withTags(served.map((image) => (image && !isRefusal(image) ? image : undefined)))
  const [home] = found
  const branches = yield* all(
    regionsOf(request).map((each, index) =>
      answer(inRegion(request, each), {
        image: found[index],
        serving: found[index],
        // The same image as at home meets there what it meets at home: copies do not carry every tag.
        judged: isSame(found[index], home) ? home : found[index],
        missing: `Family ${of.family} resolves to nothing in ${each}.`,
      }),
    ),
  )
  const [first, ...others] = branches.map((branch, index) => refused[index] ?? branch)
  const plan = combineRegions(request, [...(first ? [first] : []), ...others])
  return plan.kind === 'refuse' ? plan : noting(plan, differences(regionsOf(request), found))
}

const isSame = (image: Image | undefined, other: Image | undefined): boolean =>
  image !== undefined && other !== undefined && sameImage(image, other)

/** ECS tells what a family serves with its tags; where those are missing, the comparison asks for them. */
function* withTags(images: readonly (Image | undefined)[]): QueryGenerator<(Image | undefined)[]> {
  const [home] = images
  const isUnclear = (image: Image | undefined) =>
    image?.ownerAlias === 'self' && !isSame(image, home) && Object.keys(image.tags).length === 0
  const unclear = images.some(isUnclear) ? images.filter((image) => image && Object.keys(image.tags).length === 0) : []
  const asked = unclear.flatMap((image) => (image && images.length > 1 ? [image] : []))
  const answers = yield* queryEach(asked, ({ region, id }) => ({ ask: 'image', region, image: id }))
  return images.map((image) => answers.find(({ thing }) => thing === image)?.answer ?? image)
}

/** Names the regions that serve another image than home does. */
function differences(regions: readonly string[], images: readonly (Image | undefined)[]): Notice[] {
  const [first] = images
  if (images.every((image) => image === undefined || isSame(image, first)) && first) {
    const missing = regions.filter((_, index) => images[index] === undefined)
    return missing.length === 0 ? [] : [warning(`${missing.join(', ')}: the family resolves to nothing there.`)]
  }
  if (images.every((image) => image === undefined)) return []
  const serving = images.map((image, index) => {
    const what = image ? `${label(image)}${commitOf(image)}` : 'nothing'
    return `${regions[index]} serves ${what}${image && !isSame(image, first) ? ', another image' : ''}`
  })
  return [
    warning(
      `The regions are not in sync: ${serving.join('; ')}. \`mode: promote\` with the \`image-id\` that you want brings them together.`,
    ),
  ]
}

const warning = (text: string): Notice => ({ level: 'warning', text })

const commitOf = ({ tags }: Image): string =>
  tags['github:sha'] ? ` of commit ${tags['github:sha'].slice(0, 12)}` : ''

function noting(plan: Exclude<Plan, Refusal>, notices: readonly Notice[]): Plan {
  const [home, ...others] = plan.regions
  return { ...plan, regions: [{ ...home, notices: [...home.notices, ...notices] }, ...others] }
}

function* planImage(request: ResolveRequest, id: string): QueryGenerator<Plan> {
  const { region } = request
  const [image] = yield* query({ ask: 'image', region, image: id })
  const missing = `Image ${id} does not exist in ${region}, or is not visible to this account.`
  // Whether it is what its family serves is one of the outputs.
  const serving = image?.family ? yield* imageOf(region, image.family) : undefined
  const served = serving && !isRefusal(serving) ? serving : undefined
  return combineRegions(request, [yield* answer(request, { image, serving: served, judged: image, missing })])
}

/** ECS's documents disagree on which kinds of family its own answer covers: for a foreign name 'nothing' is checked once. */
function* imageOf(region: string, family: string): QueryGenerator<Image | undefined | Refusal> {
  const [current] = yield* query({ ask: 'current', region, family })
  if (current || !isForeignFamily(family)) return current
  const [visible] = yield* query({ ask: 'visible', region, family })
  const [newest, second] = availableOf(visible)
  if (!newest || !second || !sameSecond(newest, second)) return newest
  return refuse(
    'ambiguous-order',
    `${list([newest, second])} in family ${family} were created in the same second: which of them ECS would serve is not defined.`,
    'Ask their owner to withdraw one of them.',
  )
}

interface Found {
  readonly image: Image | undefined
  /** What the family serves. */
  readonly serving: Image | undefined
  /** The image that has to meet the conditions. */
  readonly judged: Image | undefined
  readonly missing: string
}

function* answer(
  request: ResolveRequest,
  { image, serving, judged, missing }: Found,
): QueryGenerator<RegionPlan | Refusal> {
  const { region, requireTags, maxAgeDays } = request
  const nothing = {
    kind: 'nothing',
    region,
    changedBefore: false,
    withdrawn: [],
    pending: [],
    notices: [],
    previous: serving?.id,
    servedImage: serving,
  } as const
  if (!image) {
    if (request.ifMissing === 'ignore') return { ...nothing, reason: missing, image: undefined }
    return refuse(
      'not-found',
      missing,
      `Check \`family\` or \`image-id\` and \`region-id\`${request.replicas.length > 0 ? '; `mode: promote` with that region in `replica-region-ids` takes an image there' : ''}; \`if-missing: ignore\` makes this no error.`,
    )
  }
  const [now] = yield* query({ ask: 'time' })
  const reason =
    request.of.kind === 'family'
      ? `Family ${request.of.family} resolves to ${label(image)}`
      : `Image ${label(image)} is ${isAvailable(image) ? 'available' : image.status} in ${image.family ? `family ${image.family}` : 'no family'}`
  return unmetCondition(judged ?? image, { requireTags, maxAgeDays, now }) ?? { ...nothing, reason, image: image.id }
}

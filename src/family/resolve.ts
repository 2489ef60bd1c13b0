/** What a family serves now, or which family an image belongs to. */
import { unmetCondition } from './conditions.ts'
import { availableOf, type Image, isAvailable, label, list, sameSecond } from './image.ts'
import { isForeignFamily } from './name.ts'
import { isRefusal, type Plan, type Refusal, refuse } from './plan.ts'
import { ask, type Planning } from './question.ts'
import type { ResolveRequest } from './request.ts'

export function* planResolve(request: ResolveRequest): Planning<Plan> {
  const { of, region } = request
  if (of.kind === 'family') {
    const image = yield* imageOf(region, of.family)
    if (image && isRefusal(image)) return image
    return yield* answer(request, {
      image,
      serving: image,
      missing: `Family ${of.family} resolves to nothing in ${region}.`,
    })
  }
  const [image] = yield* ask({ ask: 'image', region, image: of.image })
  const missing = `Image ${of.image} does not exist in ${region}, or is not visible to this account.`
  // Whether it is what its family serves is one of the outputs.
  const serving = image?.family ? yield* imageOf(region, image.family) : undefined
  return yield* answer(request, { image, serving: serving && !isRefusal(serving) ? serving : undefined, missing })
}

/** ECS's documents disagree on which kinds of family its own answer covers: for a foreign name 'nothing' is checked once. */
function* imageOf(region: string, family: string): Planning<Image | undefined | Refusal> {
  const [current] = yield* ask({ ask: 'current', region, family })
  if (current || !isForeignFamily(family)) return current
  const [visible] = yield* ask({ ask: 'visible', region, family })
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
  readonly missing: string
}

function* answer(request: ResolveRequest, { image, serving, missing }: Found): Planning<Plan> {
  const nothing = {
    kind: 'nothing',
    changedBefore: false,
    withdrawn: [],
    pending: [],
    notices: [],
    previous: serving?.id,
    serves: serving?.id,
  } as const
  if (!image) {
    if (request.ifMissing === 'ignore') return { ...nothing, because: missing, image: undefined }
    return refuse(
      'not-found',
      missing,
      'Check `family` or `image-id` and `region-id`; `if-missing: ignore` makes this no error.',
    )
  }
  const [now] = yield* ask({ ask: 'time' })
  const { requireTags, maxAgeDays } = request
  const because =
    request.of.kind === 'family'
      ? `Family ${request.of.family} resolves to ${label(image)}`
      : `Image ${label(image)} is ${isAvailable(image) ? 'available' : image.status} in ${image.family ? `family ${image.family}` : 'no family'}`
  return unmetCondition(image, { requireTags, maxAgeDays, now }) ?? { ...nothing, because, image: image.id }
}

/** What a family serves now, or which family an image belongs to. */
import { unmetCondition } from './conditions.ts'
import { availableOf, type Image, isAvailable, label } from './image.ts'
import { isForeignFamily } from './name.ts'
import { type Plan, refuse } from './plan.ts'
import { ask, type Planning } from './question.ts'
import type { ResolveRequest } from './request.ts'

export function* planResolve(request: ResolveRequest): Planning<Plan> {
  const { of, region } = request
  if (of.kind === 'family') {
    const image = yield* imageOf(region, of.family)
    return yield* answer(request, image, `Family ${of.family} resolves to nothing in ${region}.`)
  }
  const [image] = yield* ask({ ask: 'image', region, image: of.image })
  // Whether it is what its family serves is one of the outputs.
  if (image?.family) yield* ask({ ask: 'current', region, family: image.family })
  return yield* answer(
    request,
    image,
    `Image ${of.image} does not exist in ${region}, or is not visible to this account.`,
  )
}

/** ECS's documents disagree on which kinds of family its own answer covers: for a foreign name 'nothing' is checked once. */
function* imageOf(region: string, family: string): Planning<Image | undefined> {
  const [current] = yield* ask({ ask: 'current', region, family })
  if (current || !isForeignFamily(family)) return current
  const [visible] = yield* ask({ ask: 'visible', region, family })
  return availableOf(visible)[0]
}

function* answer(request: ResolveRequest, image: Image | undefined, missing: string): Planning<Plan> {
  const nothing = { kind: 'nothing', changedBefore: false, withdrawn: [], pending: [], notices: [] } as const
  if (!image) {
    if (request.ifMissing === 'ignore') return { ...nothing, because: missing, image: undefined, previous: undefined }
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
  return (
    unmetCondition(image, { requireTags, maxAgeDays, now }) ?? {
      ...nothing,
      because,
      image: image.id,
      previous: undefined,
    }
  )
}

/** Chooses the image that a promotion makes current, and checks whether it may be. */
import {
  availableNewestFirst,
  createdInSameSecond,
  type Image,
  isAvailable,
  isFailed,
  label,
  listLabels,
  newestFirst,
} from '../model/image.ts'
import type { PromoteRequest } from '../model/request.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import { isPlaceholder } from '../plan/steps.ts'

/**
 * @param named the image named by `image-id`
 * @param source the image that `from-family` resolves to
 */
export function choosePromotionTarget(
  { region, image, fromFamily }: PromoteRequest,
  { named, source }: { readonly named: Image | undefined; readonly source: Image | undefined },
): Image | Refusal {
  if (fromFamily !== undefined) {
    if (!source) {
      return refuse(
        'family-empty',
        `Family ${fromFamily} resolves to nothing in ${region}.`,
        'Bake an image into it first, or check `from-family` and `region-id`.',
      )
    }
    if (image === undefined || source.id === image) return source
    return refuse(
      'source-differs',
      `Family ${fromFamily} serves ${label(source)}, not ${image}: the image that was tested is not the one that would be promoted.`,
      'Test the image that the family serves now, or promote by `image-id` alone.',
    )
  }
  if (!named) {
    return refuse(
      'image-not-found',
      `Image ${image} does not exist in ${region}, or is not visible to this account.`,
      'Check `image-id` and `region-id`.',
    )
  }
  if (named.ownerAlias !== 'self') {
    return refuse(
      'image-not-own',
      `${label(named)} belongs to another account (${named.ownerAlias}): only its owner can put it into a family.`,
      'Copy it into this account first, then promote the copy.',
    )
  }
  if (isFailed(named)) {
    return refuse(
      'image-failed',
      `${label(named)} is ${named.status}: instances cannot be launched from it.`,
      'Bake a new image and promote that.',
    )
  }
  return named
}

/** An image is in one family only: taking the current image of another family would change that family unasked. */
export function* refuseCurrentElsewhere(
  { region, family, fromFamily, deprecateNewer }: PromoteRequest,
  target: Image,
): QueryGenerator<Refusal | undefined> {
  const other = target.family
  const isFree = other === '' || other === family || other === fromFamily
  if (isFree || !isAvailable(target) || isPlaceholder(target.id)) return undefined
  const [current] = yield* query({ ask: 'current', region, family: other })
  if (current?.id !== target.id) return undefined
  const [members] = yield* query({ ask: 'members', region, family: other })
  const next = availableNewestFirst(members).find(({ id }) => id !== target.id)
  return refuse(
    'current-elsewhere',
    `${label(target)} is the current image of family ${other}. Promoting it into ${family} takes it out of ${other}, which would then serve ${next ? label(next) : 'nothing'}.`,
    `If that is what you want, set \`from-family: ${other}\`${deprecateNewer ? ' and remove `deprecate-newer` (the two cannot be combined)' : ''}.`,
  )
}

/** Refuses when newer images would stay current, or when the order of two images is undefined. */
export function refuseNewer(
  { family, fromFamily, deprecateNewer }: PromoteRequest,
  members: readonly Image[],
  { target, newer }: { target: Image; newer: readonly Image[] },
): Refusal | undefined {
  const tied = members.find((image) => isAvailable(image) && createdInSameSecond(image, target))
  if (tied) {
    return refuse(
      'ambiguous-order',
      `${label(target)} and ${label(tied)} were created in the same second, and ECS does not define which of them ${family} serves.`,
      'Deprecate the one that you do not want, then run again.',
    )
  }
  if (newer.length === 0 || deprecateNewer) return undefined
  return refuse(
    'newer-images',
    `${listLabels(newestFirst(newer))} in family ${family} ${newer.length === 1 ? 'is' : 'are'} newer than ${label(target)} and would still be served: ECS orders a family by creation time alone.`,
    fromFamily === undefined
      ? 'Set `deprecate-newer: true` to withdraw them, or bake the image again.'
      : 'Bake the image again: with `from-family`, only an image that is then the newest can be promoted.',
  )
}

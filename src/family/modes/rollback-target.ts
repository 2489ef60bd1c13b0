/** Chooses the image that a family falls back to, and checks whether it may. */

import { decisionOn, describeDecision, findRecentRollback, isWithdrawnFrom } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import {
  availableNewestFirst,
  createdInSameSecond,
  type Image,
  isAvailable,
  isNewer,
  label,
  newestFirst,
  preferUsable,
} from '../model/image.ts'
import { haveSameOrigin } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { refuseAmbiguous } from '../rules/rivals.ts'
export function refuseEmptyFamily({ family, region }: RollbackRequest, members: readonly Image[]): Refusal {
  const deprecated = newestFirst(members.filter(({ status }) => status === 'Deprecated'))[0]
  return refuse(
    'family-empty',
    `Family ${family} resolves to nothing in ${region}${members.length === 0 ? ' and has no images' : ''}: there is nothing to roll back.`,
    deprecated
      ? `Restore an image with \`mode: promote\`, for example \`image-id: ${deprecated.id}\` (${deprecated.name}, ${deprecated.creationTime}).`
      : 'Check `family` and `region-id`, or bake an image into the family.',
  )
}

/** @returns undefined when the family is emptied */
export function chooseRollbackTarget(
  request: RollbackRequest,
  members: readonly Image[],
  current: Image,
): Image | undefined | Refusal {
  if (request.toImage !== undefined) return findNamedTarget(request, members, current)
  // Another copy of the bad image is just as bad.
  const others = availableNewestFirst(members).filter(
    (image) => image.id !== current.id && !haveSameOrigin(image, current),
  )
  const tied = others.find((image) => createdInSameSecond(image, current))
  if (tied) return refuseAmbiguous(request.family, [current, tied])
  const older = others.filter((image) => isNewer(current, image))
  const target = preferUsable(older)
  const second = target && older.find((image) => createdInSameSecond(image, target))
  if (target && second) return refuseAmbiguous(request.family, [target, second])
  if (!target && !request.allowEmpty) return refuseEmptying(request, members, current)
  return target
}

function refuseEmptying({ family }: RollbackRequest, members: readonly Image[], current: Image): Refusal {
  const deprecated = newestFirst(members.filter((image) => image.status === 'Deprecated' && isNewer(current, image)))[0]
  return refuse(
    'would-empty',
    `${label(current)} is the only available image of family ${family}: without it, no instance could be launched from the family.`,
    deprecated
      ? `Set \`to-image-id: ${deprecated.id}\` to restore ${deprecated.name} of ${deprecated.creationTime} and fall back to it, or \`allow-empty: true\` to empty the family.`
      : 'Bake a good image: the family then serves it and needs no rollback. Or set `allow-empty: true` to empty the family.',
  )
}

function findNamedTarget(
  { family, toImage }: RollbackRequest,
  members: readonly Image[],
  current: Image,
): Image | Refusal {
  const target = members.find(({ id }) => id === toImage)
  if (!target) {
    return refuse(
      'image-not-in-family',
      `${toImage} is not an image of family ${family} in this region.`,
      `Choose one of: ${newestFirst(members).slice(0, 5).map(label).join(', ')}.`,
    )
  }
  if (target.id === current.id) return target
  if (!isAvailable(target) && target.status !== 'Deprecated') {
    return refuse(
      'image-failed',
      `${label(target)} is ${target.status}: instances cannot be launched from it.`,
      'Choose another image for `to-image-id`.',
    )
  }
  if (isNewer(target, current)) {
    return refuse(
      'image-newer',
      `${label(target)} is newer than the current image ${label(current)}: use promote to go forward.`,
      `Use \`mode: promote\` with \`image-id: ${target.id}\`.`,
    )
  }
  const tied = members.find((image) => isAvailable(image) && createdInSameSecond(image, target))
  return tied ? refuseAmbiguous(family, [target, tied]) : target
}

/** A second person must not accidentally roll back the image that a first person has just rolled back to. */
export function refuseRecentRollback(
  request: RollbackRequest,
  state: FamilyState,
  { current, now }: { current: Image; now: number },
): Refusal | undefined {
  if (namesImage(request)) return undefined
  const recent = findRecentRollback(current, { run: request.run, images: state.known, now })
  return (
    recent &&
    refuse(
      'just-rolled-back',
      `${request.family} was rolled back to ${label(current)} less than half an hour ago, by ${describeDecision(recent)}.`,
      describeNextStep(request, current),
    )
  )
}

/**
 * A replica region that an earlier rollback left out, perhaps because it was down, still serves the image that home
 * withdrew. Rolling back all regions now would roll home back twice.
 */
export function refuseSecondRollback(
  request: RollbackRequest,
  { current, known }: FamilyState,
  replicas: readonly FamilyState[],
): Refusal | undefined {
  if (namesImage(request) || !current) return undefined
  const withdrawn = known.filter((image) => {
    const decision = decisionOn(image)
    return decision?.mode === 'rollback' && decision.target === current.id && isWithdrawnFrom(request.family, image)
  })
  const lagging = replicas.filter((state) =>
    withdrawn.some((image) => state.current && haveSameOrigin(state.current, image)),
  )
  if (lagging.length === 0) return undefined
  const served = lagging.map(
    (state) => `${state.region} still serves ${state.current ? label(state.current) : 'nothing'}`,
  )
  return refuse(
    'just-rolled-back',
    `${request.region} was already rolled back to ${label(current)}, but ${served.join(', ')}, which that rollback withdrew.`,
    describeNextStep(request, current),
  )
}

const namesImage = ({ toImage, expectedImage }: RollbackRequest): boolean =>
  toImage !== undefined || expectedImage !== undefined

const describeNextStep = ({ replicas }: RollbackRequest, current: Image): string => {
  const others = replicas.length > 0 ? `To roll the other regions back to it, set \`to-image-id: ${current.id}\`. ` : ''
  return `${others}To withdraw it as well, set \`expected-image-id: ${current.id}\`.`
}

/** Which image a family falls back to, and whether it may. */

import { decisionOn, describeDecision, isWithdrawnFrom, recentRollbackTo } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { availableOf, type Image, isAvailable, isNewer, label, newestFirst, sameSecond } from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { refuseAmbiguous } from '../rules/rivals.ts'
export function refuseEmptyFamily({ family, region }: RollbackRequest, members: readonly Image[]): Refusal {
  const deprecated = newestFirst(members.filter(({ status }) => status === 'Deprecated'))[0]
  return refuse(
    'family-empty',
    `Family ${family} resolves to nothing in ${region}${members.length === 0 ? ' and has no images' : ''}: there is nothing to roll back.`,
    deprecated
      ? `Restore an image with \`mode: promote\`, for instance \`image-id: ${deprecated.id}\` (${deprecated.name}, ${deprecated.creationTime}).`
      : 'Check `family` and `region-id`, or bake an image into the family.',
  )
}

/** Undefined: the family is emptied. */
export function chooseTarget(
  request: RollbackRequest,
  members: readonly Image[],
  current: Image,
): Image | undefined | Refusal {
  if (request.toImage !== undefined) return findNamedTarget(request, members, current)
  // Another copy of the bad image is as bad.
  const others = availableOf(members).filter((image) => image.id !== current.id && !sameImage(image, current))
  const tied = others.find((image) => sameSecond(image, current))
  if (tied) return refuseAmbiguous(request.family, [current, tied])
  const [target, second] = others.filter((image) => isNewer(current, image))
  if (target && second && sameSecond(target, second)) return refuseAmbiguous(request.family, [target, second])
  if (!target && !request.allowEmpty) return refuseEmptying(request, members, current)
  return target
}

function refuseEmptying({ family }: RollbackRequest, members: readonly Image[], current: Image): Refusal {
  const deprecated = newestFirst(members.filter((image) => image.status === 'Deprecated' && isNewer(current, image)))[0]
  return refuse(
    'would-empty',
    `${label(current)} is the only available image of family ${family}: withdrawing it would leave nothing to launch from.`,
    deprecated
      ? `Set \`to-image-id: ${deprecated.id}\` to restore ${deprecated.name} of ${deprecated.creationTime} and fall back to it, or \`allow-empty: true\` to empty the family.`
      : 'Bake a good image: the family then serves it, and no rollback is needed. Or set `allow-empty: true` to empty the family.',
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
  const tied = members.find((image) => isAvailable(image) && sameSecond(image, target))
  return tied ? refuseAmbiguous(family, [target, tied]) : target
}

/** A second person must not roll back by reflex what the first has just fallen back to. */
export function refuseRecentRollback(
  request: RollbackRequest,
  state: FamilyState,
  { current, now }: { current: Image; now: number },
): Refusal | undefined {
  if (isTold(request)) return undefined
  const recent = recentRollbackTo(current, { run: request.run, images: state.known, now })
  return (
    recent &&
    refuse(
      'just-rolled-back',
      `${label(current)} is what ${describeDecision(recent)} fell back to, less than half an hour ago: somebody has pressed the button already.`,
      howToGoOn(request, current),
    )
  )
}

/** A region that was left out of a rollback, down perhaps, still serves what home has withdrawn: one press must not go back twice. */
export function refuseSecondRollback(
  request: RollbackRequest,
  { current, known }: FamilyState,
  replicas: readonly FamilyState[],
): Refusal | undefined {
  if (isTold(request) || !current) return undefined
  const withdrawn = known.filter((image) => {
    const decision = decisionOn(image)
    return decision?.mode === 'rollback' && decision.target === current.id && isWithdrawnFrom(request.family, image)
  })
  const behind = replicas.filter((state) => withdrawn.some((image) => state.current && sameImage(state.current, image)))
  if (behind.length === 0) return undefined
  const serving = behind.map((state) => `${state.region} serves ${state.current ? label(state.current) : 'nothing'}`)
  return refuse(
    'just-rolled-back',
    `${request.region} has been rolled back to ${label(current)}, and ${serving.join(', ')} still, which it withdrew.`,
    howToGoOn(request, current),
  )
}

const isTold = ({ toImage, expectedImage }: RollbackRequest): boolean =>
  toImage !== undefined || expectedImage !== undefined

const howToGoOn = ({ replicas }: RollbackRequest, current: Image): string => {
  const others = replicas.length > 0 ? `To take the other regions to it, set \`to-image-id: ${current.id}\`. ` : ''
  return `${others}To withdraw it as well, set \`expected-image-id: ${current.id}\`.`
}

/** Which image a family falls back to, and whether it may. */

import { decisionOn, describeDecision, isWithdrawnFrom, recentRollbackTo } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { availableOf, type Image, isAvailable, isNewer, label, list, newestFirst, sameSecond } from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import type { RollbackRequest } from '../model/request.ts'
import {
  isRefusal,
  type Notice,
  type Refusal,
  type RegionDecision,
  type RegionPlan,
  refuse,
  refuseUnexpected,
} from '../plan/plan.ts'
import { type Change, doneByEarlierAttempt, pendingAfter } from '../recovery/resume.ts'
import { refuseAmbiguous } from '../rules/rivals.ts'
import { withdrawalOrder } from '../rules/withdrawal.ts'

export interface FamilyScene extends FamilyState {
  readonly region: string
  readonly quarantined: readonly Image[]
}

/** What the region is to serve at the end, among what was seen there. */
export const targetOf = (decided: Change | RegionDecision, { known }: FamilyScene): Image | undefined => {
  if (!('kind' in decided)) return decided.target
  return decided.kind === 'refuse' ? undefined : known.find(({ id }) => id === decided.image)
}

/** A new decision, by what the family looks like now. */
export function choose(request: RollbackRequest, scene: FamilyScene, now: number): Change | RegionDecision {
  const { current, members } = scene
  if (!current) return nothingToRollBack(request, members)
  const unexpected = expectation(request, current)
  if (unexpected) return unexpected
  const target = chooseTarget(request, scene, current)
  if (target && isRefusal(target)) return target
  if (target?.id === current.id) return already(request, members, current)
  const guarded = justRolledBack(request, scene, { current, now })
  if (guarded) return guarded
  const others = availableOf(members).filter((image) => image.id !== current.id)
  const standing = others.filter((image) => (target ? isNewer(image, target) : sameImage(image, current)))
  return {
    target,
    previous: current.id,
    withdraw: withdrawalOrder([...standing, current], current.id),
    withdrawWhenReady: request.withdrawPending ? pendingAfter(members, target) : [],
    resumed: undefined,
  }
}

export const leftAlone = (request: RollbackRequest, { members, current }: FamilyScene): RegionPlan => ({
  ...already(request, members, current),
  reason: doneByEarlierAttempt,
  changedBefore: true,
})

export function already(
  { region, family }: RollbackRequest,
  members: readonly Image[],
  current: Image | undefined,
): Extract<RegionPlan, { kind: 'nothing' }> {
  const pending = pendingAfter(members, current)
  return {
    kind: 'nothing',
    region,
    reason: `${family} already serves ${current ? label(current) : 'nothing'}`,
    changedBefore: false,
    image: current?.id,
    previous: current?.id,
    withdrawn: [],
    pending: pending.map(({ id }) => id),
    notices: pendingNotices(family, pending),
  }
}

function nothingToRollBack({ family, region }: RollbackRequest, members: readonly Image[]): Refusal {
  const deprecated = newestFirst(members.filter(({ status }) => status === 'Deprecated'))[0]
  return refuse(
    'family-empty',
    `Family ${family} resolves to nothing in ${region}${members.length === 0 ? ' and has no images' : ''}: there is nothing to roll back.`,
    deprecated
      ? `Restore an image with \`mode: promote\`, for instance \`image-id: ${deprecated.id}\` (${deprecated.name}, ${deprecated.creationTime}).`
      : 'Check `family` and `region-id`, or bake an image into the family.',
  )
}

function chooseTarget(request: RollbackRequest, { members }: FamilyScene, current: Image): Image | undefined | Refusal {
  if (request.toImage !== undefined) return namedTarget(request, members, current)
  // Another copy of the bad image is as bad.
  const others = availableOf(members).filter((image) => image.id !== current.id && !sameImage(image, current))
  const tied = others.find((image) => sameSecond(image, current))
  if (tied) return refuseAmbiguous(request.family, [current, tied])
  const [target, second] = others.filter((image) => isNewer(current, image))
  if (target && second && sameSecond(target, second)) return refuseAmbiguous(request.family, [target, second])
  if (!target && !request.allowEmpty) return wouldEmpty(request, members, current)
  return target
}

function wouldEmpty({ family }: RollbackRequest, members: readonly Image[], current: Image): Refusal {
  const deprecated = newestFirst(members.filter((image) => image.status === 'Deprecated' && isNewer(current, image)))[0]
  return refuse(
    'would-empty',
    `${label(current)} is the only available image of family ${family}: withdrawing it would leave nothing to launch from.`,
    deprecated
      ? `Set \`to-image-id: ${deprecated.id}\` to restore ${deprecated.name} of ${deprecated.creationTime} and fall back to it, or \`allow-empty: true\` to empty the family.`
      : 'Bake a good image: the family then serves it, and no rollback is needed. Or set `allow-empty: true` to empty the family.',
  )
}

function namedTarget({ family, toImage }: RollbackRequest, members: readonly Image[], current: Image): Image | Refusal {
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
      `${label(target)} is newer than the current image ${label(current)}: that is not a way back.`,
      `Use \`mode: promote\` with \`image-id: ${target.id}\`.`,
    )
  }
  const tied = members.find((image) => isAvailable(image) && sameSecond(image, target))
  return tied ? refuseAmbiguous(family, [target, tied]) : target
}

const expectation = ({ family, expectedImage }: RollbackRequest, current: Image): Refusal | undefined =>
  expectedImage === undefined || expectedImage === current.id
    ? undefined
    : refuseUnexpected(family, current, expectedImage)

function justRolledBack(
  request: RollbackRequest,
  scene: FamilyScene,
  { current, now }: { current: Image; now: number },
): Refusal | undefined {
  if (request.toImage !== undefined || request.expectedImage !== undefined) return undefined
  const recent = recentRollbackTo(current, { run: request.run, images: scene.known, now })
  return (
    recent &&
    refuse(
      'just-rolled-back',
      `${label(current)} is what ${describeDecision(recent)} fell back to, less than half an hour ago: somebody has pressed the button already.`,
      howToGoOn(request, current),
    )
  )
}

const howToGoOn = ({ replicas }: RollbackRequest, current: Image): string => {
  const others = replicas.length > 0 ? `To take the other regions to it, say \`to-image-id: ${current.id}\`. ` : ''
  return `${others}To withdraw it as well, say so: \`expected-image-id: ${current.id}\`.`
}

/** A region that was left out of a rollback, down perhaps, still serves what home has withdrawn: one press must not go back twice. */
export function homeRolledBack(
  request: RollbackRequest,
  { current, known }: FamilyScene,
  replicas: readonly FamilyScene[],
): Refusal | undefined {
  if (request.toImage !== undefined || request.expectedImage !== undefined || !current) return undefined
  const withdrawn = known.filter((image) => {
    const decision = decisionOn(image)
    return decision?.mode === 'rollback' && decision.target === current.id && isWithdrawnFrom(request.family, image)
  })
  const behind = replicas.filter((scene) => withdrawn.some((image) => scene.current && sameImage(scene.current, image)))
  if (behind.length === 0) return undefined
  const serving = behind.map((scene) => `${scene.region} serves ${scene.current ? label(scene.current) : 'nothing'}`)
  return refuse(
    'just-rolled-back',
    `${request.region} has been rolled back to ${label(current)}, and ${serving.join(', ')} still, which it withdrew.`,
    howToGoOn(request, current),
  )
}

export const pendingNotices = (family: string, pending: readonly Image[]): Notice[] =>
  pending.length === 0
    ? []
    : [
        {
          level: 'error',
          text: `${list(pending)} ${pending.length === 1 ? 'is' : 'are'} still being created in ${family} and will become current when ready. Roll back again with \`withdraw-pending: true\`, or cancel what bakes it.`,
        },
      ]

/** The image of a bake, or its copy in a region: what follows once it is there, or is where it should not be. */

import { decisionOn, describeDecision, isSameWorkflowRun } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { availableOf, type Image, label } from '../model/image.ts'
import type { Instance } from '../model/instance.ts'
import type { BakeRequest } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { Change, Keep } from '../plan/decision.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { isPlaceholder } from '../plan/steps.ts'
import { changedExternally } from '../recovery/supersession.ts'
import { pendingAfter } from '../rules/rivals.ts'
export interface BakeState extends FamilyState {
  /** Images that this run has made, in whatever state. */
  readonly own: readonly Image[]
  /** Somebody else's image of the name that this run would use. */
  readonly taken: Image | undefined
  readonly name: string
  readonly generation: number
  readonly instance: Instance | undefined
}

export const refuseTakenName = (taken: Image): Refusal =>
  refuse(
    'name-taken',
    `The name ${taken.name} belongs to ${taken.id} (${taken.status}, created ${taken.creationTime}), which this run has not made. Names are unique in a region.`,
    'Choose another `image-name`, or leave it out: a name is then made from family and run.',
  )

/** What follows once the image, or its copy in a region, is there or planned. */
export function settleOn({ family }: BakeRequest, { members }: FamilyState, image: Image): Change {
  // The newest available image before this one: what the family resolved to when this one was begun.
  const before = availableOf(members).find(
    (other) => other.id !== image.id && other.family === family && other.creationTime < image.creationTime,
  )
  return {
    kind: 'change',
    target: image,
    previous: before?.id,
    withdraw: [],
    withdrawWhenReady: [],
    resumed: undefined,
    changedBefore: !isPlaceholder(image.id),
  }
}

/** The same where nothing is done about it in the region. */
export function keepOut(request: BakeRequest, state: FamilyState, image: Image, reason: string): Keep {
  const { previous, changedBefore } = settleOn(request, state, image)
  return {
    kind: 'nothing',
    region: state.region,
    reason,
    image: image.id,
    previous,
    changedBefore,
    withdrawn: [],
    pending: pendingAfter(state.members, image).map(({ id }) => id),
    notices: [],
  }
}

/** The image, or its copy in a region, is not where this run would have it. */
export function leaveMoved(request: BakeRequest, state: FamilyState, image: Image): Keep | Refusal {
  const decision = decisionOn(image)
  if (!decision) return changedExternally(image, 'created')
  if (!isSameWorkflowRun(request.run, decision.run)) {
    return refuse(
      'superseded',
      `This run's image ${label(image)} is ${image.status} in family ${image.family || '(none)'}: ${describeDecision(decision)} decided so${
        image.tags[tag.reason] ? `, because: ${image.tags[tag.reason]}` : ''
      }.`,
      'Start a new workflow run to bake again.',
    )
  }
  const reason = `an earlier attempt of this run has created ${label(image)}, and a later step of it has taken it on (${decision.mode})`
  return keepOut(request, state, image, reason)
}

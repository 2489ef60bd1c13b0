/** What is decided about the image of a bake, or about its copy in a region. */

import { decisionOn, describeDecision, isSameWorkflowRun } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { availableNewestFirst, type Image, label } from '../model/image.ts'
import type { Instance } from '../model/instance.ts'
import type { BakeRequest } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { Change, Keep } from '../plan/decision.ts'
import { type Refusal, refuse } from '../plan/plan.ts'
import { isPlaceholder } from '../plan/steps.ts'
import { changedExternally } from '../recovery/supersession.ts'
import { findPendingNewer } from '../rules/rivals.ts'
export interface BakeState extends FamilyState {
  /** Images that this run has created, whatever their status. */
  readonly own: readonly Image[]
  /** Images that carry the tag of this run under another name: renamed, of another step, or a person's. */
  readonly misnamed: readonly Image[]
  /** An image of somebody else that has the name this run would use. */
  readonly taken: Image | undefined
  readonly name: string
  readonly generation: number
  readonly instance: Instance | undefined
}

export const refuseTakenName = (taken: Image): Refusal =>
  refuse(
    'name-taken',
    `The name ${taken.name} belongs to ${taken.id} (${taken.status}, created ${taken.creationTime}), which this run did not create. Names are unique in a region.`,
    'Choose another `image-name`, or leave it out: the name is then made of family and run.',
  )

/** It may be the image of this run, and a second one must not be made; but people and backup tools copy tags. */
export const refuseMisnamed = (image: Image): Refusal =>
  refuse(
    'already-decided',
    `${label(image)} carries the tag of this run, but not the name that this run gives its image. Another step may have baked it, or its tags were copied from another image.`,
    `If another step of this run baked it, give each step its own \`idempotency-key\`. If its tags were copied, remove \`${tag.run}\` from it, then run again.`,
  )

/** The image, or its copy in a region, exists or is planned: it is to become current. */
export function changeTo({ family }: BakeRequest, { members }: FamilyState, image: Image): Change {
  // The newest available image that is older than this one: the family resolved to it when this one was created.
  const before = availableNewestFirst(members).find(
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

/** The region stays as it is, whatever became of the image. */
export function keepAsIs(request: BakeRequest, state: FamilyState, image: Image, reason: string): Keep {
  const { previous, changedBefore } = changeTo(request, state, image)
  return {
    kind: 'nothing',
    region: state.region,
    reason,
    image: image.id,
    previous,
    changedBefore,
    withdrawn: [],
    pending: findPendingNewer(state.members, image).map(({ id }) => id),
    notices: [],
  }
}

/** Somebody has moved or deprecated the image, or its copy in a region. */
export function decideMoved(request: BakeRequest, state: FamilyState, image: Image): Keep | Refusal {
  const decision = decisionOn(image)
  if (!decision) return changedExternally(image, 'created')
  if (!isSameWorkflowRun(request.run, decision.run)) {
    return refuse(
      'superseded',
      `This run's image ${label(image)} is ${image.status} in family ${image.family || '(none)'}: ${describeDecision(decision)} decided that${
        image.tags[tag.reason] ? `, because: ${image.tags[tag.reason]}` : ''
      }.`,
      'Start a new workflow run to bake again.',
    )
  }
  const reason = `an earlier attempt of this run created ${label(image)}, and a later step of the same workflow run took it over (${decision.mode})`
  return keepAsIs(request, state, image, reason)
}

/** Gives the result of a decision that an earlier attempt carried out, unless somebody has undone it since. */

import {
  type DecisionRecord,
  decisionOn,
  decisionsReplacing,
  decisionTraits,
  describeDecision,
  isSameWorkflowRun,
  type OwnDecision,
} from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, isAvailable, isNewer, label, oldestFirst } from '../model/image.ts'
import type { RecordedRequest } from '../model/request.ts'
import type { Run } from '../model/run.ts'
import type { RegionDecision } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { findPendingNewer } from '../rules/rivals.ts'
import { changedExternally, refuseSuperseded, startNewRun, wantsSameImage } from './supersession.ts'

/** Why the family stays as it is. */
export const doneByEarlierAttempt = 'an earlier attempt of this run has done it'

export const isAvailableIn = (image: Image | undefined, family: string): boolean =>
  image !== undefined && isAvailable(image) && image.family === family

/** Refuses when another run or a person has undone this run's decision about an image. Undefined when it was a later step of the same workflow run. */
export function refuseUndone(run: Run, image: Image, what: string): Refusal | undefined {
  const decision = decisionOn(image)
  if (!decision || decision.run === run.key) return changedExternally(image, what)
  return isSameWorkflowRun(run, decision.run) ? undefined : refuseSuperseded({ image, decision })
}

const findWithdrawnEarlier = (run: Run, { known }: FamilyState): Image[] =>
  decisionsReplacing(run, known).flatMap(({ image, own }) => (own.role === 'withdrawn' ? [image] : []))

/** The images that this run withdrew, even if a later decision replaced the record, or if there was no room for one. */
function findWithdrawn(run: Run, state: FamilyState, { decision, images }: OwnDecision): Image[] {
  const { known } = state
  const target = known.find(({ id }) => id === decision.target)
  const previous = known.filter(({ id }) => id === decision.previous)
  const ids = [
    ...images,
    ...findWithdrawnEarlier(run, state),
    ...previous.filter((image) => !target || isNewer(image, target)),
  ].map(({ id }) => id)
  return oldestFirst(known.filter(({ id }) => ids.includes(id) && id !== decision.target))
}

/** Finds out whether somebody has undone a decision that was carried out. */
function findUndone({ run, family }: RecordedRequest, state: FamilyState, own: OwnDecision): Refusal | undefined {
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  if (decision.target !== undefined && !target) return refuseTargetGone(decision)
  const returned = findWithdrawn(run, state, own).filter((image) => isAvailableIn(image, family))
  return [
    ...returned.map((image) => refuseUndone(run, image, 'withdrawn')),
    target && !isAvailableIn(target, family) ? refuseUndone(run, target, 'chosen') : undefined,
  ].find((refusal) => refusal !== undefined)
}

/** Nothing is changed: an earlier attempt carried the decision out. Refuses if somebody has undone it. */
export function replay(request: RecordedRequest, state: FamilyState, own: OwnDecision): RegionDecision {
  const undone = findUndone(request, state, own)
  if (undone) return undone
  const { run, region, family } = request
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  const ids = findWithdrawn(run, state, own).map(({ id }) => id)
  return {
    kind: 'nothing',
    region,
    reason: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: ids,
    listInstancesOf: decisionTraits[decision.mode].fallsBack ? ids : [],
    pending: findPendingNewer(state.members, target).map(({ id }) => id),
    notices: currentChangedNotice(family, state.current, decision),
  }
}

const currentChangedNotice = (family: string, current: Image | undefined, { target }: DecisionRecord): Notice[] =>
  current?.id === target
    ? []
    : [{ level: 'warning', text: `${family} now serves ${current ? label(current) : 'nothing'} instead.` }]

export const refuseTargetGone = ({ target }: DecisionRecord): Refusal =>
  refuse('superseded', `An earlier attempt of this run chose ${target}, which no longer exists.`, startNewRun)

/**
 * Only a later decision still names this run, and that decision continued from the result of this one. It was made by a
 * later step of the same workflow run (a rollback after a promote, in one job), or by somebody who rolled back to the
 * same image. Nothing is left to do here.
 */
export function findContinuation(request: RecordedRequest, state: FamilyState): RegionDecision | undefined {
  const { run, region, mode } = request
  const { commitMarker } = decisionTraits[mode]
  const later = decisionsReplacing(run, state.known).find(
    (replaced) =>
      replaced.own.state === 'done' || replaced.own.role === commitMarker || wantsSameImage(replaced, state),
  )
  if (!later) return undefined
  const { image, decision, own } = later
  const wasTarget = own.role === 'target'
  const undone = decision.target === image.id ? findUndone(request, state, { decision, images: [image] }) : undefined
  return (
    undone ?? {
      kind: 'nothing',
      region,
      reason: `an earlier attempt of this run has done it, and ${describeDecision(decision)} continued from there`,
      changedBefore: true,
      image: wasTarget ? image.id : state.current?.id,
      // When the promoted image was withdrawn again, the family went back to the image before it.
      previous: wasTarget && decision.target !== image.id ? decision.target : undefined,
      withdrawn: findWithdrawnEarlier(run, state).map(({ id }) => id),
      pending: [],
      notices: [],
    }
  )
}

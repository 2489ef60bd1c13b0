/** What an earlier attempt of this run has carried out: the same result again, unless somebody has undone it since. */

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
import { pendingAfter } from '../rules/rivals.ts'
import { agrees, changedExternally, startNewRun, supersededBy } from './supersession.ts'

/** What is left alone, in the words of `nothing`. */
export const doneByEarlierAttempt = 'an earlier attempt of this run has done it'

export const isServable = (image: Image | undefined, family: string): boolean =>
  image !== undefined && isAvailable(image) && image.family === family

/** What undid this run's decision about an image; a later step of the same workflow run may have. */
export function refuseIfUndone(run: Run, image: Image, what: string): Refusal | undefined {
  const decision = decisionOn(image)
  if (!decision || decision.run === run.key) return changedExternally(image, what)
  return isSameWorkflowRun(run, decision.run) ? undefined : supersededBy({ image, decision })
}

const withdrawnBefore = (run: Run, { known }: FamilyState): Image[] =>
  decisionsReplacing(run, known).flatMap(({ image, own }) => (own.role === 'withdrawn' ? [image] : []))

/** What this run has withdrawn, also where a later decision is noted over its mark, or where there was no room for one. */
function withdrawnBy(run: Run, state: FamilyState, { decision, images }: OwnDecision): Image[] {
  const { known } = state
  const target = known.find(({ id }) => id === decision.target)
  const previous = known.filter(({ id }) => id === decision.previous)
  const ids = [
    ...images,
    ...withdrawnBefore(run, state),
    ...previous.filter((image) => !target || isNewer(image, target)),
  ].map(({ id }) => id)
  return oldestFirst(known.filter(({ id }) => ids.includes(id) && id !== decision.target))
}

/** What has undone, since, a decision that was carried out. */
function undoneSince({ run, family }: RecordedRequest, state: FamilyState, own: OwnDecision): Refusal | undefined {
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  if (decision.target !== undefined && !target) return refuseTargetGone(decision)
  const back = withdrawnBy(run, state, own).filter((image) => isServable(image, family))
  return [
    ...back.map((image) => refuseIfUndone(run, image, 'withdrawn')),
    target && !isServable(target, family) ? refuseIfUndone(run, target, 'settled on') : undefined,
  ].find((refusal) => refusal !== undefined)
}

/** The decision was carried out in an earlier attempt: nothing changes, unless somebody has undone it. */
export function replay(request: RecordedRequest, state: FamilyState, own: OwnDecision): RegionDecision {
  const undone = undoneSince(request, state, own)
  if (undone) return undone
  const { run, region, family } = request
  const { decision } = own
  const target = state.known.find(({ id }) => id === decision.target)
  const ids = withdrawnBy(run, state, own).map(({ id }) => id)
  return {
    kind: 'nothing',
    region,
    reason: `an earlier attempt of this run (${describeDecision(decision)}) has done it`,
    changedBefore: true,
    image: decision.target,
    previous: decision.previous,
    withdrawn: ids,
    listInstancesOf: decisionTraits[decision.mode].fallsBack ? ids : [],
    pending: pendingAfter(state.members, target).map(({ id }) => id),
    notices: currentChangedNotice(family, state.current, decision),
  }
}

const currentChangedNotice = (family: string, current: Image | undefined, { target }: DecisionRecord): Notice[] =>
  current?.id === target
    ? []
    : [{ level: 'warning', text: `By now ${family} serves ${current ? label(current) : 'nothing'}.` }]

export const refuseTargetGone = ({ target }: DecisionRecord): Refusal =>
  refuse('superseded', `An earlier attempt of this run was to settle on ${target}, which is gone since.`, startNewRun)

/**
 * All that is left of this run's decision is its key in a later one, which went on from where this one had ended: a
 * later step of the same workflow run (a rollback after a promote, in one job), or somebody who fell back to the same
 * image. Nothing is left to do here.
 */
export function continuedBy(request: RecordedRequest, state: FamilyState): RegionDecision | undefined {
  const { run, region, mode } = request
  const { commitMarker } = decisionTraits[mode]
  const later = decisionsReplacing(run, state.known).find(
    (replaced) => replaced.own.state === 'done' || replaced.own.role === commitMarker || agrees(replaced, state),
  )
  if (!later) return undefined
  const { image, decision, own } = later
  const wasTarget = own.role === 'target'
  const undone = decision.target === image.id ? undoneSince(request, state, { decision, images: [image] }) : undefined
  return (
    undone ?? {
      kind: 'nothing',
      region,
      reason: `an earlier attempt of this run has done it, and ${describeDecision(decision)} has gone on from there`,
      changedBefore: true,
      image: wasTarget ? image.id : state.current?.id,
      // Withdrawing what a promotion brought leads back to what was there before it.
      previous: wasTarget && decision.target !== image.id ? decision.target : undefined,
      withdrawn: withdrawnBefore(run, state).map(({ id }) => id),
      pending: [],
      notices: [],
    }
  )
}

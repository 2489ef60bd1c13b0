/** What follows from ECS's confirmation: the decision is marked as done, and old images are deleted. */

import { lanesOf } from '../family/plan/plan.ts'
import type { Step } from '../family/plan/steps.ts'
import { regionsDiverge } from '../family/plan/verify.ts'
import type { RunPorts } from './answer-query.ts'
import { applyLanes } from './lanes.ts'
import type { Observations } from './observations.ts'
import { deletedIn, type Outcome } from './outcome.ts'
import { verifyFamilies } from './verify.ts'

const isConfirmed = ({ verifications }: Outcome): boolean => verifications.every(({ kind }) => kind !== 'unconfirmed')

/**
 * A decision that was overtaken is done all the same. If a region is not confirmed, every record stays `planned`, so
 * that a later attempt completes and verifies all regions.
 */
export async function commit(outcome: Outcome, ports: RunPorts): Promise<Outcome> {
  const planned = isConfirmed(outcome) ? lanesOf(outcome.plan, 'commit') : []
  if (planned.length === 0) return outcome
  const lanes = planned.map((lane) =>
    lane.map(({ id, step }) => ({ id, step: onPresentImages(step, outcome.observations) })),
  )
  const committed = await ports.log.group('Record the result', () => applyLanes(outcome, ports, { lanes }))
  return committed.outcome
}

/** Leaves out images that were deleted while they were awaited: they cannot be tagged. */
const onPresentImages = (step: Step, { images }: Observations): Step =>
  step.action === 'tag' ? { ...step, ids: step.ids.filter((id) => id in images) } : step

export async function prune(outcome: Outcome, ports: RunPorts): Promise<Outcome> {
  const { verifications, journal } = outcome
  const isOvertaken = verifications.some((each) => each.kind === 'overtaken' && each.fails)
  if (!isConfirmed(outcome) || isOvertaken || regionsDiverge(verifications)) return outcome
  const lanes = lanesOf(outcome.plan, 'prune')
  if (lanes.length === 0) return outcome
  const pruned = await ports.log.group('Prune old images', () =>
    applyLanes(outcome, ports, { lanes, bestEffort: true }),
  )
  const deleted = deletedIn(pruned.outcome.journal.slice(journal.length))
  // ECS cannot delete an image on condition that it is not current, so the families are verified again.
  const isOver = pruned.outcome.failure !== undefined || deleted.length === 0 || verifications.length === 0
  return isOver ? pruned.outcome : await verifyFamilies(pruned.outcome, ports)
}

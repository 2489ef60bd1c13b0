/** Carries out a plan, phase by phase. If ECS has no room for an image, room is made, which ends the round. */

import { lanesOf, type Phase, type PlannedStep } from '../family/plan/plan.ts'
import { type Applied, applyLanes, withFailed } from './lanes.ts'
import { makeRoom } from './make-room.ts'
import type { Outcome } from './outcome.ts'
import type { Ports } from './ports.ts'

type Lanes = readonly (readonly PlannedStep[])[]

/** Stops after the first phase that fails or needs room. */
export async function apply(
  outcome: Outcome,
  ports: Ports,
  { title, phases }: { title: string; phases: readonly Phase[] },
): Promise<Outcome> {
  const work = phases.map((phase) => lanesOf(outcome.plan, phase)).filter(({ length }) => length > 0)
  if (work.length === 0) return outcome
  const applied = await ports.log.group(title, () => applyPhases(outcome, ports, work))
  if (applied.full.length === 0 || isOver(applied.outcome)) return applied.outcome
  const roomier = await makeRoom(applied.outcome, ports, applied.full)
  if (!roomier.failure || isOver(roomier)) return roomier
  return await ports.log.group(title, () => applyRest(roomier, ports, applied.lanes))
}

async function applyPhases(
  outcome: Outcome,
  ports: Ports,
  work: readonly Lanes[],
): Promise<Applied & { readonly lanes: Lanes }> {
  let applied: Applied & { readonly lanes: Lanes } = { outcome, full: [], lanes: [] }
  for (const lanes of work) {
    applied = { ...(await applyLanes(applied.outcome, ports, { lanes })), lanes }
    if (applied.outcome.failure || applied.full.length > 0) break
  }
  return applied
}

/** The run was cancelled or is out of time. */
const isOver = ({ failure }: Outcome): boolean =>
  failure !== undefined && ['cancelled', 'time-limit'].includes(failure.error.code)

/** Finishes the lanes of regions where room was made: a region that failed does not leave the others half done. */
async function applyRest(outcome: Outcome, ports: Ports, lanes: Lanes): Promise<Outcome> {
  const entries = outcome.journal.filter(({ round }) => round === outcome.round)
  const stateOf = (planned: PlannedStep) => entries.find(({ id }) => id === planned.id)?.state
  const unfinished = lanes.filter((lane) => !lane.some((planned) => stateOf(planned) === 'failed'))
  const rest = unfinished.map((lane) => lane.filter((planned) => stateOf(planned) === undefined))
  const { outcome: applied, full } = await applyLanes(outcome, ports, { lanes: rest })
  return withFailed(applied, full)
}

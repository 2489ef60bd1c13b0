/** If ECS takes no further image, the images that `keep` would delete at the end are deleted first. */

import { lanesOf, phaseOf } from '../family/plan/plan.ts'
import { describeError } from './action-error.ts'
import { consistencyIntervals } from './clock.ts'
import { applyLanes, withFailed } from './lanes.ts'
import { deletedIn, type Entry, type Outcome } from './outcome.ts'
import type { Ports } from './ports.ts'
import { logIn, runStage } from './stage.ts'

/**
 * If nothing could be deleted in a region, ECS's answer is the failure.
 * @param full the steps that ECS had no room for
 */
export async function makeRoom(outcome: Outcome, ports: Ports, full: readonly Entry[]): Promise<Outcome> {
  const regions = full.map(({ step }) => step.region)
  for (const { step, error } of full) {
    const answer = error ? `${describeError(error)} ` : ''
    const log = logIn(step.region, outcome.request, ports.log)
    log.info(`${answer}Deleting images beyond \`keep\` first, then trying again.`)
  }
  const lanes = lanesOf(outcome.plan, 'room').filter(([first]) => first && regions.includes(first.step.region))
  const made = await ports.log.group('Make room', () => applyLanes(outcome, ports, { lanes, bestEffort: true }))
  const deletions = deletedIn(made.outcome.journal.slice(outcome.journal.length))
  const stillFull = full.filter(({ step }) => !deletions.some(({ region }) => region === step.region))
  return withFailed(made.outcome, stillFull)
}

/** Room was made in this round, so its plan no longer holds. */
export const hasMadeRoom = ({ round, journal }: Outcome): boolean =>
  journal.some((entry) => entry.round === round && phaseOf(entry.id) === 'room')

/** Waits before the next plan: for a while, ECS may still list and count the images that this round deleted. */
export const waitOutDeletions = async (outcome: Outcome, ports: Ports): Promise<Outcome> =>
  await runStage(outcome, ports, {
    doing: 'waiting for ECS to show the deletions',
    work: async () => {
      ports.log.info('Waiting until ECS shows the deletions, then planning again.')
      await ports.clock.wait(consistencyIntervals)
      return {}
    },
  })

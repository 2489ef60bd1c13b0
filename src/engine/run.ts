/**
 * The line of stages that every mode shares: observe and plan, apply, verify, commit, prune. It knows no rules of any
 * mode. A dry run ends after the plan; a re-run starts again from the beginning. A run that makes copies, or room for
 * images, also observes and plans again in a further round: that work takes long, and the families may have changed.
 */

import type { Request } from '../family/model/request.ts'
import { lanesOf, type Phase, phaseOf } from '../family/plan/plan.ts'
import { errorData, stepError } from './action-error.ts'
import { lagWaiter, type RunPorts } from './answer-query.ts'
import { apply } from './apply.ts'
import { commit, prune } from './commit.ts'
import { hasMadeRoom, waitOutDeletions } from './make-room.ts'
import { nothingSeen } from './observations.ts'
import type { Outcome } from './outcome.ts'
import { planRound } from './plan-round.ts'
import type { Ports } from './ports.ts'
import { chosenImages, observeAfterFailure, observeResult } from './result.ts'
import { verifyFamilies } from './verify.ts'

/** Never throws: what went wrong is part of the outcome. */
export async function run(request: Request, ports: Ports): Promise<Outcome> {
  const runPorts = { ...ports, waitOutLag: lagWaiter(ports) }
  const stages = [applyInRounds, verifyFamilies, commit, prune, observeResult]
  let outcome = begin(request)
  for (const stage of stages) if (goesOn(outcome)) outcome = await stage(outcome, runPorts)
  if (outcome.failure) outcome = await observeAfterFailure(outcome, ports)
  return { ...outcome, images: chosenImages(outcome) }
}

const begin = (request: Request): Outcome => ({
  request,
  plan: undefined,
  round: 0,
  journal: [],
  observations: nothingSeen,
  images: {},
  verifications: [],
  affected: {},
  persistent: [],
  failure: undefined,
})

/** False when something failed or was refused, and for a dry run that has its plan. */
const goesOn = ({ request, plan, failure }: Outcome): boolean =>
  failure === undefined && plan?.kind !== 'refuse' && !(request.dryRun && plan !== undefined)

/** After so many rounds of copying, it is clear that somebody deletes the copies. */
const copyRounds = 3

/** Observes, plans and applies until a round was applied that made neither copies nor room. */
async function applyInRounds(begun: Outcome, ports: RunPorts): Promise<Outcome> {
  for (let outcome = begun; ; ) {
    outcome = await planRound(outcome, ports)
    if (!goesOn(outcome)) return outcome
    const makesCopies = lanesOf(outcome.plan, 'copy').length > 0
    if (makesCopies && countCopyRounds(outcome) === copyRounds) return { ...outcome, failure: copiesGone }
    outcome = await apply(outcome, ports, makesCopies ? preparing : switching)
    if (outcome.failure === undefined && hasMadeRoom(outcome)) outcome = await waitOutDeletions(outcome, ports)
    else if (!makesCopies) return outcome
    if (outcome.failure) return outcome
  }
}

const preparing = { title: 'Prepare', phases: ['create', 'copy'] } as const
const switching = { title: 'Apply', phases: ['create', 'record', 'check', 'prepare', 'activate'] } as const

/** Counts the rounds that made copies, without those that ended early to make room. */
function countCopyRounds({ journal }: Outcome): number {
  const roundsWith = (phase: Phase | 'room') =>
    journal.filter(({ id }) => phaseOf(id) === phase).map(({ round }) => round)
  const ended = new Set(roundsWith('room'))
  return new Set(roundsWith('copy').filter((round) => !ended.has(round))).size
}

const copiesGone = {
  doing: 'applying the plan',
  error: errorData(
    stepError(
      'Copies were made, and are gone again each time.',
      'Find out who deletes them, then press "Re-run failed jobs".',
    ),
  ),
  steps: [],
}

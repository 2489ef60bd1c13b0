/** Begins a round: the planner of the mode asks about the families as they are now, and plans. */

import { planFor } from '../family/modes/index.ts'
import { type Notice, phaseOf } from '../family/plan/plan.ts'
import { interpret } from '../family/plan/query.ts'
import { announcePlan } from './announce-plan.ts'
import { answerQuery, type RunPorts } from './answer-query.ts'
import { describeFamilies, logPlan } from './log-plan.ts'
import { type Outcome, regionsIn } from './outcome.ts'
import { runStage } from './stage.ts'

/** Never throws. Outside of a dry run, it also announces the plan. */
export async function planRound(outcome: Outcome, ports: RunPorts): Promise<Outcome> {
  const { request } = outcome
  return await runStage(outcome, ports, {
    doing: 'looking at the family',
    work: async ({ ecs, observations }) => {
      const plan = await ports.log.group('Observe', async () => {
        const observing = { ...ports, ecs, dryRun: request.dryRun, journal: outcome.journal }
        const planned = await interpret(planFor(request), (query) => answerQuery(query, observing))
        for (const line of describeFamilies(request, observations())) ports.log.info(line)
        return planned
      })
      await logPlan(request, plan, ports.log)
      if (!request.dryRun) announcePlan(plan, ports)
      return { plan, round: outcome.round + 1, persistent: [...outcome.persistent, ...persistentIn(outcome)] }
    },
  })
}

/** The notices of the present plan that must outlive it. */
const persistentIn = (outcome: Outcome): Outcome['persistent'] =>
  regionsIn(outcome).flatMap(({ region, notices }) => {
    const outlives = ({ persistent }: Notice) =>
      persistent === true || (persistent === 'once-begun' && hasBegun(region, outcome))
    return notices.filter(outlives).map((notice) => ({ region, notice }))
  })

/** More was done in the region than to make images ready. */
const hasBegun = (region: string, { round, journal }: Outcome): boolean =>
  journal.some(({ id, step, state, round: at }) => {
    const phase = phaseOf(id)
    return at === round && step.region === region && state === 'done' && (phase === 'record' || phase === 'activate')
  })

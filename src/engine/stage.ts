/**
 * The run goes stage by stage, each a function from one outcome to the next. What a stage sees, and what goes wrong in
 * it, becomes part of the outcome: a stage never throws.
 */

import type { FamilyRef } from '../family/model/image.ts'
import type { Request } from '../family/model/request.ts'
import { errorData } from './action-error.ts'
import { forgetFamily, type Observations, withAnswer, withoutImage } from './observations.ts'
import type { Outcome } from './outcome.ts'
import type { Ecs, Log, LookQuery, Ports } from './ports.ts'

/** Keeps what ECS is seen to answer, for as long as a stage lasts. */
export interface Recorder {
  /** ECS; each look at it is recorded. */
  readonly ecs: Ecs
  readonly forgetImage: (id: string) => void
  readonly forgetFamily: (family: FamilyRef) => void
  readonly observations: () => Observations
}

export function recordLooks(ecs: Ecs, before: Observations): Recorder {
  let seen = before
  return {
    ecs: {
      ...ecs,
      async look<const Q extends LookQuery>(query: Q) {
        const answer = await ecs.look(query)
        seen = withAnswer(seen, query, answer)
        return answer
      },
    },
    forgetImage: (id) => {
      seen = withoutImage(seen, id)
    },
    forgetFamily: (family) => {
      seen = forgetFamily(seen, family)
    },
    observations: () => seen,
  }
}

/** @param doing goes on after 'failed while' */
export async function runStage(
  outcome: Outcome,
  ports: Ports,
  { doing, work }: { doing: string; work: (recorder: Recorder) => Promise<Partial<Outcome>> },
): Promise<Outcome> {
  const recorder = recordLooks(ports.ecs, outcome.observations)
  try {
    const change = await work(recorder)
    return { ...outcome, ...change, observations: recorder.observations() }
  } catch (error) {
    const failure = { doing, error: errorData(error), steps: [] }
    return { ...outcome, observations: recorder.observations(), failure }
  }
}

/** With several regions at work at a time, each line of log says which one it is about. */
export const logIn = (region: string, { replicas }: Request, log: Log): Log =>
  replicas.length === 0 ? log : { ...log, info: (text) => log.info(`${region}: ${text}`) }

/**
 * A run consists of stages, each a function from one outcome to the next. What a stage sees, and what goes wrong in it,
 * becomes part of the outcome: a stage never throws.
 */

import type { Request } from '../family/model/request.ts'
import { errorData } from './action-error.ts'
import { type Observations, type Sighting, withSightings } from './observations.ts'
import type { Outcome } from './outcome.ts'
import type { Ecs, Log, LookQuery, Ports } from './ports.ts'
import { regionPrefix } from './region-prefix.ts'

/** Records what ECS answers during a stage. */
export interface Recorder {
  /** ECS; each look at it is recorded. */
  readonly ecs: Ecs
  /** Records what is known without a look. */
  readonly record: (sighting: Sighting) => void
  readonly observations: () => Observations
}

/** Sightings are added in batches of this size: there are many in a wait of hours, and only the last look counts. */
const sightingsAtOnce = 500

export function recordLooks(ecs: Ecs, before: Observations): Recorder {
  let known = before
  let sightings: Sighting[] = []
  const observations = (): Observations => {
    known = withSightings(known, sightings)
    sightings = []
    return known
  }
  const record = (sighting: Sighting): void => {
    sightings.push(sighting)
    if (sightings.length === sightingsAtOnce) observations()
  }
  const look = async <const Q extends LookQuery>(query: Q) => {
    const answer = await ecs.look(query)
    record({ kind: 'answer', query, answer })
    return answer
  }
  return { ecs: { ...ecs, look }, record, observations }
}

/** @param doing what the stage does, as it follows 'failed while' */
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

/** A log for one region: with several regions, each line names its region. */
export const logIn = (region: string, request: Request, log: Log): Log => ({
  ...log,
  info: (text) => log.info(`${regionPrefix(region, request)}${text}`),
})

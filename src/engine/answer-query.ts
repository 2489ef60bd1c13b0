/** Answers the queries of a planner: ECS is asked, and the engine waits and tells the time. */

import { type Image, isPending } from '../family/model/image.ts'
import type { Instance } from '../family/model/instance.ts'
import type { Query } from '../family/plan/query.ts'
import { type Clock, consistencyIntervals } from './clock.ts'
import { deletedIn, type Entry } from './outcome.ts'
import type { Ecs, Log, Ports } from './ports.ts'
import { waitForImage } from './wait-for-image.ts'

type LagOf = Extract<Query, { ask: 'lag' }>['writesOf']

/** Waits until reads show earlier writes. Callers that ask for the same at the same time share one wait. */
export type WaitOutLag = (of: LagOf) => Promise<void>

export interface RunPorts extends Ports {
  readonly waitOutLag: WaitOutLag
}

/** The writes of an earlier attempt are awaited only once a run. */
export function lagWaiter({ clock, log }: { readonly clock: Clock; readonly log: Log }): WaitOutLag {
  const waits = new Map<LagOf, Promise<void>>()
  const begin = async (of: LagOf): Promise<void> => {
    log.info('Waiting out the time that reads may lag behind writes, then looking again.')
    await clock.wait(consistencyIntervals)
    if (of === 'others') waits.delete(of)
  }
  return (of) => {
    const wait = waits.get(of) ?? begin(of)
    waits.set(of, wait)
    return wait
  }
}

interface Observing {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly waitOutLag: WaitOutLag
  /** Looks once where a real run would wait. */
  readonly dryRun: boolean
  /** What this process has done so far. */
  readonly journal: readonly Entry[]
}

const isChanging = (instance: Instance | undefined): boolean =>
  ['Pending', 'Starting', 'Stopping'].includes(instance?.status ?? '')

export async function answerQuery(query: Query, observing: Observing): Promise<unknown> {
  const { ecs, clock, log, waitOutLag, dryRun, journal } = observing
  switch (query.ask) {
    case 'time':
      return ecs.now()
    case 'lag':
      return await waitOutLag(query.writesOf)
    case 'deleted':
      return deletedIn(journal).filter(({ region }) => region === query.region).length
    case 'permitted':
      return await ecs.wouldPermit(query.step)
    case 'awaited': {
      const look = () => ecs.look({ ask: 'image', region: query.region, image: query.image })
      const judge = (image: Image | undefined) => (image && isPending(image) ? 'on its way' : 'over')
      return dryRun ? await look() : (await waitForImage(look, judge, { clock, log })).seen
    }
    case 'instance': {
      const look = () => ecs.look(query)
      return dryRun ? await look() : await clock.poll(look, (instance) => !isChanging(instance))
    }
    default:
      return await ecs.look(query)
  }
}

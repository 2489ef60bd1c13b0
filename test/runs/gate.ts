/** Lets one request into the local ECS at a time, so that what is arranged for it meets it and no other. */
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { type Place, placing } from './places.ts'
import type { Watch } from './watch.ts'

export interface Gate {
  /** Before a request takes effect. Throws: it takes none. */
  readonly before?: (place: Place) => void | Promise<void>
  /** It never gets an answer, and takes no effect. */
  readonly holds?: (place: Place) => boolean
  /** When it has taken effect. Throws: its answer is lost. */
  readonly after?: (place: Place) => void | Promise<void>
}

export const processIsGone = new Error('The process that sent this request is gone.')

/** @param over aborted when the process is gone: nothing that it still asks for takes effect */
export function guard(ecs: LocalEcs, watch: Watch, gate: Gate, over = new AbortController().signal): void {
  const { before, holds, after } = gate
  const place = placing(ecs)
  const inside = new Map<number, { here: Place; leave: () => void }>()
  let free = Promise.resolve()
  const enter = async (request: RequestRecord): Promise<void> => {
    const turn = free
    const { promise, resolve: leave } = Promise.withResolvers<void>()
    free = promise
    await turn
    const here = place(request)
    try {
      if (holds?.(here)) {
        leave()
        await new Promise((resolve) => over.addEventListener('abort', resolve))
      }
      if (over.aborted) throw processIsGone
      await before?.(here)
      inside.set(request.index, { here, leave })
    } catch (error) {
      leave()
      throw error
    }
  }
  ecs.intercept = async (phase, request) => {
    if (phase === 'before') return await enter(request)
    const passing = inside.get(request.index)
    try {
      watch.see(request)
      if (passing) await after?.(passing.here)
    } finally {
      passing?.leave()
    }
  }
}

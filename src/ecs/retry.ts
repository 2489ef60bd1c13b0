/** Retries requests where that is safe, within the time limit of the step. The SDK itself does not retry. */
import { type Clock, TimeLimit } from '../engine/clock.ts'
import type { BeforeRequest } from '../engine/ports.ts'
import { EcsError } from './errors.ts'

/** A temporary error that lasts for this many requests in a row is an error: with the pauses, about six minutes. */
const attempts = 10
const longestPause = 12

const isThrottled = (error: EcsError): boolean => error.ecsCode?.includes('Throttling') ?? false

export interface RetryOptions {
  /** Codes that the caller handles itself. */
  readonly handled?: readonly string[]
  /** The caller handles itself that a state is in the way which changes by itself. */
  readonly once?: boolean
  /** Called directly before each request, unless an earlier one may have been carried out without an answer. */
  readonly beforeEach?: BeforeRequest | undefined
}

/**
 * Every request that goes through here may be sent again: reads, writes with a ClientToken, and writes to which ECS
 * answers that there is nothing left to change.
 * @param onRetry called before each pause, with the number of failures so far
 */
export async function withRetry<T>(
  request: () => Promise<T>,
  {
    clock,
    onRetry,
    handled = [],
    once = false,
    beforeEach,
  }: RetryOptions & { clock: Clock; onRetry: (error: EcsError, failures: number) => void },
): Promise<T> {
  let mayBeDone = false
  for (let failures = 1; ; failures++) {
    if (!mayBeDone) await beforeEach?.()
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof EcsError) || error.reaction === 'fail' || clock.isOver) throw error
      if (error.ecsCode !== undefined && handled.includes(error.ecsCode)) throw error
      if (once && error.reaction === 'poll') throw error
      mayBeDone ||= error.reaction === 'retry' && !isThrottled(error)
      const isUsedUp = error.reaction === 'retry' && !isThrottled(error) && failures >= attempts
      if (isUsedUp) throw error
      onRetry(error, failures)
      const pause = error.reaction === 'poll' ? 1 : Math.min(2 ** (failures - 1), longestPause)
      try {
        await clock.wait(pause, { atLeast: error.retryAfter })
      } catch (ended) {
        // ECS's answer tells more than that the time is over.
        throw ended instanceof TimeLimit ? error : ended
      }
      if (clock.isOver) throw error
    }
  }
}

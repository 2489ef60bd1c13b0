/** Retries requests where that is safe, within the time limit of the step. The SDK itself does not retry. */
import { type Clock, TimeLimit } from '../engine/clock.ts'
import { EcsError } from './errors.ts'

/** A temporary error that lasts for this many requests in a row is an error: with the pauses, about six minutes. */
const attempts = 10
const longestPause = 12

const isThrottled = (error: EcsError): boolean => error.ecsCode?.includes('Throttling') ?? false

/**
 * Every request that goes through here may be sent again: reads, writes with a ClientToken, and writes to which ECS
 * answers that there is nothing left to change.
 * @param handled codes that the caller handles itself
 * @param onRetry called before each pause, with the number of failures so far
 */
export async function withRetry<T>(
  request: () => Promise<T>,
  {
    clock,
    onRetry,
    handled,
  }: { clock: Clock; onRetry: (error: EcsError, failures: number) => void; handled: readonly string[] },
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof EcsError) || error.reaction === 'fail' || clock.isOver) throw error
      if (error.ecsCode !== undefined && handled.includes(error.ecsCode)) throw error
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

/**
 * The one place that waits. Every wait is a multiple of the poll interval; the time limit of the step or a cancellation
 * ends it early.
 */
import { setTimeout } from 'node:timers/promises'
import { ActionError } from './action-error.ts'

/** The time limit of the step is over; whatever was begun in ECS continues. */
export class TimeLimit extends ActionError {
  override readonly name = 'TimeLimit'
  constructor(reason: string) {
    super({ code: 'time-limit', reason, remedy: 'Raise `wait-timeout-minutes` if it needs longer.' })
  }
}

/** Somebody cancelled the step. */
export class Cancelled extends ActionError {
  override readonly name = 'Cancelled'
  constructor(reason: string) {
    super({ code: 'cancelled', reason, remedy: 'Run the step again if it was not meant to be cancelled.' })
  }
}

/** Reads may lag half a minute behind writes: six of the usual 5 s intervals. One more makes sure. */
export const consistencyIntervals = 7

/** Milliseconds. Node's timers take no more: a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

/** Milliseconds. If the step is cancelled during a request, the answer is awaited this long, so that it can be reported. */
const lastAnswerTimeout = 3_000

/** What a look shows. `hopeless`: unless reads lag, it will not become good. `over`: waiting longer does not help. */
export type Verdict = 'good' | 'on its way' | 'hopeless' | 'over'

export interface ClockOptions {
  /** Milliseconds. */
  readonly interval: number
  /** Milliseconds. */
  readonly limit: number
  readonly signal: AbortSignal
}

export class Clock {
  readonly interval: number
  readonly limit: number
  readonly signal: AbortSignal
  readonly #deadline: number

  constructor({ interval, limit, signal }: ClockOptions) {
    this.interval = interval
    this.limit = limit
    this.signal = signal
    this.#deadline = performance.now() + limit
  }

  /** Set when the step has been cancelled. */
  get cancellation(): Cancelled | undefined {
    return this.signal.aborted ? new Cancelled('The step was cancelled.') : undefined
  }

  /** @throws Cancelled when the step has been cancelled */
  throwIfCancelled(): void {
    const { cancellation } = this
    if (cancellation) throw cancellation
  }

  get isOver(): boolean {
    return performance.now() >= this.#deadline
  }

  /**
   * Waits some poll intervals, and up to a quarter more at random so that many runs do not ask at the same time.
   * @param atLeast milliseconds
   * @throws TimeLimit, Cancelled
   */
  async wait(intervals: number, { atLeast = 0 }: { atLeast?: number } = {}): Promise<void> {
    this.throwIfCancelled()
    const wanted = Math.max(intervals * this.interval * (1 + Math.random() / 4), atLeast)
    const left = this.#deadline - performance.now()
    if (left <= 0) throw new TimeLimit(`The time limit of ${this.limit / 60_000} minutes is over.`)
    try {
      await setTimeout(Math.min(Math.ceil(Math.min(wanted, left)), longestTimer), undefined, { signal: this.signal })
    } catch {
      this.throwIfCancelled()
    }
  }

  /** Awaits a request that cannot be cancelled itself, at most a moment longer than the step. @throws Cancelled */
  async untilCancelled<T>(request: Promise<T>): Promise<T> {
    const cancelled = new AbortController()
    const giveUp = async (): Promise<never> => {
      await new Promise<void>((resolve) => {
        if (this.signal.aborted) resolve()
        this.signal.addEventListener('abort', () => resolve(), { once: true, signal: cancelled.signal })
      })
      await setTimeout(lastAnswerTimeout, undefined, { signal: cancelled.signal })
      throw new Cancelled('The step was cancelled while ECS had not answered yet.')
    }
    const gaveUp = giveUp()
    gaveUp.catch(() => undefined)
    try {
      return await Promise.race([request, gaveUp])
    } finally {
      cancelled.abort()
    }
  }

  /**
   * Looks until what it sees is good, until the wait is over, or until it stays hopeless for longer than reads may lag.
   * @returns what was seen last, and whether it is good
   */
  async pollUntilStable<T>(
    look: () => Promise<T>,
    judge: (seen: T) => Verdict,
  ): Promise<{ readonly seen: T; readonly isGood: boolean }> {
    let hopeless = 0
    const seen = await this.poll(look, (now) => {
      const verdict = judge(now)
      hopeless = verdict === 'hopeless' ? hopeless + 1 : 0
      return verdict === 'good' || verdict === 'over' || hopeless > consistencyIntervals
    })
    return { seen, isGood: judge(seen) === 'good' }
  }

  /**
   * Looks at each poll interval until what it sees is good.
   * @param maxIntervals how many intervals to wait at most; by default only the time limit of the step ends the wait
   * @returns what was seen last; it is not good if the intervals are over
   */
  async poll<T>(
    look: () => Promise<T>,
    isGood: (seen: T) => boolean,
    maxIntervals = Number.POSITIVE_INFINITY,
  ): Promise<T> {
    for (let looks = 0; ; looks++) {
      const seen = await look()
      if (isGood(seen) || looks >= maxIntervals) return seen
      await this.wait(1)
    }
  }
}

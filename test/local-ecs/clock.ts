/** The time ECS lives in: creation times, lifecycles, stale reads, tokens and the `Date` header all read it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  advance(seconds: number): void
  /** Called once for each request that arrives. */
  requestArrived(): void
}

export interface SteppedClockOptions {
  start?: string | undefined
  secondsPerRequest?: number | undefined
}

/** Time passes only by requests and `advance`, so a test sees the same times however slow the machine is. */
export function steppedClock(options: SteppedClockOptions = {}): Clock {
  let now = Date.parse(options.start ?? '2026-04-01T08:00:00Z')
  const step = (options.secondsPerRequest ?? 1) * 1000
  return {
    now: () => now,
    advance: (seconds) => {
      now += seconds * 1000
    },
    requestArrived: () => {
      now += step
    },
  }
}

/** The machine's time, run `speed` times as fast from the moment the clock is made. */
export function realClock(options: { speed?: number | undefined } = {}): Clock {
  const start = Date.now()
  let advanced = 0
  return {
    now: () => start + (Date.now() - start) * (options.speed ?? 1) + advanced,
    advance: (seconds) => {
      advanced += seconds * 1000
    },
    requestArrived: () => {},
  }
}

/** Images and snapshots print their times to the second. */
export function toSecond(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Instances print theirs to the minute. */
export function toMinute(time: number): string {
  return new Date(time).toISOString().replace(/:\d+\.\d+Z$/, 'Z')
}

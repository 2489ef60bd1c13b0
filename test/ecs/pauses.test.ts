import { setTimeout } from 'node:timers/promises'
import { beforeEach, expect, test, vi } from 'vitest'
import { EcsError } from '../../src/ecs/errors.ts'
import { withRetry } from '../../src/ecs/retry.ts'
import { Clock } from '../../src/engine/clock.ts'

// No time passes here: what counts is how long each pause was to be.
vi.mock('node:timers/promises', () => ({ setTimeout: vi.fn(async () => undefined) }))
beforeEach(() => vi.mocked(setTimeout).mockClear())

const ecsError = (code: string, retryAfter?: number) => () =>
  new EcsError({
    operation: 'ModifyImageAttribute',
    region: 'cn-hangzhou',
    ecsCode: code,
    status: 400,
    reason: 'No.',
    retryAfter,
  })
const throttled = (retryAfter?: number) => ecsError('Throttling', retryAfter)

/** Milliseconds from each failure of a request to the next attempt. */
async function pauses(interval: number, failures: number, error: () => EcsError): Promise<number[]> {
  const clock = new Clock({ interval, limit: 3_600_000, signal: new AbortController().signal })
  const request = vi.fn(async () => {
    if (request.mock.calls.length <= failures) throw error()
  })
  await withRetry(request, { clock, onRetry: () => undefined, handled: [] })
  return vi.mocked(setTimeout).mock.calls.map(([milliseconds = 0]) => milliseconds)
}

/** In intervals; each may be a quarter longer by chance. */
function expectPauses(measured: readonly number[], interval: number, wanted: readonly number[]): void {
  expect(measured).toHaveLength(wanted.length)
  for (const [index, intervals] of wanted.entries()) {
    expect(measured[index]).toBeGreaterThanOrEqual(intervals * interval)
    expect(measured[index]).toBeLessThanOrEqual(intervals * interval * 1.25)
  }
}

test.each([20, 5000])('double with each failure, up to twelve intervals of %i ms', async (interval) => {
  expectPauses(await pauses(interval, 7, throttled()), interval, [1, 2, 4, 8, 12, 12, 12])
})

test('are one interval each where the state of something is waited for', async () => {
  expectPauses(await pauses(5000, 15, ecsError('InvalidStatus.ImageIsCreating')), 5000, Array(15).fill(1))
})

test('are at least what ECS asks for, and what the failures ask for where that is more', async () => {
  const [first, second] = await pauses(100, 2, throttled(150))
  expect(first).toBe(150)
  expect(second).toBeGreaterThanOrEqual(200)
})

test('differ by chance, so that many runs do not ask in step', async () => {
  const all = await pauses(5000, 20, ecsError('InvalidStatus.ImageIsCreating'))
  expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(250)
})

/** What holds for every family and every sequence of runs, crashes and re-runs. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Event, events, History } from './history.ts'

async function lives(sequence: readonly Event[]): Promise<void> {
  const history = await History.begin()
  try {
    for (const event of sequence) await history.live(event)
  } finally {
    await history.end()
  }
}

test('no history of runs, crashes and re-runs empties a family, changes its answer twice in a run, or undoes a later decision', {
  timeout: 240_000,
}, async () => {
  const numRuns = Number(process.env.SOAK_RUNS ?? 60)
  const result = await fc.check(fc.asyncProperty(events, lives), { numRuns })
  expect(result.failed, `${fc.defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
})

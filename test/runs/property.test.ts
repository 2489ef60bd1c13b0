/** What holds for every family and every sequence of runs, crashes and re-runs. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  calmEvents,
  calmRuns,
  disturbances,
  type Event,
  endsTheSame,
  events,
  History,
  type SpreadEvent,
  SpreadHistory,
  spreadEvents,
} from './history.ts'

/** A soak takes as long as it takes. */
const limit = process.env.SOAK_RUNS ? 14_400_000 : 240_000

async function lives(sequence: readonly Event[]): Promise<void> {
  const history = await History.begin()
  try {
    for (const event of sequence) await history.live(event)
  } finally {
    await history.end()
  }
}

test('no history of runs, crashes and re-runs empties a family, changes its answer twice in a run, or undoes a later decision', {
  timeout: limit,
}, async () => {
  const numRuns = Number(process.env.SOAK_RUNS ?? 60)
  const result = await fc.check(fc.asyncProperty(events, lives), { numRuns })
  expect(result.failed, `${fc.defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
})

async function livesInThreeRegions(sequence: readonly SpreadEvent[]): Promise<void> {
  const history = await SpreadHistory.begin()
  try {
    for (const event of sequence) await history.live(event)
  } finally {
    await history.end()
  }
}

/** Three regions take longer. */
const fewer = (times: number): number => (process.env.SOAK_RUNS ? Number(process.env.SOAK_RUNS) : times)

test('no history of runs, crashes, troubles and people in three regions empties a family, leaves the regions apart, or deletes what is needed', {
  timeout: limit,
}, async () => {
  const property = fc.asyncProperty(spreadEvents, livesInThreeRegions)
  const result = await fc.check(property, { numRuns: fewer(40) })
  expect(result.failed, `${fc.defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
})

test('a run in three regions ends as if undisturbed, wherever it was crashed or denied something before', {
  timeout: limit,
}, async () => {
  const property = fc.asyncProperty(calmEvents, calmRuns, disturbances, endsTheSame)
  const result = await fc.check(property, { numRuns: fewer(12) })
  expect(result.failed, `${fc.defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
})

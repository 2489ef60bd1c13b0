/** What holds for every family and every sequence of runs, crashes and re-runs. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times, within } from '../soak.ts'
import { type Event, events, History } from './history.ts'
import { endsTheSame } from './regions-end.ts'
import { calmEvents, calmRuns, disturbances, type RegionsEvent, regionsEvents } from './regions-events.ts'
import { RegionsHistory } from './regions-history.ts'

const timeout = within(240_000)

async function holds<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  const result = await fc.check(property, { numRuns })
  expect(result.failed, `${fc.defaultReportMessage(result)}\n${result.errorInstance}`).toBe(false)
}

async function lives(sequence: readonly Event[]): Promise<void> {
  const history = await History.begin()
  try {
    for (const event of sequence) await history.live(event)
  } finally {
    await history.end()
  }
}

test(
  'no history of runs, crashes and re-runs empties a family, changes its answer twice in a run, or undoes a later decision',
  {
    timeout,
  },
  () => holds(fc.asyncProperty(events, lives), times(60)),
)

async function livesInThreeRegions(sequence: readonly RegionsEvent[]): Promise<void> {
  const history = await RegionsHistory.begin()
  try {
    for (const event of sequence) await history.live(event)
  } finally {
    await history.end()
  }
}

test(
  'no history of runs, crashes, troubles and people in three regions empties a family, leaves the regions apart, or deletes what is needed',
  {
    timeout,
  },
  () => holds(fc.asyncProperty(regionsEvents, livesInThreeRegions), times(40)),
)

test(
  'a run in three regions ends as if undisturbed, wherever it was crashed or denied something before',
  {
    timeout,
  },
  () => holds(fc.asyncProperty(calmEvents, calmRuns, disturbances, endsTheSame), times(12)),
)

/**
 * Lost anywhere: the process, or its whole runner, is lost at any request of a run, and the same run is walked again. It
 * ends where the undisturbed run ends, and nothing that people see was done twice. For ECS a process that is lost is
 * one that asks for nothing more: the step is cancelled, and whatever it still asks for takes no effect.
 */
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import {
  bakes,
  bakesEverywhere,
  promotions,
  promotionsEverywhere,
  regions,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  stoppingBake,
  stoppingBakeEverywhere,
} from '../scenarios.ts'
import { within } from '../soak.ts'
import { type Gate, guard, processIsGone } from './gate.ts'
import { describePlace, isAt, type Place } from './places.ts'
import { at, endInTwoAttempts, sideBySide, undisturbed } from './re-run.ts'
import { runMain } from './step.ts'

/**
 * Before and after each write, and after each read, for time passes with them. As long as nothing is written there is
 * nothing to be found; of the reads before, the first is as good as any.
 */
const crashesAmong = (places: readonly Place[]) => {
  const firstWrite = places.findIndex(({ isWrite }) => isWrite)
  return places
    .filter((_, index) => index === 0 || index >= firstWrite)
    .flatMap((place) =>
      (place.isWrite ? (['before', 'after'] as const) : (['after'] as const)).map((phase) => ({ place, phase })),
    )
}

async function lostEverywhere(scenario: Scenario): Promise<void> {
  const { expected, places } = await undisturbed(scenario)
  await sideBySide(crashesAmong(places), ({ place, phase }) =>
    at(`lost ${phase} ${describePlace(place)}`, async () => {
      const end = await endInTwoAttempts(scenario, async ({ ecs, inputs, watch }) => {
        const crash = new AbortController()
        const crashes = (here: Place) => {
          if (!isAt(here, place)) return
          crash.abort()
          throw processIsGone
        }
        guard(ecs, watch, { [phase]: crashes }, crash.signal)
        await runMain(ecs, inputs, { signal: crash.signal })
        expect(crash.signal.aborted).toBe(true)
      })
      expect(end).toEqual(expected)
    }),
  )
}

/**
 * From a write on, one region alone gets answers, and goes as far as it can before the process is lost: each region in
 * turn, as one write follows the other.
 */
async function lostWithOneAhead(scenario: Scenario): Promise<void> {
  const { expected, places } = await undisturbed(scenario)
  const writes = places.filter(({ isWrite }) => isWrite)
  const crashes = writes.map((place, index) => ({ place, ahead: regions[index % regions.length] }))
  await sideBySide(crashes, ({ place, ahead }) =>
    at(`${ahead} ahead after ${describePlace(place)}`, async () => {
      const end = await endInTwoAttempts(scenario, async ({ ecs, inputs, watch }) => {
        const crash = new AbortController()
        let isHeld = false
        const gate: Gate = {
          holds: ({ region }) => isHeld && region !== ahead,
          after: (here) => {
            if (!isAt(here, place)) return
            isHeld = true
            void noMoreRequests(ecs).then(() => crash.abort())
          },
        }
        guard(ecs, watch, gate, crash.signal)
        await runMain(ecs, inputs, { signal: crash.signal })
      })
      expect(end).toEqual(expected)
    }),
  )
}

/** Nothing more is asked: a few poll intervals without a request. */
async function noMoreRequests(ecs: LocalEcs): Promise<void> {
  for (let seen = -1; seen !== ecs.requests.length; ) {
    seen = ecs.requests.length
    await setTimeout(30)
  }
}

const limit = within(120_000)

const here = [...bakes, stoppingBake, ...promotions, ...rollbacks]
const everywhere = [...bakesEverywhere, stoppingBakeEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]

for (const scenario of [...here, ...everywhere]) {
  test(`${scenario.name}, lost at any request`, { timeout: limit }, () => lostEverywhere(scenario))
}

for (const scenario of everywhere) {
  test(`${scenario.name}, lost with one region ahead`, { timeout: limit }, () => lostWithOneAhead(scenario))
}

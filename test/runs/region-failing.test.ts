/**
 * One region fails, from any request on, while the others go on: one failure that names the region; nowhere an answer
 * that has changed too early; and a re-run ends where the undisturbed run ends.
 */
import { expect, test } from 'vitest'
import { type Phase, phaseOf, phases } from '../../src/family/plan/plan.ts'
import type { Inputs } from '../action/runner.ts'
import type { Fault } from '../local-ecs/faults.ts'
import {
  bakesEverywhere,
  promotionsEverywhere,
  regions,
  rollbacksEverywhere,
  type Scenario,
  startEcs,
  stoppingBakeEverywhere,
} from '../scenarios.ts'
import { within } from '../soak.ts'
import { guard } from './gate.ts'
import { describePlace, isAt, type Place } from './places.ts'
import { at, type Disturbed, type End, endInTwoAttempts, sideBySide, undisturbed } from './re-run.ts'
import { type Walk, walk } from './walk.ts'
import { Watch } from './watch.ts'

type Failing = 'denies this' | 'is down' | 'loses its answers'

const failures: Readonly<Record<Failing, Fault>> = {
  'denies this': { kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'User not authorized to operate.' },
  'is down': { kind: 'unavailable' },
  'loses its answers': { kind: 'reset-after' },
}
const kindsOfFailure = Object.keys(failures) as Failing[]

const quickly: Inputs = { 'poll-interval-seconds': '0.002' }

/** Until the switch no family's answer may change. */
const isBeforeSwitch = (phase: 'looking' | Phase | undefined): boolean =>
  phase === 'looking' || (phase !== undefined && phases.indexOf(phase) < phases.indexOf('activate'))

function failedIn({ outcome: { plan, failure } }: Walk): 'looking' | Phase | undefined {
  if (failure?.doing === 'looking at the family' || plan?.kind === 'refuse') return 'looking'
  const [failed] = failure?.steps ?? []
  return phases.find((phase) => failed && phaseOf(failed.id) === phase)
}

/** One failure that names the region; nowhere an answer that has changed too early; the others served as they are told. */
function checkFailure(walked: Walk, { ecs, watch }: Disturbed, { place, expected }: { place: Place; expected: End }) {
  const { failure } = walked
  if (!failure) return
  const { region } = place
  // What is refused at home goes without its name.
  if (walked.outcome.plan?.kind !== 'refuse' || region !== regions[0]) expect(failure.what).toContain(region)
  expect(failure.remedy).toMatch(/\w{3}/)
  const phase = failedIn(walked)
  const isEarly = isBeforeSwitch(phase)
  const isSwitched = watch.answers.some(({ length }) => length > 1)
  if (isEarly) expect(isSwitched, `an answer changed, and it failed in ${phase}`).toBe(false)
  for (const [index, other] of regions.entries()) {
    if (other === region) continue
    if (!isEarly) expect(ecs.current('web', other), `served in ${other}`).toBe(expected.answers[index]?.at(-1))
    // Where one region cannot be looked at any more, that is said; never what is not so.
    const served = `serves [^,]*${ecs.current('web', other) ?? 'nothing'}`
    if (isSwitched)
      expect(failure.what).toMatch(new RegExp(`${other} (${served}|was changed and has not been looked at)`))
  }
}

async function oneRegionFailing(scenario: Scenario): Promise<void> {
  const { expected, places } = await undisturbed(scenario)
  // Writes fail in each way, of the others each in one of them. Before the first write one of a kind is enough.
  const resumed = places.findIndex(({ isWrite }) => isWrite)
  const isOther = ({ action, region }: Place, index: number) =>
    index > resumed || places.findIndex((other) => other.action === action && other.region === region) === index
  const cases = places
    .filter(isOther)
    .flatMap((place, index) =>
      kindsOfFailure
        .filter((_, kind) => place.isWrite || kind === index % kindsOfFailure.length)
        .map((failing) => ({ place, failing })),
    )
  await sideBySide(cases, async ({ place, failing }) => {
    const isMeant = ({ region, action }: Place) =>
      region === place.region && (failing === 'is down' || action === place.action)
    await at(`${failing} at ${describePlace(place)}`, async () => {
      const end = await endInTwoAttempts(scenario, async (disturbed) => {
        const { ecs, inputs, watch } = disturbed
        let isFailing = false
        const before = (here: Place) => {
          isFailing ||= isAt(here, place)
          if (isFailing && isMeant(here)) ecs.faults.add(failures[failing])
        }
        guard(ecs, watch, { before })
        checkFailure(await walk(ecs, { ...inputs, ...quickly }), disturbed, { place, expected })
      })
      // What was carried out without an answer is asked for again.
      const effects = failing === 'loses its answers' ? [...new Set(end.effects)] : end.effects
      expect({ ...end, effects }).toEqual(expected)
    })
  })
}

const everywhere = [...bakesEverywhere, stoppingBakeEverywhere, ...promotionsEverywhere, ...rollbacksEverywhere]

for (const scenario of everywhere) {
  test(`${scenario.name}, one region failing from any request on`, { timeout: within(120_000) }, () =>
    oneRegionFailing(scenario),
  )
}

// The look after the failure is given up for all regions where one of them does not answer: it should tell what each of
// the others serves by now, and say only of the one that is down that it could not be looked at.
test('one region down in the switch: the failure says what the others serve', async () => {
  const [scenario] = rollbacksEverywhere
  if (!scenario) throw new Error('There is no such scenario.')
  const ecs = await startEcs()
  const inputs = scenario.arrange(ecs)
  let isDown = false
  const before = ({ region, action, isWrite }: Place) => {
    if (region !== 'cn-beijing') return
    isDown ||= isWrite && action === 'ModifyImageAttribute'
    if (isDown) ecs.faults.add(failures['is down'])
  }
  guard(ecs, new Watch(ecs), { before })
  const { failure } = await walk(ecs, { ...inputs, ...quickly })
  const others = ['cn-hangzhou', 'cn-shanghai'].map((region) => `${region} serves .*${ecs.current('web', region)}`)
  await ecs.close()
  for (const other of others) expect(failure?.what).toMatch(new RegExp(other))
})

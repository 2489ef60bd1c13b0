/** Asks ECS whether every family is as planned. */

import { label } from '../family/model/image.ts'
import { familyOf } from '../family/model/request.ts'
import type { Expectation } from '../family/plan/plan.ts'
import { interpret } from '../family/plan/query.ts'
import { regionsDiverge, type Verification, verify } from '../family/plan/verify.ts'
import { answerQuery, type RunPorts } from './answer-query.ts'
import { consistencyIntervals } from './clock.ts'
import { describeDuration } from './duration.ts'
import { currentIn } from './observations.ts'
import { imageId, type Outcome, regionsIn } from './outcome.ts'
import { logIn, type Recorder, runStage } from './stage.ts'

export async function verifyFamilies(outcome: Outcome, ports: RunPorts): Promise<Outcome> {
  const expected = expectationsOf(outcome)
  if (expected.length === 0) return outcome
  return await ports.log.group('Verify', async () => {
    const verified = await verifyOnce(outcome, ports, expected)
    if (verified.failure || !regionsDiverge(verified.verifications)) return verified
    return await verifyOnce(verified, ports, expected, { afterLag: true })
  })
}

/** When any region was changed, regions that already served the image are verified too. */
function expectationsOf(outcome: Outcome): Expectation[] {
  const regions = regionsIn(outcome)
  const family = familyOf(outcome.request)
  const expected = regions.flatMap((plan) => (plan.kind === 'change' && plan.expect ? [plan.expect] : []))
  const [{ overtaken } = {}] = expected
  return regions.flatMap((plan): Expectation[] => {
    if (plan.kind === 'change' && plan.expect) return [plan.expect]
    const { region, reason } = plan
    const image = imageId(outcome, plan.image)
    // Without a reason to leave the family as it is, the image is not awaited and cannot be verified.
    if (reason === undefined || overtaken === undefined || family === undefined || image === undefined) return []
    const isCurrent = currentIn(outcome.observations, { region, family })?.id === image
    return isCurrent ? [{ region, family, image, withdrawn: [], overtaken }] : []
  })
}

async function verifyOnce(
  outcome: Outcome,
  ports: RunPorts,
  expected: readonly Expectation[],
  { afterLag = false } = {},
): Promise<Outcome> {
  return await runStage(outcome, ports, {
    doing: 'verifying what ECS serves',
    work: async (recorder) => {
      if (afterLag) await waitForOthers(ports)
      const verified = expected.map((expectation) => verifyFamily(expectation, { outcome, ports, recorder }))
      return { verifications: await Promise.all(verified) }
    },
  })
}

async function waitForOthers({ clock, log }: RunPorts): Promise<void> {
  const time = describeDuration(consistencyIntervals * clock.interval)
  log.info(`Regions disagree; another run may be switching them. Checking again in about ${time}.`)
  await clock.wait(consistencyIntervals)
}

async function verifyFamily(
  expectation: Expectation,
  { outcome, ports, recorder }: { outcome: Outcome; ports: RunPorts; recorder: Recorder },
): Promise<Verification> {
  const { request } = outcome
  const { region, family } = expectation
  const { dryRun } = request
  const log = logIn(region, request, ports.log)
  const observing = { ...ports, ecs: recorder.ecs, log, dryRun, journal: outcome.journal }
  const wanted = { ...expectation, image: imageId(outcome, expectation.image) }
  const look = () => interpret(verify(wanted), (query) => answerQuery(query, observing))
  const verification = await ports.clock.poll(look, ({ kind }) => kind !== 'unconfirmed', consistencyIntervals)
  const served = verification.current ? label(verification.current) : 'nothing'
  log.info(`ECS serves ${served} in ${family}${verification.kind === 'ok' ? ', as planned' : ''}.`)
  return verification
}

/** All steps were carried out, and ECS answers something else than was planned. */

import { type Outcome, regionsIn } from '../engine/outcome.ts'
import { regionsDiverge, type Verification } from '../family/plan/verify.ts'
import { capital, distinctTexts, type Message, nameOf, nothingSaid, rerun } from './message.ts'
import { describeServed, isSpread } from './served.ts'

/** Undefined where ECS answers as planned, or where the mode lets others be faster. */
export function notAsPlanned(outcome: Outcome): Message | undefined {
  const { verifications } = outcome
  const all = verifications.flatMap((verification) => wrongIn(verification, outcome) ?? [])
  const failsAnyway = verifications.some((each) => each.kind === 'overtaken' && each.fails)
  if (regionsDiverge(verifications) && !failsAnyway) all.push(diverged(outcome))
  const [first] = all
  if (!first) return undefined
  return {
    ...nothingSaid,
    title: first.title,
    reasons: distinctTexts(all.map(({ reason }) => reason)),
    regions: verifications.map(({ region, current }) => ({ region, state: describeServed(current) })),
    todo: distinctTexts(all.map(({ remedy }) => remedy)),
  }
}

interface Deviation {
  readonly title: string
  readonly reason: string
  readonly remedy: string
}

function wrongIn(verification: Verification, outcome: Outcome): Deviation | undefined {
  const where = isSpread(outcome) ? ` (${verification.region})` : ''
  if (verification.kind === 'overtaken' && verification.fails) {
    return {
      title: `${nameOf(outcome)} was overtaken`,
      reason: `All steps were carried out, but ${verification.reason}${where}.`,
      remedy:
        'Find out who else changes this family; a `concurrency` group in the workflow keeps runs apart. Start a new workflow run to decide again.',
    }
  }
  if (verification.kind !== 'unconfirmed') return undefined
  return {
    title: `${nameOf(outcome)} is not confirmed by ECS`,
    reason: `All steps were carried out, but ${verification.reason}${where}.`,
    remedy: verification.current
      ? `${capital(rerun)}: nothing is done twice, and ECS is asked again.`
      : refill(outcome, verification.region),
  }
}

/** To be overtaken in every region may be wanted; in some of them only, it leaves different images. */
const diverged = (outcome: Outcome): Deviation => ({
  title: `${nameOf(outcome)}: the regions disagree`,
  reason: 'All steps were carried out, but another run changed the family meanwhile, and the regions now disagree.',
  remedy:
    'Promote the image that you want in all regions: `mode: promote`, its `image-id`, `deprecate-newer: true`. A `concurrency` group in the workflow keeps runs of one family apart.',
})

/** Somebody took away, at the same moment, what the family was to serve. */
function refill(outcome: Outcome, region: string): string {
  const last = regionsIn(outcome)
    .find((each) => each.region === region)
    ?.withdrawn.at(-1)
  return `Give the family an image again now: \`mode: promote\`${last ? `, for example with \`image-id: ${last}\`` : ''}.`
}

/** The message for a run that carried out all its steps, although a family does not resolve to the planned image. */

import { type Outcome, regionsIn } from '../engine/outcome.ts'
import { regionsDiverge, type Verification } from '../family/plan/verify.ts'
import { describeCurrent, hasReplicas } from './current-images.ts'
import { capital, distinctTexts, emptyMessage, type Message, nameOf, rerun } from './message.ts'

/** Undefined if every family is as planned, or if the mode accepts that a newer image is current. */
export function deviationMessage(outcome: Outcome): Message | undefined {
  const { verifications } = outcome
  const all = verifications.flatMap((verification) => deviationIn(verification, outcome) ?? [])
  const failsAnyway = verifications.some((each) => each.kind === 'overtaken' && each.fails)
  if (regionsDiverge(verifications) && !failsAnyway) all.push(divergence(outcome))
  const [first] = all
  if (!first) return undefined
  return {
    ...emptyMessage,
    title: first.title,
    reasons: distinctTexts(all.map(({ reason }) => reason)),
    regions: verifications.map(({ region, current }) => ({ region, state: describeCurrent(current) })),
    todo: distinctTexts(all.map(({ remedy }) => remedy)),
  }
}

interface Deviation {
  readonly title: string
  readonly reason: string
  readonly remedy: string
}

function deviationIn(verification: Verification, outcome: Outcome): Deviation | undefined {
  const where = hasReplicas(outcome) ? ` (${verification.region})` : ''
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
      : remedyForEmpty(outcome, verification.region),
  }
}

/** Other runs may overtake this one in every region. If they do so in some regions only, the regions differ. */
const divergence = (outcome: Outcome): Deviation => ({
  title: `${nameOf(outcome)}: the regions disagree`,
  reason: 'All steps were carried out, but another run changed the family meanwhile, and the regions now disagree.',
  remedy:
    'Promote the image that you want in all regions: `mode: promote`, its `image-id`, `deprecate-newer: true`. A `concurrency` group in the workflow keeps runs of one family apart.',
})

/** The family is empty: somebody took the planned image away at the same time. */
function remedyForEmpty(outcome: Outcome, region: string): string {
  const last = regionsIn(outcome)
    .find((each) => each.region === region)
    ?.withdrawn.at(-1)
  return `Give the family an image again now: \`mode: promote\`${last ? `, for example with \`image-id: ${last}\`` : ''}.`
}

/** The message of a run that failed or was refused. It takes from the journal whether anything was changed. */

import { type ErrorData, sentence } from '../engine/action-error.ts'
import type { Entry, Failure, Outcome } from '../engine/outcome.ts'
import { regionPrefix } from '../engine/region-prefix.ts'
import { regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import type { Refusal } from '../family/plan/plan.ts'
import { isVisible, type Step } from '../family/plan/steps.ts'
import { describeRegion, hasReplicas } from './current-images.ts'
import { describeFailure, detailsOf, endsRun } from './describe-error.ts'
import { deviationMessage } from './deviations.ts'
import { describeCreated, extentOfChange, restoredIn } from './journal.ts'
import { factsAfter } from './left-behind.ts'
import { distinctTexts, emptyMessage, type Message, nameOf, type RegionState, rerun } from './message.ts'

/** Undefined when the run succeeded. */
export function failureMessage(outcome: Outcome): Message | undefined {
  const { failure, plan } = outcome
  if (failure) return failed(outcome, failure)
  if (plan?.kind === 'refuse') return refused(outcome, plan)
  return deviationMessage(outcome)
}

function refused(outcome: Outcome, { code, reason, remedy }: Refusal): Message {
  const created = describeCreated(outcome.journal)
  const restored = restoredIn(outcome.journal)
  return {
    ...emptyMessage,
    title: `${nameOf(outcome)} refused`,
    reasons: [`${reason} [${code}]`],
    facts: [
      ...changesIn(outcome),
      ...(created.length > 0 ? [`Already made, and not in the family: ${created.join(', ')}.`] : []),
      ...(restored.length > 0 ? [`Already restored, to be copied: ${restored.join(', ')}.`] : []),
      ...factsAfter(outcome),
    ],
    todo: [
      remedy,
      ...(created.length > 0 ? [`Then ${rerun}: it uses what was made.`] : []),
      ...(restored.length > 0 ? [`Deprecate ${restored.join(', ')} again if you do not want it.`] : []),
    ],
  }
}

function failed(outcome: Outcome, { doing, error, steps }: Failure): Message {
  const entries = failedEntries(outcome, error, steps)
  const errors = entries.length === 0 ? [error] : entries.flatMap((entry) => entry.error ?? [])
  const reasons =
    entries.length === 0
      ? [describeFailure(error, `Failed while ${doing}${regionOf(error, outcome)}`)]
      : entries.map((entry) => describeFailedStep(entry, outcome))
  return {
    title: titleOf(outcome, error, entries),
    reasons: distinctTexts(reasons),
    regions: regionStates(outcome),
    facts: [...changesIn(outcome), ...factsAfter(outcome)],
    todo: distinctTexts([...errors.flatMap((each) => remediesFor(each, outcome)), ...nextStep(outcome, error)]),
    details: distinctTexts(errors.flatMap(detailsOf)),
  }
}

/** If the run was cancelled or is out of time, the first of the interrupted steps is enough. */
function failedEntries({ journal }: Outcome, error: ErrorData, steps: Failure['steps']): readonly Entry[] {
  const entries = steps.flatMap(({ round, id }) => journal.find((each) => each.round === round && each.id === id) ?? [])
  return endsRun(error) ? entries.filter((entry) => entry.error?.code === error.code).slice(0, 1) : entries
}

function titleOf(outcome: Outcome, { code }: ErrorData, entries: readonly Entry[]): string {
  const name = nameOf(outcome)
  if (code === 'cancelled') return `${name} was cancelled`
  if (code === 'time-limit') return `${name} ran out of time`
  const regions = distinctTexts(entries.map(({ step }) => step.region))
  return `${name} failed${hasReplicas(outcome) && regions.length > 0 ? ` in ${regions.join(', ')}` : ''}`
}

function describeFailedStep({ step, error }: Entry, outcome: Outcome): string {
  if (!error) return ''
  const what = `${describeStep(step)}${regionOfStep(step, outcome)}`
  if (endsRun(error)) return `${sentence(error.reason)} Not finished: ${what}.`
  // This reason already says which step it was.
  if (error.code === 'step') return `${regionPrefix(step.region, outcome.request)}${sentence(error.reason)}`
  return describeFailure(error, `Could not ${what}`)
}

/** The region of a step, if there are several. A copy is described with its region. */
const regionOfStep = ({ action, region }: Step, outcome: Outcome): string =>
  hasReplicas(outcome) && action !== 'copy' ? ` in ${region}` : ''

const regionOf = ({ request }: ErrorData, outcome: Outcome): string =>
  hasReplicas(outcome) && request ? ` in ${request.region}` : ''

function remediesFor(error: ErrorData, outcome: Outcome): string[] {
  if (error.code === 'cancelled' || error.remedy === '') return []
  return [error.remedy, ...withoutRegion(error, outcome)]
}

/** If one region does not answer, the other regions can be changed without it. */
function withoutRegion(error: ErrorData, { request, plan }: Outcome): string[] {
  if (!error.request || plan !== undefined || request.replicas.length === 0) return []
  const { region } = error.request
  return region === request.region
    ? [`If ${region} is down, set another of the regions as \`region-id\`, and leave ${region} out.`]
    : [`To go on without ${region}, leave it out of \`replica-region-ids\`, and promote into it later.`]
}

/** A re-run is needed even if nobody sees a change yet: records may stand as `planned`. */
function nextStep({ journal, plan }: Outcome, error: ErrorData): string[] {
  if (endsRun(error)) {
    const hasBegun = plan?.kind === 'change' && journal.length > 0
    return hasBegun ? [`To go on from here, ${rerun}: nothing is done twice.`] : ['Start the workflow again.']
  }
  // The remedy of such an error already says how to go on.
  if (error.code === 'step') return []
  const hasChanged = journal.some(({ step, state }) => state === 'done' && isVisible(step))
  return [`Then ${rerun}${hasChanged ? ': it completes what is missing' : ''}.`]
}

function changesIn(outcome: Outcome): string[] {
  const { request, journal } = outcome
  if (request.mode === 'resolve') return []
  switch (extentOfChange(journal)) {
    case 'nothing':
      return [request.run.attempt > 1 ? 'Nothing was changed in this attempt.' : 'Nothing was changed.']
    case 'no-family':
      return [hasReplicas(outcome) ? 'No family was switched.' : 'The family was not switched.']
    default:
      return []
  }
}

function regionStates(outcome: Outcome): RegionState[] {
  if (extentOfChange(outcome.journal) !== 'family') return []
  return regionsOf(outcome.request).map((region) => ({ region, state: describeRegion(outcome, region) }))
}

/**
 * What a run that failed or was refused tells people, as data: log, annotation and page show the same facts, each in
 * its own form. What was changed is decided here, from the journal; no other text speaks of it.
 */

import type { ErrorData } from '../engine/action-error.ts'
import { type Entry, type Failure, madeIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import type { Refusal } from '../family/plan/plan.ts'
import { describeStep, isVisible, type Step } from '../family/plan/steps.ts'
import { regionsDiverge, type Verification } from '../family/plan/verify.ts'
import { extentOfChange, restoredIn } from './journal.ts'
import { factsAfter } from './left-behind.ts'
import { describeRegion, describeServed, isSpread } from './served.ts'

export interface Message {
  /** Short, without a full stop: `Rollback of web failed in cn-shanghai`. */
  readonly title: string
  /** What went wrong, each a sentence or more, the most important one first. */
  readonly reasons: readonly string[]
  /** What each region serves now; empty where no family was switched. */
  readonly regions: readonly RegionState[]
  /** What else is so now: what was changed, what is still under way, an instance that is stopped. */
  readonly facts: readonly string[]
  /** What to do, the first thing first. */
  readonly todo: readonly string[]
  /** For a closer look, and for support. */
  readonly details: readonly string[]
}

export interface RegionState {
  readonly region: string
  /** `serves web-v2 (m-…)` */
  readonly state: string
}

const nothingSaid: Omit<Message, 'title'> = { reasons: [], regions: [], facts: [], todo: [], details: [] }

/** GitHub's own name of the button. */
const rerun = 'press "Re-run failed jobs"'

/** Undefined when the run succeeded. */
export function failureMessage(outcome: Outcome): Message | undefined {
  const { failure, plan } = outcome
  if (failure) return failed(outcome, failure)
  if (plan?.kind === 'refuse') return refused(outcome, plan)
  return notAsPlanned(outcome)
}

/** Found before the first request. */
export const invalidInputs = (errors: readonly string[]): Message => ({
  ...nothingSaid,
  title: 'Invalid inputs',
  reasons: errors,
  facts: ['No request was made.'],
})

const kindOfRun = { bake: 'Bake of', promote: 'Promotion to', rollback: 'Rollback of', resolve: 'Lookup of' } as const

function nameOf({ request }: Outcome): string {
  const subject = request.mode === 'resolve' && request.of.kind === 'image' ? request.of.image : familyOf(request)
  return `${kindOfRun[request.mode]} ${subject}`
}

function refused(outcome: Outcome, { code, reason, remedy }: Refusal): Message {
  const created = madeIn(outcome.journal)
  const restored = restoredIn(outcome.journal)
  return {
    ...nothingSaid,
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
      ? [describeError(error, `Failed while ${doing}${regionOf(error, outcome)}`)]
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

const endsRun = ({ code }: ErrorData): boolean => code === 'cancelled' || code === 'time-limit'

/** Where the time is over, or the run cancelled, one step says it for all. */
function failedEntries({ journal }: Outcome, error: ErrorData, steps: Failure['steps']): readonly Entry[] {
  const entries = steps.flatMap(({ round, id }) => journal.find((each) => each.round === round && each.id === id) ?? [])
  return endsRun(error) ? entries.filter((entry) => entry.error?.code === error.code).slice(0, 1) : entries
}

function titleOf(outcome: Outcome, { code }: ErrorData, entries: readonly Entry[]): string {
  const name = nameOf(outcome)
  if (code === 'cancelled') return `${name} was cancelled`
  if (code === 'time-limit') return `${name} ran out of time`
  const regions = distinctTexts(entries.map(({ step }) => step.region))
  return `${name} failed${isSpread(outcome) && regions.length > 0 ? ` in ${regions.join(', ')}` : ''}`
}

function describeFailedStep({ step, error }: Entry, outcome: Outcome): string {
  if (!error) return ''
  const what = `${describeStep(step)}${whereOf(step, describeStep(step), outcome)}`
  if (endsRun(error)) return `${sentence(error.reason)} Not finished: ${what}.`
  // What ECS's later answers show says by itself which step it was.
  if (error.code === 'step') return `${sentence(error.reason)}${whereOf(step, error.reason, outcome)}`
  return describeError(error, `Could not ${what}`)
}

/** The region, where there are several and the text does not name it. */
const whereOf = ({ region }: Step, text: string, outcome: Outcome): string =>
  isSpread(outcome) && !text.includes(region) ? ` in ${region}` : ''

const regionOf = ({ request }: ErrorData, outcome: Outcome): string =>
  isSpread(outcome) && request ? ` in ${request.region}` : ''

function describeError(error: ErrorData, what: string): string {
  if (error.code === 'step' || error.code === 'credentials' || endsRun(error)) return sentence(error.reason)
  return `${what}: ${describeAnswer(error)}`
}

/** What ECS answered, or why there is no answer. */
function describeAnswer({ reason, request }: ErrorData): string {
  const ecsCode = request?.ecsCode
  if (ecsCode === undefined) return sentence(reason)
  return sentence(`ECS answered ${reason === ecsCode ? ecsCode : `${ecsCode}: ${reason}`}`)
}

/** Everything that support asks for. */
function detailsOf({ request, details }: ErrorData): string[] {
  if (!request) return details === undefined ? [] : [details]
  const { operation, region, ecsCode, status, requestId } = request
  const answer =
    ecsCode === undefined
      ? 'no answer from ECS'
      : `ECS answered ${ecsCode} (HTTP ${status}, request ID ${requestId ?? 'unknown'})`
  return [`${operation} in ${region}: ${answer}.`]
}

function remediesFor(error: ErrorData, outcome: Outcome): string[] {
  if (error.code === 'cancelled' || error.remedy === '') return []
  return [error.remedy, ...withoutRegion(error, outcome)]
}

/** A region that does not answer is no reason to leave the others as they are. */
function withoutRegion(error: ErrorData, { request, plan }: Outcome): string[] {
  if (!error.request || plan !== undefined || request.replicas.length === 0) return []
  const { region } = error.request
  return region === request.region
    ? [`If ${region} is down, set another of the regions as \`region-id\`, and leave ${region} out.`]
    : [`To go on without ${region}, leave it out of \`replica-region-ids\`, and promote into it later.`]
}

function nextStep({ journal, plan }: Outcome, error: ErrorData): string[] {
  if (endsRun(error)) {
    const hasBegun = plan?.kind === 'change' && journal.length > 0
    return hasBegun ? [`To go on from here, ${rerun}: nothing is done twice.`] : ['Start the workflow again.']
  }
  const hasChanged = journal.some(({ step, state }) => state === 'done' && isVisible(step))
  // What to do about a step that did not lead to what was wanted says by itself how to go on.
  return hasChanged && error.code !== 'step' ? [`Then ${rerun}: it completes what is missing.`] : []
}

/** Whether anything was changed is told by the journal alone. */
function changesIn(outcome: Outcome): string[] {
  const { request, journal } = outcome
  if (request.mode === 'resolve') return []
  switch (extentOfChange(journal)) {
    case 'nothing':
      return [request.run.attempt > 1 ? 'Nothing was changed in this attempt.' : 'Nothing was changed.']
    case 'no-family':
      return [isSpread(outcome) ? 'No family was switched.' : 'The family was not switched.']
    default:
      return []
  }
}

function regionStates(outcome: Outcome): RegionState[] {
  if (extentOfChange(outcome.journal) !== 'family') return []
  return regionsOf(outcome.request).map((region) => ({ region, state: describeRegion(outcome, region) }))
}

/** What ECS says at the end is not what was to be. */
function notAsPlanned(outcome: Outcome): Message | undefined {
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

/** Overtaken in every region may be what somebody wanted; overtaken in some of them leaves different images. */
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

export const pastOf = { bake: 'baked', promote: 'promoted', rollback: 'rolled back', resolve: 'resolved' } as const

export const distinctTexts = (texts: readonly string[]): string[] => [...new Set(texts)]
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
export const sentence = (text: string): string => (['.', '!', '?'].includes(text.slice(-1)) ? text : `${text}.`)

/** What a failed step says: what it was doing, what ECS answered, and what to do. */

import { describeError as describe, errorData, type FailedRequest } from '../engine/action-error.ts'
import { type Entry, madeIn } from '../engine/apply.ts'
import { Cancelled, TimeLimit } from '../engine/clock.ts'
import type { Outcome } from '../engine/run.ts'
import { isPending, label } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { describeStep, isActivation, isVisible, type Step } from '../family/plan/steps.ts'
import { regionsDiverge, type Verification } from '../family/plan/verify.ts'

export interface Failure {
  /** Ends with a full stop, as all of them. */
  readonly what: string
  readonly remedy: string
}

/** Undefined when the run succeeded. */
export function failureOf(outcome: Outcome): Failure | undefined {
  const { failure, plan } = outcome
  if (failure) return describeAll(outcome, failure)
  if (plan?.kind === 'refuse')
    return { what: `${plan.reason} [${plan.code}]`, remedy: madeBefore(plan.remedy, outcome) }
  return together([...outcome.verdicts.flatMap((verdict) => faultOf(verdict, outcome) ?? []), ...apart(outcome)])
}

/** Refused after hours of copying: what is ready is not lost. */
function madeBefore(remedy: string, { journal }: Outcome): string {
  const made = madeIn(journal)
  const restored = journal.flatMap(({ step, state }) =>
    step.action === 'restore' && state === 'done' ? [step.image] : [],
  )
  const told = [
    ...(made.length > 0
      ? [
          `Made already, and outside of the family: ${made.join(', ')}. Re-run this job when that is settled: it goes on with them.`,
        ]
      : []),
    ...(restored.length > 0
      ? [`Restored already, to be copied: ${restored.join(', ')}; deprecate it again if it is not wanted.`]
      : []),
  ]
  if (told.length === 0) return remedy
  return `${remedy.replace('Nothing was changed.', 'No family was switched.')} ${told.join(' ')}`
}

/** Overtaken in every region may be what somebody wanted; in some of them it leaves the regions apart. */
function apart({ request, verdicts }: Outcome): Failure[] {
  const failsAnyway = verdicts.some((verdict) => verdict.kind === 'overtaken' && verdict.fails)
  if (!regionsDiverge(verdicts) || failsAnyway) return []
  const serving = verdicts.map(({ region, current }) => `${region} serves ${current ? label(current) : 'nothing'}`)
  return [
    {
      what: `${capital(pastOf[request.mode])}, but somebody else was at work at the same time and the regions are apart: ${serving.join(', ')}.`,
      remedy:
        'Promote the image that you want in all of them: `mode: promote`, its `image-id`, `deprecate-newer: true`. A `concurrency` group in the workflow keeps runs of one family apart.',
    },
  ]
}

/** What ECS says at the end is not what was to be. */
function faultOf(verdict: Verification, outcome: Outcome): Failure | undefined {
  const { request } = outcome
  const where = request.replicas.length > 0 ? ` (${verdict.region})` : ''
  if (verdict.kind === 'overtaken' && verdict.fails) {
    return {
      what: `${capital(pastOf[request.mode])}, but ${verdict.reason}${where}.`,
      remedy:
        'Look at who works on this family at the same time; a `concurrency` group in the workflow keeps runs apart. Run again to decide anew.',
    }
  }
  if (verdict.kind !== 'unconfirmed') return undefined
  return {
    what: `Everything was carried out, but ${verdict.reason}${where}.`,
    remedy: verdict.current
      ? 'Run this step again: it changes nothing twice, and looks again at what ECS says.'
      : emptied(outcome, verdict.region),
  }
}

/** Several faults, one message: what stands in all of them is said once. */
function together(failures: readonly Failure[]): Failure | undefined {
  const [first] = failures
  const join = (texts: readonly string[]) => [...new Set(texts)].join(' ')
  return first && { what: join(failures.map(({ what }) => what)), remedy: join(failures.map(({ remedy }) => remedy)) }
}

/** One region's failure is no reason not to tell of the others. */
function describeAll(outcome: Outcome, { doing, error }: NonNullable<Outcome['failure']>): Failure {
  const failed = outcome.journal.filter((entry) => entry.state === 'failed' && !entry.tolerated)
  const isAbout = (entry: Entry) => entry.error === error
  // Where time is over, or the step cancelled, one word says it for all.
  const alone = error instanceof Cancelled || error instanceof TimeLimit || !failed.some(isAbout)
  const entries = alone ? failed.filter(isAbout).slice(0, 1) : failed
  const told =
    entries.length === 0
      ? [describeError(error, `failed while ${doing}`, outcome)]
      : entries.map((entry) =>
          describeError(entry.error, `could not ${describeStep(entry.step)}${whereOf(entry, outcome)}`, outcome),
        )
  const all = together(told) ?? { what: '', remedy: '' }
  const served = servingNow(outcome)
  const isBegun = outcome.journal.some(({ step, state }) => state === 'done' && isVisible(step))
  const goOn =
    isBegun && !/re-run this job/i.test(all.remedy) ? ' Then re-run this job: it completes what is missing.' : ''
  return { what: served === '' ? all.what : `${all.what} ${served}`, remedy: `${all.remedy}${goOn}` }
}

const whereOf = ({ step, error }: Entry, { request }: Outcome): string =>
  request.replicas.length > 0 && !errorData(error).request ? ` in ${step.region}` : ''

/** Where the regions may be apart, what each one serves. */
function servingNow({ request, plan, journal, seen }: Outcome): string {
  const family = familyOf(request)
  if (request.replicas.length === 0 || family === undefined || plan?.kind !== 'change') return ''
  if (!journal.some(({ step, state }) => state !== 'skipped' && isActivation(step))) return 'No family was switched.'
  const serving = regionsOf(request).map((region) => {
    if (!seen.knows({ region, family })) return `${region} was changed and has not been looked at since`
    const image = seen.currentOf({ region, family })
    return `${region} serves ${image ? label(image) : 'nothing'}`
  })
  return `By now ${serving.join(', ')}.`
}

/** Somebody took away, at the same moment, what the family was to serve. */
function emptied({ plan }: Outcome, region: string): string {
  const regions = plan === undefined || plan.kind === 'refuse' ? [] : plan.regions
  const last = regions.find((each) => each.region === region)?.withdrawn.at(-1)
  return `Give the family an image again at once: \`mode: promote\`${last ? `, for instance with \`image-id: ${last}\`` : ''}.`
}

export const pastOf = { bake: 'baked', promote: 'promoted', rollback: 'rolled back', resolve: 'resolved' } as const

function describeError(thrown: unknown, doing: string, outcome: Outcome): Failure {
  const error = errorData(thrown)
  switch (error.code) {
    case 'time-limit':
      return {
        what: `${capital(doing)}: ${error.reason}${goesOn(outcome)}`,
        remedy: pickUp(outcome, ` ${error.remedy}`),
      }
    case 'cancelled':
      return { what: `${error.reason}${goesOn(outcome)}`, remedy: pickUp(outcome, '') }
    case 'internal':
      return { what: `${capital(doing)}: ${error.details ?? error.reason}`, remedy: error.remedy }
    default:
      return {
        what: `${capital(doing)}: ${describe(error)}`,
        remedy: `${error.remedy}${error.request ? withoutRegion(error.request, outcome) : ''}`,
      }
  }
}

/** A region that does not answer is no reason to leave the others as they are. */
function withoutRegion({ region }: FailedRequest, { request, plan }: Outcome): string {
  if (plan !== undefined || request.replicas.length === 0) return ''
  return region === request.region
    ? ` Where ${region} is down: give another one of the regions as \`region-id\`, and leave ${region} out.`
    : ` To go on without ${region}, leave it out of \`replica-region-ids\`, and promote into it later.`
}

/** What ECS goes on with after this step has ended. */
function goesOn({ journal, seen }: Outcome): string {
  const resumed = [
    ...onTheirWay(journal, seen),
    ...unanswered(journal),
    ...(wasBegun('stop', journal) && !wasBegun('start', journal)
      ? ['the instance is stopped, and the post step of this action starts it again']
      : []),
  ]
  return resumed.length === 0 ? '' : ` ${capital(resumed.join('; '))}.`
}

/** Images that ECS is still making, whoever has asked for them. */
function onTheirWay(journal: Outcome['journal'], { images }: Outcome['seen']): string[] {
  const made = journal.flatMap(({ step, id }) =>
    id === undefined ? [] : [{ id, region: step.region, isCopy: step.action === 'copy' }],
  )
  const awaited = journal.flatMap(({ step, state }) => {
    const image = step.action === 'await' && state === 'failed' ? images.get(step.image) : undefined
    return image ? [{ id: image.id, region: step.region, isCopy: image.isCopied }] : []
  })
  const isPendingStill = ({ id }: { id: string }) => {
    const image = images.get(id)
    return !image || isPending(image)
  }
  const all = [...new Map([...awaited, ...made].map((each) => [each.id, each])).values()].filter(isPendingStill)
  return all.map(({ id, region, isCopy }) =>
    isCopy ? `ECS goes on copying image ${id} to ${region}` : `ECS goes on creating image ${id}`,
  )
}

/** A change that was under way when the step ended: whether ECS has made it is not known. */
const unanswered = (journal: Outcome['journal']): string[] =>
  journal
    .filter(
      ({ step, state, id, error }) => state === 'failed' && isVisible(step) && id === undefined && !isAnswered(error),
    )
    .map(({ step }) => `ECS may or may not have been asked in time to ${describeStep(step)}`)

const isAnswered = (error: unknown): boolean => errorData(error).request?.ecsCode !== undefined

const wasBegun = (action: Step['action'], journal: Outcome['journal']): boolean =>
  journal.some(({ step }) => step.action === action)

const pickUp = ({ journal, plan }: Outcome, more: string): string =>
  plan?.kind === 'change' && journal.length > 0
    ? `Re-run this job to go on from here: what is done is not done twice.${more}`
    : `Nothing was changed. Run again.${more}`

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** What a failed step says: what it was doing, what ECS answered, and what to do. */
import { StepFailure } from './apply.ts'
import { CredentialFault, describeFault, EcsFault } from './ecs/fault.ts'
import { isPending } from './family/image.ts'
import { describe, isVisible, type Step } from './family/plan.ts'
import { Cancelled, TimeLimit } from './pace.ts'
import type { Outcome } from './run.ts'

export interface Failure {
  /** Ends with a full stop, as all of them. */
  readonly what: string
  readonly todo: string
}

/** Undefined when the run succeeded. */
export function failureOf(outcome: Outcome): Failure | undefined {
  const { failure, plan, verdict } = outcome
  if (failure) return describeError(failure.error, doingOf(outcome), outcome)
  if (plan?.kind === 'refuse') return { what: `${plan.because} [${plan.code}]`, todo: plan.todo }
  if (verdict?.kind === 'overtaken' && verdict.fails) {
    return {
      what: `${capital(pastOf[outcome.request.mode])}, but ${verdict.because}.`,
      todo: 'Look at who works on this family at the same time; a `concurrency` group in the workflow keeps runs apart. Run again to decide anew.',
    }
  }
  if (verdict?.kind === 'unconfirmed') {
    return {
      what: `Everything was carried out, but ${verdict.because}.`,
      todo: verdict.current
        ? 'Run this step again: it changes nothing twice, and looks again at what ECS says.'
        : emptied(outcome),
    }
  }
  return undefined
}

/** Somebody took away, at the same moment, what the family was to serve. */
function emptied({ plan }: Outcome): string {
  const last = plan?.kind === 'change' ? plan.withdrawn.at(-1) : undefined
  return `Give the family an image again at once: \`mode: promote\`${last ? `, for instance with \`image-id: ${last}\`` : ''}.`
}

export const pastOf = { bake: 'baked', promote: 'promoted', rollback: 'rolled back', resolve: 'resolved' } as const

function doingOf({ failure, journal }: Outcome): string {
  const failed = journal.find(({ state }) => state === 'failed')
  return failed ? `could not ${describe(failed.step)}` : `failed while ${failure?.doing}`
}

function describeError(error: unknown, doing: string, outcome: Outcome): Failure {
  if (error instanceof EcsFault) {
    return { what: `${capital(doing)}: ${describeFault(error)}`, todo: error.todo }
  }
  if (error instanceof CredentialFault || error instanceof StepFailure) {
    return { what: `${capital(doing)}: ${stopped(error.message)}`, todo: error.todo }
  }
  if (error instanceof TimeLimit) {
    return {
      what: `${capital(doing)}: ${error.message}${goesOn(outcome)}`,
      todo: pickUp(outcome, ' Raise `wait-timeout-minutes` if it needs longer.'),
    }
  }
  if (error instanceof Cancelled) {
    return { what: `${error.message}${goesOn(outcome)}`, todo: pickUp(outcome, '') }
  }
  return {
    what: `${capital(doing)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    todo: 'This is a fault of the action itself: open an issue with this text.',
  }
}

/** What ECS goes on with after this step has ended. */
function goesOn({ image, journal, seen }: Outcome): string {
  const created = image === undefined ? undefined : seen.images.get(image)
  const isBaking = journal.some(({ step }) => step.action === 'create')
  const begun = [
    ...(image && isBaking && (!created || isPending(created)) ? [`ECS goes on creating image ${image}`] : []),
    ...unanswered(image, journal),
    ...(wasBegun('stop', journal) && !wasBegun('start', journal)
      ? ['the instance is stopped, and the post step of this action starts it again']
      : []),
  ]
  return begun.length === 0 ? '' : ` ${capital(begun.join('; '))}.`
}

/** A change that was under way when the step ended: whether ECS has made it is not known. */
const unanswered = (image: string | undefined, journal: Outcome['journal']): string[] =>
  journal
    .filter(({ step, state }) => state === 'failed' && isVisible(step) && !(step.action === 'create' && image))
    .map(({ step }) => `ECS may or may not have been asked in time to ${describe(step)}`)

const wasBegun = (action: Step['action'], journal: Outcome['journal']): boolean =>
  journal.some(({ step }) => step.action === action)

const pickUp = ({ journal, plan }: Outcome, more: string): string =>
  plan?.kind === 'change' && journal.length > 0
    ? `Re-run this job to go on from here: what is done is not done twice.${more}`
    : `Nothing was changed. Run again.${more}`

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const stopped = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

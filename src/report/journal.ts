/** Reads the journal of a run: which planned steps were carried out, and what they changed. */

import type { Entry, Outcome } from '../engine/outcome.ts'
import { type PlannedStep, phaseOf, plannedSteps } from '../family/plan/plan.ts'
import { isVisible, type Step, switchesFamily, traits } from '../family/plan/steps.ts'

type Journal = Outcome['journal']

/** A step of this attempt. Without an entry it was not carried out. */
export interface AttemptedStep {
  readonly step: Step
  readonly entry?: Entry
}

/** The steps of earlier rounds, then all steps of the last plan in their order. */
export function attemptedSteps({ plan, round, journal }: Outcome): readonly AttemptedStep[] {
  const steps = plannedSteps(plan)
  const belongsTo = (entry: Entry, { id }: PlannedStep) => entry.round === round && entry.id === id
  const earlier = journal.filter((entry) => !steps.some((planned) => belongsTo(entry, planned)))
  const last = steps.map((planned): AttemptedStep => {
    const entry = journal.find((each) => belongsTo(each, planned))
    return entry ? { step: planned.step, entry } : { step: planned.step }
  })
  return [...earlier.map((entry) => ({ step: entry.step, entry })), ...last]
}

/** Images that were created: `m-… in cn-hangzhou`. */
export const describeCreated = (journal: Journal): string[] =>
  journal.flatMap(({ step, image }) => (image === undefined ? [] : [`${image} in ${step.region}`]))

/** IDs of images that were restored, to be copied. */
export const restoredIn = (journal: Journal): string[] =>
  journal.flatMap(({ step, state }) => (step.action === 'restore' && state === 'done' ? [step.image] : []))

/** Visible changes to which ECS did not answer. */
export const unansweredIn = (journal: Journal): Step[] =>
  journal.filter((entry) => isVisible(entry.step) && isUnanswered(entry)).map(({ step }) => step)

/** Without a request, the run ended while the step was under way. */
const isUnanswered = ({ state, error, image }: Entry): boolean =>
  state === 'failed' &&
  image === undefined &&
  error?.code !== 'credentials' &&
  error?.code !== 'step' &&
  (error?.request?.effect ?? 'unknown') === 'unknown'

/** Whether ECS has or may have carried out the step, or a part of it. */
const mayHaveHappened = (entry: Entry): boolean =>
  entry.state === 'done' || entry.image !== undefined || (entry.state === 'failed' && !isRefused(entry))

/** ECS refused the only request of the step that changes something. */
function isRefused({ step, error }: Entry): boolean {
  const isOneRequest = !('ids' in step || 'accounts' in step || 'snapshots' in step)
  return isOneRequest && (error?.code === 'credentials' || error?.request?.effect === 'none')
}

/**
 * What was changed, or may have been: nothing at all; something, but no family; an image that will enter its family when
 * it is ready; or what a family resolves to.
 */
export function extentOfChange(journal: Journal): 'nothing' | 'no-family' | 'entering' | 'family' {
  const writes = journal.filter(({ step }) => traits[step.action].kind !== 'look').filter(mayHaveHappened)
  if (writes.length === 0) return 'nothing'
  if (writes.some(isSwitch)) return 'family'
  const entersWhenReady = ({ step }: Entry) => step.action === 'create' && step.create.family !== undefined
  return writes.some(entersWhenReady) ? 'entering' : 'no-family'
}

/** Before the phase `activate` no step changes what a family resolves to. */
const isSwitch = ({ id, step }: Entry): boolean => switchesFamily(step) && phaseOf(id) === 'activate'

export interface StoppedInstance {
  readonly region: string
  readonly instance: string
  /** An earlier attempt has stopped it. */
  readonly earlier: boolean
  /** ECS answered the last request to stop or start it; otherwise it may be running. */
  readonly isCertain: boolean
}

type StopOrStart = Extract<Step, { action: 'stop' | 'start' }>

/** An instance that this run has stopped and not started again. */
export function stoppedInstance({ plan, journal }: Outcome): StoppedInstance | undefined {
  const began = journal.flatMap((entry) => (isStopOrStart(entry.step) ? [{ entry, step: entry.step }] : []))
  const last = began.filter(({ entry }) => mayHaveHappened(entry)).at(-1)
  if (last) {
    const { step, entry } = last
    if (step.action === 'start' && entry.state === 'done') return undefined
    return { region: step.region, instance: step.instance, earlier: false, isCertain: entry.state === 'done' }
  }
  const left = plan?.kind === 'refuse' ? plan.leavesStopped : leftStopped(plannedSteps(plan))
  return left && { region: left.region, instance: left.instance, earlier: true, isCertain: true }
}

const isStopOrStart = (step: Step): step is StopOrStart => step.action === 'stop' || step.action === 'start'

/** The instance that a plan starts but does not stop: an earlier attempt has left it stopped. */
function leftStopped(steps: readonly PlannedStep[]): StopOrStart | undefined {
  const all = steps.map(({ step }) => step).filter(isStopOrStart)
  return all.some(({ action }) => action === 'stop') ? undefined : all[0]
}

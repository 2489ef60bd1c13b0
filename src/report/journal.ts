/** What the journal of a run tells: which steps came of the plans, and what they changed. */

import type { Entry, Outcome } from '../engine/outcome.ts'
import { type PlannedStep, phaseOf, plannedSteps } from '../family/plan/plan.ts'
import { isVisible, type Step, switchesFamily, traits } from '../family/plan/steps.ts'

type Journal = Outcome['journal']

/** A step of this attempt, and what became of it; without an entry it was not carried out. */
export interface AttemptedStep {
  readonly step: Step
  readonly entry?: Entry
}

/** What earlier rounds have done, then all steps of the last plan in their order. */
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

/** Images that were restored, to be copied. */
export const restoredIn = (journal: Journal): string[] =>
  journal.flatMap(({ step, state }) => (step.action === 'restore' && state === 'done' ? [step.image] : []))

/** Changes for which the answer of ECS is missing. */
export const unansweredIn = (journal: Journal): Step[] =>
  journal.filter((entry) => isVisible(entry.step) && isUnanswered(entry)).map(({ step }) => step)

const isUnanswered = ({ state, error, image }: Entry): boolean =>
  state === 'failed' &&
  image === undefined &&
  error?.code !== 'credentials' &&
  error?.code !== 'step' &&
  error?.request?.ecsCode === undefined

/** Whether ECS has carried out the step, or a part of it, as far as its answers tell. */
const mayHaveHappened = (entry: Entry): boolean =>
  entry.state === 'done' || entry.image !== undefined || (entry.state === 'failed' && !isRefused(entry))

/** ECS refused the only request of the step that changes something. */
function isRefused(entry: Entry): boolean {
  const { step, error } = entry
  const isOneRequest = !('ids' in step || 'accounts' in step || 'snapshots' in step)
  if (!isOneRequest || !error) return false
  if (error.code === 'credentials' || isGivenUp(entry)) return true
  return error.request?.ecsCode !== undefined && !isRead(error.request.operation)
}

/** No image was asked for, because somebody had started the instance. */
const isGivenUp = ({ step, error, image }: Entry): boolean =>
  step.action === 'create' && error?.code === 'step' && image === undefined

/** ECS names its APIs so. What a step reads comes after what it changes. */
const isRead = (operation: string): boolean => operation.startsWith('Describe') || operation.startsWith('List')

/**
 * How much was changed, or may have been: nothing at all, no family's answer, an image on its way into its family, or
 * what a family resolves to.
 */
export function extentOfChange(journal: Journal): 'nothing' | 'no-family' | 'on-its-way' | 'family' {
  const writes = journal.filter(({ step }) => traits[step.action].kind !== 'look').filter(mayHaveHappened)
  if (writes.length === 0) return 'nothing'
  if (writes.some(isSwitch)) return 'family'
  const entersWhenReady = ({ step }: Entry) => step.action === 'create' && step.create.family !== undefined
  return writes.some(entersWhenReady) ? 'on-its-way' : 'no-family'
}

/** Before the phase `activate` no step changes what a family resolves to. */
const isSwitch = ({ id, step }: Entry): boolean => switchesFamily(step) && phaseOf(id) === 'activate'

export interface StoppedInstance {
  readonly region: string
  readonly instance: string
  /** It was stopped by an earlier attempt. */
  readonly earlier: boolean
  /** The answer to the request to stop it, or to start it again, is missing. */
  readonly certain: boolean
}

type StopOrStart = Extract<Step, { action: 'stop' | 'start' }>

/** An instance that this run has stopped and not started again. */
export function stoppedInstance({ plan, journal }: Outcome): StoppedInstance | undefined {
  if (journal.some(isGivenUp)) return undefined
  const began = journal.flatMap((entry) => (isStopOrStart(entry.step) ? [{ entry, step: entry.step }] : []))
  const last = began.filter(({ entry }) => mayHaveHappened(entry)).at(-1)
  if (last) {
    const { step, entry } = last
    if (step.action === 'start' && entry.state === 'done') return undefined
    return { region: step.region, instance: step.instance, earlier: false, certain: entry.state === 'done' }
  }
  const left = plan?.kind === 'refuse' ? plan.leavesStopped : leftStopped(plannedSteps(plan))
  return left && { region: left.region, instance: left.instance, earlier: true, certain: true }
}

const isStopOrStart = (step: Step): step is StopOrStart => step.action === 'stop' || step.action === 'start'

/** A plan that starts an instance without stopping it: an earlier attempt has left it stopped. */
function leftStopped(steps: readonly PlannedStep[]): StopOrStart | undefined {
  const all = steps.map(({ step }) => step).filter(isStopOrStart)
  return all.some(({ action }) => action === 'stop') ? undefined : all[0]
}

/** The outcome as people and later steps read it: outputs, annotations, the last line of log. Pure. */
import type { Entry } from './apply.ts'
import { capital, type Failure, failureOf, pastOf } from './failure.ts'
import { type Image, isAvailable } from './family/image.ts'
import { describe, isVisible, type Notice, type Step, stepsOf, targetOf } from './family/plan.ts'
import { familyOf } from './family/request.ts'
import type { Outcome } from './run.ts'
import { summaryOf } from './summary.ts'

export interface Report {
  /** Every output that the mode has; the others stay unset. */
  readonly outputs: Readonly<Record<string, string>>
  readonly notices: readonly Notice[]
  readonly failure: Failure | undefined
  /** The last line of log when all is well. */
  readonly headline: string
  /** GitHub-flavoured Markdown. */
  readonly summary: string
}

export function report(outcome: Outcome): Report {
  const failure = failureOf(outcome)
  const headline = headlineOf(outcome)
  const notices = noticesOf(outcome)
  const outputs = outputsOf(outcome)
  return {
    outputs,
    notices,
    failure,
    headline,
    summary: summaryOf(outcome, { failure, headline, notices, outputs, currentId: outputs['current-image-id'] }),
  }
}

function noticesOf({ plan, verdict, request, affected }: Outcome): Notice[] {
  const planned = plan && plan.kind !== 'refuse' ? plan.notices : []
  const overtaken: Notice[] =
    verdict?.kind === 'overtaken' && !verdict.fails
      ? [{ level: 'warning', text: `${capital(pastOf[request.mode])}, but ${verdict.because}.` }]
      : []
  const running: Notice[] =
    affected && affected.length > 0
      ? [{ level: 'notice', text: `Still running a withdrawn image: ${affected.join(', ')}.` }]
      : []
  return [...planned, ...overtaken, ...running]
}

function currentOf({ request, seen, image }: Outcome): Image | undefined {
  const family = familyOf(request) ?? (image ? seen.images.get(image)?.family : undefined)
  return family === undefined ? undefined : seen.current.get(family)
}

/** Empty string for what is not known, as outputs are strings. */
function outputsOf(outcome: Outcome): Record<string, string> {
  const { request, plan, image, seen } = outcome
  const described = image === undefined ? undefined : seen.images.get(image)
  const current = currentOf(outcome)
  const settled = plan && plan.kind !== 'refuse' ? plan : undefined
  const currentId = settled?.serves ?? current?.id
  const byRegion = (id: string | undefined) => JSON.stringify(id ? { [request.region]: id } : {})
  return {
    'image-id': image ?? '',
    'current-image-id': currentId ?? '',
    'current-image-ids': byRegion(currentId),
    family: familyOf(request) ?? described?.family ?? '',
    'previous-image-id': settled?.previous ?? '',
    'image-ids': byRegion(image),
    'deprecated-image-ids': JSON.stringify(request.dryRun ? [] : withdrawnOf(outcome)),
    'pending-image-ids': JSON.stringify(settled?.pending ?? []),
    changed: String(hasChanged(outcome)),
    'image-name': described?.name ?? '',
    'image-version': described?.version ?? '',
    'image-status': described?.status ?? '',
    'creation-time': described?.creationTime ?? '',
    architecture: described?.architecture ?? '',
    'os-name': described?.osName ?? '',
    image: described ? JSON.stringify(described) : '',
    plan: JSON.stringify(stepsOf(plan).map(planned)),
    ...modeOutputs(outcome, described, currentId),
  }
}

function modeOutputs(
  { request, plan, affected, image }: Outcome,
  described: Image | undefined,
  currentId: string | undefined,
): Record<string, string> {
  if (request.mode === 'rollback') {
    return { 'affected-instance-ids': affected ? JSON.stringify({ [request.region]: affected }) : '' }
  }
  if (request.mode !== 'resolve') return {}
  const unmet = plan?.kind === 'refuse' && plan.code === 'condition-unmet'
  const found = { found: String(unmet || described !== undefined) }
  return request.of.kind === 'family'
    ? found
    : { ...found, 'is-current': String(image !== undefined && image === currentId) }
}

const planned = (step: Step) => ({
  region: step.region,
  action: step.action,
  target: targetOf(step),
  description: describe(step),
})

/** What was to be withdrawn, less what a failed run did not come to. */
function withdrawnOf({ plan, journal, failure, seen, request }: Outcome): readonly string[] {
  if (!plan || plan.kind === 'refuse') return []
  const skipped = ids(journal, 'skipped')
  if (!failure) return plan.withdrawn.filter((id) => !skipped.includes(id))
  const done = ids(journal, 'done')
  const before = (id: string) => {
    const image = seen.images.get(id)
    return image !== undefined && (!isAvailable(image) || image.family !== familyOf(request))
  }
  return plan.withdrawn.filter((id) => done.includes(id) || before(id))
}

const ids = (journal: readonly Entry[], state: Entry['state']): string[] =>
  journal
    .filter((entry) => entry.state === state && ['deprecate', 'quarantine'].includes(entry.step.action))
    .map(({ step }) => targetOf(step))

/** Marks and looks are the action's own business; what the user asked for is what counts as a change. */
const isChange = ({ step, state }: Entry): boolean => state === 'done' && isVisible(step)

function hasChanged({ request, plan, journal }: Outcome): boolean {
  if (request.dryRun || !plan || plan.kind === 'refuse') return false
  return plan.changedBefore || journal.some(isChange)
}

function headlineOf({ request, plan, image, seen, verdict }: Outcome): string {
  const { mode, region } = request
  const family = familyOf(request)
  if (!plan) return `${mode} did not come to a plan`
  if (plan.kind === 'refuse') return `${mode} refused`
  const name = image === undefined ? undefined : (seen.images.get(image)?.name ?? image)
  const it = image === undefined ? 'nothing' : `${name} (${image})`
  if (request.dryRun && plan.kind === 'change') {
    const count = stepsOf(plan).length
    return `Dry run: ${count} step${count === 1 ? '' : 's'} planned, nothing changed`
  }
  if (plan.kind === 'nothing') return mode === 'resolve' ? plan.because : `Nothing to do: ${plan.because}`
  if (verdict?.kind === 'so') return `${family} in ${region} now serves ${it}`
  return `${capital(pastOf[mode])} ${it}`
}

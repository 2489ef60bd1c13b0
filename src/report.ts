/** The outcome as people and later steps read it: outputs, log, summary. Pure, but for the one `emit` of the caller. */
import type { Entry } from './apply.ts'
import { type Failure, failureOf } from './failure.ts'
import { type Image, isAvailable, newestFirst } from './family/image.ts'
import { describe, type Notice, type Plan, type Step, targetOf } from './family/plan.ts'
import type { Request } from './family/request.ts'
import type { Outcome } from './run.ts'

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

const familyOf = (request: Request): string | undefined => {
  if (request.mode !== 'resolve') return request.family
  return request.of.kind === 'family' ? request.of.family : undefined
}

export function report(outcome: Outcome): Report {
  const failure = failureOf(outcome)
  const headline = headlineOf(outcome)
  const notices = noticesOf(outcome)
  return {
    outputs: outputsOf(outcome),
    notices,
    failure,
    headline,
    summary: summaryOf(outcome, { failure, headline, notices }),
  }
}

function noticesOf({ plan, verdict, request, affected }: Outcome): Notice[] {
  const planned = plan && plan.kind !== 'refuse' ? plan.notices : []
  const overtaken: Notice[] =
    verdict?.kind === 'overtaken' && !verdict.fails
      ? [{ level: 'warning', text: `${capitalised(pastOf[request.mode])}, but ${verdict.because}.` }]
      : []
  const running: Notice[] =
    affected && affected.length > 0
      ? [{ level: 'notice', text: `Still running a withdrawn image: ${affected.join(', ')}.` }]
      : []
  return [...planned, ...overtaken, ...running]
}

const pastOf = { bake: 'baked', promote: 'promoted', rollback: 'rolled back', resolve: 'resolved' } as const
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

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
  { request, affected, image }: Outcome,
  described: Image | undefined,
  currentId: string | undefined,
): Record<string, string> {
  if (request.mode === 'rollback') {
    return { 'affected-instance-ids': JSON.stringify({ [request.region]: affected ?? [] }) }
  }
  if (request.mode !== 'resolve') return {}
  const found = { found: String(described !== undefined) }
  return request.of.kind === 'family'
    ? found
    : { ...found, 'is-current': String(image !== undefined && image === currentId) }
}

const stepsOf = (plan: Plan | undefined): readonly Step[] =>
  plan?.kind === 'change' ? [...plan.steps, ...plan.afterwards] : []

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
const isChange = ({ step, state }: Entry): boolean =>
  state === 'done' && !['await', 'confirm', 'tag', 'untag'].includes(step.action)

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
  if (request.dryRun && plan.kind === 'change') return `Dry run: ${plan.steps.length} steps planned, nothing changed`
  if (plan.kind === 'nothing') return mode === 'resolve' ? plan.because : `Nothing to do: ${plan.because}`
  if (verdict?.kind === 'so') return `${family} in ${region} now serves ${it}`
  return `${capitalised(pastOf[mode])} ${it}`
}

// ── Summary ──────────────────────────────────────────────────────────────────

interface Told {
  readonly failure: Failure | undefined
  readonly headline: string
  readonly notices: readonly Notice[]
}

/** Text in a Markdown table or line: nothing in it is taken for markup. */
const plain = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_{}[\]|#]/g, '\\$&')
    .replaceAll(/\s+/g, ' ')
/** Prose with code spans of our own; whatever stands outside of them is plain. */
function prose(text: string): string {
  const parts = text.split('`')
  if (parts.length % 2 === 0) return plain(text)
  return parts.map((part, index) => (index % 2 === 0 ? plain(part) : code(part))).join('')
}
const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll(/[`|\s]+/g, ' ')}\``)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function summaryOf(outcome: Outcome, { failure, headline, notices }: Told): string {
  const { request, plan } = outcome
  const urgent = notices.filter(({ level }) => level === 'error')
  const others = notices.filter(({ level }) => level !== 'error')
  const say = ({ level, text }: Notice) =>
    `> [!${level === 'error' ? 'CAUTION' : level === 'warning' ? 'WARNING' : 'NOTE'}]\n> ${prose(text)}`
  const title = [request.mode, code(familyOf(request) ?? ''), 'in', code(request.region)].filter((part) => part !== '')
  const parts = [
    ...urgent.map(say),
    `### ${failure ? '❌' : '✅'} ${title.join(' ')}`,
    failure ? `**${prose(failure.what)}**\n\n${prose(failure.todo)}` : plain(headline),
    ...others.map(say),
    reasonLine(request),
    familyTable(outcome),
    stepsTable(outcome),
    plan?.kind === 'refuse' ? '' : settledTable(outcome),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const reasonLine = (request: Request): string =>
  'reason' in request && request.reason !== undefined ? `Reason: ${plain(request.reason)}` : ''

/** The newest images of the family as ECS told them last. */
function familyTable(outcome: Outcome): string {
  const family = familyOf(outcome.request)
  const members = newestFirst(family === undefined ? [] : (outcome.seen.members.get(family) ?? []))
  if (members.length === 0) return ''
  const current = currentOf(outcome)?.id
  const rows = members
    .slice(0, 10)
    .map((image) => [
      image.id === current ? '**current**' : '',
      code(image.id),
      plain(image.name),
      plain(image.version),
      image.creationTime,
      image.status,
    ])
  const more = members.length > rows.length ? `\n\n${members.length - rows.length} older images are not shown.` : ''
  return table(['', 'image', 'name', 'version', 'created', 'status'], rows) + more
}

const signs: Readonly<Record<Entry['state'], string>> = { done: '✔', failed: '✘', skipped: '–' }

function stepsTable({ plan, journal, request }: Outcome): string {
  if (plan?.kind !== 'change') return ''
  const done = journal.map(({ step, state }) => [signs[state], plain(describe(step))])
  const left = stepsOf(plan)
    .slice(journal.length)
    .map((step) => [request.dryRun ? '' : 'not done', plain(describe(step))])
  const rows = [...done, ...left]
  return rows.length === 0 ? '' : table(['', request.dryRun ? 'would' : 'step'], rows)
}

function settledTable(outcome: Outcome): string {
  const outputs = outputsOf(outcome)
  const rows = ['image-id', 'previous-image-id', 'current-image-id', 'changed'].map((name) => [
    code(name),
    code(outputs[name] ?? ''),
  ])
  return table(['output', 'value'], rows)
}

/** The outcome as the page of the workflow run shows it: GitHub-flavoured Markdown. Pure. */
import type { Entry } from './apply.ts'
import type { Failure } from './failure.ts'
import { newestFirst } from './family/image.ts'
import { describe, type Notice, stepsOf } from './family/plan.ts'
import { familyOf, type Request } from './family/request.ts'
import type { Outcome } from './run.ts'

interface Told {
  readonly failure: Failure | undefined
  readonly headline: string
  readonly notices: readonly Notice[]
  readonly outputs: Readonly<Record<string, string>>
  readonly currentId: string | undefined
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

export function summaryOf(outcome: Outcome, told: Told): string {
  const { failure, headline, notices } = told
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
    familyTable(outcome, told),
    stepsTable(outcome),
    plan?.kind === 'refuse' ? '' : settledTable(told),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const reasonLine = (request: Request): string =>
  'reason' in request && request.reason !== undefined ? `Reason: ${plain(request.reason)}` : ''

/** The newest images of the family as ECS told them last. */
function familyTable(outcome: Outcome, { currentId }: Told): string {
  const family = familyOf(outcome.request)
  const members = newestFirst(family === undefined ? [] : (outcome.seen.members.get(family) ?? []))
  if (members.length === 0) return ''
  const rows = members
    .slice(0, 10)
    .map((image) => [
      image.id === currentId ? '**current**' : '',
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

function settledTable({ outputs }: Told): string {
  const rows = ['image-id', 'previous-image-id', 'current-image-id', 'changed'].map((name) => [
    code(name),
    code(outputs[name] ?? ''),
  ])
  return table(['output', 'value'], rows)
}

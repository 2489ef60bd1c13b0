/** The outcome as the page of the workflow run shows it: GitHub-flavoured Markdown. Pure. */

import type { Entry } from '../engine/apply.ts'
import type { Outcome } from '../engine/run.ts'
import { type Image, label, newestFirst } from '../family/model/image.ts'
import { familyOf, type Request, regionsOf } from '../family/model/request.ts'
import { type Notice, plannedSteps } from '../family/plan/plan.ts'
import { describeStep, type Step } from '../family/plan/steps.ts'
import type { Failure } from './messages.ts'

interface Told {
  readonly failure: Failure | undefined
  readonly headline: string
  readonly notices: readonly Notice[]
  readonly outputs: Readonly<Record<string, string>>
  /** What each region serves, as far as it is known. */
  readonly current: Readonly<Record<string, Image>>
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

/** Rows that fill more than a screen are there for those who look for them. */
function folded(what: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length <= 20) return rows.length === 0 ? '' : table(head, rows)
  return `<details><summary>${rows.length} ${what}</summary>\n\n${table(head, rows)}\n\n</details>`
}

export function summaryOf(outcome: Outcome, told: Told): string {
  const { failure, headline, notices } = told
  const { request, plan } = outcome
  const urgent = notices.filter(({ level }) => level === 'error')
  const others = notices.filter(({ level }) => level !== 'error')
  const say = ({ level, text }: Notice) =>
    `> [!${level === 'error' ? 'CAUTION' : level === 'warning' ? 'WARNING' : 'NOTE'}]\n> ${prose(text)}`
  const where = regionsOf(request).map(code).join(', ')
  const title = [request.mode, code(familyOf(request) ?? ''), 'in', where].filter((part) => part !== '')
  const parts = [
    ...urgent.map(say),
    `### ${failure ? '❌' : '✅'} ${title.join(' ')}`,
    failure ? `**${prose(failure.what)}**\n\n${prose(failure.remedy)}` : plain(headline),
    ...others.map(say),
    reasonLine(request),
    regionsTable(outcome, told),
    familyTable(outcome, told),
    stepsTable(outcome),
    fatesTable(outcome),
    plan?.kind === 'refuse' ? '' : settledTable(outcome, told),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

const reasonLine = (request: Request): string =>
  'reason' in request && request.reason !== undefined ? `Reason: ${plain(request.reason)}` : ''

/** Which region serves what, where there are several. */
function regionsTable({ request, seen, plan }: Outcome, { current }: Told): string {
  if (request.replicas.length === 0 || plan?.kind === 'refuse') return ''
  const home = current[request.region]
  const family = familyOf(request)
  const isKnown = (region: string) => family !== undefined && seen.knows({ region, family })
  const rows = regionsOf(request).map((region) => {
    const image = current[region]
    if (!image) return [code(region), isKnown(region) ? 'nothing' : 'not known', '', '', '']
    const isSame = home !== undefined && seen.originOf(image.id) === seen.originOf(home.id)
    const commit = image.tags['github:sha']?.slice(0, 12) ?? ''
    return [code(region), code(image.id), plain(image.name), code(commit), isSame ? '✔' : '✘ another image']
  })
  return table(['region', 'serves', 'name', 'commit', 'same as home'], rows)
}

/** The newest images of the family at home, as ECS told them last. */
function familyTable({ request, seen }: Outcome, { current }: Told): string {
  const family = familyOf(request)
  const { region } = request
  const members = newestFirst(family === undefined ? [] : (seen.membersOf({ region, family }) ?? []))
  if (members.length === 0) return ''
  const rows = members
    .slice(0, 10)
    .map((image) => [
      image.id === current[region]?.id ? '**current**' : '',
      code(image.id),
      plain(image.name),
      plain(image.version),
      image.creationTime,
      image.status,
    ])
  const more = members.length > rows.length ? `\n\n${members.length - rows.length} older images are not shown.` : ''
  return table(['', 'image', 'name', 'version', 'created', 'status'], rows) + more
}

/** What becomes of the images that are older than the newest ones to keep. */
function fatesTable({ plan, request }: Outcome): string {
  const keep = 'keep' in request ? request.keep : undefined
  if (keep === undefined || plan === undefined || plan.kind === 'refuse') return ''
  const isSpread = request.replicas.length > 0
  const rows = plan.regions.flatMap(({ region, retention: decisions = [] }) =>
    // Newest first.
    decisions
      .slice(keep)
      .map(({ image, delete: goes, reason }) => [
        ...(isSpread ? [code(region)] : []),
        plain(label(image)),
        goes ? 'goes' : 'stays',
        plain(reason),
      ]),
  )
  return folded('images beyond keep', [...(isSpread ? ['region'] : []), 'beyond `keep`', '', 'because'], rows)
}

const signs: Readonly<Record<Entry['state'], string>> = { done: '✔', failed: '✘', skipped: '–' }

function stepsTable({ plan, journal, request }: Outcome): string {
  const isSpread = request.replicas.length > 0
  const row = (sign: string, step: Step) => [sign, ...(isSpread ? [code(step.region)] : []), plain(describeStep(step))]
  const began = journal.map(({ planned }) => planned)
  const done = journal.map(({ step, state }) => row(signs[state], step))
  const left = plannedSteps(plan)
    .filter((step) => !began.includes(step))
    .map((step) => row(request.dryRun ? '' : 'not done', step))
  const rows = [...done, ...left]
  const head = ['', ...(isSpread ? ['region'] : []), request.dryRun ? 'would' : 'step']
  return folded('steps', head, rows)
}

function settledTable({ request }: Outcome, { outputs }: Told): string {
  const everywhere = request.replicas.length > 0 ? ['image-ids', 'in-sync'] : []
  const rows = ['image-id', 'previous-image-id', 'current-image-id', ...everywhere, 'changed'].map((name) => [
    code(name),
    code(outputs[name] ?? ''),
  ])
  return table(['output', 'value'], rows)
}

/** The job summary: what the page of the workflow run shows of an outcome, or of a failure before there was one. Pure. */

import { knowsCurrent, membersIn } from '../engine/observations.ts'
import { type Entry, type Outcome, regionsIn } from '../engine/outcome.ts'
import { label, newestFirst } from '../family/model/image.ts'
import { familyOf, type Request, regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import type { Notice } from '../family/plan/plan.ts'
import { type AttemptedStep, attemptedSteps } from './journal.ts'
import { alert, bullets, code, folded, page, plain, prose, table } from './markdown.ts'
import type { Message } from './message.ts'
import { isSameImage, isSpread, type Served, servedImages } from './served.ts'

interface Told {
  readonly failure: Message | undefined
  readonly headline: string
  readonly notices: readonly Notice[]
  readonly outputs: Readonly<Record<string, string>>
}

export function pageOf(outcome: Outcome, { failure, headline, notices, outputs }: Told): string {
  const served = servedImages(outcome)
  return page([
    ...notices.filter(({ level }) => level === 'error').map(alertOf),
    ...(failure ? messageParts(failure) : [`### ✅ ${pageTitle(outcome.request)}`, plain(headline)]),
    ...notices.filter(({ level }) => level !== 'error').map(alertOf),
    reasonLine(outcome.request),
    regionsTable(outcome, served),
    familyTable(outcome, served),
    stepsTable(outcome),
    retentionTable(outcome),
    outcome.plan?.kind === 'refuse' ? '' : outputsTable(outcome, outputs),
  ])
}

/** There is no outcome. */
export const failurePage = (failure: Message): string => page(messageParts(failure))

function messageParts({ title, reasons, regions, facts, todo, details }: Message): string[] {
  const [only, ...others] = reasons
  const states = regions.map(({ region, state }) => `${region} ${state}`)
  return [
    `### ❌ ${plain(title)}`,
    others.length === 0 ? `**${prose(only ?? '')}**` : bullets(reasons),
    prose(todo.join(' ')),
    listing('After this run', [...states, ...facts]),
    listing('Details', details),
  ]
}

/** One text is a paragraph. A list has a line of its own before it: Markdown joins a list to one directly above it. */
function listing(lead: string, texts: readonly string[]): string {
  const [only, ...others] = texts
  return others.length === 0 ? prose(only ?? '') : `${lead}:\n\n${bullets(texts)}`
}

const pageTitle = (request: Request): string =>
  [request.mode, code(familyOf(request) ?? ''), 'in', regionsOf(request).map(code).join(', ')]
    .filter((part) => part !== '')
    .join(' ')

const alertKinds = { error: 'CAUTION', warning: 'WARNING', notice: 'NOTE' } as const
const alertOf = ({ level, text }: Notice): string => alert(alertKinds[level], text)

const reasonLine = (request: Request): string =>
  'reason' in request && request.reason !== undefined ? `Reason: ${plain(request.reason)}` : ''

/** Which region serves what, where there are several. */
function regionsTable(outcome: Outcome, served: Served): string {
  const { request, observations, plan } = outcome
  if (!isSpread(outcome) || plan?.kind === 'refuse') return ''
  const home = served[request.region]
  const family = familyOf(request)
  const isKnown = (region: string) => family !== undefined && knowsCurrent(observations, { region, family })
  const rows = regionsOf(request).map((region) => {
    const image = served[region]
    if (!image) return [code(region), isKnown(region) ? 'nothing' : 'not known', '', '', '']
    const commit = image.tags['github:sha']?.slice(0, 12) ?? ''
    const sameAsHome = isSameImage(outcome, image, home) ? '✔' : '✘ another image'
    return [code(region), code(image.id), plain(image.name), code(commit), sameAsHome]
  })
  return table(['region', 'serves', 'name', 'commit', 'same as home'], rows)
}

/** The newest images of the family at home, as ECS told them last. */
function familyTable({ request, observations }: Outcome, served: Served): string {
  const family = familyOf(request)
  const { region } = request
  const members = newestFirst(family === undefined ? [] : (membersIn(observations, { region, family }) ?? []))
  if (members.length === 0) return ''
  const rows = members
    .slice(0, 10)
    .map((image) => [
      image.id === served[region]?.id ? '**current**' : '',
      code(image.id),
      plain(image.name),
      plain(image.version),
      image.creationTime,
      image.status,
    ])
  const more = members.length > rows.length ? `\n\n${members.length - rows.length} older images are not shown.` : ''
  return table(['', 'image', 'name', 'version', 'created', 'status'], rows) + more
}

/** A column for the region, if there are several. */
const regionCell = (text: string, outcome: Outcome): string[] => (isSpread(outcome) ? [text] : [])

/** What becomes of the images that are older than the newest ones to keep. */
function retentionTable(outcome: Outcome): string {
  const { request } = outcome
  const keep = 'keep' in request ? request.keep : undefined
  if (keep === undefined) return ''
  const rows = regionsIn(outcome).flatMap(({ region, retention: decisions = [] }) =>
    // Newest first.
    decisions
      .slice(keep)
      .map(({ image, delete: goes, reason }) => [
        ...regionCell(code(region), outcome),
        plain(label(image)),
        goes ? 'delete' : 'keep',
        plain(reason),
      ]),
  )
  return folded('images beyond keep', [...regionCell('region', outcome), 'beyond `keep`', '', 'because'], rows)
}

const signs: Readonly<Record<Entry['state'], string>> = { done: '✔', failed: '✘', skipped: '–' }

function stepsTable(outcome: Outcome): string {
  const { dryRun } = outcome.request
  const sign = ({ entry }: AttemptedStep): string => {
    if (!entry) return dryRun ? '' : 'not done'
    return signs[entry.state]
  }
  const rows = attemptedSteps(outcome).map((attempted) => {
    const step = attempted.entry?.step ?? attempted.step
    return [sign(attempted), ...regionCell(code(step.region), outcome), plain(describeStep(step))]
  })
  return folded('steps', ['', ...regionCell('region', outcome), dryRun ? 'would' : 'step'], rows)
}

function outputsTable(outcome: Outcome, outputs: Readonly<Record<string, string>>): string {
  const names = [
    'image-id',
    'previous-image-id',
    'current-image-id',
    ...(isSpread(outcome) ? ['image-ids', 'in-sync'] : []),
    'changed',
  ]
  const rows = names.map((name) => [code(name), code(outputs[name] ?? '')])
  return table(['output', 'value'], rows)
}

/** The job summary on the page of the workflow run, for an outcome or for a failure without one. Pure. */

import { knowsCurrent, membersIn } from '../engine/observations.ts'
import { type Entry, type Outcome, regionsIn } from '../engine/outcome.ts'
import { label, newestFirst } from '../family/model/image.ts'
import { familyOf, type Request, regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import type { Notice } from '../family/plan/plan.ts'
import { type CurrentImages, currentImages, hasReplicas, isSameImage } from './current-images.ts'
import { type AttemptedStep, attemptedSteps } from './journal.ts'
import { alert, bullets, code, folded, page, plain, prose, table } from './markdown.ts'
import type { Message } from './message.ts'

interface ReportParts {
  readonly failure: Message | undefined
  readonly headline: string
  readonly notices: readonly Notice[]
  readonly outputs: Readonly<Record<string, string>>
}

export function pageOf(outcome: Outcome, { failure, headline, notices, outputs }: ReportParts): string {
  const current = currentImages(outcome)
  return page([
    ...notices.filter(({ level }) => level === 'error').map(alertOf),
    ...(failure ? messageParts(failure) : [`### ✅ ${pageTitle(outcome.request)}`, plain(headline)]),
    ...notices.filter(({ level }) => level !== 'error').map(alertOf),
    reasonLine(outcome.request),
    regionsTable(outcome, current),
    familyTable(outcome, current),
    stepsTable(outcome),
    retentionTable(outcome),
    outcome.plan?.kind === 'refuse' ? '' : outputsTable(outcome, outputs),
  ])
}

/** The page of a failure without an outcome. */
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

/** What each region serves, if there are several. */
function regionsTable(outcome: Outcome, current: CurrentImages): string {
  const { request, observations, plan } = outcome
  if (!hasReplicas(outcome) || plan?.kind === 'refuse') return ''
  const home = current[request.region]
  const family = familyOf(request)
  const isKnown = (region: string) => family !== undefined && knowsCurrent(observations, { region, family })
  const rows = regionsOf(request).map((region) => {
    const image = current[region]
    if (!image) return [code(region), isKnown(region) ? 'nothing' : 'not known', '', '', '']
    const commit = image.tags['github:sha']?.slice(0, 12) ?? ''
    const sameAsHome = isSameImage(outcome, image, home) ? '✔' : '✘ another image'
    return [code(region), code(image.id), plain(image.name), code(commit), sameAsHome]
  })
  return table(['region', 'serves', 'name', 'commit', 'same as home'], rows)
}

/** The newest images of the family in the home region, according to the last look at it. */
function familyTable({ request, observations }: Outcome, current: CurrentImages): string {
  const family = familyOf(request)
  const { region } = request
  const members = newestFirst(family === undefined ? [] : (membersIn(observations, { region, family }) ?? []))
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

/** A column for the region, if there are several. */
const regionCell = (text: string, outcome: Outcome): string[] => (hasReplicas(outcome) ? [text] : [])

/** What happens to the images that are older than those that `keep` counts. */
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
    ...(hasReplicas(outcome) ? ['image-ids', 'in-sync'] : []),
    'changed',
  ]
  const rows = names.map((name) => [code(name), code(outputs[name] ?? '')])
  return table(['output', 'value'], rows)
}

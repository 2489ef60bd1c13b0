/** The outcome as people and later steps read it: outputs, annotations, the last line of log. Pure. */

import { errorData, explainError } from '../engine/action-error.ts'
import { deletedIn, type Entry, madeIn } from '../engine/apply.ts'
import type { Outcome } from '../engine/run.ts'
import { type Image, isAvailable, label } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { type Notice, type Plan, type RegionPlan, stepsOf } from '../family/plan/plan.ts'
import { describeStep, isVisible, type Step, stepTarget } from '../family/plan/steps.ts'
import { alreadyDeleted } from '../family/rules/retention.ts'
import { capital, type Failure, failureOf, pastOf } from './messages.ts'
import { summaryOf } from './page.ts'

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
    summary: summaryOf(outcome, { failure, headline, notices, outputs, current: currentIn(outcome) }),
  }
}

function noticesOf(outcome: Outcome): Notice[] {
  const { verdicts, request, affected, journal } = outcome
  const [home] = regionsIn(outcome)
  const otherwise: Notice[] =
    home?.kind === 'change' && home.reason !== undefined
      ? [{ level: 'notice', text: `Otherwise nothing to do: ${home.reason}.` }]
      : []
  const where = (region: string) => (request.replicas.length === 0 ? '' : `${region}: `)
  const overtaken = verdicts.flatMap((verdict): Notice[] =>
    verdict.kind === 'overtaken' && !verdict.fails
      ? [
          {
            level: 'warning',
            text: `${where(verdict.region)}${capital(pastOf[request.mode])}, but ${verdict.reason}.`,
          },
        ]
      : [],
  )
  const running = [...affected].flatMap(([region, ids]): Notice[] =>
    ids && ids.length > 0
      ? [{ level: 'notice', text: `${where(region)}Still running a withdrawn image: ${ids.join(', ')}.` }]
      : [],
  )
  return [
    ...otherwise,
    ...leftOutside(outcome),
    ...plannedNotices(outcome),
    ...overtaken,
    ...leftUndone(journal, where),
    ...running,
  ]
}

/** Copies were made, and by then there was nothing to promote any more. */
function leftOutside({ plan, journal }: Outcome): Notice[] {
  const made = madeIn(journal)
  if (plan?.kind !== 'nothing' || made.length === 0) return []
  const text = `Nothing was switched. Copies made by this run stay outside of the family: ${made.join(', ')}. Delete them if nobody needs them.`
  return [{ level: 'warning', text }]
}

/** What holds for several regions is said once. */
function plannedNotices(outcome: Outcome): Notice[] {
  const planned = regionsIn(outcome).flatMap(({ region, notices }) => notices.map((notice) => ({ region, ...notice })))
  const all = [...outcome.lasting.map(({ region, notice }) => ({ region, ...notice })), ...planned]
  const regionsBy = Map.groupBy(all, ({ level, text }) => `${level} ${text}`)
  return [...regionsBy.values()].flatMap((same): Notice[] => {
    const regions = [...new Set(same.map(({ region }) => region))]
    const where = regions.length === regionsOf(outcome.request).length ? '' : `${regions.join(', ')}: `
    return same.slice(0, 1).map(({ level, text }) => ({ level, text: `${where}${text}` }))
  })
}

/** Deletions that did not come off, or were better left. */
function leftUndone(journal: readonly Entry[], where: (region: string) => string): Notice[] {
  return journal.flatMap(({ step, state, reason, error, tolerated }): Notice[] => {
    if (tolerated) {
      return [
        {
          level: 'warning',
          text: `${where(step.region)}Could not ${describeStep(step)}: ${explainError(errorData(error))}`,
        },
      ]
    }
    return state === 'skipped' && reason !== undefined && reason !== alreadyDeleted
      ? [{ level: 'warning', text: `${where(step.region)}${stepTarget(step)} was not deleted: ${reason}.` }]
      : []
  })
}

const regionsIn = ({ plan }: Outcome): readonly RegionPlan[] =>
  plan === undefined || plan.kind === 'refuse' ? [] : plan.regions

/** What each region serves at the end, as far as it is known. */
function currentIn(outcome: Outcome): Record<string, Image> {
  const { request, seen, images } = outcome
  const named = images.get(request.region)
  const family = familyOf(request) ?? (named ? seen.images.get(named)?.family : undefined)
  return Object.fromEntries(
    regionsOf(request).flatMap((region) => {
      const serves = regionsIn(outcome).find((each) => each.region === region)?.servedImage
      const image = serves ?? (family === undefined ? undefined : seen.currentOf({ region, family }))
      return image ? [[region, image]] : []
    }),
  )
}

const idsOf = (images: Record<string, Image>): Record<string, string> =>
  Object.fromEntries(Object.entries(images).map(([region, { id }]) => [region, id]))

/** Empty string for what is not known, as outputs are strings. */
function outputsOf(outcome: Outcome): Record<string, string> {
  const { request, plan, images, seen } = outcome
  const image = images.get(request.region)
  const described = image === undefined ? undefined : seen.images.get(image)
  const current = currentIn(outcome)
  const regions = regionsIn(outcome)
  return {
    'image-id': image ?? '',
    'current-image-id': current[request.region]?.id ?? '',
    'current-image-ids': JSON.stringify(idsOf(current)),
    family: familyOf(request) ?? described?.family ?? '',
    'previous-image-id': regions[0]?.previous ?? '',
    'image-ids': JSON.stringify(Object.fromEntries(images)),
    'in-sync': request.replicas.length === 0 ? '' : String(isInSync(outcome, current)),
    'deprecated-image-ids': JSON.stringify(request.dryRun ? [] : withdrawnOf(outcome)),
    'pending-image-ids': JSON.stringify(regions.flatMap(({ pending }) => pending)),
    changed: String(hasChanged(outcome)),
    'image-name': described?.name ?? '',
    'image-version': described?.version ?? '',
    'image-status': described?.status ?? '',
    'creation-time': described?.creationTime ?? '',
    architecture: described?.architecture ?? '',
    'os-name': described?.osName ?? '',
    image: described ? JSON.stringify(described) : '',
    plan: JSON.stringify(attempted(plan, outcome.journal).map(planned)),
    ...modeOutputs(outcome, described, current[request.region]?.id),
  }
}

/** Every region resolves, and to the same image. */
function isInSync({ request, seen }: Outcome, current: Record<string, Image>): boolean {
  const origins = regionsOf(request).map((region) => {
    const image = current[region]
    return image && (image.ownerAlias === 'self' ? seen.originOf(image.id) : image.id)
  })
  return origins.every((origin) => origin !== undefined && origin === origins[0])
}

/** What this attempt has done, and what else it has planned: a plan made anew goes on from what was done. */
function attempted(plan: Plan | undefined, journal: readonly Entry[]): readonly Step[] {
  const steps = plannedSteps(plan)
  const before = journal.filter((entry) => !steps.includes(entry.planned)).map(({ step }) => step)
  return [...before, ...steps]
}

function modeOutputs(
  { request, plan, affected, images }: Outcome,
  described: Image | undefined,
  currentId: string | undefined,
): Record<string, string> {
  if (request.mode === 'rollback') {
    const isListed = affected.size > 0 && [...affected.values()].every((ids) => ids !== undefined)
    return { 'affected-instance-ids': isListed ? JSON.stringify(Object.fromEntries(affected)) : '' }
  }
  if (request.mode !== 'resolve') return {}
  const unmet = plan?.kind === 'refuse' && plan.code === 'condition-unmet'
  const isFound = described !== undefined && regionsOf(request).every((region) => images.has(region))
  const found = { found: String(unmet || isFound) }
  return request.of.kind === 'family'
    ? found
    : { ...found, 'is-current': String(images.has(request.region) && images.get(request.region) === currentId) }
}

const planned = (step: Step) => ({
  region: step.region,
  action: step.action,
  target: stepTarget(step),
  description: describeStep(step),
})

/** What was to be withdrawn at home, less what a failed run did not come to. */
function withdrawnOf(outcome: Outcome): readonly string[] {
  const { journal, failure, seen, request } = outcome
  // What is deleted leaves no trace for a later attempt: it does not count in this one either.
  const deleted = deletedIn(journal).map(({ image }) => image)
  const withdrawn = (regionsIn(outcome)[0]?.withdrawn ?? []).filter((id) => !deleted.includes(id))
  const skipped = ids(journal, 'skipped')
  if (!failure) return withdrawn.filter((id) => !skipped.includes(id))
  const done = ids(journal, 'done')
  const before = (id: string) => {
    const image = seen.images.get(id)
    return image !== undefined && (!isAvailable(image) || image.family !== familyOf(request))
  }
  return withdrawn.filter((id) => done.includes(id) || before(id))
}

const ids = (journal: readonly Entry[], state: Entry['state']): string[] =>
  journal
    .filter((entry) => entry.state === state && ['deprecate', 'quarantine'].includes(entry.step.action))
    .map(({ step }) => stepTarget(step))

/** Marks and looks are the action's own business; what the user asked for is what counts as a change. */
const isChange = ({ step, state }: Entry): boolean => state === 'done' && isVisible(step)

function hasChanged(outcome: Outcome): boolean {
  if (outcome.request.dryRun) return false
  return regionsIn(outcome).some(({ changedBefore }) => changedBefore) || outcome.journal.some(isChange)
}

function headlineOf(outcome: Outcome): string {
  const { request, plan, images, seen, verdicts } = outcome
  const { mode, region } = request
  if (!plan) return `${mode} did not come to a plan`
  if (plan.kind === 'refuse') return `${mode} refused`
  const image = images.get(region)
  const name = image === undefined ? undefined : (seen.images.get(image)?.name ?? image)
  const it = image === undefined ? 'nothing' : `${name} (${image})`
  if (request.dryRun && plan.kind === 'change') {
    const count = plannedSteps(plan).length
    return `Dry run: ${count} step${count === 1 ? '' : 's'} planned, nothing changed`
  }
  const [home] = plan.regions
  if (home.reason !== undefined && verdicts.length === 0) {
    if (mode === 'resolve') return `${home.reason}${elsewhere(outcome)}`
    const done = alsoDone(outcome)
    return `Nothing${done ? ' else' : ''} to do${request.replicas.length > 0 ? ' in any region' : ''}: ${home.reason}${done}`
  }
  const so = regionsOf(request).filter((each) => isServedIn(each, outcome))
  return so.length > 0 && verdicts.length > 0
    ? `${familyOf(request)} in ${so.join(', ')} now serves ${it}`
    : `${capital(pastOf[mode])} ${it}`
}

/** What was done where the family itself was as it should be. */
function alsoDone({ journal }: Outcome): string {
  const done = journal.filter(({ state }) => state === 'done').map(({ step }) => step)
  const deleted = deletedIn(journal).length
  const accounts = new Set(done.flatMap((step) => (step.action === 'share' ? step.accounts : []))).size
  const parts = [
    ...(deleted > 0 ? [`${deleted} image${deleted === 1 ? '' : 's'} deleted`] : []),
    ...(accounts > 0 ? [`shared with ${accounts} account${accounts === 1 ? '' : 's'}`] : []),
  ]
  return parts.map((part) => `; ${part}`).join('')
}

/** What a resolve found in the replica regions. */
function elsewhere(outcome: Outcome): string {
  const { request, seen } = outcome
  if (request.replicas.length === 0) return ''
  const current = currentIn(outcome)
  if (isInSync(outcome, current)) return ` in ${request.region}, and to copies of it in ${request.replicas.join(', ')}`
  const home = current[request.region]
  const others = request.replicas.flatMap((region) => {
    const image = current[region]
    if (image && home && seen.originOf(image.id) === seen.originOf(home.id)) return []
    return [`${region} serves ${image ? label(image) : 'nothing'}`]
  })
  return ` in ${request.region}; ${others.join(', ')}`
}

/** ECS has confirmed it, or nothing had to be changed there. */
const isServedIn = (region: string, { verdicts, images, request, seen }: Outcome): boolean => {
  const verdict = verdicts.find((each) => each.region === region)
  if (verdict) return verdict.kind === 'so'
  const family = familyOf(request)
  const current = family === undefined ? undefined : seen.currentOf({ region, family })
  return current !== undefined && current.id === images.get(region)
}

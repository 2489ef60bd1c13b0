/** Annotations: the error and the notices that GitHub shows on the page of a workflow run. Pure. */

import { explainError } from '../engine/action-error.ts'
import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { regionPrefix } from '../engine/region-prefix.ts'
import { regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { type Notice, phaseOf, warning } from '../family/plan/plan.ts'
import { stepTarget } from '../family/plan/steps.ts'
import { describeCreated } from './journal.ts'
import { capital, type Message, pastOf } from './message.ts'

/** The title, then the reasons, the present state, what to do, and details for support. */
export function errorText({ title, reasons, regions, facts, todo, details }: Message): string {
  const states = regions.map(({ region, state }) => `${region} ${state}`).join(', ')
  const why = reasons.length > 1 ? reasons.map((reason) => `- ${reason}`) : reasons
  const lines = [title, ...why, states === '' ? '' : `${states}.`, facts.join(' '), todo.join(' '), ...details]
  return lines.filter((line) => line !== '').join('\n')
}

export const noticesOf = (outcome: Outcome): Notice[] => [
  ...nothingElseToDo(outcome),
  ...unusedCopies(outcome),
  ...plannedNotices(outcome),
  ...overtaken(outcome),
  ...lostShares(outcome),
  ...deletionsNotDone(outcome),
  ...stillRunning(outcome),
]

const notice = (text: string): Notice => ({ level: 'notice', text })

function nothingElseToDo(outcome: Outcome): Notice[] {
  const [home] = regionsIn(outcome)
  return home?.kind === 'change' && home.reason !== undefined
    ? [notice(`Otherwise nothing to do: ${home.reason}.`)]
    : []
}

/** Copies were made, and afterwards there was nothing left to promote. */
function unusedCopies({ plan, journal }: Outcome): Notice[] {
  const created = describeCreated(journal)
  if (plan?.kind !== 'nothing' || created.length === 0) return []
  const text = `No family was switched. This run has made copies that stay outside of the family: ${created.join(', ')}. Delete them if nobody needs them.`
  return [warning(text)]
}

/** A notice that several regions have in common appears once. */
function plannedNotices(outcome: Outcome): Notice[] {
  const planned = regionsIn(outcome).flatMap(({ region, notices }) => notices.map((each) => ({ region, notice: each })))
  const all = [...outcome.persistent, ...planned]
  const same = Map.groupBy(all, ({ notice: { level, text } }) => `${level} ${text}`)
  return [...same.values()].flatMap((group): Notice[] => {
    const regions = [...new Set(group.map(({ region }) => region))]
    const where = regions.length === regionsOf(outcome.request).length ? '' : `${regions.join(', ')}: `
    return group.slice(0, 1).map(({ notice: { level, text } }) => ({ level, text: `${where}${text}` }))
  })
}

const overtaken = (outcome: Outcome): Notice[] =>
  outcome.verifications.flatMap((each): Notice[] =>
    each.kind === 'overtaken' && !each.fails
      ? [
          warning(
            `${regionPrefix(each.region, outcome.request)}${capital(pastOf[outcome.request.mode])}, but ${each.reason}.`,
          ),
        ]
      : [],
  )

/** Shares of images that were deleted to make room. The last plan does not contain these images. */
function lostShares(outcome: Outcome): Notice[] {
  const deletions = deletedIn(outcome.journal.filter(({ id }) => phaseOf(id) === 'room'))
  return deletions.flatMap(({ region, image, accounts }): Notice[] => {
    const loss = `${accounts.join(', ')} ${accounts.length === 1 ? 'loses' : 'lose'} ${image}`
    return accounts.length === 0
      ? []
      : [warning(`${regionPrefix(region, outcome.request)}Shared images were deleted: ${loss}.`)]
  })
}

/** Deletions that failed, and images that were kept after all. If a later round tried again, only the last try is told. */
function deletionsNotDone(outcome: Outcome): Notice[] {
  const tries = Map.groupBy(outcome.journal, ({ step }) => `${step.region} ${step.action} ${stepTarget(step)}`)
  const lastTries = new Set([...tries.values()].map((entries) => entries.at(-1)))
  return outcome.journal.flatMap((entry): Notice[] => {
    if (!lastTries.has(entry)) return []
    const { step, skipped, reason, error, tolerated } = entry
    const where = regionPrefix(step.region, outcome.request)
    if (tolerated && error) {
      return [warning(`${where}Could not ${describeStep(step)}: ${explainError(error)}`)]
    }
    return skipped === 'kept' ? [warning(`${where}${stepTarget(step)} was not deleted: ${reason}.`)] : []
  })
}

const stillRunning = (outcome: Outcome): Notice[] =>
  Object.entries(outcome.affected).flatMap(([region, ids]): Notice[] =>
    ids && ids.length > 0
      ? [notice(`${regionPrefix(region, outcome.request)}Still running a withdrawn image: ${ids.join(', ')}.`)]
      : [],
  )

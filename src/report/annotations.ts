/** What those see of a run who look only at its page on GitHub: notices, and the error. Pure. */

import { explainError } from '../engine/action-error.ts'
import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { regionPrefix } from '../engine/region-prefix.ts'
import { regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { type Notice, phaseOf, warning } from '../family/plan/plan.ts'
import { stepTarget } from '../family/plan/steps.ts'
import { describeCreated } from './journal.ts'
import { capital, type Message, pastOf } from './message.ts'

/** The title first; then why, what is so now, what to do, and what support asks for. */
export function errorText({ title, reasons, regions, facts, todo, details }: Message): string {
  const states = regions.map(({ region, state }) => `${region} ${state}`).join(', ')
  const why = reasons.length > 1 ? reasons.map((reason) => `- ${reason}`) : reasons
  const lines = [title, ...why, states === '' ? '' : `${states}.`, facts.join(' '), todo.join(' '), ...details]
  return lines.filter((line) => line !== '').join('\n')
}

export const noticesOf = (outcome: Outcome): Notice[] => [
  ...otherwiseNothing(outcome),
  ...leftOutside(outcome),
  ...plannedNotices(outcome),
  ...overtaken(outcome),
  ...sharesLost(outcome),
  ...leftUndone(outcome),
  ...stillRunning(outcome),
]

const notice = (text: string): Notice => ({ level: 'notice', text })

function otherwiseNothing(outcome: Outcome): Notice[] {
  const [home] = regionsIn(outcome)
  return home?.kind === 'change' && home.reason !== undefined
    ? [notice(`Otherwise nothing to do: ${home.reason}.`)]
    : []
}

/** Copies were made, and by then there was nothing to promote any more. */
function leftOutside({ plan, journal }: Outcome): Notice[] {
  const created = describeCreated(journal)
  if (plan?.kind !== 'nothing' || created.length === 0) return []
  const text = `No family was switched. This run has made copies that stay outside of the family: ${created.join(', ')}. Delete them if nobody needs them.`
  return [warning(text)]
}

/** What holds for several regions is said once. */
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

/** Of images that were deleted to make room: the last plan knows nothing of them. */
function sharesLost(outcome: Outcome): Notice[] {
  const deletions = deletedIn(outcome.journal.filter(({ id }) => phaseOf(id) === 'room'))
  return deletions.flatMap(({ region, image, accounts }): Notice[] => {
    const loss = `${accounts.join(', ')} ${accounts.length === 1 ? 'loses' : 'lose'} ${image}`
    return accounts.length === 0
      ? []
      : [warning(`${regionPrefix(region, outcome.request)}Shared images were deleted: ${loss}.`)]
  })
}

/** Deletions that failed, or were better left. */
function leftUndone(outcome: Outcome): Notice[] {
  return outcome.journal.flatMap(({ step, skipped, reason, error, tolerated }): Notice[] => {
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

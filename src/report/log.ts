/** The last line of log of a run that went well. Pure. */

import { currentIn } from '../engine/observations.ts'
import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { plannedSteps } from '../family/plan/plan.ts'
import { capital, pastOf } from './message.ts'
import { describeServed, isInSync, isSameImage, isSpread, servedImages } from './served.ts'

export function headlineOf(outcome: Outcome): string {
  const { request, plan, verifications } = outcome
  if (request.dryRun && plan?.kind === 'change') {
    return `Dry run: ${count(plannedSteps(plan).length, 'step')} planned, nothing changed`
  }
  const [home] = regionsIn(outcome)
  if (home?.reason !== undefined && verifications.length === 0) return nothingToDo(outcome, home.reason)
  const served = regionsOf(request).filter((region) => isServedIn(region, outcome))
  return served.length > 0 && verifications.length > 0
    ? `${familyOf(request)} in ${served.join(', ')} now serves ${describeHomeImage(outcome)}`
    : `${capital(pastOf[request.mode])} ${describeHomeImage(outcome)}`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

function describeHomeImage({ request, images, observations }: Outcome): string {
  const image = images[request.region]
  return image === undefined ? 'nothing' : `${observations.images[image]?.name ?? image} (${image})`
}

function nothingToDo(outcome: Outcome, reason: string): string {
  if (outcome.request.mode === 'resolve') return `${reason}${elsewhere(outcome)}`
  const done = alsoDone(outcome)
  return `Nothing${done ? ' else' : ''} to do${isSpread(outcome) ? ' in any region' : ''}: ${reason}${done}`
}

/** What was done where the family itself was as it should be. */
function alsoDone({ journal }: Outcome): string {
  const done = journal.filter(({ state }) => state === 'done').map(({ step }) => step)
  const deleted = deletedIn(journal).length
  const accounts = new Set(done.flatMap((step) => (step.action === 'share' ? step.accounts : []))).size
  const parts = [
    ...(deleted > 0 ? [`${count(deleted, 'image')} deleted`] : []),
    ...(accounts > 0 ? [`shared with ${count(accounts, 'account')}`] : []),
  ]
  return parts.map((part) => `; ${part}`).join('')
}

/** What a resolve found in the replica regions. */
function elsewhere(outcome: Outcome): string {
  const { request } = outcome
  if (!isSpread(outcome)) return ''
  const served = servedImages(outcome)
  if (isInSync(outcome, served)) return ` in ${request.region}, and to copies of it in ${request.replicas.join(', ')}`
  const home = served[request.region]
  const others = request.replicas.flatMap((region) => {
    const image = served[region]
    return image && isSameImage(outcome, image, home) ? [] : [`${region} ${describeServed(image)}`]
  })
  return ` in ${request.region}; ${others.join(', ')}`
}

/** ECS has confirmed it, or nothing had to be changed there. */
function isServedIn(region: string, { verifications, images, request, observations }: Outcome): boolean {
  const verification = verifications.find((each) => each.region === region)
  if (verification) return verification.kind === 'ok'
  const family = familyOf(request)
  const current = family === undefined ? undefined : currentIn(observations, { region, family })
  return current !== undefined && current.id === images[region]
}

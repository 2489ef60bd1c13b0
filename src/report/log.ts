/** The last line of the log of a run that succeeded. Pure. */

import { currentIn } from '../engine/observations.ts'
import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { plannedSteps } from '../family/plan/plan.ts'
import { currentImages, describeCurrent, hasReplicas, isInSync, isSameImage } from './current-images.ts'
import { capital, pastOf } from './message.ts'

export function headlineOf(outcome: Outcome): string {
  const { request, plan, verifications } = outcome
  if (request.dryRun && plan?.kind === 'change') {
    return `Dry run: ${count(plannedSteps(plan).length, 'step')} planned, nothing changed`
  }
  const [home] = regionsIn(outcome)
  if (home?.reason !== undefined && verifications.length === 0) return nothingToDo(outcome, home.reason)
  const current = regionsOf(request).filter((region) => isCurrentIn(region, outcome))
  return current.length > 0 && verifications.length > 0
    ? `${familyOf(request)} in ${current.join(', ')} now serves ${describeHomeImage(outcome)}`
    : `${capital(pastOf[request.mode])} ${describeHomeImage(outcome)}`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

function describeHomeImage({ request, images, observations }: Outcome): string {
  const image = images[request.region]
  return image === undefined ? 'nothing' : `${observations.images[image]?.name ?? image} (${image})`
}

function nothingToDo(outcome: Outcome, reason: string): string {
  if (outcome.request.mode === 'resolve') return `${reason}${describeReplicas(outcome)}`
  const done = describeOtherWork(outcome)
  return `Nothing${done ? ' else' : ''} to do${hasReplicas(outcome) ? ' in any region' : ''}: ${reason}${done}`
}

/** What was done in a run that did not have to change a family. */
function describeOtherWork({ journal }: Outcome): string {
  const done = journal.filter(({ state }) => state === 'done').map(({ step }) => step)
  const deleted = deletedIn(journal).length
  const accounts = new Set(done.flatMap((step) => (step.action === 'share' ? step.accounts : []))).size
  const parts = [
    ...(deleted > 0 ? [`${count(deleted, 'image')} deleted`] : []),
    ...(accounts > 0 ? [`shared with ${count(accounts, 'account')}`] : []),
  ]
  return parts.map((part) => `; ${part}`).join('')
}

/** What the replica regions resolve to. */
function describeReplicas(outcome: Outcome): string {
  const { request } = outcome
  if (!hasReplicas(outcome)) return ''
  const current = currentImages(outcome)
  if (isInSync(outcome, current)) return ` in ${request.region}, and to copies of it in ${request.replicas.join(', ')}`
  const home = current[request.region]
  const others = request.replicas.flatMap((region) => {
    const image = current[region]
    return image && isSameImage(outcome, image, home) ? [] : [`${region} ${describeCurrent(image)}`]
  })
  return ` in ${request.region}; ${others.join(', ')}`
}

/** Whether the region resolves to the image of the run: ECS has confirmed it, or nothing had to be changed there. */
function isCurrentIn(region: string, { verifications, images, request, observations }: Outcome): boolean {
  const verification = verifications.find((each) => each.region === region)
  if (verification) return verification.kind === 'ok'
  const family = familyOf(request)
  const current = family === undefined ? undefined : currentIn(observations, { region, family })
  return current !== undefined && current.id === images[region]
}

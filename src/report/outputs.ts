/** What later steps read of an outcome. Pure. */

import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { type Image, isAvailable } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { isVisible, type Step, stepTarget, traits } from '../family/plan/steps.ts'
import { attemptedSteps } from './journal.ts'
import { isInSync, isSpread, type Served, servedImages } from './served.ts'

/** Every output that the mode has, the others stay unset; an empty string for what is not known. */
export function outputsOf(outcome: Outcome): Record<string, string> {
  const { request, images, observations } = outcome
  const image = images[request.region]
  const described = image === undefined ? undefined : observations.images[image]
  const served = servedImages(outcome)
  const regions = regionsIn(outcome)
  return {
    'image-id': image ?? '',
    'current-image-id': served[request.region]?.id ?? '',
    'current-image-ids': JSON.stringify(idsOf(served)),
    family: familyOf(request) ?? described?.family ?? '',
    'previous-image-id': regions[0]?.previous ?? '',
    'image-ids': JSON.stringify(images),
    'in-sync': isSpread(outcome) ? String(isInSync(outcome, served)) : '',
    'deprecated-image-ids': JSON.stringify(request.dryRun ? [] : withdrawnImages(outcome)),
    'pending-image-ids': JSON.stringify(regions.flatMap(({ pending }) => pending)),
    changed: String(hasChanged(outcome)),
    ...describeImage(described),
    plan: JSON.stringify(attemptedSteps(outcome).map(({ step }) => describePlanned(step))),
    ...modeOutputs(outcome, described, served[request.region]?.id),
  }
}

const describeImage = (image: Image | undefined): Record<string, string> => ({
  'image-name': image?.name ?? '',
  'image-version': image?.version ?? '',
  'image-status': image?.status ?? '',
  'creation-time': image?.creationTime ?? '',
  architecture: image?.architecture ?? '',
  'os-name': image?.osName ?? '',
  image: image ? JSON.stringify(image) : '',
})

const idsOf = (served: Served): Record<string, string> =>
  Object.fromEntries(Object.entries(served).map(([region, { id }]) => [region, id]))

const describePlanned = (step: Step) => ({
  region: step.region,
  action: step.action,
  target: stepTarget(step),
  description: describeStep(step),
})

function modeOutputs(
  outcome: Outcome,
  described: Image | undefined,
  currentId: string | undefined,
): Record<string, string> {
  const { request, affected } = outcome
  if (request.mode === 'rollback') {
    const lists = Object.values(affected)
    const isListed = lists.length > 0 && lists.every((ids) => ids !== null)
    return { 'affected-instance-ids': isListed ? JSON.stringify(affected) : '' }
  }
  if (request.mode !== 'resolve') return {}
  const found = { found: String(isFound(outcome, described)) }
  if (request.subject.kind === 'family') return found
  const image = outcome.images[request.region]
  return { ...found, 'is-current': String(image !== undefined && image === currentId) }
}

function isFound({ request, plan, images }: Outcome, described: Image | undefined): boolean {
  if (plan?.kind === 'refuse' && plan.code === 'condition-unmet') return true
  return described !== undefined && regionsOf(request).every((region) => images[region] !== undefined)
}

/** What was to be withdrawn at home, less what a failed run did not come to. */
function withdrawnImages(outcome: Outcome): readonly string[] {
  const { journal, failure, observations, request } = outcome
  // What is deleted leaves no trace for a later attempt: it does not count in this one either.
  const deleted = deletedIn(journal).map(({ image }) => image)
  const withdrawn = (regionsIn(outcome)[0]?.withdrawn ?? []).filter((id) => !deleted.includes(id))
  const skipped = withdrawalsIn(outcome, 'skipped')
  if (!failure) return withdrawn.filter((id) => !skipped.includes(id))
  const done = withdrawalsIn(outcome, 'done')
  const isOut = (id: string) => {
    const image = observations.images[id]
    return image !== undefined && (!isAvailable(image) || image.family !== familyOf(request))
  }
  return withdrawn.filter((id) => done.includes(id) || isOut(id))
}

const withdrawalsIn = ({ journal }: Outcome, state: 'done' | 'skipped'): string[] =>
  journal
    .filter((entry) => entry.state === state && traits[entry.step.action].withdraws)
    .map(({ step }) => stepTarget(step))

/** Records and looks are the action's own business; what the user asked for is what counts as a change. */
function hasChanged(outcome: Outcome): boolean {
  if (outcome.request.dryRun) return false
  const isChange = outcome.journal.some(({ step, state }) => state === 'done' && isVisible(step))
  return isChange || regionsIn(outcome).some(({ changedBefore }) => changedBefore)
}

/** The outputs of the action, which later steps read. Pure. */

import { deletedIn, type Outcome, regionsIn } from '../engine/outcome.ts'
import { type Image, isAvailable } from '../family/model/image.ts'
import { familyOf, regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { isVisible, type Step, stepTarget, traits } from '../family/plan/steps.ts'
import { type CurrentImages, currentImages, hasReplicas, isInSync } from './current-images.ts'
import { attemptedSteps } from './journal.ts'

/** All outputs of the mode. An output that is not known is an empty string. */
export function outputsOf(outcome: Outcome): Record<string, string> {
  const { request, images, observations } = outcome
  const image = images[request.region]
  const described = image === undefined ? undefined : observations.images[image]
  const current = currentImages(outcome)
  const regions = regionsIn(outcome)
  return {
    'image-id': image ?? '',
    'current-image-id': current[request.region]?.id ?? '',
    'current-image-ids': JSON.stringify(idsOf(current)),
    family: familyOf(request) ?? described?.family ?? '',
    'previous-image-id': regions[0]?.previous ?? '',
    'image-ids': JSON.stringify(images),
    'in-sync': hasReplicas(outcome) ? String(isInSync(outcome, current)) : '',
    'deprecated-image-ids': JSON.stringify(request.dryRun ? [] : withdrawnImages(outcome)),
    'pending-image-ids': JSON.stringify(regions.flatMap(({ pending }) => pending)),
    changed: String(hasChanged(outcome)),
    ...describeImage(described),
    plan: JSON.stringify(attemptedSteps(outcome).map(({ step }) => describePlanned(step))),
    ...modeOutputs(outcome, described, current[request.region]?.id),
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

const idsOf = (current: CurrentImages): Record<string, string> =>
  Object.fromEntries(Object.entries(current).map(([region, { id }]) => [region, id]))

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

/** The images withdrawn in the home region. A failed run may not have withdrawn all images of its plan. */
function withdrawnImages(outcome: Outcome): readonly string[] {
  const { journal, failure, observations, request } = outcome
  // A later attempt cannot see deleted images, so they do not count in this attempt either.
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

/** Only visible changes count: the action's own records do not. */
function hasChanged(outcome: Outcome): boolean {
  if (outcome.request.dryRun) return false
  const isChange = outcome.journal.some(({ step, state }) => state === 'done' && isVisible(step))
  return isChange || regionsIn(outcome).some(({ changedBefore }) => changedBefore)
}

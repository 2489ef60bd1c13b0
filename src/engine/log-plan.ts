/** Describes in the log what was observed and what is planned. */

import { type Image, label } from '../family/model/image.ts'
import { type Request, regionsOf } from '../family/model/request.ts'
import { describeStep } from '../family/plan/describe-step.ts'
import { type Plan, plannedSteps } from '../family/plan/plan.ts'
import type { FamilySeen, Observations } from './observations.ts'
import { regionsIn } from './outcome.ts'
import type { Log } from './ports.ts'
import { regionPrefix } from './region-prefix.ts'

/** One line for each family whose current image is known, region by region. */
export function describeFamilies(request: Request, { families }: Observations): string[] {
  const seen = Object.values(families)
  return regionsOf(request).flatMap((region) =>
    seen
      .filter((family) => family.region === region && family.current !== undefined)
      .map((family) => `${regionPrefix(region, request)}${describeFamily(family)}`),
  )
}

function describeFamily({ family, current, members }: FamilySeen): string {
  const image = current ? `${label(current)}, created ${current.creationTime}` : 'nothing'
  return `Family ${family} resolves to ${image}${members ? ` (${countImages(members)})` : ''}.`
}

function countImages(members: readonly Image[]): string {
  const deprecated = members.filter(({ status }) => status === 'Deprecated').length
  return `${members.length} image${members.length === 1 ? '' : 's'}, ${deprecated} deprecated`
}

export async function logPlan(request: Request, plan: Plan, log: Log): Promise<void> {
  const lines = [
    ...describeSteps(request, plan),
    ...describeNotices(request, plan),
    ...describeRetention(request, plan),
  ]
  const isWorthTelling =
    plan.kind === 'change' || regionsIn({ plan }).some(({ retention = [] }) => retention.length > 0)
  if (!isWorthTelling) return
  await log.group('Plan', async () => {
    for (const line of lines) log.info(line)
  })
}

function describeSteps(request: Request, plan: Plan): string[] {
  const steps = plannedSteps(plan).map(({ step }) => step)
  if (steps.length === 0 && plan.kind === 'change') {
    return ['All changes are already in place; only verification is left.']
  }
  return steps.map((step, index) => `${index + 1}. ${regionPrefix(step.region, request)}${describeStep(step)}`)
}

const describeNotices = (request: Request, plan: Plan): string[] =>
  regionsIn({ plan }).flatMap(({ region, notices }) =>
    notices.map(({ text }) => `${regionPrefix(region, request)}${text}`),
  )

const describeRetention = (request: Request, plan: Plan): string[] =>
  regionsIn({ plan }).flatMap(({ region, retention = [] }) =>
    retention.map(
      ({ image, delete: isDeleted, reason }) =>
        `${regionPrefix(region, request)}${isDeleted ? 'Delete' : 'Keep'} ${label(image)}: ${reason}.`,
    ),
  )

/** The family is one thing, wherever it is kept: what is planned for each region becomes one plan, or none. */
import { type Image, label } from '../model/image.ts'
import { sameImage } from '../model/origin.ts'
import { type Request, regionsOf } from '../model/request.ts'
import { isRefusal, type Plan, type Refusal, type RegionDecision, type RegionPlan, refuse } from './plan.ts'

/** The request as it stands in one of its regions; what a person expects at home says nothing of the others. */
export const inRegion = <R extends Request>(request: R, region: string): R =>
  region === request.region || !('expectedImage' in request)
    ? { ...request, region }
    : { ...request, region, expectedImage: undefined }

/** What is refused in one region is refused as a whole: nothing is changed anywhere. */
export function combineRegions(request: Request, branches: readonly RegionDecision[]): Plan {
  const [home, ...others] = branches.filter((branch) => !isRefusal(branch))
  const refusal = combineRefusals(request, branches)
  if (refusal) return refusal
  if (!home) throw new Error('A plan without its home region.')
  const regions = [home, ...others] as const
  return { kind: regions.some(({ kind }) => kind === 'change') ? 'change' : 'nothing', regions }
}

/** All regions that refuse, in one refusal. */
export function combineRefusals(request: Request, branches: readonly unknown[]): Refusal | undefined {
  const regions = regionsOf(request)
  const refusals = branches.flatMap((branch, index) =>
    typeof branch === 'object' && branch !== null && isRefusal(branch)
      ? [index === 0 ? branch : { ...branch, reason: withRegion(branch.reason, regions[index] ?? '') }]
      : [],
  )
  const [first, ...others] = refusals
  if (!first || others.length === 0) return first
  return {
    ...first,
    reason: refusals.map(({ reason }) => reason).join(' '),
    remedy: [...new Set(refusals.map(({ remedy }) => remedy))].join(' '),
  }
}

/** Said of a replica region: which one, unless it says so itself. */
const withRegion = (reason: string, region: string): string =>
  reason.includes(region) ? reason : `In ${region}: ${reason}`

/** In one run every region goes to the same image, also where an earlier attempt has noted the decision. */
export function differentTarget(remembered: Image | undefined, target: Image | undefined): Refusal | undefined {
  const isSame = remembered === undefined || target === undefined || sameImage(remembered, target)
  if (isSame) return undefined
  return refuse(
    'already-decided',
    `An earlier attempt of this run has decided on ${label(remembered)}, and now it would be ${label(target)}.`,
    'Nothing was changed since. Start a new workflow run to decide anew.',
  )
}

/** Steps added to what is planned, in the phases that they belong to. */
export function withSteps(branch: RegionPlan, more: Extract<RegionPlan, { kind: 'change' }>['steps']): RegionPlan {
  const added = Object.entries(more).filter(([, steps]) => steps.length > 0)
  if (added.length === 0) return branch
  const { steps: planned, expect } = branch.kind === 'change' ? branch : { steps: {}, expect: undefined }
  const phases = added.map(([phase, steps]) => [phase, [...(planned[phase as keyof typeof planned] ?? []), ...steps]])
  return { ...branch, kind: 'change', steps: { ...planned, ...Object.fromEntries(phases) }, expect }
}

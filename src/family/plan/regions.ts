/** The family is one thing, wherever it is kept: what is planned for each region becomes one plan, or none. */

import { type Request, regionsOf } from '../model/request.ts'
import { isRefusal, type Plan, type Refusal, type RegionPlan } from './plan.ts'
import { all, type QueryGenerator } from './query.ts'

/** The request as it stands in one of its regions; what a person expects at home says nothing of the others. */
export const inRegion = <R extends Request>(request: R, region: string): R =>
  region === request.region || !('expectedImage' in request)
    ? { ...request, region }
    : { ...request, region, expectedImage: undefined }

/** One of each region: home first. */
export type Regions<T> = readonly [home: T, ...replicas: T[]]

/** Plans every region side by side. */
export function* eachRegion<T>(
  regions: Regions<string>,
  plan: (region: string) => QueryGenerator<T>,
): QueryGenerator<Regions<T>> {
  // As many results as regions.
  return (yield* all(regions.map(plan))) as unknown as Regions<T>
}

/** What is refused in one region is refused as a whole: nothing is changed anywhere. */
export function combineRegions(request: Request, plans: readonly (RegionPlan | Refusal)[]): Plan {
  const refusal = combineRefusals(request, plans)
  if (refusal) return refusal
  const [home, ...replicas] = plans.filter((plan) => !isRefusal(plan))
  if (!home) throw new Error('A plan without its home region.')
  const regions = [home, ...replicas] as const
  return { kind: regions.some(({ kind }) => kind === 'change') ? 'change' : 'nothing', regions }
}

/** All regions that refuse, in one refusal. @param plans of each region, home first */
export function combineRefusals(request: Request, plans: readonly { readonly kind: string }[]): Refusal | undefined {
  const regions = regionsOf(request)
  const refusals = plans.flatMap((plan, index): Refusal[] => {
    if (!isRefusal(plan)) return []
    return index === 0 || plan.namesRegion ? [plan] : [{ ...plan, reason: `In ${regions[index]}: ${plan.reason}` }]
  })
  const [first, ...others] = refusals
  if (!first || others.length === 0) return first
  return {
    ...first,
    reason: refusals.map(({ reason }) => reason).join(' '),
    remedy: [...new Set(refusals.map(({ remedy }) => remedy))].join(' '),
  }
}

/** Steps added to what is planned, in the phases that they belong to. */
export function withSteps(branch: RegionPlan, more: Extract<RegionPlan, { kind: 'change' }>['steps']): RegionPlan {
  const added = Object.entries(more).filter(([, steps]) => steps.length > 0)
  if (added.length === 0) return branch
  const { steps: planned, expect } = branch.kind === 'change' ? branch : { steps: {}, expect: undefined }
  const phases = added.map(([phase, steps]) => [phase, [...(planned[phase as keyof typeof planned] ?? []), ...steps]])
  return { ...branch, kind: 'change', steps: { ...planned, ...Object.fromEntries(phases) }, expect }
}

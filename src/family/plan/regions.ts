/** Combines the plans of all regions of a family into one plan, or into one refusal. */

import { type Request, regionsOf } from '../model/request.ts'
import { isRefusal, type Plan, type Refusal, type RegionPlan } from './plan.ts'
import { all, type QueryGenerator } from './query.ts'

/** The request for one of its regions. The expected image is an image of the home region, so it is dropped elsewhere. */
export const inRegion = <R extends Request>(request: R, region: string): R =>
  region === request.region || !('expectedImage' in request)
    ? { ...request, region }
    : { ...request, region, expectedImage: undefined }

/** One value per region, home first. */
export type Regions<T> = readonly [home: T, ...replicas: T[]]

/** Plans every region side by side. */
export function* eachRegion<T>(
  regions: Regions<string>,
  plan: (region: string) => QueryGenerator<T>,
): QueryGenerator<Regions<T>> {
  // There are as many results as regions.
  return (yield* all(regions.map(plan))) as unknown as Regions<T>
}

/** If one region refuses, the whole plan is a refusal: nothing is changed in any region. */
export function combineRegions(request: Request, plans: readonly (RegionPlan | Refusal)[]): Plan {
  const refusal = combineRefusals(request, plans)
  if (refusal) return refusal
  const [home, ...replicas] = plans.filter((plan) => !isRefusal(plan))
  if (!home) throw new Error('The plan has no home region.')
  const regions = [home, ...replicas] as const
  return { kind: regions.some(({ kind }) => kind === 'change') ? 'change' : 'nothing', regions }
}

/** Combines the refusals of all regions into one. @param plans one per region, home first */
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

/** Adds steps to the phases of a plan; a plan without steps becomes a change. */
export function addSteps(plan: RegionPlan, more: Extract<RegionPlan, { kind: 'change' }>['steps']): RegionPlan {
  const added = Object.entries(more).filter(([, steps]) => steps.length > 0)
  if (added.length === 0) return plan
  const { steps: planned, expect } = plan.kind === 'change' ? plan : { steps: {}, expect: undefined }
  const phases = added.map(([phase, steps]) => [phase, [...(planned[phase as keyof typeof planned] ?? []), ...steps]])
  return { ...plan, kind: 'change', steps: { ...planned, ...Object.fromEntries(phases) }, expect }
}

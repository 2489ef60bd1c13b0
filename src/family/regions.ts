/** The family is one thing, wherever it is kept: what is planned for each region becomes one plan, or none. */
import { type Image, label } from './image.ts'
import { sameImage } from './origin.ts'
import { type Branch, isRefusal, type Plan, type Refusal, type RegionPlan, refuse } from './plan.ts'
import { type Request, regionsOf } from './request.ts'

/** The request as it stands in one of its regions; what a person expects at home says nothing of the others. */
export const at = <R extends Request>(request: R, region: string): R =>
  region === request.region || !('expectedImage' in request)
    ? { ...request, region }
    : { ...request, region, expectedImage: undefined }

/** What is refused in one region is refused as a whole: nothing is changed anywhere. */
export function wholeOf(request: Request, branches: readonly Branch[]): Plan {
  const [home, ...others] = branches.filter((branch) => !isRefusal(branch))
  const refusal = refusalAmong(request, branches)
  if (refusal) return refusal
  if (!home) throw new Error('A plan without its home region.')
  const regions = [home, ...others] as const
  return { kind: regions.some(({ kind }) => kind === 'change') ? 'change' : 'nothing', regions }
}

/** All regions that refuse, in one refusal. */
export function refusalAmong(request: Request, branches: readonly unknown[]): Refusal | undefined {
  const regions = regionsOf(request)
  const refusals = branches.flatMap((branch, index) =>
    typeof branch === 'object' && branch !== null && isRefusal(branch)
      ? [index === 0 ? branch : { ...branch, because: located(branch.because, regions[index] ?? '') }]
      : [],
  )
  const [first, ...others] = refusals
  if (!first || others.length === 0) return first
  return {
    ...first,
    because: refusals.map(({ because }) => because).join(' '),
    todo: [...new Set(refusals.map(({ todo }) => todo))].join(' '),
  }
}

/** Said of a replica region: which one, unless it says so itself. */
const located = (because: string, region: string): string =>
  because.includes(region) ? because : `In ${region}: ${because}`

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
export function alsoDoing(branch: RegionPlan, more: Extract<RegionPlan, { kind: 'change' }>['does']): RegionPlan {
  const added = Object.entries(more).filter(([, steps]) => steps.length > 0)
  if (added.length === 0) return branch
  const { does, expect } = branch.kind === 'change' ? branch : { does: {}, expect: undefined }
  const phases = added.map(([phase, steps]) => [phase, [...(does[phase as keyof typeof does] ?? []), ...steps]])
  return { ...branch, kind: 'change', does: { ...does, ...Object.fromEntries(phases) }, expect }
}

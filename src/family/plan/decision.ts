/** What is decided for one region, before its steps are planned. */
import type { OwnDecision } from '../model/decision-record.ts'
import type { FamilyState } from '../model/family-state.ts'
import { type Image, isNewer } from '../model/image.ts'
import type { Notice, Refusal, RegionPlan } from './plan.ts'
import type { Step } from './steps.ts'

/** The family is to resolve to `target`. */
export interface Change {
  readonly kind: 'change'
  /** Undefined: the family is emptied. */
  readonly target: Image | undefined
  /** ID of the image that the family resolved to before the run's first attempt. */
  readonly previous: string | undefined
  /** In the order in which they are withdrawn. */
  readonly withdraw: readonly Image[]
  /** Still being created; withdrawn when they are ready. */
  readonly withdrawWhenReady: readonly Image[]
  /** What an earlier attempt recorded and has already withdrawn; undefined for a new decision. */
  readonly resumed: { readonly own: OwnDecision; readonly withdrawn: readonly Image[] } | undefined
  /** An earlier attempt of this run has changed something. */
  readonly changedBefore: boolean
  /** Steps that create the target, or make it ready. */
  readonly create?: readonly Step[]
  readonly notices?: readonly Notice[]
}

/** The family stays as it is. */
export type Keep = Extract<RegionPlan, { kind: 'nothing' }> & {
  /** The replica regions stay as they are too, whatever is current there. */
  readonly everywhere?: true
  /** A copy is still made, or awaited, although it stays outside of the family. Otherwise nothing waits for the copy. */
  readonly makesCopy?: true
  /** Steps that are needed all the same: an instance that was left stopped is started again. */
  readonly create?: readonly Step[]
}

export type RegionDecision = Change | Keep | Refusal

/** One region: what was seen, what is decided, and the steps that make its copy ready. */
export interface DecidedRegion<S extends FamilyState = FamilyState> {
  readonly state: S
  readonly decision: RegionDecision
  /** The image that is to be current. */
  readonly target: Image | undefined
  /** Steps that make a copy or wait for it. */
  readonly copy: readonly Step[]
  readonly notices: readonly Notice[]
}

/** The image that is current after the plan: a newer image that is not withdrawn stays current. */
export function currentAfterPlan({
  state: { current },
  decision,
  target,
}: Pick<DecidedRegion, 'state' | 'decision' | 'target'>): Image | undefined {
  if (decision.kind !== 'change' || !target) return current
  const staysCurrent = current && isNewer(current, target) && !decision.withdraw.some(({ id }) => id === current.id)
  return staysCurrent ? current : target
}

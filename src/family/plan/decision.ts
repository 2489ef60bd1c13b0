/** What is decided for one region, before it is known by which steps it is carried out. */
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
  /** What the family resolved to before the run's first attempt. */
  readonly previous: string | undefined
  /** In the order in which they leave. */
  readonly withdraw: readonly Image[]
  /** Still being created; withdrawn when they are ready. */
  readonly withdrawWhenReady: readonly Image[]
  /** What an earlier attempt has recorded, and how far it came; undefined for a decision made now. */
  readonly resumed: { readonly own: OwnDecision; readonly withdrawn: readonly Image[] } | undefined
  /** An earlier attempt of this run has changed something. */
  readonly changedBefore: boolean
  /** Steps that make the target, where it does not exist yet or is not ready. */
  readonly create?: readonly Step[]
  readonly notices?: readonly Notice[]
}

/** The family stays as it is. */
export type Keep = Extract<RegionPlan, { kind: 'nothing' }> & {
  /** The replica regions stay as they are as well, whatever they serve. */
  readonly everywhere?: true
  /** Steps that are left to do all the same: an instance that was left stopped is started again. */
  readonly create?: readonly Step[]
}

export type RegionDecision = Change | Keep | Refusal

/** One region: what was seen, what is decided, and what makes its image ready. */
export interface RegionCase<S extends FamilyState = FamilyState> {
  readonly state: S
  readonly decision: RegionDecision
  /** What the region is to serve. */
  readonly target: Image | undefined
  /** Steps that make a copy, or wait for it. */
  readonly copy: readonly Step[]
  readonly notices: readonly Notice[]
}

/** What the family serves when the plan is carried out: a newer image that is not withdrawn stays current. */
export function servedAfter({
  state: { current },
  decision,
  target,
}: Pick<RegionCase, 'state' | 'decision' | 'target'>): Image | undefined {
  if (decision.kind !== 'change' || !target) return current
  const isAhead = current && isNewer(current, target) && !decision.withdraw.some(({ id }) => id === current.id)
  return isAhead ? current : target
}

/** All that differs between bake, promote and rollback. */

import type { FamilyState } from '../model/family-state.ts'
import type { Image } from '../model/image.ts'
import type { BakeRequest, PromoteRequest, RollbackRequest } from '../model/request.ts'
import type { Change, DecidedRegion, RegionDecision } from '../plan/decision.ts'
import type { Expectation, Notice, Refusal } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import type { Step } from '../plan/steps.ts'
import type { RecordSteps } from '../recovery/record.ts'
import type { CopyPlan } from '../rules/replication.ts'
import type { WithdrawalRequest } from '../rules/withdrawal.ts'
export type ChangeRequest = BakeRequest | PromoteRequest | RollbackRequest

/** One replica region, with the copies of the target in it. */
export interface Copies<S extends FamilyState> {
  /** The region as it was seen; the copies are among the images that are known. */
  readonly state: S
  readonly copies: readonly Image[]
  /** The copy to use; undefined when there is no usable one. */
  readonly copy: Image | undefined
}

/** The image that missing copies are made from. */
export interface CopySource {
  readonly from: CopyPlan['from']
  /** Steps that must come before the copy: a deprecated image is restored first. */
  readonly restore: readonly Step[]
}

/** How a mode differs from the others. Each request is for one region: `region` names the region that is planned. */
export interface ModePolicy<R extends ChangeRequest, S extends FamilyState> extends ExpansionPolicy<R> {
  look(request: R, at: { readonly isHome: boolean }): QueryGenerator<S>
  /** ID of an image that is awaited before anything is decided. The regions are then looked at again. */
  readonly pendingImage?: (request: R, home: S) => string | undefined
  /** Undefined when the mode records no decision. */
  readonly recovery?: {
    observe(request: R, look: () => QueryGenerator<S>): QueryGenerator<S>
    recover(request: R, state: S, at: { readonly isHome: boolean }): RegionDecision | undefined
  }
  /** An image that is available at home but not usable yet is awaited before anything is switched, like a copy. */
  readonly awaitsUsable: boolean
  /** Makes a new decision for the home region. @param seen `now` is ECS's time, milliseconds */
  decideHome(
    request: R,
    seen: { readonly home: S; readonly replicas: readonly S[]; readonly now: number },
  ): QueryGenerator<RegionDecision>
  /** Finds copies of the target in a replica region. */
  findCopies(request: R, state: S, target: Image): QueryGenerator<Copies<S>>
  /** Finds the image that missing copies are made from; undefined when none are made and regions are decided without. */
  findSource(
    request: R,
    seen: {
      readonly home: DecidedRegion<S>
      readonly target: Image
      readonly missing: readonly S[]
      readonly copies: readonly Image[]
    },
  ): QueryGenerator<CopySource | Refusal | undefined>
  /** Specifies a missing copy in a region; undefined when the mode makes no copies. */
  readonly specifyCopy?: (
    request: R,
    state: S,
    from: { readonly target: Image; readonly source: CopySource },
  ) => CopyPlan | Refusal
  /** Makes a new decision for a replica region. `copy` is to become current there; undefined: the family is emptied. */
  decideReplica(
    request: R,
    seen: {
      readonly home: DecidedRegion<S>
      readonly state: S
      readonly copy: Image | undefined
    },
  ): QueryGenerator<RegionDecision>
}

/** How a mode differs from the others once a region is decided. */
export interface ExpansionPolicy<R> {
  /** When the target is shared: before the family is switched, or after ECS has confirmed the current image. */
  readonly sharePhase: 'prepare' | 'commit'
  /**
   * Before anything is withdrawn, the target is awaited in its family, even if it has been there all along. A copy then
   * needs no wait of its own before the decision is recorded.
   */
  readonly awaitsTarget: boolean
  /** Instances that still run a withdrawn image are listed at the end. */
  readonly listsInstances: boolean
  /** What it means when somebody else's newer image is current at the end. */
  readonly overtaken: Expectation['overtaken']
  /** Whether the family is verified to resolve to the target. */
  expectsTarget(request: R): boolean
  withdrawalRequest(request: R): WithdrawalRequest
  /** Replaces the remedy of a refusal about shared images that must be withdrawn. */
  readonly explainShared?: (refusal: Refusal, homeTarget: Image | undefined) => Refusal
  record(request: R, decided: { readonly change: Change; readonly now: number }): RecordSteps | Refusal
  /** Steps that compare the current image with `expected-image-id` directly before the first visible step. */
  confirmExpected(request: R, change: Change, current: Image | undefined): readonly Step[]
  /** Steps that put the user's tags on the target. */
  tagTarget(request: R, target: Image): readonly Step[]
  /** Notices about images that become current as soon as they are created. */
  pendingNotices(request: R, pending: readonly Image[]): readonly Notice[]
}

/** What differs between bake, promote and rollback, and nothing else. */

import type { FamilyState } from '../model/family-state.ts'
import type { Image } from '../model/image.ts'
import type { BakeRequest, PromoteRequest, RollbackRequest } from '../model/request.ts'
import type { Change, RegionCase, RegionDecision } from '../plan/decision.ts'
import type { Expectation, Notice, Refusal } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import type { Step } from '../plan/steps.ts'
import type { RecordSteps } from '../recovery/record.ts'
import type { CopyPlan } from '../rules/replication.ts'
import type { Withdrawing } from '../rules/withdrawal.ts'
export type ChangeRequest = BakeRequest | PromoteRequest | RollbackRequest

/** Copies of the target in one replica region. */
export interface Copies<S extends FamilyState> {
  /** What is known of the region, the copies among it. */
  readonly state: S
  readonly copies: readonly Image[]
  /** The copy to go on with; undefined: there is none that can be used. */
  readonly copy: Image | undefined
}

/** Where missing copies are made from. */
export interface CopySource {
  readonly from: CopyPlan['from']
  /** Steps that make it possible to copy: a deprecated image is restored first. */
  readonly restore: readonly Step[]
}

/** What differs between the modes. Requests are those of one region: `region` is the region that is planned. */
export interface ModePolicy<R extends ChangeRequest, S extends FamilyState> extends ExpansionPolicy<R> {
  look(request: R, at: { readonly isHome: boolean }): QueryGenerator<S>
  /** An image that is waited for before anything is decided: what the families serve may change meanwhile. */
  readonly pendingImage?: (request: R, home: S) => string | undefined
  /** Undefined for modes that record no decision. */
  readonly recovery?: {
    observe(request: R, look: () => QueryGenerator<S>): QueryGenerator<S>
    recover(request: R, state: S, at: { readonly isHome: boolean }): RegionDecision | undefined
  }
  /** A new decision for the home region. */
  choose(
    request: R,
    seen: { readonly home: S; readonly replicas: readonly S[]; readonly now: number },
  ): QueryGenerator<RegionDecision>
  /** Copies of the target in a replica region. */
  findCopies(request: R, state: S, target: Image): QueryGenerator<Copies<S>>
  /** What missing copies are made from; undefined: they are not made, and the region is decided without one. */
  findSource(
    request: R,
    seen: {
      readonly home: RegionCase<S>
      readonly target: Image
      readonly missing: readonly S[]
      readonly copies: readonly Image[]
    },
  ): QueryGenerator<CopySource | Refusal | undefined>
  /** What a missing copy in a region is to be; undefined for modes that make none. */
  readonly planCopy?: (
    request: R,
    state: S,
    from: { readonly target: Image; readonly source: CopySource },
  ) => CopyPlan | Refusal
  /** A new decision for a replica region, where `copy` is what it is to serve. */
  decideReplica(
    request: R,
    seen: {
      readonly home: RegionCase<S>
      readonly state: S
      readonly copy: Image | undefined
    },
  ): QueryGenerator<RegionDecision>
}

/** What differs between the modes, once it is decided what a region is to serve. */
export interface ExpansionPolicy<R> {
  /** When the target is shared: before the family is switched, or after ECS has confirmed what it serves. */
  readonly sharePhase: 'prepare' | 'commit'
  /** The target is looked for in its family before anything is withdrawn, also where it has been there all along. */
  readonly awaitsTarget: boolean
  /** The instances that still run a withdrawn image are listed at the end. */
  readonly listsInstances: boolean
  /** What it means when a newer image of somebody else is served at the end. */
  readonly overtaken: Expectation['overtaken']
  /** What the family resolves to is verified. */
  expectsTarget(request: R): boolean
  withdrawing(request: R): Withdrawing
  /** What a person can do where images that have to be withdrawn are shared. */
  readonly explainShared?: (refusal: Refusal, homeTarget: Image | undefined) => Refusal
  record(request: R, decided: { readonly change: Change; readonly now: number }): RecordSteps | Refusal
  /** Compares what the family resolves to with `expected-image-id`, directly before the first visible step. */
  confirmExpected(request: R, change: Change, current: Image | undefined): readonly Step[]
  /** Tags that the user wants on the target. */
  tagTarget(request: R, target: Image): readonly Step[]
  /** What there is to say about images that become current as soon as they are created. */
  noticePending(request: R, pending: readonly Image[]): readonly Notice[]
}

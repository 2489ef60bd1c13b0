/** What the engine needs from outside, in the words of the domain. `ecs/` and `github/` provide it. */

import type { Answer, Permission, Query } from '../family/plan/query.ts'
import type { DryRunStep, StepOfKind } from '../family/plan/steps.ts'
import type { ActionError } from './action-error.ts'
import type { Clock } from './clock.ts'

/** Queries that one look at ECS answers. The engine answers the others itself. */
export type LookQuery = Extract<
  Query,
  {
    ask:
      | 'current'
      | 'members'
      | 'visible'
      | 'image'
      | 'named'
      | 'made'
      | 'copies'
      | 'used'
      | 'leftovers'
      | 'claimed'
      | 'own'
      | 'shares'
      | 'instance'
  }
>

/** Steps that change something in ECS. */
export type Write = StepOfKind<'write'>

/** Steps that create an image. */
export type Create = StepOfKind<'create'>

export type CreateAnswer =
  | { readonly kind: 'accepted'; readonly image: string }
  /** An image already has that name, perhaps from an earlier request whose answer was lost. */
  | { readonly kind: 'name-taken'; readonly error: ActionError }
  /** The ClientToken was used for another request. */
  | { readonly kind: 'token-used'; readonly error: ActionError }

/** The last look before a request. @throws ActionError: the request is not sent */
export type BeforeRequest = () => Promise<void>

export interface Ecs {
  look<const Q extends LookQuery>(question: Q): Promise<Answer<Q>>
  /** IDs of the instances that run one of these images. */
  instancesOf(region: string, images: readonly string[]): Promise<readonly string[]>
  /** Carries out the step. It counts as done if an earlier request, whose answer was lost, has done it. */
  write(step: Write): Promise<void>
  /**
   * Begins to create an image.
   * @param renewal of the ClientToken, see `clientTokenOf`
   * @param beforeEach called directly before each request, as long as ECS has created nothing for sure: it may be asked
   * again much later
   */
  create(step: Create, renewal: number, beforeEach?: BeforeRequest): Promise<CreateAnswer>
  /** Whether ECS would carry out the step, according to its own DryRun. @param once see the query `permitted` */
  wouldPermit(step: DryRunStep, options?: { readonly once?: true }): Promise<Permission>
  /** ECS's time, milliseconds, known from its answers. */
  now(): number
}

/** The log of the step. `notice`, `warning` and `error` also show an annotation on the page of the run. */
export interface Log {
  info(text: string): void
  notice(text: string): void
  warning(text: string): void
  error(text: string): void
  group<T>(title: string, work: () => Promise<T>): Promise<T>
}

/** State that outlives the main step: the post step starts an instance that is still stopped. */
export interface PostState {
  instanceStopped(instance: { readonly region: string; readonly instance: string }): void
  instanceStarted(): void
}

/** Everything that a run needs from outside. */
export interface Ports {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly postState: PostState
  /** Called with the ID of the image that the run chose at home, as soon as it is known. */
  readonly onImage: (image: string) => void
}

/** What the line needs from the world, in the words of the domain. `ecs/` and `github/` provide it. */

import type { Answer, Permission, Query } from '../family/plan/query.ts'
import type { Step, StepOfKind } from '../family/plan/steps.ts'
import type { ActionError } from './action-error.ts'
import type { Clock } from './clock.ts'

/** Questions that one look at ECS answers. The others are about time, and the line answers them itself. */
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
      | 'own'
      | 'shares'
      | 'instance'
  }
>

/** Steps that ECS carries out. The others are looks, and the line takes them itself. */
export type Write = StepOfKind<'write'>

/** Steps that make an image. */
export type Create = StepOfKind<'create'>

export type CreateAnswer =
  | { readonly kind: 'accepted'; readonly image: string }
  /** An image has that name already, perhaps from an earlier request whose answer was lost. */
  | { readonly kind: 'name-taken'; readonly error: ActionError }
  /** The ClientToken stands for another request. */
  | { readonly kind: 'token-used'; readonly error: ActionError }

export interface Ecs {
  look<const Q extends LookQuery>(question: Q): Promise<Answer<Q>>
  /** IDs of the instances that run one of these images. */
  instancesOf(region: string, images: readonly string[]): Promise<readonly string[]>
  /** Carries the step out; where an earlier, lost request has done so, that counts. */
  write(step: Write): Promise<void>
  /** @param renewal of the ClientToken, see `clientTokenOf` */
  create(step: Create, renewal: number): Promise<CreateAnswer>
  /** Whether ECS would carry the step out, by its own DryRun. */
  wouldPermit(step: Step): Promise<Permission>
  /** ECS's time as its answers tell it, milliseconds. */
  now(): number
}

/** The log of the step; an annotation is for those who only see the run's page. */
export interface Log {
  info(text: string): void
  notice(text: string): void
  warning(text: string): void
  error(text: string): void
  group<T>(title: string, work: () => Promise<T>): Promise<T>
}

/** What outlives the main step: its post step starts an instance that is still stopped. */
export interface PostState {
  instanceStopped(instance: { readonly region: string; readonly instance: string }): void
  instanceStarted(): void
}

/** All that a run needs from the world. */
export interface Ports {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly postState: PostState
  /** Told the image that the run settles on at home as soon as it is known. */
  readonly onImage: (image: string) => void
}

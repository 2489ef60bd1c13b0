/** What a step is carried out with, and its result. */

import type { Image } from '../family/model/image.ts'
import type { Clock } from './clock.ts'
import type { Sighting } from './observations.ts'
import type { SkipCode } from './outcome.ts'
import type { Ecs, Log, PostState } from './ports.ts'

export interface StepContext {
  readonly ecs: Ecs
  readonly clock: Clock
  readonly log: Log
  readonly postState: PostState
  /** Aborted when the round ends early: images are waited for in the next one. */
  readonly roundEnd: AbortSignal
  /** Called with the ID of an image as soon as ECS has accepted the request to create it. */
  readonly onCreated: (image: string) => void
  /** The image that the step before created, as it was seen then: the wait for it begins with that look. */
  readonly justCreated: Image | undefined
  /** Records what is known without a look: that an image is gone. */
  readonly record: (sighting: Sighting) => void
}

export type StepResult =
  | { readonly kind: 'done' /** The image that the step created, if it was seen. */; readonly seen?: Image | undefined }
  /** Done: the image can no longer become current, and later steps about it are skipped. */
  | { readonly kind: 'lost'; readonly seen?: undefined }
  /** `reason` is for people. */
  | { readonly kind: 'skipped'; readonly code: SkipCode; readonly reason?: string }
  /** The round ended before it was done. */
  | { readonly kind: 'interrupted' }

/** One region's family, as ECS tells it. */
import type { Image } from './image.ts'

export interface FamilyState {
  /** What ECS says that the family resolves to. */
  readonly current: Image | undefined
  /** Own images of the family. */
  readonly members: readonly Image[]
  /** All images that may carry this run's decision, the members among them. */
  readonly known: readonly Image[]
}

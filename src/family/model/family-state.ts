/** One region's family, as ECS tells it. */
import type { Image } from './image.ts'

export interface FamilyState {
  readonly region: string
  /** What ECS says that the family resolves to. */
  readonly current: Image | undefined
  /** Own images of the family, whatever their status. */
  readonly members: readonly Image[]
  /** Members of the quarantine family, where one is named. */
  readonly quarantined: readonly Image[]
  /** All images that may carry this run's decision: members, quarantined ones, copies, images moved by an earlier attempt. */
  readonly known: readonly Image[]
}

/** The family in one region, as ECS reports it. */
import type { Image } from './image.ts'

export interface FamilyState {
  readonly region: string
  /** The image that the family resolves to. */
  readonly current: Image | undefined
  /** Own images of the family, whatever their status. */
  readonly members: readonly Image[]
  /** Members of the quarantine family, if one is named. */
  readonly quarantined: readonly Image[]
  /** All images that may have a record of this run: members, quarantined ones, copies, images moved by an earlier attempt. */
  readonly known: readonly Image[]
}

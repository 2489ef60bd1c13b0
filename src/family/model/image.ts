/**
 * One ECS image as the domain sees it, and the only order that a family has: by creation time.
 * Everything here is pure.
 */

import type { Tags } from './tags.ts'

/** As ECS spells them (`UnAvailable` included). */
export const imageStatuses = ['Waiting', 'Creating', 'Available', 'UnAvailable', 'CreateFailed', 'Deprecated'] as const
export type ImageStatus = (typeof imageStatuses)[number]

export interface Image {
  readonly id: string
  readonly region: string
  readonly name: string
  /** Empty when the image is in no family. */
  readonly family: string
  readonly version: string
  readonly description: string
  readonly status: ImageStatus
  /** UTC, to the second: `2026-04-01T08:30:00Z`. */
  readonly creationTime: string
  /** Percent; undefined where ECS says nothing usable. */
  readonly progress: number | undefined
  /** `false` only where ECS said so; it may lag behind `Available`. */
  readonly usable: boolean | undefined
  /** `self` for an image of this account, else `others`, `system` or `marketplace`. */
  readonly ownerAlias: string
  readonly architecture: string
  readonly osName: string
  /** Made by CopyImage. */
  readonly isCopied: boolean
  /** IDs of the snapshots that its disks rest on. */
  readonly snapshots: readonly string[]
  readonly tags: Tags
}

/** What ECS refers to: an image, and the family that names it. */
export interface FamilyRef {
  readonly region: string
  readonly family: string
}

/** The creation time of an image made at `now`: none is made in the second of the one before. */
export const secondAfter = (now: number): string => `${new Date(now + 1000).toISOString().slice(0, 19)}Z`

/** Each image once; of several answers about one, the last. */
export const distinctImages = (images: readonly Image[]): Image[] => [
  ...new Map(images.map((image) => [image.id, image])).values(),
]

export const isAvailable = (image: Image): boolean => image.status === 'Available'
export const isPending = (image: Image): boolean => image.status === 'Creating' || image.status === 'Waiting'
export const isFailed = (image: Image): boolean => image.status === 'CreateFailed' || image.status === 'UnAvailable'

/** Available, and not reported as unusable: ECS may say Available before an instance can start from it. */
export const isReady = (image: Image): boolean => isAvailable(image) && image.usable !== false

export const createdAt = (image: Image): number => Date.parse(image.creationTime)
export const isNewer = (image: Image, than: Image): boolean => createdAt(image) > createdAt(than)
export const createdInSameSecond = (image: Image, other: Image): boolean =>
  image.id !== other.id && createdAt(image) === createdAt(other)

export const oldestFirst = (images: readonly Image[]): Image[] =>
  [...images].sort((a, b) => createdAt(a) - createdAt(b) || a.id.localeCompare(b.id))
export const newestFirst = (images: readonly Image[]): Image[] => oldestFirst(images).reverse()

/** Images in the contest of a family, newest first. */
export const availableNewestFirst = (images: readonly Image[]): Image[] => newestFirst(images.filter(isAvailable))

/** `web-v2 (m-bp1…)`: a name for people, the ID for everything else. */
export const label = (image: Image): string =>
  image.name && image.name !== image.id ? `${image.name} (${image.id})` : image.id

export const listLabels = (images: readonly Image[]): string => images.map(label).join(', ')

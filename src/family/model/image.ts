/** One ECS image as the domain sees it, and the order of a family: by creation time. */

import type { Tags } from './tags.ts'

/** As ECS spells them, including `UnAvailable`. */
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
  /** Percent; undefined if ECS reports nothing usable. */
  readonly progress: number | undefined
  /** `false` only if ECS says so; it may lag behind `Available`. */
  readonly usable: boolean | undefined
  /** `self` for an image of this account; otherwise `others`, `system` or `marketplace`. */
  readonly ownerAlias: string
  readonly architecture: string
  readonly osName: string
  /** Created by CopyImage. */
  readonly isCopied: boolean
  /** IDs of the snapshots of its disks. */
  readonly snapshots: readonly string[]
  readonly tags: Tags
}

/** A family in one region. */
export interface FamilyRef {
  readonly region: string
  readonly family: string
}

/**
 * A provisional creation time for an image that is created now: one second later, so that it is newer than all others.
 * @param now ECS's time, milliseconds
 */
export const secondAfter = (now: number): string => `${new Date(now + 1000).toISOString().slice(0, 19)}Z`

/** Each image once; the last of several answers about the same image counts. */
export const distinctImages = (images: readonly Image[]): Image[] => [
  ...new Map(images.map((image) => [image.id, image])).values(),
]

export const isAvailable = (image: Image): boolean => image.status === 'Available'
export const isPending = (image: Image): boolean => image.status === 'Creating' || image.status === 'Waiting'
export const isFailed = (image: Image): boolean => image.status === 'CreateFailed' || image.status === 'UnAvailable'

/** Available and not reported as unusable: ECS may say Available before an instance can be launched from the image. */
export const isReady = (image: Image): boolean => isAvailable(image) && image.usable !== false

export const createdAt = (image: Image): number => Date.parse(image.creationTime)
export const isNewer = (image: Image, than: Image): boolean => createdAt(image) > createdAt(than)
export const createdInSameSecond = (image: Image, other: Image): boolean =>
  image.id !== other.id && createdAt(image) === createdAt(other)

export const oldestFirst = (images: readonly Image[]): Image[] =>
  [...images].sort((a, b) => createdAt(a) - createdAt(b) || a.id.localeCompare(b.id))
export const newestFirst = (images: readonly Image[]): Image[] => oldestFirst(images).reverse()

/** Images that can be current, newest first. */
export const availableNewestFirst = (images: readonly Image[]): Image[] => newestFirst(images.filter(isAvailable))

/**
 * The image that a family should fall back to: the newest one that is usable now, otherwise the newest.
 * @param images available ones, newest first
 */
export const preferUsable = (images: readonly Image[]): Image | undefined => images.find(isReady) ?? images[0]

/** `web-v2 (m-bp1…)`: name and ID, for people. */
export const label = (image: Image): string =>
  image.name && image.name !== image.id ? `${image.name} (${image.id})` : image.id

export const listLabels = (images: readonly Image[]): string => images.map(label).join(', ')

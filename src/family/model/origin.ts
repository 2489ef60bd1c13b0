/** The origin of an image: copies of one image have the same, in every region. */

import type { Image } from './image.ts'
import { tag } from './tags.ts'

/** The tag counts only on an image that ECS calls a copy: people and backup tools copy tags to other images. */
export const isTaggedCopy = ({ isCopied, tags }: Image): boolean => isCopied && tag.origin in tags

/**
 * `<region>/<image ID>` of the first image; copies and copies of copies share it. Any other image is its own origin. A
 * public image has the same ID in every region, so its origin is the ID alone.
 */
export const originOf = (image: Image): string =>
  (isTaggedCopy(image) ? image.tags[tag.origin] : undefined) ??
  (image.ownerAlias === 'self' ? `${image.region}/${image.id}` : image.id)

/** Undefined if the origin names no image in a region: of a public image, or by a tag that was set by hand. */
export function originParts(image: Image): { readonly region: string; readonly id: string } | undefined {
  const [region = '', id = '', ...rest] = originOf(image).split('/')
  return region !== '' && id !== '' && rest.length === 0 ? { region, id } : undefined
}

export const haveSameOrigin = (image: Image, other: Image): boolean => originOf(image) === originOf(other)

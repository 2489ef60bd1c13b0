/** Which images are one and the same, wherever they stand. */

import type { Image } from './image.ts'
import { tag } from './tags.ts'

/**
 * `<region>/<image id>` of the first image: copies of one image, and copies of copies, have the same. An image without
 * the tag is its own origin. A public image has the same ID everywhere, so that alone says which it is.
 */
export const originOf = (image: Image): string =>
  image.tags[tag.origin] ?? (image.ownerAlias === 'self' ? `${image.region}/${image.id}` : image.id)

/** Undefined for an origin that names no image of a region, as a tag set by hand may. */
export function originParts(image: Image): { readonly region: string; readonly id: string } | undefined {
  const [region = '', id = '', ...rest] = originOf(image).split('/')
  return region !== '' && id !== '' && rest.length === 0 ? { region, id } : undefined
}

export const haveSameOrigin = (image: Image, other: Image): boolean => originOf(image) === originOf(other)

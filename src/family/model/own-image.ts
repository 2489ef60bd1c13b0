/**
 * Which images a run has made. Tags do not tell it by themselves: people and backup tools copy tags to other images. The
 * name has to fit as well, and names are unique in a region.
 */

import type { Image } from './image.ts'
import { originOf } from './origin.ts'
import { imageNameOf, type Run } from './run.ts'
import { tag } from './tags.ts'

export interface NamedRun {
  readonly run: Run
  readonly family: string
  /** The name that the user chose; undefined: it is made of family and run. */
  readonly imageName: string | undefined
}

/** A failed image gets this name, so that the name that the user chose is free again. */
export function nameOfFailed(imageName: string, id: string, generation: number): string {
  const tail = `-failed-${generation}-${id.slice(-8)}`
  return [...imageName].slice(0, 128 - tail.length).join('') + tail
}

function hasFittingName({ id, name }: Image, { run, family, imageName }: NamedRun): boolean {
  if (imageName === undefined) {
    const number = Number(/-(\d+)$/.exec(name)?.[1] ?? 1)
    return [imageNameOf(run, family, 0), imageNameOf(run, family, number - 1)].includes(name)
  }
  const generation = /-failed-(\d+)-[^-]+$/.exec(name)?.[1]
  return name === imageName || (generation !== undefined && name === nameOfFailed(imageName, id, Number(generation)))
}

/** Whether CreateImage has made the image for this run. @param image with the tag of the run */
export const isMadeBy = (image: Image, named: NamedRun): boolean => !image.isCopied && hasFittingName(image, named)

/** The image has the name that its run has made up for it: nobody else gives an image that name. */
const hasGeneratedName = ({ name, tags }: Image): boolean => {
  const digest = /-\d+-([0-9a-f]{8})(-\d+)?$/.exec(name)?.[1]
  return digest !== undefined && (tags[tag.run] ?? '').slice(0, -2).endsWith(`-${digest}`)
}

/** A run makes one image in a region, so of two with its tag one is not its own: the one whose name does not fit. */
const areTagsCopied = (from: Image, to: Image): boolean =>
  from.id !== to.id && from.tags[tag.run] === to.tags[tag.run] && hasGeneratedName(from) && !hasGeneratedName(to)

/** The image whose tags were copied to this one, if it is known. @param others images of the same region */
export const findTagSource = (image: Image, others: readonly Image[]): Image | undefined =>
  tag.run in image.tags ? others.find((other) => areTagsCopied(other, image)) : undefined

/** An image to which the tags of this one were copied. */
export const findTagCopy = (image: Image, others: readonly Image[]): Image | undefined =>
  tag.run in image.tags ? others.find((other) => areTagsCopied(image, other)) : undefined

/** The action tags every copy that it makes with its origin. On another image that tag can only name the image itself. */
export const hasConsistentTags = (image: Image): boolean => {
  const { tags, isCopied } = image
  return tag.origin in tags ? tags[tag.origin] === originOf(image) : !(isCopied && tag.run in tags)
}

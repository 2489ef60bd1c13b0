/** What has been seen of families and images: the last answer about each. Values, never changed in place. */
import type { FamilyRef, Image } from '../family/model/image.ts'
import { originOf } from '../family/model/origin.ts'
import { tag } from '../family/model/tags.ts'
import type { Query } from '../family/plan/query.ts'

interface FamilySeen extends FamilyRef {
  /** What ECS said last that the family resolves to; null: to nothing. Absent: not known. */
  readonly current?: Image | null
  /** Absent: they were not looked at. */
  readonly members?: readonly Image[]
}

export interface Observations {
  /** By `<region> <family>`, in the order in which they were looked at first. */
  readonly families: Readonly<Record<string, FamilySeen>>
  /** By ID. */
  readonly images: Readonly<Record<string, Image>>
  /** By image ID: what its copies have in common. Not every answer of ECS need hold the tags. */
  readonly origins: Readonly<Record<string, string>>
}

export const nothingSeen: Observations = { families: {}, images: {}, origins: {} }

const keyOf = ({ region, family }: FamilyRef): string => `${region} ${family}`

export function withImage(seen: Observations, image: Image): Observations {
  // What a family resolves to is told without it.
  const usable = image.usable ?? seen.images[image.id]?.usable
  const isClear = tag.origin in image.tags || !(image.id in seen.origins)
  const origins = isClear ? { ...seen.origins, [image.id]: originOf(image) } : seen.origins
  return { ...seen, origins, images: { ...seen.images, [image.id]: { ...image, usable } } }
}

export function withoutImage(seen: Observations, id: string): Observations {
  const { [id]: _, ...images } = seen.images
  return { ...seen, images }
}

/** With an answer of ECS to a query. */
export function withAnswer(seen: Observations, query: Query, answer: unknown): Observations {
  const images = [answer].flat().filter(isImage)
  const known = images.reduce(withImage, seen)
  if (query.ask === 'current') return withFamily(known, query, { current: images[0] ?? null })
  return query.ask === 'members' ? withFamily(known, query, { members: images }) : known
}

function withFamily(seen: Observations, { region, family }: FamilyRef, facts: Partial<FamilySeen>): Observations {
  const key = keyOf({ region, family })
  return { ...seen, families: { ...seen.families, [key]: { ...seen.families[key], region, family, ...facts } } }
}

/** What was said of a family no longer holds, and what does was not looked at. */
export function forgetFamily(seen: Observations, family: FamilyRef): Observations {
  const { [keyOf(family)]: _, ...families } = seen.families
  return { ...seen, families }
}

/** Whether it is known what the family resolves to. */
export const knowsCurrent = (seen: Observations, family: FamilyRef): boolean =>
  seen.families[keyOf(family)]?.current !== undefined

/** What ECS said last that the family resolves to. */
export const currentIn = (seen: Observations, family: FamilyRef): Image | undefined =>
  seen.families[keyOf(family)]?.current ?? undefined

/** Undefined when they were not looked at. */
export const membersIn = (seen: Observations, family: FamilyRef): readonly Image[] | undefined =>
  seen.families[keyOf(family)]?.members

/** Of an image that was seen: what its copies have in common. */
export const originIn = (seen: Observations, id: string): string => seen.origins[id] ?? id

const isImage = (value: unknown): value is Image =>
  typeof value === 'object' && value !== null && 'creationTime' in value

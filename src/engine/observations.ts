/** What has been seen of families and images: the last answer about each. Values, never changed in place. */
import type { FamilyRef, Image } from '../family/model/image.ts'
import { originOf } from '../family/model/origin.ts'
import { tag } from '../family/model/tags.ts'
import type { Query } from '../family/plan/query.ts'

export interface FamilySeen extends FamilyRef {
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

export const withImages = (seen: Observations, images: readonly Image[]): Observations => ({
  ...seen,
  images: { ...seen.images, ...byId(images, (image) => withUsable(image, seen.images[image.id])) },
  origins: { ...seen.origins, ...byId(images.filter(isClear(seen)), originOf) },
})

const byId = <T>(images: readonly Image[], value: (image: Image) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(images.map((image) => [image.id, value(image)]))

/** What a family resolves to is told without `usable`. */
const withUsable = (image: Image, known: Image | undefined): Image =>
  image.usable === undefined && known?.usable !== undefined ? { ...image, usable: known.usable } : image

const isClear =
  ({ origins }: Observations) =>
  ({ id, tags }: Image): boolean =>
    tag.origin in tags || !(id in origins)

export function withoutImage(seen: Observations, id: string): Observations {
  const { [id]: _, ...images } = seen.images
  return { ...seen, images }
}

/** With an answer of ECS to a query; one copy, however many images it names. */
export function withAnswer(seen: Observations, query: Query, answer: unknown): Observations {
  const images = [answer].flat().filter(isImage)
  const known = images.length === 0 ? seen : withImages(seen, images)
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

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

/** What changes what is known. */
export type Sighting =
  | { readonly kind: 'answer'; readonly query: Query; readonly answer: unknown }
  /** The image does not exist any more. */
  | { readonly kind: 'gone'; readonly image: string }
  /** What was said of the family no longer holds, and what does was not looked at. */
  | { readonly kind: 'outdated'; readonly family: FamilyRef }

/** One copy, however many sightings there are, and images in them. */
export function withSightings(seen: Observations, sightings: readonly Sighting[]): Observations {
  if (sightings.length === 0) return seen
  const known: Known = {
    families: new Map(Object.entries(seen.families)),
    images: new Map(Object.entries(seen.images)),
    origins: new Map(Object.entries(seen.origins)),
  }
  for (const sighting of sightings) addSighting(known, sighting)
  return {
    families: Object.fromEntries(known.families),
    images: Object.fromEntries(known.images),
    origins: Object.fromEntries(known.origins),
  }
}

/** Lives only while sightings are added. */
interface Known {
  readonly families: Map<string, FamilySeen>
  readonly images: Map<string, Image>
  readonly origins: Map<string, string>
}

function addSighting(known: Known, sighting: Sighting): void {
  if (sighting.kind === 'gone') known.images.delete(sighting.image)
  else if (sighting.kind === 'outdated') known.families.delete(keyOf(sighting.family))
  else addAnswer(known, sighting.query, sighting.answer)
}

function addAnswer(known: Known, query: Query, answer: unknown): void {
  const images = [answer].flat().filter(isImage)
  for (const image of images) addImage(known, image)
  if (query.ask === 'current') addFamily(known, query, { current: images[0] ?? null })
  if (query.ask === 'members') addFamily(known, query, { members: images })
}

function addImage({ images, origins }: Known, image: Image): void {
  // What a family resolves to is told without it.
  const usable = image.usable ?? images.get(image.id)?.usable
  images.set(image.id, { ...image, usable })
  const isClear = tag.origin in image.tags || !origins.has(image.id)
  if (isClear) origins.set(image.id, originOf(image))
}

function addFamily({ families }: Known, { region, family }: FamilyRef, facts: Partial<FamilySeen>): void {
  const key = keyOf({ region, family })
  families.set(key, { ...families.get(key), region, family, ...facts })
}

const keyOf = ({ region, family }: FamilyRef): string => `${region} ${family}`

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

/** What has been seen of families and images: the last answer about each. Observations are never changed in place. */
import type { FamilyRef, Image } from '../family/model/image.ts'
import { isTaggedCopy, originOf } from '../family/model/origin.ts'
import type { Query } from '../family/plan/query.ts'

export interface FamilySeen extends FamilyRef {
  /** The image that the family last resolved to; null: nothing. Absent: not known. */
  readonly current?: Image | null
  /** Absent: not looked at. */
  readonly members?: readonly Image[]
}

export interface Observations {
  /** By `<region> <family>`, in the order of the first look at each. */
  readonly families: Readonly<Record<string, FamilySeen>>
  /** By ID. */
  readonly images: Readonly<Record<string, Image>>
  /** Origins by image ID, kept because not every answer of ECS contains the tags. */
  readonly origins: Readonly<Record<string, string>>
}

export const nothingSeen: Observations = { families: {}, images: {}, origins: {} }

/** One thing that was seen. */
export type Sighting =
  | { readonly kind: 'answer'; readonly query: Query; readonly answer: unknown }
  /** The image no longer exists. */
  | { readonly kind: 'gone'; readonly image: string }
  /** What is known of the family no longer holds, and nobody has looked again. */
  | { readonly kind: 'outdated'; readonly family: FamilyRef }

/** Adds sightings. The observations are copied only once, however many sightings there are. */
export function withSightings(seen: Observations, sightings: readonly Sighting[]): Observations {
  if (sightings.length === 0) return seen
  const known: MutableObservations = {
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
interface MutableObservations {
  readonly families: Map<string, FamilySeen>
  readonly images: Map<string, Image>
  readonly origins: Map<string, string>
}

function addSighting(known: MutableObservations, sighting: Sighting): void {
  if (sighting.kind === 'gone') known.images.delete(sighting.image)
  else if (sighting.kind === 'outdated') known.families.delete(keyOf(sighting.family))
  else addAnswer(known, sighting.query, sighting.answer)
}

function addAnswer(known: MutableObservations, query: Query, answer: unknown): void {
  const images = [answer].flat().filter(isImage)
  for (const image of images) addImage(known, image)
  if (query.ask === 'current') addFamily(known, query, { current: images[0] ?? null })
  if (query.ask === 'members') addFamily(known, query, { members: images })
}

function addImage({ images, origins }: MutableObservations, image: Image): void {
  // DescribeImageFromFamily does not report it.
  const usable = image.usable ?? images.get(image.id)?.usable
  images.set(image.id, { ...image, usable })
  const isClear = isTaggedCopy(image) || !origins.has(image.id)
  if (isClear) origins.set(image.id, originOf(image))
}

function addFamily({ families }: MutableObservations, { region, family }: FamilyRef, facts: Partial<FamilySeen>): void {
  const key = keyOf({ region, family })
  families.set(key, { ...families.get(key), region, family, ...facts })
}

const keyOf = ({ region, family }: FamilyRef): string => `${region} ${family}`

/** Whether it is known what the family resolves to. */
export const knowsCurrent = (seen: Observations, family: FamilyRef): boolean =>
  seen.families[keyOf(family)]?.current !== undefined

/** The image that the family last resolved to. */
export const currentIn = (seen: Observations, family: FamilyRef): Image | undefined =>
  seen.families[keyOf(family)]?.current ?? undefined

/** The members of the family; undefined when they were not looked at. */
export const membersIn = (seen: Observations, family: FamilyRef): readonly Image[] | undefined =>
  seen.families[keyOf(family)]?.members

/** The origin of an image that was seen; otherwise its own ID. */
export const originIn = (seen: Observations, id: string): string => seen.origins[id] ?? id

const isImage = (value: unknown): value is Image =>
  typeof value === 'object' && value !== null && 'creationTime' in value

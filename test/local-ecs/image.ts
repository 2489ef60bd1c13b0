import type { SystemFacts } from './snapshot.ts'
import { LINUX } from './snapshot.ts'
import { type Tagged, tagsAt } from './tags.ts'
import type { Region, World } from './world.ts'

export type ImageStatus = 'Waiting' | 'Creating' | 'Available' | 'UnAvailable' | 'CreateFailed' | 'Deprecated'

export interface ImageDisk {
  readonly snapshotId: string
  readonly type: 'system' | 'data'
  readonly device: string
  readonly size: number
  readonly encrypted: boolean
}

/** What writes change. A write replaces the whole, so that reads that lag behind can show the earlier one. */
export interface ImageAttributes {
  readonly name: string
  /** Empty: in no family. */
  readonly family: string
  readonly description: string
  /** Set once somebody decided on a status; until then it follows from the times below. */
  readonly status: ImageStatus | undefined
  readonly bootMode: string
  readonly imdsSupport: string
  readonly nvmeSupport: string
  readonly licenseType: string
  /** UID to the time of sharing. */
  readonly sharedWith: Readonly<Record<string, number>>
  /** A community image. */
  readonly isPublic: boolean
}

export interface Image extends Tagged {
  readonly id: string
  readonly region: string
  /** A UID, or `system` for Alibaba Cloud's public images. */
  readonly owner: string
  readonly version: string
  readonly resourceGroupId: string
  readonly system: SystemFacts
  readonly disks: readonly ImageDisk[]
  readonly kmsKeyId: string
  readonly creationTime: number
  /** A copy whose CreationTime becomes that of its completion. */
  readonly dateOnCompletion: boolean
  readonly copyOf: { readonly region: string; readonly id: string } | undefined
  readonly sourceInstanceId: string | undefined
  /** When the request was accepted; seeded images have been there for ever. */
  readonly bornAt: number
  startsAt: number
  readyAt: number
  readonly fails: boolean
  /** Overrule the schedule, for seeded images. */
  readonly progress: number | undefined
  readonly usable: boolean | undefined
  attributes: ImageAttributes
  earlier: { readonly until: number; readonly attributes: ImageAttributes }[]
  deletedAt: number | undefined
}

export type NewImage = Partial<Omit<Image, 'region' | 'attributes' | 'earlier' | 'earlierTags' | 'deletedAt'>> & {
  owner: string
  attributes?: Partial<ImageAttributes>
}

const PLAIN: ImageAttributes = {
  name: '',
  family: '',
  description: '',
  status: undefined,
  bootMode: 'BIOS',
  imdsSupport: 'v1',
  nvmeSupport: 'supported',
  licenseType: 'Auto',
  sharedWith: {},
  isPublic: false,
}

export function addImage(world: World, region: Region, fields: NewImage): Image {
  const id = fields.id ?? world.newId('m', region)
  const image: Image = {
    version: '',
    resourceGroupId: '',
    system: LINUX,
    disks: [],
    kmsKeyId: '',
    creationTime: 0,
    dateOnCompletion: false,
    copyOf: undefined,
    sourceInstanceId: undefined,
    bornAt: Number.NEGATIVE_INFINITY,
    startsAt: 0,
    readyAt: 0,
    fails: false,
    progress: undefined,
    usable: undefined,
    tags: {},
    ...fields,
    id,
    region: region.id,
    attributes: { ...PLAIN, ...fields.attributes, name: fields.attributes?.name || id },
    earlier: [],
    earlierTags: [],
    deletedAt: undefined,
  }
  region.images.set(id, image)
  return image
}

export function writeImage(image: Image, change: Partial<ImageAttributes>, now: number): void {
  image.earlier.push({ until: now, attributes: image.attributes })
  image.attributes = { ...image.attributes, ...change }
}

export function attributesAt(image: Image, time: number): ImageAttributes {
  return image.earlier.find((earlier) => earlier.until > time)?.attributes ?? image.attributes
}

export function existsAt(image: Image, time: number): boolean {
  return image.bornAt <= time && (image.deletedAt === undefined || image.deletedAt > time)
}

/** How far the work on it is at a time, whatever anybody decided about it since. */
function scheduled(image: Image, time: number): ImageStatus {
  if (time < image.startsAt) return 'Waiting'
  if (time < image.readyAt) return 'Creating'
  return image.fails ? 'CreateFailed' : 'Available'
}

export function statusOf(image: Image, time: number, attributes = image.attributes): ImageStatus {
  return attributes.status ?? scheduled(image, time)
}

export function isUnfinished(image: Image, now: number): boolean {
  return ['Waiting', 'Creating'].includes(statusOf(image, now))
}

export function progressOf(image: Image, now: number): number {
  if (image.progress !== undefined) return image.progress
  const status = statusOf(image, now)
  if (status === 'Waiting') return 0
  if (now >= image.readyAt || status === 'Available' || status === 'Deprecated') return 100
  if (image.readyAt === Number.POSITIVE_INFINITY) return 50
  return Math.floor((100 * (now - image.startsAt)) / (image.readyAt - image.startsAt))
}

export function isUsable(image: Image, world: World): boolean {
  if (image.usable !== undefined) return image.usable
  const status = statusOf(image, world.clock.now())
  const due = world.clock.now() >= image.readyAt + world.switches.usableDelaySeconds * 1000
  return due && !image.fails && status !== 'UnAvailable' && status !== 'CreateFailed' && status !== 'Waiting'
}

export function creationTimeOf(image: Image, now: number): number {
  return image.dateOnCompletion && now >= image.readyAt ? Math.floor(image.readyAt / 1000) * 1000 : image.creationTime
}

/** How an account comes to see an image, or undefined when it does not. */
export type Relation = 'self' | 'system' | 'shared' | 'community'

export function relationTo(image: Image, uid: string, attributes = image.attributes): Relation | undefined {
  if (image.owner === 'system') return 'system'
  if (image.owner === uid) return 'self'
  if (Object.hasOwn(attributes.sharedWith, uid)) return 'shared'
  return attributes.isPublic ? 'community' : undefined
}

/** Only the owner sees a family by its bare name. */
export function familyFor(image: Image, uid: string, attributes = image.attributes): string {
  const { family } = attributes
  const bare = family === '' || image.owner === 'system' || image.owner === uid
  return bare ? family : `acs:${image.owner}:${family}`
}

export function visibleTags(image: Image, world: World): Record<string, string> {
  return tagsAt(image, world.clock.now() - world.switches.staleTagSeconds * 1000)
}

export function liveImages(region: Region): Image[] {
  return [...region.images.values()].filter((image) => image.deletedAt === undefined)
}

export function inUse(image: Image, world: World): boolean {
  return [...world.regions.values()].some((region) =>
    [...region.instances.values()].some((instance) => instance.imageId === image.id),
  )
}

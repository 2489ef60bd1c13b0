import { toSecond } from './clock.ts'
import {
  creationTimeOf,
  type Image,
  type ImageDisk,
  type ImageStatus,
  isUsable,
  liveImages,
  progressOf,
  statusOf,
} from './image.ts'
import { type Instance, type InstanceDisk, type InstanceStatus, instanceStatus } from './instance.ts'
import { type Snapshot, snapshotStatus } from './snapshot.ts'
import type { Region, World } from './world.ts'

/** An image as it truly is now, never stale, for tests to read. */
export interface ImageView {
  id: string
  region: string
  /** The owner's UID, or `system`. */
  account: string
  name: string
  family: string
  version: string
  description: string
  status: ImageStatus
  progress: number
  usable: boolean
  creationTime: string
  tags: Record<string, string>
  sharedWith: string[]
  isPublic: boolean
  isCopied: boolean
  copyOf: { region: string; id: string } | undefined
  sourceInstanceId: string | undefined
  snapshotIds: string[]
  disks: ImageDisk[]
  encrypted: boolean
  kmsKeyId: string
  architecture: string
  platform: string
  osType: string
  osName: string
  bootMode: string
  imdsSupport: string
  licenseType: string
  resourceGroupId: string
}

export interface InstanceView {
  id: string
  region: string
  account: string
  name: string
  status: InstanceStatus
  stoppedMode: string
  imageId: string
  locks: string[]
  tags: Record<string, string>
  startTime: string
  autoReleaseTime: string | undefined
  disks: InstanceDisk[]
}

export interface SnapshotView {
  id: string
  region: string
  account: string
  name: string
  status: string
  sourceDiskType: string
  size: number
  encrypted: boolean
  creationTime: string
  tags: Record<string, string>
}

export function viewImage(image: Image, world: World): ImageView {
  const now = world.clock.now()
  const { attributes, system } = image
  const { name, family, description, isPublic, bootMode, imdsSupport, licenseType } = attributes
  return {
    id: image.id,
    region: image.region,
    account: image.owner,
    name,
    family,
    version: image.version,
    description,
    status: statusOf(image, now),
    progress: progressOf(image, now),
    usable: isUsable(image, world),
    creationTime: toSecond(creationTimeOf(image, now)),
    tags: { ...image.tags },
    sharedWith: Object.keys(attributes.sharedWith),
    isPublic,
    isCopied: image.copyOf !== undefined,
    copyOf: image.copyOf && { ...image.copyOf },
    sourceInstanceId: image.sourceInstanceId,
    snapshotIds: image.disks.map((disk) => disk.snapshotId).filter((id) => id !== ''),
    disks: image.disks.map((disk) => ({ ...disk })),
    encrypted: image.disks.some((disk) => disk.encrypted),
    kmsKeyId: image.kmsKeyId,
    ...system,
    bootMode,
    imdsSupport,
    licenseType,
    resourceGroupId: image.resourceGroupId,
  }
}

export function viewInstance(instance: Instance, world: World): InstanceView {
  const { id, region, owner, name, stoppedMode, imageId, locks, tags, startTime, autoReleaseTime, disks } = instance
  return {
    id,
    region,
    account: owner,
    name,
    status: instanceStatus(instance, world.clock.now()),
    stoppedMode,
    imageId,
    locks: [...locks],
    tags: { ...tags },
    startTime: toSecond(startTime),
    autoReleaseTime: autoReleaseTime === undefined ? undefined : toSecond(autoReleaseTime),
    disks: disks.map((disk) => ({ ...disk })),
  }
}

export function viewSnapshot(snapshot: Snapshot, world: World): SnapshotView {
  const { id, region, owner, name, sourceDiskType, size, encrypted, creationTime, tags } = snapshot
  return {
    id,
    region,
    account: owner,
    name,
    status: snapshotStatus(snapshot, world.clock.now()),
    sourceDiskType,
    size,
    encrypted,
    creationTime: toSecond(creationTime),
    tags: { ...tags },
  }
}

function sorted<T extends { id: string }>(things: T[]): T[] {
  return things.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function sortedTags(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).sort())
}

function viewRegion(region: Region, world: World) {
  const now = world.clock.now()
  return {
    images: sorted(liveImages(region)).map((image) => ({
      id: image.id,
      name: image.attributes.name,
      family: image.attributes.family,
      status: statusOf(image, now),
      tags: sortedTags(image.tags),
      sharedWith: Object.keys(image.attributes.sharedWith).sort(),
      isPublic: image.attributes.isPublic,
    })),
    snapshots: sorted([...region.snapshots.values()]).map((snapshot) => ({
      id: snapshot.id,
      status: snapshotStatus(snapshot, now),
      tags: sortedTags(snapshot.tags),
    })),
    instances: sorted([...region.instances.values()]).map((instance) => ({
      id: instance.id,
      status: instanceStatus(instance, now),
      tags: sortedTags(instance.tags),
    })),
  }
}

/** No times in it, so that two runs that came to the same end by different ways are equal. */
export function viewWorld(world: World): Record<string, ReturnType<typeof viewRegion>> {
  const regions = [...world.regions.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return Object.fromEntries(regions.map((region) => [region.id, viewRegion(region, world)]))
}

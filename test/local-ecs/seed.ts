import { addImage, type ImageDisk, type ImageStatus } from './image.ts'
import { addInstance, type InstanceDisk, type InstanceStatus } from './instance.ts'
import { addSnapshot, LINUX, type SystemFacts, WINDOWS } from './snapshot.ts'
import { type ImageView, type InstanceView, type SnapshotView, viewImage, viewInstance, viewSnapshot } from './views.ts'
import type { Account, Region, World } from './world.ts'

type Optional<T> = { [K in keyof T]?: T[K] | undefined }
type Time = string | number | Date

interface Place {
  /** `cn-hangzhou` unless told otherwise. */
  region: string
  /** The default account unless told otherwise. */
  account: Account
  id: string
  name: string
  tags: Record<string, string>
}

interface System {
  osType: 'linux' | 'windows'
  osName: string
  architecture: string
  platform: string
}

export type ImageSeed = Optional<
  Place &
    System & {
      family: string
      version: string
      description: string
      status: ImageStatus
      /** Seconds until a seeded Creating or Waiting image is Available; unset: it stays as it is. */
      readyIn: number
      /** Unset: the present second, or the next one that no image of the region was created in. */
      createdAt: Time
      /** UIDs. */
      sharedWith: readonly string[]
      /** A community image. */
      isPublic: boolean
      /** A public image of Alibaba Cloud; its family begins with `acs:`. */
      system: boolean
      progress: number
      usable: boolean
      /** GiB of the system disk. */
      size: number
      /** GiB of each data disk. */
      dataDisks: readonly number[]
      encrypted: boolean
      kmsKeyId: string
      bootMode: string
      imdsSupport: string
      licenseType: string
      resourceGroupId: string
      copyOf: { region: string; id: string }
      sourceInstanceId: string
      /** Snapshots seeded before, in the order of the disks; unset: they are made. */
      snapshotIds: readonly string[]
    }
>

export type InstanceSeed = Optional<
  Place &
    System & {
      status: InstanceStatus
      locks: readonly string[]
      imageId: string
      instanceType: string
      disks: readonly Optional<Omit<InstanceDisk, 'id'>>[]
      startTime: Time
      stoppedMode: 'KeepCharging' | 'StopCharging'
      autoReleaseTime: Time
      deletionProtection: boolean
    }
>

export type SnapshotSeed = Optional<
  Place &
    System & {
      status: 'progressing' | 'accomplished' | 'failed'
      /** Seconds until a seeded progressing snapshot is accomplished. */
      readyIn: number
      sourceDiskType: 'system' | 'data'
      size: number
      createdAt: Time
      encrypted: boolean
      kmsKeyId: string
      category: string
      description: string
      hasDisks: boolean
    }
>

export interface Seed {
  image(seed?: ImageSeed): ImageView
  instance(seed?: InstanceSeed): InstanceView
  snapshot(seed?: SnapshotSeed): SnapshotView
}

const toTime = (time: Time): number => Math.floor(new Date(time).getTime() / 1000) * 1000

/** Only what is given, so that defaults stay where nothing is. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function systemFacts(seed: Optional<System>): SystemFacts {
  const base = seed.osType === 'windows' ? WINDOWS : LINUX
  const { osName, architecture, platform } = seed
  return { ...base, ...given({ osName, architecture, platform }), osNameEn: osName ?? base.osNameEn }
}

function publicId(seed: ImageSeed, region: Region): string {
  const family = (seed.family ?? 'acs:alibaba_cloud_linux_3_2104_lts_x64').replace(/^acs:/, '')
  const id = (number: number) => `${family}_20G_alibase_${20260101 + number}.vhd`
  let number = 0
  while (region.images.has(id(number))) number += 1
  return id(number)
}

function seedDisks(world: World, region: Region, seed: ImageSeed & { owner: string }): ImageDisk[] {
  const sizes = [seed.size ?? 40, ...(seed.dataDisks ?? [])]
  const { owner, encrypted = false, kmsKeyId } = seed
  return sizes.map((size, index) => {
    const type = index === 0 ? 'system' : 'data'
    const device = `/dev/xvd${String.fromCharCode(97 + index)}`
    const fields = {
      owner,
      size,
      encrypted,
      sourceDiskType: type,
      system: systemFacts(seed),
      ...given({ kmsKeyId }),
    } as const
    const snapshotId = seed.snapshotIds?.[index] ?? addSnapshot(world, region, fields).id
    return { snapshotId, type, device, size, encrypted }
  })
}

/** A seeded status stays what it is, unless it is said when it ends. */
function seedSchedule(world: World, seed: ImageSeed) {
  if (seed.readyIn === undefined) {
    const unfinished = seed.status === 'Creating' || seed.status === 'Waiting'
    return { status: seed.status ?? 'Available', startsAt: 0, readyAt: unfinished ? Number.POSITIVE_INFINITY : 0 }
  }
  const now = world.clock.now()
  const readyAt = now + seed.readyIn * 1000
  return { status: undefined, startsAt: seed.status === 'Waiting' ? readyAt : now, readyAt }
}

function seedImage(world: World, account: Account, seed: ImageSeed): ImageView {
  const region = seedRegion(world, seed)
  const owner = seed.system ? 'system' : (seed.account ?? account).uid
  const id = seed.id ?? (seed.system ? publicId(seed, region) : world.newId('m', region))
  if (region.images.has(id)) throw new Error(`There is an image ${id} in ${region.id} already.`)
  const { name, family, description, isPublic, bootMode, imdsSupport, licenseType } = seed
  const { version, resourceGroupId, copyOf, sourceInstanceId, progress, usable, kmsKeyId } = seed
  const { status, ...schedule } = seedSchedule(world, seed)
  const now = world.clock.now()
  const image = addImage(world, region, {
    ...given({ version, resourceGroupId, copyOf, sourceInstanceId, progress, usable, kmsKeyId }),
    ...schedule,
    id,
    owner,
    system: systemFacts(seed),
    disks: seedDisks(world, region, { ...seed, owner }),
    creationTime: seed.createdAt === undefined ? world.newCreationTime(region) : toTime(seed.createdAt),
    tags: { ...seed.tags },
    attributes: {
      ...given({ name, family, description, isPublic, bootMode, imdsSupport, licenseType }),
      status,
      sharedWith: Object.fromEntries((seed.sharedWith ?? []).map((uid) => [uid, now])),
    },
  })
  return viewImage(image, world)
}

function seedInstance(world: World, account: Account, seed: InstanceSeed): InstanceView {
  const region = seedRegion(world, seed)
  const disks = (seed.disks ?? [{}]).map((disk, index) => ({
    id: world.newId('d', region),
    type: disk.type ?? (index === 0 ? 'system' : 'data'),
    device: disk.device ?? `/dev/xvd${String.fromCharCode(97 + index)}`,
    size: disk.size ?? 40,
    encrypted: disk.encrypted ?? false,
    category: disk.category ?? 'cloud_essd',
  }))
  const { id, name, imageId, instanceType, stoppedMode, deletionProtection } = seed
  const instance = addInstance(world, region, {
    ...given({ id, name, imageId, instanceType, stoppedMode, deletionProtection }),
    owner: (seed.account ?? account).uid,
    system: systemFacts(seed),
    disks,
    locks: [...(seed.locks ?? [])],
    startTime: toTime(seed.startTime ?? world.clock.now() - 86_400_000),
    creationTime: toTime(seed.startTime ?? world.clock.now() - 86_400_000),
    autoReleaseTime: seed.autoReleaseTime === undefined ? undefined : toTime(seed.autoReleaseTime),
    tags: { ...seed.tags },
    moves: [{ at: Number.NEGATIVE_INFINITY, to: seed.status ?? 'Running' }],
  })
  return viewInstance(instance, world)
}

function seedSnapshot(world: World, account: Account, seed: SnapshotSeed): SnapshotView {
  const region = seedRegion(world, seed)
  const { id, name, description, sourceDiskType, size, encrypted, kmsKeyId, category, hasDisks } = seed
  const { status = 'accomplished', readyIn = Number.POSITIVE_INFINITY } = seed
  const snapshot = addSnapshot(world, region, {
    ...given({ id, name, description, sourceDiskType, size, encrypted, kmsKeyId, category, hasDisks }),
    owner: (seed.account ?? account).uid,
    creationTime: toTime(seed.createdAt ?? world.clock.now()),
    readyAt: status === 'progressing' ? world.clock.now() + readyIn * 1000 : 0,
    fails: status === 'failed',
    system: systemFacts(seed),
    tags: { ...seed.tags },
  })
  return viewSnapshot(snapshot, world)
}

function seedRegion(world: World, seed: { region?: string | undefined }): Region {
  const id = seed.region ?? 'cn-hangzhou'
  return world.region(id, () => {
    throw new Error(`The local ECS has no region ${id}.`)
  })
}

export function seeding(world: World, account: Account): Seed {
  return {
    image: (seed = {}) => seedImage(world, account, seed),
    instance: (seed = {}) => seedInstance(world, account, seed),
    snapshot: (seed = {}) => seedSnapshot(world, account, seed),
  }
}

import type { SystemFacts } from './snapshot.ts'
import { LINUX } from './snapshot.ts'
import type { Tagged } from './tags.ts'
import type { Region, World } from './world.ts'

export type InstanceStatus = 'Pending' | 'Starting' | 'Running' | 'Stopping' | 'Stopped'

export interface InstanceDisk {
  readonly id: string
  readonly type: 'system' | 'data'
  readonly device: string
  readonly size: number
  readonly encrypted: boolean
  readonly category: string
}

export interface Instance extends Tagged {
  readonly id: string
  readonly region: string
  readonly owner: string
  readonly name: string
  readonly imageId: string
  readonly instanceType: string
  readonly system: SystemFacts
  readonly disks: readonly InstanceDisk[]
  readonly creationTime: number
  readonly autoReleaseTime: number | undefined
  deletionProtection: boolean
  /** Reasons of OperationLocks, such as `security`. */
  locks: string[]
  startTime: number
  stoppedMode: 'KeepCharging' | 'StopCharging'
  /** What it has become and will become, in order of time. */
  moves: { readonly at: number; readonly to: InstanceStatus }[]
}

export type NewInstance = Partial<Omit<Instance, 'region' | 'moves' | 'earlierTags'>> & {
  owner: string
  moves: Instance['moves']
}

export function systemDisk(world: World, region: Region, size = 40): InstanceDisk {
  const id = world.newId('d', region)
  return { id, type: 'system', device: '/dev/xvda', size, encrypted: false, category: 'cloud_essd' }
}

export function addInstance(world: World, region: Region, fields: NewInstance): Instance {
  const now = world.clock.now()
  const instance: Instance = {
    name: '',
    imageId: '',
    instanceType: 'ecs.g7.large',
    system: LINUX,
    disks: fields.disks ?? [systemDisk(world, region)],
    creationTime: now,
    autoReleaseTime: undefined,
    deletionProtection: false,
    locks: [],
    startTime: now,
    stoppedMode: 'KeepCharging',
    tags: {},
    ...fields,
    id: fields.id ?? world.newId('i', region),
    region: region.id,
    earlierTags: [],
  }
  region.instances.set(instance.id, instance)
  return instance
}

export function instanceStatus(instance: Instance, now: number): InstanceStatus {
  return instance.moves.findLast((move) => move.at <= now)?.to ?? 'Pending'
}

/** Releases what its AutoReleaseTime is due for, before anybody looks. */
export function releaseDueInstances(world: World): void {
  for (const region of world.regions.values()) {
    for (const instance of region.instances.values()) {
      if ((instance.autoReleaseTime ?? Number.POSITIVE_INFINITY) <= world.clock.now())
        region.instances.delete(instance.id)
    }
  }
}

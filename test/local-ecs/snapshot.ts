import type { Tagged } from './tags.ts'
import type { Region, World } from './world.ts'

export interface Snapshot extends Tagged {
  readonly id: string
  readonly region: string
  readonly owner: string
  readonly name: string
  readonly description: string
  readonly sourceDiskType: 'system' | 'data'
  readonly sourceDiskId: string
  readonly sourceInstanceId: string | undefined
  readonly size: number
  readonly encrypted: boolean
  readonly kmsKeyId: string
  readonly category: string
  readonly creationTime: number
  /** When it is, or would have been, `accomplished`. */
  readyAt: number
  fails: boolean
  /** Whether disks were made from it, which only DeleteSnapshot's Force overlooks. */
  readonly hasDisks: boolean
  /** What the operating system on it is; only a system disk has one. */
  readonly system: SystemFacts
}

/** What an image inherits from the disk it is made of. */
export interface SystemFacts {
  readonly architecture: string
  readonly platform: string
  readonly osType: 'linux' | 'windows'
  readonly osName: string
  readonly osNameEn: string
}

export const LINUX: SystemFacts = {
  architecture: 'x86_64',
  platform: 'Aliyun',
  osType: 'linux',
  osName: 'Alibaba Cloud Linux  3.2104 LTS 64位',
  osNameEn: 'Alibaba Cloud Linux  3.2104 LTS 64 bit',
}

export const WINDOWS: SystemFacts = {
  architecture: 'x86_64',
  platform: 'Windows Server 2022',
  osType: 'windows',
  osName: 'Windows Server 2022 数据中心版 64位中文版',
  osNameEn: 'Windows Server 2022 Datacenter Edition 64bit Chinese Edition',
}

export type NewSnapshot = Partial<Omit<Snapshot, 'id' | 'region' | 'earlierTags'>> & { id?: string; owner: string }

export function addSnapshot(world: World, region: Region, fields: NewSnapshot): Snapshot {
  const snapshot: Snapshot = {
    name: '',
    description: '',
    sourceDiskType: 'system',
    sourceDiskId: world.newId('d', region),
    sourceInstanceId: undefined,
    size: 40,
    encrypted: false,
    kmsKeyId: '',
    category: 'standard',
    creationTime: Math.floor(world.clock.now() / 1000) * 1000,
    readyAt: 0,
    fails: false,
    hasDisks: false,
    system: LINUX,
    tags: {},
    ...fields,
    id: fields.id ?? world.newId('s', region),
    region: region.id,
    earlierTags: [],
  }
  region.snapshots.set(snapshot.id, snapshot)
  return snapshot
}

export function snapshotStatus(snapshot: Snapshot, now: number): 'progressing' | 'accomplished' | 'failed' {
  if (now < snapshot.readyAt) return 'progressing'
  return snapshot.fails ? 'failed' : 'accomplished'
}

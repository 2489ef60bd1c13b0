import { type Answer, type Call, endDryRun } from './call.ts'
import { EcsError, instanceNotFound, missingParameter, snapshotNotFound } from './errors.ts'
import { addImage, type Image, type ImageDisk, isUnfinished, liveImages } from './image.ts'
import { type Instance, instanceStatus } from './instance.ts'
import {
  checkDescription,
  checkFamilyName,
  checkFamilyQuota,
  checkImageName,
  checkImageQuota,
  checkNameIsFree,
} from './names.ts'
import { records } from './parameters.ts'
import { addSnapshot, LINUX, type Snapshot, type SystemFacts, snapshotStatus } from './snapshot.ts'
import { givenTags, type Tags } from './tags.ts'
import { once } from './tokens.ts'

/** What an image will be made of; `takeSnapshots` is the part of it that changes the world. */
interface Source {
  readonly system: SystemFacts
  readonly instance: Instance | undefined
  readonly takeSnapshots: (readyAt: number, fails: boolean) => ImageDisk[]
}

const PLATFORMS = new Set(
  `Aliyun,Anolis,CentOS,Ubuntu,CoreOS,SUSE,Debian,OpenSUSE,FreeBSD,RedHat,Kylin,UOS,Fedora,Fedora CoreOS,
CentOS Stream,AlmaLinux,Rocky Linux,Gentoo,Customized Linux,Others Linux,Windows Server 2022,Windows Server 2019,
Windows Server 2016,Windows Server 2012,Windows Server 2008,Windows Server 2003`.split(/,\n?/),
)

function refuseUnless(valid: boolean, code: string): void {
  if (!valid) throw new EcsError(400, code, `The specified value is not valid (${code}).`)
}

/** Rules that need nothing but the request. */
function checkInput(call: Call): Tags {
  const { parameters } = call
  const { Platform, Architecture, BootMode, ImageVersion, DetectionStrategy } = parameters
  const imds = parameters['Features.ImdsSupport']
  const secureBoot = parameters['SecureBootOptions.SecureBootSupport']
  checkImageName(parameters.ImageName)
  checkFamilyName(call.world, parameters.ImageFamily)
  checkDescription(parameters.Description)
  refuseUnless(/^[\x20-\x7e]{1,40}$/.test(ImageVersion ?? 'v'), 'InvalidImageVersion.Malformed')
  refuseUnless(PLATFORMS.has(Platform ?? 'Aliyun'), 'InvalidPlatform.Malformed')
  refuseUnless(['i386', 'x86_64', 'arm64'].includes(Architecture ?? 'x86_64'), 'InvalidArchitecture.Malformed')
  refuseUnless(['BIOS', 'UEFI', 'UEFI-Preferred'].includes(BootMode ?? 'BIOS'), 'InvalidBootMode.Malformed')
  refuseUnless((DetectionStrategy ?? 'Standard') === 'Standard', 'InvalidDetectionStrategy.Malformed')
  refuseUnless(['v1', 'v2'].includes(imds ?? 'v1'), 'InvalidParameter.FeaturesImdsSupport')
  refuseUnless(['supported', 'unsupported'].includes(secureBoot ?? 'supported'), 'InvalidParameter')
  refuseUnless(secureBoot !== 'supported' || (BootMode ?? '').startsWith('UEFI'), 'InvalidBootMode.NotSupport')
  const tags = givenTags(parameters)
  if (Object.keys(tags).length > call.world.quotas.tagsPerResource) {
    throw new EcsError(403, 'QuotaExceed.Tags', 'The number of tags exceeds the limit.')
  }
  return tags
}

function fromInstance(call: Call, id: string): Source {
  const { world, region, account, now } = call
  const instance = region.instances.get(id)
  if (instance?.owner !== account.uid) throw instanceNotFound()
  if (!['Running', 'Stopped'].includes(instanceStatus(instance, now))) {
    throw new EcsError(
      400,
      'IncorrectInstanceStatus',
      'The current status of the resource does not support this operation.',
    )
  }
  if (instance.locks.includes('security')) {
    throw new EcsError(
      400,
      'InstanceLockedForSecurity',
      'The specified operation is denied as your instance is locked for security reasons.',
    )
  }
  const busy = liveImages(region).some((image) => image.sourceInstanceId === id && isUnfinished(image, now))
  if (busy && world.switches.concurrentSnapshots === 'refused') {
    throw new EcsError(403, 'IncorrectDiskStatus.CreatingSnapshot', 'A previous snapshot creation is in process.')
  }
  if (instance.disks.some((disk) => disk.category.startsWith('local') || disk.category === 'ephemeral')) {
    throw new EcsError(
      400,
      'InvalidDiskCategory.CreateImage',
      'The specified disk category cannot be used to create an image.',
    )
  }
  return {
    system: instance.system,
    instance,
    takeSnapshots: (readyAt, fails) =>
      instance.disks.map((disk) => {
        const { size, encrypted, type, device } = disk
        const kind = { sourceDiskType: type, sourceDiskId: disk.id, sourceInstanceId: id, size, encrypted }
        const made = { owner: account.uid, readyAt, fails, system: instance.system, ...kind }
        return { snapshotId: addSnapshot(world, region, made).id, type, device, size, encrypted }
      }),
  }
}

/** A snapshot is refused for what it is before it is refused for the part it shall play. */
function findSnapshot(call: Call, id: string): Snapshot {
  const snapshot = call.region.snapshots.get(id)
  if (snapshot?.owner !== call.account.uid) throw snapshotNotFound()
  if (snapshotStatus(snapshot, call.now) !== 'accomplished') {
    throw new EcsError(403, 'InvalidSnapshotId.NotReady', 'The specified snapshot has not completed yet.')
  }
  if (snapshot.creationTime < Date.parse('2013-07-16T00:00:00Z')) {
    throw new EcsError(403, 'InvalidSnapshot.TooOld', 'The specified snapshot is created before 2013-07-15.')
  }
  if (snapshot.category === 'archive' || snapshot.category === 'flash') {
    throw new EcsError(403, 'OperationDenied.InvalidSnapshotCategory', 'The category of the snapshot is not supported.')
  }
  if (snapshot.encrypted) throw new EcsError(400, 'OperationDenied', 'The specified snapshot is encrypted.')
  return snapshot
}

function fromSnapshot(call: Call, id: string): Source {
  const snapshot = findSnapshot(call, id)
  if (snapshot.sourceDiskType !== 'system') {
    throw new EcsError(403, 'OperationDenied', 'The specified snapshot is not a system disk snapshot.')
  }
  const disk = { snapshotId: id, type: 'system' as const, device: '/dev/xvda', size: snapshot.size, encrypted: false }
  return { system: snapshot.system, instance: undefined, takeSnapshots: () => [disk] }
}

/** The first device is the system disk's; left out, ECS numbers them in order. */
function deviceOf(given: string | undefined, type: ImageDisk['type'], dataIndex: number): string {
  const device = given || (type === 'system' ? '/dev/xvda' : `/dev/xvd${String.fromCharCode(98 + dataIndex)}`)
  const shape = type === 'system' ? /^\/dev\/x?vda$/ : /^\/dev\/x?vd[b-z]$/
  refuseUnless(shape.test(device), 'InvalidDevice.Malformed')
  return device
}

function sizeOf(given: string | undefined, snapshot: Snapshot | undefined): number {
  const smallest = snapshot?.size ?? 5
  const size = given === undefined ? (snapshot?.size ?? 20) : Number(given)
  refuseUnless(size >= smallest && size <= 32768, 'InvalidSize.ValueNotSupported')
  return size
}

function toDisk(
  call: Call,
  entry: Record<string, string>,
  dataIndex: number,
): { disk: ImageDisk; snapshot: Snapshot | undefined } {
  const { SnapshotId, DiskType, Device, Size } = entry
  refuseUnless([undefined, 'system', 'data'].includes(DiskType), 'InvalidDiskType.ValueNotSupported')
  const snapshot = SnapshotId ? findSnapshot(call, SnapshotId) : undefined
  const type = (DiskType ?? snapshot?.sourceDiskType ?? 'data') as ImageDisk['type']
  const fromData = type === 'system' && snapshot?.sourceDiskType === 'data'
  if (fromData && call.world.switches.dataSnapshotAsSystemDisk === 'refused') {
    throw new EcsError(403, 'UserNotInTheWhiteList', 'The user is not in disk white list.')
  }
  const size = sizeOf(Size, snapshot)
  const device = deviceOf(Device, type, dataIndex)
  return { disk: { snapshotId: snapshot?.id ?? '', type, device, size, encrypted: false }, snapshot }
}

function fromDisks(call: Call, entries: Record<string, string>[]): Source {
  let dataDisks = 0
  const found = entries.map((entry) => {
    const made = toDisk(call, entry, dataDisks)
    if (made.disk.type === 'data') dataDisks += 1
    return made
  })
  const systemDisks = found.filter((made) => made.disk.type === 'system' && made.snapshot)
  if (systemDisks.length !== 1 || found.length - dataDisks !== 1) {
    throw new EcsError(400, 'OperationDenied', 'The image must contain exactly one system disk snapshot.')
  }
  refuseUnless(dataDisks <= 16, 'InvalidParameter')
  const devices = found.map((made) => made.disk.device.replace('/xvd', '/vd'))
  refuseUnless(new Set(devices).size === devices.length, 'InvalidDevice.InUse')
  const disks = found.map((made) => made.disk)
  return { system: systemDisks[0]?.snapshot?.system ?? LINUX, instance: undefined, takeSnapshots: () => disks }
}

/** When several sources are sent, the first of this order silently wins. */
function findSource(call: Call): Source {
  const { InstanceId, SnapshotId } = call.parameters
  const mapping = records(call.parameters, 'DiskDeviceMapping')
  if (InstanceId) return fromInstance(call, InstanceId)
  if (mapping.length > 0) return fromDisks(call, mapping)
  if (SnapshotId) return fromSnapshot(call, SnapshotId)
  throw missingParameter('InstanceId, SnapshotId or DiskDeviceMapping')
}

function checkRules(call: Call): void {
  const { world, region, account, parameters } = call
  const owner = account.uid
  const { ImageName: name, ImageFamily: family } = parameters
  checkNameIsFree(world, { region, owner, name })
  if (family !== undefined) checkFamilyQuota(world, { region, owner, family, api: 'CreateImage' })
  checkImageQuota(world, { region, owner })
}

/** Takes one from the number of images that shall fail, if any shall. */
export function failsNext(call: Call): boolean {
  const { switches } = call.world
  if (switches.failNextImages <= 0) return false
  switches.failNextImages -= 1
  return true
}

function make(call: Call, source: Source, tags: Tags): Image {
  const { world, region, account, parameters, now } = call
  const startsAt = now + world.switches.waitingSeconds * 1000
  const readyAt = startsAt + world.switches.creationSeconds * 1000
  const fails = failsNext(call)
  const { Architecture, Platform, BootMode } = parameters
  const system = {
    ...source.system,
    ...(Architecture && { architecture: Architecture }),
    ...(Platform && { platform: Platform }),
  }
  const image = addImage(world, region, {
    owner: account.uid,
    version: parameters.ImageVersion ?? '',
    resourceGroupId: parameters.ResourceGroupId ?? '',
    system,
    disks: source.takeSnapshots(readyAt, fails),
    creationTime: world.newCreationTime(region),
    sourceInstanceId: source.instance?.id,
    bornAt: now,
    startsAt,
    readyAt,
    fails,
    tags,
    attributes: {
      name: parameters.ImageName ?? '',
      family: parameters.ImageFamily ?? '',
      description: parameters.Description ?? '',
      bootMode: BootMode ?? (system.architecture === 'arm64' ? 'UEFI' : 'BIOS'),
      imdsSupport: parameters['Features.ImdsSupport'] ?? 'v1',
    },
  })
  // Tags given on creation lag like all tags.
  image.earlierTags.push({ until: now, tags: {} })
  return image
}

export function createImage(call: Call): Answer {
  const tags = checkInput(call)
  if (call.world.switches.dryRunOfCreateImage === 'parameters') endDryRun(call)
  return once(call, () => {
    const source = findSource(call)
    const architecture = call.parameters.Architecture ?? source.system.architecture
    refuseUnless(architecture !== 'arm64' || call.parameters.BootMode !== 'BIOS', 'InvalidBootMode.NotSupport')
    checkRules(call)
    endDryRun(call)
    const image = make(call, source, tags)
    return { answer: { ImageId: image.id }, exists: () => image.deletedAt === undefined }
  })
}

import { createHash } from 'node:crypto'
import { type Answer, type Call, endDryRun } from './call.ts'
import { toSecond } from './clock.ts'
import { EcsError, missingParameter } from './errors.ts'
import {
  attributesAt,
  creationTimeOf,
  familyFor,
  type Image,
  type ImageAttributes,
  inUse,
  isUnfinished,
  isUsable,
  progressOf,
  type Relation,
  relationTo,
  statusOf,
  visibleTags,
} from './image.ts'
import { flag, page, records } from './parameters.ts'
import { tagFilter, tagList } from './tags.ts'

/** An image as this listing shows it: with the attributes of before a recent write, where reads are stale. */
interface Listed {
  readonly image: Image
  readonly attributes: ImageAttributes
  readonly relation: Relation
}

type Condition = (listed: Listed) => boolean

const STATUSES = ['Creating', 'Waiting', 'Available', 'UnAvailable', 'CreateFailed', 'Deprecated']

function refuse(status: number, code: string): EcsError {
  return new EcsError(status, code, `The specified value is not supported (${code}).`)
}

/** Without `Status` only available images show; with `Usable` there is no default and it must be given. */
function statusCondition(call: Call): Condition {
  const { Status, Usable } = call.parameters
  if (Usable !== undefined && !Status) throw missingParameter('Status')
  const wanted = (Status || 'Available').split(',')
  if (wanted.length === 1 && wanted[0] === 'ALL') return () => true
  if (wanted.some((status) => !STATUSES.includes(status))) throw refuse(400, 'InvalidParamter')
  return ({ image, attributes }) => wanted.includes(statusOf(image, call.now, attributes))
}

function ownerCondition(call: Call): Condition {
  const { ImageOwnerAlias: alias, ImageOwnerId: ownerId, IsPublic } = call.parameters
  const community = IsPublic?.toLowerCase() === 'true'
  if (alias && !['system', 'self', 'others', 'marketplace'].includes(alias)) {
    throw refuse(400, 'InvalidImageOwnerAlias.ValueNotSupported')
  }
  if (community && alias !== 'others') throw refuse(400, 'InvalidImageOwnerAlias.PublicImageUnsupported')
  if (ownerId && alias !== 'others') throw refuse(400, 'InvalidOperation.ImageOwnerIdUnsupported')
  const others: Relation = community ? 'community' : 'shared'
  const relations = { system: ['system'], self: ['self'], others: [others], marketplace: [] }
  const all = ['system', 'self', 'shared']
  const wanted: readonly string[] = alias ? relations[alias as keyof typeof relations] : all
  return ({ image, relation }) => wanted.includes(relation) && (!ownerId || image.owner === ownerId)
}

/** A fuzzy search: a part of the name, with `*` for anything. */
function nameCondition(pattern: string): Condition {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const expression = new RegExp(parts.join('.*'), 'u')
  return ({ attributes }) => expression.test(attributes.name)
}

function usageCondition(call: Call, usage: string): Condition {
  if (usage !== 'instance' && usage !== 'none') throw refuse(404, 'InvalidUsage')
  return ({ image }) => inUse(image, call.world) === (usage === 'instance')
}

const FILTER_VALUES: Record<string, readonly string[]> = {
  NetworkType: ['vpc', 'classic'],
  CpuOnlineUpgrade: ['supported', 'unsupported'],
  CpuOnlineDowngrade: ['supported', 'unsupported'],
  MemoryOnlineUpgrade: ['supported', 'unsupported'],
  MemoryOnlineDowngrade: ['supported', 'unsupported'],
}

function filterCondition(call: Call, filter: Record<string, string>): Condition {
  const { Key = '', Value = '' } = filter
  if (Key === 'CreationStartTime' || Key === 'CreationEndTime') {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(Value)) throw refuse(404, 'InvalidFilterValue')
    const time = Date.parse(Value)
    const sign = Key === 'CreationStartTime' ? 1 : -1
    return ({ image }) => sign * (creationTimeOf(image, call.now) - time) >= 0
  }
  const values = FILTER_VALUES[Key]
  if (!values) throw refuse(404, 'InvalidFilterKey.NotFound')
  if (!values.includes(Value)) {
    throw Key === 'NetworkType' ? refuse(400, 'InvalidFilterValue.NetworkType') : refuse(404, 'InvalidFilterValue')
  }
  return () => true
}

function featureConditions(call: Call): Condition[] {
  const { Architecture, OSType, Usable, SnapshotId, ResourceGroupId } = call.parameters
  const conditions: Condition[] = []
  if (Architecture) {
    if (!['i386', 'x86_64', 'arm64'].includes(Architecture)) throw refuse(404, 'InvalidArchitecture')
    conditions.push(({ image }) => image.system.architecture === Architecture)
  }
  if (OSType) {
    if (OSType !== 'linux' && OSType !== 'windows') throw refuse(404, 'InvalidOSType')
    conditions.push(({ image }) => image.system.osType === OSType)
  }
  if (Usable) conditions.push(({ image }) => isUsable(image, call.world) === flag(call.parameters, 'Usable'))
  if (SnapshotId) {
    conditions.push(
      ({ image, relation }) => relation === 'self' && image.disks.some((disk) => disk.snapshotId === SnapshotId),
    )
  }
  if (ResourceGroupId) conditions.push(({ image }) => image.resourceGroupId === ResourceGroupId)
  return conditions
}

function conditions(call: Call): Condition[] {
  const { ImageId, ImageFamily, ImageName, Usage } = call.parameters
  const matchesTags = tagFilter(call.parameters)
  const all = [statusCondition(call), ownerCondition(call), ...featureConditions(call)]
  all.push(...records(call.parameters, 'Filter').map((filter) => filterCondition(call, filter)))
  if (ImageId) all.push(({ image }) => image.id === ImageId)
  if (ImageFamily) {
    all.push(({ image, attributes }) => familyFor(image, call.account.uid, attributes) === ImageFamily)
  }
  if (ImageName) all.push(nameCondition(ImageName))
  if (Usage) all.push(usageCondition(call, Usage))
  all.push(({ image, relation }) => matchesTags(relation === 'self' ? visibleTags(image, call.world) : {}))
  return all
}

/** What shows in listings: a new image late, a deleted one for too long, where the switches say so. */
function isListed(image: Image, call: Call): boolean {
  const { newImageHiddenSeconds, staleDeleteSeconds } = call.world.switches
  const appeared = image.bornAt + newImageHiddenSeconds * 1000 <= call.now
  const gone = image.deletedAt !== undefined && image.deletedAt + staleDeleteSeconds * 1000 <= call.now
  return appeared && !gone
}

function inOrder(listed: Listed[], call: Call): Listed[] {
  const hash = (image: Image) => createHash('sha1').update(image.id).digest('hex')
  const oldestFirst = (a: Listed, b: Listed) => creationTimeOf(a.image, call.now) - creationTimeOf(b.image, call.now)
  if (call.world.switches.order === 'oldest-first') return listed.sort(oldestFirst)
  if (call.world.switches.order === 'newest-first') return listed.reverse().sort((a, b) => oldestFirst(b, a))
  return listed.sort((a, b) => hash(a.image).localeCompare(hash(b.image)))
}

function spellProgress(image: Image, call: Call): { Progress: string | number } {
  const { progressSpelling } = call.world.switches
  const progress = progressOf(image, call.now)
  if (progressSpelling === 'empty') return { Progress: '' }
  return { Progress: progressSpelling === 'number' ? progress : `${progress}%` }
}

/** A string, of no authority: recordings and samples spell it in three ways. */
function spellSelfShared(listed: Listed, call: Call): string {
  const { isSelfSharedSpelling } = call.world.switches
  const shared = listed.relation === 'self' && Object.keys(listed.attributes.sharedWith).length > 0
  if (isSelfSharedSpelling === 'empty') return ''
  const [yes = '', no = ''] = isSelfSharedSpelling.split('/')
  return shared ? yes : no
}

function describeDisks(listed: Listed, call: Call): Answer {
  const { image, relation } = listed
  const copying = image.copyOf !== undefined && isUnfinished(image, call.now)
  const remaining = Number.isFinite(image.readyAt) ? Math.ceil((image.readyAt - call.now) / 1000) : 0
  return {
    DiskDeviceMapping: image.disks.map((disk) => ({
      SnapshotId: relation === 'self' ? disk.snapshotId : '',
      Type: disk.type,
      // While a copy runs these two describe it; otherwise they say nothing.
      Progress: copying ? `${progressOf(image, call.now)}%` : '',
      ...(copying && { RemainTime: remaining }),
      Format: '',
      Device: disk.device,
      Size: String(disk.size),
      Encrypted: disk.encrypted,
      ImportOSSBucket: '',
      ImportOSSObject: '',
    })),
  }
}

/** Unset strings are `""`, as recorded; `Size` is a number here and a string in the disks. */
function describe(listed: Listed, call: Call): Answer {
  const { image, attributes, relation } = listed
  const { world, now } = call
  return {
    ImageId: image.id,
    ImageName: attributes.name,
    ImageFamily: familyFor(image, call.account.uid, attributes),
    ImageVersion: image.version,
    Description: attributes.description,
    Status: statusOf(image, now, attributes),
    ...spellProgress(image, call),
    ...(world.switches.usableReported && { Usable: isUsable(image, world) }),
    CreationTime: toSecond(creationTimeOf(image, now)),
    ImageOwnerAlias: relation === 'self' || relation === 'system' ? relation : 'others',
    ImageOwnerId: image.owner === 'system' ? 0 : Number(image.owner),
    IsSelfShared: spellSelfShared(listed, call),
    IsPublic: attributes.isPublic,
    IsCopied: image.copyOf !== undefined,
    IsSubscribed: false,
    IsSupportCloudinit: true,
    IsSupportIoOptimized: true,
    LoginAsNonRootSupported: true,
    Architecture: image.system.architecture,
    BootMode: attributes.bootMode,
    OSName: image.system.osName,
    OSNameEn: image.system.osNameEn,
    OSType: image.system.osType,
    Platform: image.system.platform,
    ProductCode: '',
    ResourceGroupId: image.resourceGroupId,
    LicenseType: attributes.licenseType,
    Size: image.disks.find((disk) => disk.type === 'system')?.size ?? 0,
    Usage: inUse(image, world) ? 'instance' : 'none',
    DetectionOptions: {},
    Features: { NvmeSupport: attributes.nvmeSupport, ImdsSupport: attributes.imdsSupport },
    Tags: tagList(relation === 'self' ? visibleTags(image, world) : {}),
    DiskDeviceMappings: describeDisks(listed, call),
  }
}

export function describeImages(call: Call): Answer {
  const { region, account, now, world } = call
  const wanted = conditions(call)
  const listed = [...region.images.values()].flatMap((image) => {
    const attributes = attributesAt(image, now - world.switches.staleSeconds * 1000)
    const relation = relationTo(image, account.uid, attributes)
    if (!relation || !isListed(image, call)) return []
    const entry = { image, attributes, relation }
    return wanted.every((condition) => condition(entry)) ? [entry] : []
  })
  const { rows, counts } = page(call.parameters, inOrder(listed, call))
  endDryRun(call)
  return { Images: { Image: rows.map((row) => describe(row, call)) }, ...counts, RegionId: region.id }
}

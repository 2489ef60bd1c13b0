import { type Answer, type Call, endDryRun } from './call.ts'
import { failsNext } from './create-image.ts'
import { EcsError, imageNotFound, missingParameter } from './errors.ts'
import { addImage, type Image, type ImageDisk, isUnfinished, liveImages, relationTo, statusOf } from './image.ts'
import { checkDescription, checkImageName, checkImageQuota, checkNameIsFree } from './names.ts'
import { flag } from './parameters.ts'
import { addSnapshot } from './snapshot.ts'
import { givenTags, type Tags } from './tags.ts'
import { once } from './tokens.ts'
import type { Region, World } from './world.ts'

function copiesInProgress(world: World, region: Region): Image[] {
  return liveImages(region).filter((image) => image.copyOf && isUnfinished(image, world.clock.now()))
}

/** Whether any region has a copy of this image in progress. */
export function isBeingCopied(world: World, image: Image): boolean {
  return [...world.regions.values()].some((region) =>
    copiesInProgress(world, region).some((copy) => copy.copyOf?.id === image.id),
  )
}

/** When a copy that asks at `askedAt` gets one of the region's places, given those who hold or await them. */
function placeFreeAt(world: World, ahead: readonly Image[], askedAt: number): number {
  const ends = ahead.map((copy) => copy.readyAt).sort((a, b) => b - a)
  const last = ends[world.quotas.copiesPerRegion - 1]
  return Math.max(askedAt, last ?? askedAt)
}

/** A cancelled copy frees its place, so those still waiting move up. */
function rescheduleWaiting(world: World, region: Region): void {
  const now = world.clock.now()
  const copies = copiesInProgress(world, region)
  for (const [index, copy] of copies.entries()) {
    if (copy.startsAt <= now) continue
    const duration = copy.readyAt - copy.startsAt
    copy.startsAt = Math.min(copy.startsAt, placeFreeAt(world, copies.slice(0, index), now))
    copy.readyAt = copy.startsAt + duration
    for (const disk of copy.disks) {
      const snapshot = region.snapshots.get(disk.snapshotId)
      if (snapshot) snapshot.readyAt = copy.readyAt
    }
  }
}

function checkEncryption(call: Call): void {
  const { parameters } = call
  const encrypted = flag(parameters, 'Encrypted')
  if (parameters.KMSKeyId && !encrypted) {
    throw new EcsError(
      400,
      'InvalidEncrypted.NotMatchKmsKeyId',
      'The parameter KMSKeyId requires Encrypted to be true.',
    )
  }
  if (parameters.EncryptAlgorithm) {
    const code = encrypted ? 'InvalidEncryptAlgorithm' : 'InvalidEncrypted.NotMatchEncryptAlgorithm'
    throw new EcsError(400, code, 'The specified parameter EncryptAlgorithm is not valid.')
  }
}

function checkInput(call: Call): Tags {
  const { parameters, world } = call
  checkImageName(parameters.DestinationImageName)
  checkDescription(parameters.DestinationDescription)
  checkEncryption(call)
  const tags = givenTags(parameters)
  if (Object.keys(tags).length > world.quotas.tagsPerResource) {
    throw new EcsError(403, 'QuotaExceed.Tags', 'The number of tags exceeds the limit.')
  }
  return tags
}

function findTarget(call: Call): Region {
  const id = call.parameters.DestinationRegionId
  // Optional in the metadata, yet a copy within a region is refused: without it there is nowhere to copy to.
  if (!id) throw missingParameter('DestinationRegionId')
  const notFound = () =>
    new EcsError(400, 'DestinationRegion.NotFound', 'The specified destination region is not found.')
  return call.world.region(id, notFound)
}

function findSource(call: Call, target: Region): Image {
  const { world, region, account, parameters, now } = call
  const image = liveImages(region).find((candidate) => candidate.id === parameters.ImageId)
  const relation = image && relationTo(image, account.uid)
  if (!image || !relation || relation === 'system') throw imageNotFound()
  if (target === region) {
    throw new EcsError(403, 'IncorrectDestinationRegion', 'The destination region must differ from the source region.')
  }
  if (relation === 'community') {
    throw new EcsError(400, 'OperationDenied.CommunityImage', 'Community images cannot be copied.')
  }
  if (relation === 'shared') {
    throw new EcsError(403, 'OperationDenied.SameRegionOnly', 'Shared images can be copied within their region only.')
  }
  if (statusOf(image, now) !== 'Available') {
    throw new EcsError(
      400,
      'IncorrectImageStatus',
      'The current status of the resource does not support this operation.',
    )
  }
  const places = world.switches.copyConflict === 'source' ? [...world.regions.values()] : [target]
  if (places.some((place) => copiesInProgress(world, place).some((copy) => copy.copyOf?.id === image.id))) {
    throw new EcsError(400, 'OperationDenied.ImageCopyConflict', 'The image is being copied. Wait for it to complete.')
  }
  return image
}

/** Every disk gets a snapshot of its own in the target region. */
function copyDisks(call: Call, to: { target: Region; source: Image; readyAt: number; fails: boolean }): ImageDisk[] {
  const { target, source, readyAt, fails } = to
  const encrypted = flag(call.parameters, 'Encrypted') || source.disks.some((disk) => disk.encrypted)
  const kmsKeyId = call.parameters.KMSKeyId ?? source.kmsKeyId
  return source.disks.map((disk) => {
    const { type: sourceDiskType, size } = disk
    const what = { sourceDiskType, size, encrypted, kmsKeyId, system: source.system }
    const snapshot = addSnapshot(call.world, target, { owner: call.account.uid, readyAt, fails, ...what })
    return { ...disk, encrypted, snapshotId: snapshot.id }
  })
}

function make(call: Call, target: Region, source: Image, given: Tags): Image {
  const { world, account, parameters, now } = call
  const { waitingSeconds, copySeconds, copyCarriesTags, copyCreationTime } = world.switches
  const startsAt = placeFreeAt(world, copiesInProgress(world, target), now + waitingSeconds * 1000)
  const readyAt = startsAt + copySeconds * 1000
  const fails = failsNext(call)
  const disks = copyDisks(call, { target, source, readyAt, fails })
  const kmsKeyId = parameters.KMSKeyId ?? source.kmsKeyId
  const { bootMode, imdsSupport, nvmeSupport, licenseType } = source.attributes
  const name = parameters.DestinationImageName ?? ''
  const description = parameters.DestinationDescription ?? ''
  const copy = addImage(world, target, {
    owner: account.uid,
    resourceGroupId: parameters.ResourceGroupId ?? '',
    system: source.system,
    disks,
    kmsKeyId,
    creationTime: world.newCreationTime(target),
    dateOnCompletion: copyCreationTime === 'completion',
    copyOf: { region: source.region, id: source.id },
    bornAt: now,
    startsAt,
    readyAt,
    fails,
    tags: copyCarriesTags ? { ...source.tags, ...given } : given,
    // Neither family nor version: CopyImage has no parameter for them and does not carry them over.
    attributes: { name, description, bootMode, imdsSupport, nvmeSupport, licenseType },
  })
  copy.earlierTags.push({ until: now, tags: {} })
  return copy
}

export function copyImage(call: Call): Answer {
  const tags = checkInput(call)
  const target = findTarget(call)
  return once(call, () => {
    const source = findSource(call, target)
    const owner = call.account.uid
    checkNameIsFree(call.world, { region: target, owner, name: call.parameters.DestinationImageName })
    checkImageQuota(call.world, { region: target, owner })
    endDryRun(call)
    const copy = make(call, target, source, tags)
    return { answer: { ImageId: copy.id }, exists: () => copy.deletedAt === undefined }
  })
}

export function cancelCopyImage(call: Call): Answer {
  const { world, region, account, parameters, now } = call
  const copy = liveImages(region).find((image) => image.id === parameters.ImageId && image.owner === account.uid)
  if (!copy) throw imageNotFound()
  if (!copy.copyOf) {
    throw new EcsError(400, 'ImageCreatedNotFromCopy', 'The specified image is not created from CopyImage.')
  }
  if (!isUnfinished(copy, now)) {
    throw new EcsError(400, 'IncorrectImageStatus', 'The specified image is not being copied any more.')
  }
  copy.deletedAt = now
  for (const disk of copy.disks) region.snapshots.delete(disk.snapshotId)
  rescheduleWaiting(world, region)
  return {}
}

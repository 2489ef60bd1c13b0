import { type Answer, type Call, endDryRun } from './call.ts'
import { EcsError, imageNotFound, invalidParameter, missingParameter } from './errors.ts'
import { resolveFamily } from './families.ts'
import { type Image, liveImages, relationTo, statusOf } from './image.ts'
import { addInstance, systemDisk } from './instance.ts'
import { flag } from './parameters.ts'
import { givenTags, type Tags } from './tags.ts'
import { once } from './tokens.ts'

/** Unlike DescribeImageFromFamily, a family without an available image is an error here. */
function byFamily(call: Call, family: string): Image {
  const image = resolveFamily(call.world, { family, region: call.region, viewer: call.account.uid })
  if (image) return image
  const code = 'InvalidImageFamily.MissingAvailableImage'
  throw new EcsError(403, code, 'The image family has no available image.')
}

/** By its ID a deprecated image still works. */
function byId(call: Call, id: string): Image {
  const image = liveImages(call.region).find((candidate) => candidate.id === id)
  if (!image || !relationTo(image, call.account.uid)) throw imageNotFound()
  if (!['Available', 'Deprecated'].includes(statusOf(image, call.now))) {
    throw new EcsError(403, 'OperationDenied.ImageNotValid', 'The specified image is disabled or not available.')
  }
  return image
}

function findImage(call: Call): Image {
  const { ImageId, ImageFamily } = call.parameters
  if (ImageId && ImageFamily) {
    const code = 'UnexpectedImageFamily.ImageIdSupplied'
    throw new EcsError(400, code, 'ImageFamily cannot be used together with ImageId.')
  }
  if (ImageId) return byId(call, ImageId)
  if (ImageFamily) return byFamily(call, ImageFamily)
  throw missingParameter('ImageId')
}

function releaseTime(call: Call): number | undefined {
  const text = call.parameters.AutoReleaseTime
  if (!text) return undefined
  const malformed = new EcsError(
    400,
    'InvalidAutoReleaseTime.Malformed',
    'The specified AutoReleaseTime is wrongly formed.',
  )
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) throw malformed
  const minute = 60_000
  const time = Math.floor(Date.parse(text) / minute) * minute
  const ahead = time - Math.floor(call.now / minute) * minute
  if (!(ahead >= 30 * minute && ahead <= 3 * 365 * 24 * 60 * minute)) throw malformed
  return time
}

function checkSize(call: Call, image: Image): number {
  const smallest = image.disks.find((disk) => disk.type === 'system')?.size ?? 0
  const given = call.parameters['SystemDisk.Size']
  const size = given === undefined ? Math.max(40, smallest) : Number(given)
  if (!Number.isInteger(size)) throw invalidParameter('SystemDisk.Size')
  if (size < smallest) {
    throw new EcsError(404, 'InvalidSystemDiskSize.LessThanImageSize', 'The system disk is smaller than the image.')
  }
  return size
}

function launch(call: Call, image: Image, tags: Tags): string {
  const { world, region, account, parameters, now } = call
  const starting = world.switches.startingSeconds * 1000
  return addInstance(world, region, {
    owner: account.uid,
    name: parameters.InstanceName ?? '',
    imageId: image.id,
    instanceType: parameters.InstanceType ?? '',
    system: image.system,
    disks: [systemDisk(world, region, checkSize(call, image))],
    autoReleaseTime: releaseTime(call),
    deletionProtection: flag(parameters, 'DeletionProtection'),
    tags,
    moves: [
      { at: now, to: 'Pending' },
      { at: now + starting / 2, to: 'Starting' },
      { at: now + starting, to: 'Running' },
    ],
  }).id
}

export function runInstances(call: Call): Answer {
  const amount = Number(call.parameters.Amount ?? 1)
  if (amount < 1 || amount > 100) throw invalidParameter('Amount')
  if (!call.parameters.InstanceType && !call.parameters.LaunchTemplateId) throw missingParameter('InstanceType')
  releaseTime(call)
  const tags = givenTags(call.parameters)
  return once(call, () => {
    const image = findImage(call)
    checkSize(call, image)
    endDryRun(call)
    const ids = Array.from({ length: amount }, () => launch(call, image, tags))
    const exists = () => ids.some((id) => call.region.instances.has(id))
    return { answer: { InstanceIdSets: { InstanceIdSet: ids } }, exists }
  })
}

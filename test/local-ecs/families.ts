import type { Answer, Call } from './call.ts'
import { toSecond } from './clock.ts'
import {
  attributesAt,
  creationTimeOf,
  existsAt,
  familyFor,
  type Image,
  inUse,
  relationTo,
  statusOf,
  visibleTags,
} from './image.ts'
import { tagList } from './tags.ts'
import type { Region, World } from './world.ts'

/**
 * The image a family stands for: of those Available in the region, the one created last. Nothing else orders a
 * family. `acs:<uid>:<name>` is the contest of everything that account shared or published.
 */
export function resolveFamily(
  world: World,
  options: { family: string; region: Region; viewer: string; at?: number },
): Image | undefined {
  const { family, region, viewer, at = world.clock.now() } = options
  const contenders = [...region.images.values()].filter((image) => {
    const attributes = attributesAt(image, at)
    return (
      existsAt(image, at) &&
      relationTo(image, viewer, attributes) !== undefined &&
      familyFor(image, viewer, attributes) === family &&
      statusOf(image, at, attributes) === 'Available'
    )
  })
  // Maps keep the order of insertion, which is that of the requests.
  return contenders.reduce<Image | undefined>((best, image) => {
    if (!best) return image
    const ahead = creationTimeOf(image, at) - creationTimeOf(best, at)
    return ahead > 0 || (ahead === 0 && world.switches.tieBreak === 'last') ? image : best
  }, undefined)
}

/** Fewer fields than DescribeImages has, and some that samples show empty. */
function describe(image: Image, call: Call): Answer {
  const { world, now, account } = call
  const at = now - world.switches.staleFamilySeconds * 1000
  const attributes = attributesAt(image, at)
  const relation = relationTo(image, account.uid, attributes)
  return {
    Architecture: image.system.architecture,
    CreationTime: toSecond(creationTimeOf(image, now)),
    Description: attributes.description,
    DiskDeviceMappings: {
      DiskDeviceMapping: image.disks.map((disk) => ({
        Device: disk.device,
        Format: '',
        ImportOSSBucket: '',
        ImportOSSObject: '',
        Size: String(disk.size),
        SnapshotId: relation === 'self' ? disk.snapshotId : '',
        Type: disk.type,
      })),
    },
    ImageFamily: familyFor(image, account.uid, attributes),
    ImageId: image.id,
    ImageName: attributes.name,
    ImageOwnerAlias: relation === 'self' || relation === 'system' ? relation : 'others',
    ImageVersion: image.version,
    IsCopied: image.copyOf !== undefined,
    IsSelfShared: '',
    IsSubscribed: false,
    IsSupportCloudinit: true,
    IsSupportIoOptimized: true,
    OSName: image.system.osName,
    OSType: image.system.osType,
    Platform: image.system.platform,
    ProductCode: '',
    Progress: '100%',
    Size: image.disks.find((disk) => disk.type === 'system')?.size ?? 0,
    Status: statusOf(image, at, attributes),
    Tags: tagList(relation === 'self' ? visibleTags(image, world) : {}),
    Usage: inUse(image, world) ? 'instance' : 'none',
  }
}

/** A family that does not exist, or has no available image, is an empty answer and not an error. */
export function describeImageFromFamily(call: Call): Answer {
  const { world, region, account, parameters, now } = call
  const { emptyFamilyAnswer, familyCovers, staleFamilySeconds } = world.switches
  const family = parameters.ImageFamily ?? ''
  const at = now - staleFamilySeconds * 1000
  const image = resolveFamily(world, { family, region, viewer: account.uid, at })
  if (image && (familyCovers === 'every' || image.owner === account.uid)) return { Image: describe(image, call) }
  if (emptyFamilyAnswer === 'absent') return {}
  return { Image: emptyFamilyAnswer === 'null' ? null : {} }
}

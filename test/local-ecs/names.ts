import { EcsError } from './errors.ts'
import { type Image, liveImages, statusOf } from './image.ts'
import type { Region, World } from './world.ts'

/** First a letter or a Chinese character, then also digits and a few marks; counted in code points. */
const SHAPE = /^\p{L}[\p{L}\d.:_-]{1,127}$/u
const ADDRESS = /https?:\/\//i

/** The table of parameters forbids only http(s); the error's text and CopyImage also `aliyun` and `acs:`. */
export function checkImageName(name: string | undefined): void {
  if (name === undefined) return
  if (!SHAPE.test(name) || ADDRESS.test(name) || /^(aliyun|acs:)/.test(name)) {
    throw new EcsError(400, 'InvalidImageName.Malformed', 'The specified Image name is wrongly formed.')
  }
}

/** The sources disagree about a leading `acs`, dots, and letters of other scripts: only a switch refuses those. */
export function checkFamilyName(world: World, family: string | undefined): void {
  if (family === undefined) return
  const doubtful = /^acs/i.test(family) || !/^[A-Za-z\p{Script=Han}][A-Za-z\p{Script=Han}\d:_-]*$/u.test(family)
  const wrong = !SHAPE.test(family) || ADDRESS.test(family) || /^(aliyun|acs:)/.test(family)
  if (wrong || (world.switches.strictFamilyNames && doubtful)) {
    throw new EcsError(400, 'InvalidImageFamily.Malformed', 'The specified parameter ImageFamily is invalid.')
  }
}

export function checkDescription(description: string | undefined): void {
  if (description === undefined) return
  const length = [...description].length
  if (length < 2 || length > 256 || /^https?:\/\//i.test(description)) {
    throw new EcsError(400, 'InvalidDescription.Malformed', 'The specified description is wrongly formed.')
  }
}

/** Names are unique within account and region, whatever the status of the image that has it. */
export function checkNameIsFree(
  world: World,
  options: { region: Region; owner: string; name: string | undefined; except?: Image },
) {
  const fold = (name: string) => (world.switches.nameCase === 'insensitive' ? name.toLowerCase() : name)
  const { name } = options
  if (name === undefined) return
  const taken = liveImages(options.region).some(
    (image) => image !== options.except && image.owner === options.owner && fold(image.attributes.name) === fold(name),
  )
  if (taken) throw new EcsError(400, 'InvalidImageName.Duplicated', 'The specified Image name has already been used.')
}

/** CreateImage and ModifyImageAttribute have different codes for the same two limits. */
const QUOTA_CODES = {
  CreateImage: { image: 'ImageQuotaExceed.ImageFamily', family: 'ImageFamilyQuotaExceed' },
  ModifyImageAttribute: { image: 'ImageQuotaFull.ImageFamily', family: 'ImageFamilyQuotaFull' },
}

export function checkFamilyQuota(
  world: World,
  options: { region: Region; owner: string; family: string; api: keyof typeof QUOTA_CODES; except?: Image },
): void {
  const { region, owner, family, except } = options
  const now = world.clock.now()
  const counted = liveImages(region).filter(
    (image) =>
      image !== except &&
      image.owner === owner &&
      (world.switches.quotaCounts === 'all' || statusOf(image, now) === 'Available'),
  )
  const codes = QUOTA_CODES[options.api]
  const families = new Set(counted.map((image) => image.attributes.family).filter((name) => name !== ''))
  if (counted.filter((image) => image.attributes.family === family).length >= world.quotas.imagesPerFamily) {
    throw new EcsError(400, codes.image, 'The maximum number of images in the image family is exceeded.')
  }
  if (!families.has(family) && families.size >= world.quotas.familiesPerRegion) {
    throw new EcsError(400, codes.family, 'The maximum number of image families is exceeded.')
  }
}

export function checkImageQuota(world: World, options: { region: Region; owner: string }): void {
  const count = liveImages(options.region).filter((image) => image.owner === options.owner).length
  if (count >= world.quotas.imagesPerRegion) {
    throw new EcsError(403, 'QuotaExceed.Image', 'The Image Quota exceeds.')
  }
}

/** ModifyImageSharePermission. */
import { type Advice, fail, reportBug } from './advice.ts'

const notSharable = fail(
  'Leave `share-with` out, or bake from disks that are not encrypted with a service key: ECS does not share this image.',
)
const community = fail(
  'Change who sees this image in the ECS console (Images, Community Image): this action does not publish images.',
)

export const sharing = {
  'OperationDenied.InvalidImageStatus': fail(
    'Restore the image first (mode promote): a deprecated image cannot be shared.',
  ),
  'QuotaExceed.ShareImage': fail(
    'Remove shares that nobody needs (ECS console, Images), or ask for more in the Quota Center.',
  ),
  'QuotaExceed.ShareImageUser': fail(
    'Shorten `share-with`, or remove old shares (ECS console, Images): an image has at most 50.',
  ),
  'InvalidImageId.BidMismatch': fail(
    'Take this account out of `share-with`: images are not shared between the China site and the international site.',
  ),
  'InvalidAccount.NotFound': fail(
    'Correct `share-with`: ECS knows no such account on this site (China and international do not mix).',
  ),
  'InvalidAccount.Forbbiden': fail('Take your own account out of `share-with`.'),
  'ModifyImageSharePermission/OperationDeined.EncryptedSnapshot': notSharable,
  'InvalidOperation.ServiceKeyEncryptedImageUnsupported': notSharable,
  'OperationDeined.FullImage': fail(
    'Bake an image of the system disk alone (`snapshot-id`): ECS does not share this full image.',
  ),
  AssumeRoleError: fail(
    'Create the role AliyunECSShareEncryptImageDefaultRole in the RAM console, then run the step again.',
  ),
  'InvalidGroup.Malformed': reportBug,

  // Community images
  'ImageName.ContainsSensitiveWords': fail('Change `image-name`: it contains a word that ECS does not let others see.'),
  'ImageDescription.ContainsSensitiveWords': fail(
    'Change `description`: it contains a word that ECS does not let others see.',
  ),
  'Image.Public': community,
  'Image.NotPublic': community,
  'PublicImageAgreement.NotSigned': community,
  'CurrentRegion.NotSupportPublicImage': community,
  'InvalidParameter.IsPublic': reportBug,
} satisfies Record<string, Advice>

/** CreateImage (its sources have files of their own), ModifyImageAttribute, DeleteImage. */
import { type Advice, fail, pollUntil, reportBug } from './advice.ts'

const familyFull = fail(
  'Delete old images of the family, move them to another one, or set `keep` to have the oldest deleted: a family holds 100.',
)
const tooManyFamilies = fail(
  'Use an existing `family`, delete all images of another one, or ask for more than 100 in the Quota Center.',
)

export const images = {
  // CreateImage: names and texts
  'InvalidImageName.Malformed': fail(
    'Change `image-name`: 2 to 128 characters, a letter first, then also digits . : _ -; no acs:, aliyun, http://.',
  ),
  'InvalidImageName.Duplicated': fail(
    'Choose another `image-name`: an image of this account and region already has it.',
  ),
  'CreateImage/InvalidImageName.Duplicated': fail(
    'Choose another `image-name`, or leave it out for a generated one: another image already has this name.',
  ),
  'InvalidDescription.Malformed': fail(
    'Change `description`: 2 to 256 characters, not starting with http:// or https://; or leave it out.',
  ),
  'InvalidImageVersion.Malformed': fail(
    "Leave `image-version` out, or give the source's own version if the source is a marketplace image.",
  ),
  'InvalidImageFamily.Malformed': fail(
    'Change `family`: 2 to 128 characters, a letter first, then also digits : _ -; not starting with acs: or aliyun.',
  ),

  // CreateImage: how the image starts
  'InvalidArchitecture.Malformed': fail('Set `architecture` to i386, x86_64 or arm64, or leave it out.'),
  'InvalidPlatform.Malformed': fail(
    "Set `platform` to one of ECS's names, such as CentOS, Ubuntu or Others Linux, or leave it out.",
  ),
  'InvalidBootMode.Malformed': fail('Set `boot-mode` to BIOS, UEFI or UEFI-Preferred, or leave it out.'),
  'InvalidBootMode.NotSupport': fail(
    'Change `boot-mode` to one that the architecture has (arm64: UEFI), or leave it out.',
  ),
  'InvalidParameter.FeaturesImdsSupport': fail('Set `imds-support` to v1 or v2, or leave it out.'),
  'InvalidDetectionStrategy.Malformed': fail('Set `detection-strategy` to Standard, or leave it out.'),

  // Quotas. ModifyImageAttribute has its own names for two of them.
  'ImageQuotaExceed.ImageFamily': familyFull,
  'ImageQuotaFull.ImageFamily': fail(
    'Delete old images of the family or set `keep`; if the full one is the `quarantine-family`, name another one.',
  ),
  ImageFamilyQuotaExceed: tooManyFamilies,
  ImageFamilyQuotaFull: tooManyFamilies,
  'QuotaExceed.Image': fail(
    'Delete images that nobody needs, set `keep` to have old ones deleted, or ask for more in the Quota Center.',
  ),

  // ModifyImageAttribute
  'InvalidLicenseType.NotSupported': reportBug,
  'ImageStatus.NotAvailable': fail(
    'Check the status of the image (ECS console, Images), then run again: only an available one can be deprecated.',
  ),
  'ImageStatus.NotDeprecated': fail(
    'Check the status of the image (ECS console, Images), then run again: only a deprecated one can be restored.',
  ),
  'ModifyImageAttribute/ImageUseShared': fail(
    'Set `unshare` to true, or name a `quarantine-family` to keep the shares: a shared image cannot be deprecated.',
  ),
  'InvalidStatus.ImageIsCreating': pollUntil('the image is Available (ECS console, Images)'),
  'OperationDeined.ImageUsingByInstance': fail(
    'Bake a new image with another `boot-mode`: ECS does not change it while instances use the image.',
  ),
  'InvalidOperation.FeaturesImdsSupportNotMatch': fail(
    'Bake a new image with another `imds-support`: ECS does not change an image from v2 back to v1.',
  ),
  'InvalidImageId.NotFound': fail('Check `image-id` and `region-id`: this account has no such image in this region.'),

  // DeleteImage. ECS lists it as an error that the image is gone, which is what was wanted.
  'DeleteImage/InvalidImageId.NotFound': fail('Ignore this: the image is already gone, or was never in this region.'),
  ImageUsingByInstance: fail(
    'Replace the instances that use this image (ECS console, Instances), and let a later run with `keep` delete it.',
  ),
  'DeleteImage/ImageUseShared': fail('Set `unshare` to true: a shared image cannot be deleted.'),
  'DeleteImage/OperationDenied.ImageCopying': pollUntil(
    'the copies of this image are done or cancelled (ECS console, Images)',
  ),
  ImageIsImporting: pollUntil('the import of this image has ended (ECS console, Images)'),
  ImageIsExporting: pollUntil('the export of this image has ended (ECS console, Images)'),
  ImageIsPublic: fail('Unpublish the community image (ECS console, Images) before it is deleted.'),
} satisfies Record<string, Advice>

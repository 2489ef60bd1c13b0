/** CopyImage, CancelCopyImage. */
import { type Advice, allowKms, fail, pollUntil, reportBug } from './advice.ts'

const copyKey = fail(
  'Correct `copy-kms-key-ids`: for each region, name an enabled key of that region that ECS may use.',
)
const dropCopyKey = fail(
  'Take this region out of `copy-kms-key-ids`, or choose another region in `replica-region-ids`.',
)
const otherReplica = fail('Take this region out of `replica-region-ids`: ECS does not copy this image there.')
const copyImageOfYourOwn = fail(
  'Name an image of this account in `image-id`: ECS does not copy this image of another account.',
)

export const copies = {
  // Where to
  'SourceRegion.NotFound': fail('Correct `region-id`: ECS knows no such region, or this account cannot use it.'),
  'DestinationRegion.NotFound': fail(
    'Correct `replica-region-ids`: ECS knows no such region, or this account cannot use it.',
  ),
  IncorrectDestinationRegion: fail('Take the region of `region-id` out of `replica-region-ids`.'),
  RegionNotSupportCopy: otherReplica,
  'InvalidRegion.NotSupport': otherReplica,
  'OperationDenied.NonCompliantDestinationRegion': otherReplica,
  'CopyImage/InvalidImageName.Duplicated': fail(
    'Rename or delete the image of this name in the target region (ECS console, Images), then re-run this job.',
  ),
  'CopyImage/QuotaExceed.Image': fail(
    'Delete images in the target region, set `keep` to have old ones deleted, or ask for more in the Quota Center.',
  ),
  'CopyImage/QuotaExceed.Snapshot': fail(
    'Delete snapshots in the target region (ECS console, Snapshots), or ask for more there in the Quota Center.',
  ),

  // What
  'CopyImage/IncorrectImageStatus': fail(
    'Restore the image if it is deprecated (ECS console, Images), or bake a new one: ECS copies only available images.',
  ),
  'CopyImage/InvalidSnapshotId.NotFound': fail('Bake a new image: a snapshot that this one needs has been deleted.'),
  'CopyImage/InvalidSnapshot.TooOld': fail(
    'Bake a new image from a new snapshot: ECS does not copy one with a snapshot of 2013-07-15 or before.',
  ),
  'CopyImage/OperationDenied': fail(
    'Look at the image in the ECS console: an image that ECS cannot copy must be baked in the target region.',
  ),
  'CopyImage/UserNotInTheWhiteList': fail(
    'Ask Alibaba Cloud support to allow this copy for the account, or take the region out of `replica-region-ids`.',
  ),
  'OperationDenied.ImageCopyConflict': pollUntil('the earlier copy of this image is done (ECS console, Images)'),
  'OperationDenied.ImageCopying': pollUntil('the copying of this image has ended (ECS console, Images)'),
  'OperationDenied.CommunityImage': copyImageOfYourOwn,
  'OperationDenied.SameRegionOnly': fail(
    'Copy the shared image within its region first, then name that copy in `image-id`: a shared image does not cross regions.',
  ),
  'OperationDenied.NotPublished': copyImageOfYourOwn,
  'OperationDenied.NotAuthorized': copyImageOfYourOwn,
  'SizeExceed.Image': fail('Bake a smaller image, with smaller or fewer disks: this one is too large to be copied.'),
  'InvalidOperation.VhdImageUnsupported': fail(
    'Bake a new image from an instance: an image in VHD format cannot be copied.',
  ),
  'InvalidOperation.CloudBoxImageCopyUnsupported': fail(
    'Bake a new image from disks in the region: an image in a CloudBox cannot be copied.',
  ),

  // Encryption
  'OperationDenied.EncryptSnapshotAcrossRegion': fail(
    'Name a key for the target region in `copy-kms-key-ids`: an encrypted image does not cross regions without one.',
  ),
  'CopyImage/OperationDeined.EncryptedSnapshot': fail(
    'Name a key for the target region in `copy-kms-key-ids`, or bake from unencrypted disks.',
  ),
  'InvalidParameter.EncryptedIllegal': copyKey,
  'InvalidEncrypted.NotMatchKmsKeyId': copyKey,
  'InvalidEncrypted.NotMatchEncryptAlgorithm': reportBug,
  InvalidEncryptAlgorithm: reportBug,
  'InvalidRegionId.NotSupportEncryptAlgorithm': dropCopyKey,
  'InvalidEncrypted.NotMatchDiskDefaultEncryption': fail(
    'Name a key for the target region in `copy-kms-key-ids`: the account encrypts all disks there by default.',
  ),
  'InvalidParameter.KmsNotEnabled': fail(
    'Activate Key Management Service in the target region (KMS console), then run again.',
  ),
  'OperationDenied.KmsServiceUnauthorized': allowKms,
  'InvalidParameter.KMSKeyId.NotFound': copyKey,
  'CopyImage/InvalidParameter.KMSKeyId.CMKUnauthorized': fail(
    'Give the key in `copy-kms-key-ids` for the target region the tag that lets ECS use it (KMS console, Keys).',
  ),
  'CopyImage/InvalidParameter.KMSKeyId.CMKNotEnabled': fail(
    'Enable the key in `copy-kms-key-ids` for the target region (KMS console, Keys), then run again.',
  ),
  'InvalidParameter.DataEncryptedKeyCreateFailed': fail(
    'Check in the KMS console that the key in `copy-kms-key-ids` is enabled and ECS may make data keys with it.',
  ),

  // CancelCopyImage
  ImageCreatedNotFromCopy: fail('Check `image-id`: this image is not a copy, so there is nothing to cancel.'),
  CancelNotSupported: fail(
    'Let the copy finish, then delete it in the target region (ECS console, Images) if you do not want it.',
  ),
  'CancelCopyImage/IncorrectImageStatus': fail(
    'Leave it: the copy has ended. Delete it in the target region (ECS console, Images) if you do not want it.',
  ),
} satisfies Record<string, Advice>

// What an ECS error code means for the caller, and what a person should do about it. Codes are compared exactly as ECS
// spells them, misspellings included; messages are never read, since several codes have two wordings and they change.
// The lists of codes are those of https://www.alibabacloud.com/help/en/ecs/api-<name of the action in lower case>.

/**
 * What the caller does about an answer. `retry`: the trouble passes, the same request may be sent again at once (with
 * backoff). `poll`: the state of something is in the way and changes by itself, ask again within the time limit.
 * `fail`: nobody gains by asking again.
 */
export type Reaction = 'retry' | 'poll' | 'fail'

/** A reaction for the program, and one sentence for the person who reads the log after the step has failed. */
export interface Advice {
  readonly reaction: Reaction
  readonly remedy: string
}

const fail = (remedy: string): Advice => ({ reaction: 'fail', remedy })
const retry = (remedy: string): Advice => ({ reaction: 'retry', remedy })
/** By the time anybody reads this the time limit has passed, so it says what to look for and how to allow more. */
const waitUntil = (what: string): Advice => ({
  reaction: 'poll',
  remedy: `Wait until ${what}, then run the step again, or raise \`wait-timeout-minutes\`.`,
})

const runAgainLater = retry(
  'Run the step again later; if it goes on, see https://status.alibabacloud.com and give support the request ID.',
)
const slowDown = retry(
  'Run fewer jobs on this account and region at once, or raise `poll-interval-seconds`, then run the step again.',
)
const sameTokenRunning = retry(
  'Run the step again in a minute: an earlier request of this run is in progress, and its result will be adopted.',
)
// The token is a function of run and inputs, so only a run whose source or settings changed between attempts gets here.
const tokenReused = fail(
  'Start a new workflow run, or change `idempotency-key`: an earlier attempt of this run asked for something else.',
)
const snapshotUnfinished = waitUntil('the snapshot is accomplished (ECS console, Snapshots)')
const snapshotCategory = fail(
  'Take a standard snapshot of the system disk and name it in `snapshot-id`; this category of snapshot makes no image.',
)
const diskCategory = fail(
  'Use an instance without local disks as `instance-id`, or leave those disks out by way of `disk-device-mappings`.',
)
const familyFull = fail(
  'Delete old images of the family or move them to another, or set `keep` to have the oldest deleted: 100 is the most.',
)
const tooManyFamilies = fail(
  'Name an existing `family`, delete all images of another, or ask for more than 100 in the Quota Center.',
)
const tooManyTags = fail('Shorten `tags`: a resource carries at most 20, those that this action sets itself included.')
const quotaUsedUp = fail(
  'Free some of what the message names, or ask for more in the Quota Center, then run the step again.',
)
const clearArrears = fail('Settle the overdue bills in the Expenses and Costs console, then run the step again.')
const topUp = fail("Top up the account's balance in the Expenses and Costs console, then run the step again.")
const allowKms = fail(
  'Let ECS use KMS: create the role AliyunECSDiskEncryptDefaultRole (RAM console), then run the step again.',
)
const copyKey = fail(
  'Correct `copy-kms-key-ids`: name for each region an enabled key of that region which ECS may use.',
)
const dropCopyKey = fail(
  'Take this region out of `copy-kms-key-ids`, or choose another region in `replica-region-ids`.',
)
const otherReplica = fail('Take this region out of `replica-region-ids`: ECS does not copy this image there.')
const copyImageOfYourOwn = fail(
  "Name an image of this account in `image-id`: ECS does not copy another account's image like this.",
)
const checkKeys = fail(
  'Check that both halves of the access key are whole and belong together (RAM console, AccessKey).',
)
const renewToken = fail('Obtain temporary credentials anew in this job, for a session as long as the step may take.')
const notSharable = fail(
  'Share an image whose disks are not encrypted with a service key; `share-with` cannot take this one.',
)
const community = fail(
  'Change who sees this image in the ECS console (Images, Community Image); this action publishes none.',
)
// None of these parameters is an input: nobody but the maintainers can set them right.
const ourFault = fail("Report this, with the request ID, in the action's repository: no input of yours causes it.")
const hibernation = fail(
  'Use an instance without hibernation as `instance-id`: ECS forbids this while hibernation is configured.',
)
const unlock = fail(
  'Clear the security incident that locks the instance (ECS console, Instances; Security Center), then run again.',
)

/** Keyed by code, or by `Action/Code` where an API means something of its own by it; that entry comes first. */
const ADVICE: ReadonlyMap<string, Advice> = new Map(
  Object.entries({
    // Any API
    SignatureNonceUsed: retry('Run the step again; if it goes on, look for a proxy that sends requests twice.'),
    IdempotentParameterMismatch: tokenReused,
    DryRunOperation: fail('Take this as a pass: the checks of a dry run succeeded, and nothing was changed.'),
    'Account.Arrearage': clearArrears,
    LastTokenProcessing: sameTokenRunning,
    IdempotentProcessing: sameTokenRunning,
    'InvalidRegionId.NotFound': fail(
      'Correct `region-id` or `replica-region-ids`: IDs such as cn-hangzhou, of regions that this account can use.',
    ),
    'InvalidAccessKeyId.NotFound': fail(
      'Check `access-key-id`: no such key exists on this site (China or international); it may have been deleted.',
    ),
    'InvalidAction.NotFound': fail(
      'Check `endpoint`: what answers there does not know this request, so it may not be ECS.',
    ),
    'InvalidSecurityToken.Malformed': fail(
      'Check `security-token`: pass it whole, with the key it was issued with, and leave it out for a permanent key.',
    ),
    'InvalidSecurityToken.MismatchWithAccessKey': fail(
      'Pass `security-token` and `access-key-id` from one and the same answer of STS.',
    ),
    OperationConflict: waitUntil('the other operation on this resource has ended'),
    'InvalidOperation.Conflict': waitUntil('the other operation on this resource has ended'),
    InternalError: runAgainLater,
    ServiceUnavailable: runAgainLater,
    'ServiceUnavailable.RegionMaintaining': retry(
      'Run the step again when the maintenance of this region is over; see https://status.alibabacloud.com.',
    ),
    // The SDK's own code, before any request: no provider of the chain had credentials.
    InvalidCredentials: fail(
      'Give the step credentials: `access-key-id` with its key, those of a step before, or a RAM role on the runner.',
    ),

    // CreateImage: names, text, tags
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
    'Duplicate.TagKey': fail('Name each key once in `tags`.'),
    'InvalidTagKey.Malformed': fail(
      'Correct the keys in `tags`: 1 to 128 characters, not starting with aliyun or acs:, without http(s)://.',
    ),
    'InvalidTagValue.Malformed': fail(
      'Correct the values in `tags`: at most 128 characters, not starting with acs:, without http(s)://.',
    ),
    'QuotaExceed.Tags': tooManyTags,
    'InvalidResourceGroup.NotFound': fail(
      'Correct `resource-group-id`: an ID such as rg-…, of a group of this account (Resource Management console).',
    ),

    // CreateImage: the instance
    'CreateImage/IncorrectInstanceStatus': waitUntil('the instance is Running or Stopped (ECS console, Instances)'),
    'IncorrectInstanceStatus.NeedRestart': fail(
      'Start the instance once, so that it takes in the disk added while it was stopped, then run the step again.',
    ),
    InstanceLockedForSecurity: unlock,
    'InvalidInstance.NotFoundSystemDisk': fail(
      'Attach a system disk to the instance (ECS console, Instances), or name another one in `instance-id`.',
    ),
    'InvalidInstanceId.ValueNotSupported': fail(
      'Name another instance in `instance-id`, or use `snapshot-id`: ECS makes no image of an instance of this kind.',
    ),
    'InvalidInstanceId.NotFound': fail(
      'Check `instance-id` and `region-id`: this account has no such instance in this region.',
    ),

    // CreateImage: disks and snapshots
    'CreateImage/MissingParameter': fail(
      'Name a source: exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings`.',
    ),
    'InvalidParameter.AllEmpty': fail(
      'Fill in what the message names, first of all in `disk-device-mappings`, where an entry may be empty.',
    ),
    'CreateImage/OperationDenied': fail(
      'Name exactly one system-disk snapshot (`disk-device-mappings` too): your own, unencrypted, of no released disk.',
    ),
    'InvalidDevice.Malformed': fail(
      'Correct device in `disk-device-mappings`: /dev/xvda is the system disk, /dev/xvdb to /dev/xvdz data disks.',
    ),
    'InvalidDevice.InUse': fail(
      'Give each entry of `disk-device-mappings` a device of its own, or leave them all out.',
    ),
    'InvalidSize.ValueNotSupported': fail(
      'Raise size in `disk-device-mappings` to at least the size of the snapshot, or leave it out.',
    ),
    'InvalidDiskType.ValueNotSupported': fail('Set disk-type in `disk-device-mappings` to system (one entry) or data.'),
    'InvalidParameter.DiskType': fail(
      'Choose another system disk in `disk-device-mappings`: a data disk encrypted with a KMS key cannot become one.',
    ),
    'InvalidDiskCategory.CreateImage': diskCategory,
    'InvalidOperation.DiskCategoryUnsupported': diskCategory,
    'InvalidSystemSnapshot.Missing': fail(
      'Name a snapshot of a system disk in `snapshot-id`, or in `disk-device-mappings`.',
    ),
    'InvalidSnapshotId.NotFound': fail(
      'Check `snapshot-id` or `disk-device-mappings`, and `region-id`: the account has no such snapshot there.',
    ),
    'InvalidSnapshotId.NotReady': snapshotUnfinished,
    SnapshotNotReady: snapshotUnfinished,
    'TooManySnapshot.Unfinished': waitUntil('some of the snapshots in progress are done (ECS console, Snapshots)'),
    'QuotaExceed.ConcurrentSnapshotQuota': waitUntil("this disk's earlier snapshots are done (ECS console, Snapshots)"),
    'InvalidSnapshot.TooOld': fail(
      'Take a new snapshot of the disk for `snapshot-id`: those of 2013-07-15 and before make no image.',
    ),
    'OperationDenied.InvalidSnapshotCategory': snapshotCategory,
    'InvalidSnapshotCategory.NotSupportImageCreation': snapshotCategory,
    'InvalidOperation.SnapshotStorageLocationUnsupported': fail(
      'Name a snapshot kept in the region in `snapshot-id`: those stored in a CloudBox make no image.',
    ),
    'InvalidOperation.DefaultFreeSnapshotNotSupport': fail(
      'Take a snapshot of your own and name it in `snapshot-id`: the free default snapshot makes no image.',
    ),
    UserNotInTheWhiteList: fail(
      "Ask support to allow data-disk snapshots as system disk, or use a system disk's in `disk-device-mappings`.",
    ),
    'IncorrectDiskStatus.NeverAttached': fail(
      'Attach the disk to an instance once (ECS console, Disks), then take the snapshot.',
    ),
    'IncorrectDiskStatus.CreatingSnapshot': waitUntil(
      "this disk's snapshot in progress is done (ECS console, Snapshots)",
    ),
    'IncorrectDiskStatus.Transferring': waitUntil('the migration of the disk has ended (ECS console, Disks)'),
    'IncorrectDiskStatus.Invalid': fail('Restart the instance (ECS console, Instances), then run the step again.'),
    IncorrectDiskStatus: waitUntil('the disk is In Use or Available (ECS console, Disks)'),
    'InvalidParameter.KMSKeyId.CMKUnauthorized': fail(
      'Give the KMS key of the disk the tag with which it admits ECS (KMS console, Keys), then run the step again.',
    ),
    'InvalidParameter.KMSKeyId.CMKNotEnabled': fail(
      'Enable the KMS key of the disk (KMS console, Keys), then run the step again.',
    ),
    'InvalidParameter.KMSKeyId.KMSUnauthorized': allowKms,

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

    // CreateImage: quotas, token, account
    'ImageQuotaExceed.ImageFamily': familyFull,
    ImageFamilyQuotaExceed: tooManyFamilies,
    'QuotaExceed.Image': fail(
      'Delete images that nobody needs, set `keep` to have old ones deleted, or ask for more in the Quota Center.',
    ),
    'QuotaExceed.Snapshot': fail(
      'Delete snapshots that nobody needs (ECS console, Snapshots), or ask for more in the Quota Center.',
    ),
    IdempotenceParamNotMatch: tokenReused,
    'InvalidParamter.Conflict': tokenReused,
    'AccountForbidden.CreateOrder': fail(
      "Ask the account's owner why it may not order (Account Center, Expenses and Costs); ECS refuses it as abnormal.",
    ),
    'InvalidAccountStatus.NotEnoughBalance': topUp,
    'InvalidAccountStatus.SnapshotServiceUnavailable': fail(
      'Activate the snapshot service (ECS console, Snapshots), then run the step again.',
    ),
    AccountEnterpriseStatusInvalid: fail(
      "Update the company's real-name verification in the Account Center; its registration counts as revoked.",
    ),

    // ModifyImageAttribute. The two quotas are those of CreateImage under other names.
    'ImageQuotaFull.ImageFamily': fail(
      'Delete old images of the family or set `keep`; if it is the `quarantine-family` that has its 100, name another.',
    ),
    ImageFamilyQuotaFull: tooManyFamilies,
    'InvalidLicenseType.NotSupported': ourFault,
    'ImageStatus.NotAvailable': fail(
      'Look at the status of the image (ECS console, Images), then run again: only an available one is deprecated.',
    ),
    'ImageStatus.NotDeprecated': fail(
      'Look at the status of the image (ECS console, Images), then run again: only a deprecated one is restored.',
    ),
    'ModifyImageAttribute/ImageUseShared': fail(
      'Set `unshare` to true, or name a `quarantine-family` to keep the shares: a shared image cannot be deprecated.',
    ),
    'InvalidStatus.ImageIsCreating': waitUntil('the image is Available (ECS console, Images)'),
    'OperationDeined.ImageUsingByInstance': fail(
      'Bake a new image with another `boot-mode`: that of an image with instances cannot be changed.',
    ),
    'InvalidOperation.FeaturesImdsSupportNotMatch': fail(
      'Bake a new image with another `imds-support`: ECS does not take an image from v2 back to v1.',
    ),
    'InvalidImageId.NotFound': fail('Check `image-id` and `region-id`: this account has no such image in this region.'),

    // CopyImage, CancelCopyImage
    'SourceRegion.NotFound': fail('Correct `region-id`: ECS knows no such region, or this account cannot use it.'),
    'DestinationRegion.NotFound': fail(
      'Correct `replica-region-ids`: ECS knows no such region, or this account cannot use it.',
    ),
    IncorrectDestinationRegion: fail('Take the region of `region-id` out of `replica-region-ids`.'),
    RegionNotSupportCopy: otherReplica,
    'InvalidRegion.NotSupport': otherReplica,
    'OperationDenied.NonCompliantDestinationRegion': otherReplica,
    'CopyImage/IncorrectImageStatus': fail(
      'Restore the image if it is deprecated (ECS console, Images), else bake anew: only an available one is copied.',
    ),
    'CopyImage/InvalidImageName.Duplicated': fail(
      'Rename or delete the image of this name in the target region (ECS console, Images), then re-run this job.',
    ),
    'CopyImage/InvalidSnapshotId.NotFound': fail(
      'Bake a new image: a snapshot that this one rests on has been deleted.',
    ),
    'CopyImage/InvalidSnapshot.TooOld': fail(
      'Bake a new image from a new snapshot: one that rests on a snapshot of 2013-07-15 or before cannot be copied.',
    ),
    'CopyImage/QuotaExceed.Image': fail(
      'Delete images in the target region, set `keep` to have old ones deleted, or ask for more in the Quota Center.',
    ),
    'CopyImage/QuotaExceed.Snapshot': fail(
      'Delete snapshots in the target region (ECS console, Snapshots), or ask for more there in the Quota Center.',
    ),
    'CopyImage/OperationDenied': fail(
      'Look at the image in the ECS console: one that ECS may not copy has to be baked in the target region itself.',
    ),
    'CopyImage/UserNotInTheWhiteList': fail(
      'Ask Alibaba Cloud support to allow this copy for the account, or take the region out of `replica-region-ids`.',
    ),
    'OperationDenied.ImageCopyConflict': waitUntil('the earlier copy of this image is done (ECS console, Images)'),
    'OperationDenied.ImageCopying': waitUntil('the copying of this image has ended (ECS console, Images)'),
    'OperationDenied.CommunityImage': copyImageOfYourOwn,
    'OperationDenied.SameRegionOnly': fail(
      'Copy the shared image within its region first, then name that copy in `image-id`: shares do not cross regions.',
    ),
    'OperationDenied.NotPublished': copyImageOfYourOwn,
    'OperationDenied.NotAuthorized': copyImageOfYourOwn,
    'OperationDenied.EncryptSnapshotAcrossRegion': fail(
      'Name a key for the target region in `copy-kms-key-ids`: an encrypted image does not cross regions without one.',
    ),
    'CopyImage/OperationDeined.EncryptedSnapshot': fail(
      'Name a key for the target region in `copy-kms-key-ids`, or bake from unencrypted disks.',
    ),
    'InvalidParameter.EncryptedIllegal': copyKey,
    'InvalidEncrypted.NotMatchKmsKeyId': copyKey,
    'InvalidEncrypted.NotMatchEncryptAlgorithm': ourFault,
    InvalidEncryptAlgorithm: ourFault,
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
      'Give the key that `copy-kms-key-ids` names for the target region the tag that admits ECS (KMS console, Keys).',
    ),
    'CopyImage/InvalidParameter.KMSKeyId.CMKNotEnabled': fail(
      'Enable the key that `copy-kms-key-ids` names for the target region (KMS console, Keys), then run again.',
    ),
    'InvalidParameter.DataEncryptedKeyCreateFailed': fail(
      'Check in the KMS console that the key in `copy-kms-key-ids` is enabled and ECS may make data keys with it.',
    ),
    'InvalidAliUid.IsNull': fail(
      'Use credentials of an Alibaba Cloud account or RAM role: ECS finds no account behind these.',
    ),
    'SizeExceed.Image': fail('Bake a smaller image, with smaller or fewer disks: this one is too large to be copied.'),
    'InvalidOperation.VhdImageUnsupported': fail(
      'Bake a new image from an instance: one of the VHD format cannot be copied.',
    ),
    'InvalidOperation.CloudBoxImageCopyUnsupported': fail(
      'Bake a new image from disks kept in the region: one stored in a CloudBox cannot be copied.',
    ),
    ImageCreatedNotFromCopy: fail('Check `image-id`: this image is not a copy, so there is no copying to cancel.'),
    CancelNotSupported: fail(
      'Leave the copy to finish, then delete it in the target region (ECS console, Images) if unwanted.',
    ),
    'CancelCopyImage/IncorrectImageStatus': fail(
      'Leave it: the copy is no longer in progress; delete it in the target region (ECS console, Images) if unwanted.',
    ),

    // DeleteImage. One that is gone is what was wanted, although ECS lists it as an error.
    'DeleteImage/InvalidImageId.NotFound': fail('Ignore this: the image is gone already, or was never in this region.'),
    ImageUsingByInstance: fail(
      'Replace the instances that use this image (ECS console, Instances), and let a later run with `keep` delete it.',
    ),
    'DeleteImage/ImageUseShared': fail('Set `unshare` to true: a shared image cannot be deleted.'),
    'DeleteImage/OperationDenied.ImageCopying': waitUntil(
      'the copies of this image are done or cancelled (ECS console, Images)',
    ),
    ImageIsImporting: waitUntil('the import of this image has ended (ECS console, Images)'),
    ImageIsExporting: waitUntil('the export of this image has ended (ECS console, Images)'),
    ImageIsPublic: fail('Unpublish the community image (ECS console, Images) before it is deleted.'),

    // ModifyImageSharePermission
    'OperationDenied.InvalidImageStatus': fail(
      'Share an available image: a deprecated one has to be restored first (mode promote).',
    ),
    'QuotaExceed.ShareImage': fail(
      'Take back shares that nobody needs (ECS console, Images), or ask for more in the Quota Center.',
    ),
    'QuotaExceed.ShareImageUser': fail(
      'Shorten `share-with`, or take old shares back (ECS console, Images): an image has at most 50.',
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
    'ImageName.ContainsSensitiveWords': fail(
      'Change `image-name`: it contains a word that ECS does not let others see.',
    ),
    'ImageDescription.ContainsSensitiveWords': fail(
      'Change `description`: it contains a word that ECS does not let others see.',
    ),
    'Image.Public': community,
    'Image.NotPublic': community,
    'PublicImageAgreement.NotSigned': community,
    'CurrentRegion.NotSupportPublicImage': community,
    'InvalidParameter.IsPublic': ourFault,
    'InvalidGroup.Malformed': ourFault,

    // DescribeInstances, StopInstance, StartInstance
    'InvalidStatus.NotFound': ourFault,
    'InvalidLockReason.NotFound': ourFault,
    'InvalidFilterKey.NotFound': ourFault,
    'InvalidNetworkType.NotFound': ourFault,
    'InvalidInstanceChargeType.NotFound': ourFault,
    'InvalidTag.Mismatch': ourFault,
    InvalidTagCount: tooManyTags,
    'StopInstance/IncorrectInstanceStatus': waitUntil('the instance is Running or Stopped (ECS console, Instances)'),
    'StartInstance/IncorrectInstanceStatus': waitUntil('the instance is Stopped (ECS console, Instances)'),
    InstanceNotReady: waitUntil('the instance is ready to start (ECS console, Instances)'),
    InstanceExpiredOrInArrears: fail(
      'Renew the instance, or settle the bills (Expenses and Costs console), then run the step again.',
    ),
    InstanceExpired: fail('Renew the instance (ECS console, Instances), then start it there.'),
    InsufficientBalance: fail(
      "Top up the account's balance (Expenses and Costs console), then start the instance in the ECS console.",
    ),
    DiskError: fail(
      'Look for faulty disks of the instance (ECS console, Disks), repair them, then run the step again.',
    ),
    'InvalidParameter.Encrypted.KmsNotEnable': fail(
      'Activate Key Management Service (KMS console): a disk of the instance is encrypted.',
    ),
    'LimitedOperation.ServiceUnavailable': runAgainLater,
    'OperationDenied.NoStock': fail(
      'Start the instance later in the ECS console, or change its type there: the zone has none of this type left.',
    ),
    'QuotaExceed.ElasticQuota': fail(
      'Ask for more vCPUs of this instance type in the Quota Center, then start the instance.',
    ),

    // DescribeSnapshots, DeleteSnapshot
    'InvalidSnapshotIds.Malformed': fail(
      'Correct `snapshot-id` or `disk-device-mappings`: snapshot IDs look like s-….',
    ),
    'DeleteSnapshot/InvalidSnapshotId.NotFound': fail('Ignore this: the snapshot is gone already.'),
    // Right after DeleteImage this can be a late read; otherwise another image rests on the snapshot; Force is no help.
    SnapshotCreatedImage: {
      reaction: 'poll',
      remedy:
        'Look for an image that still uses the snapshot (ECS console, Snapshots); if there is none, delete it there.',
    },
    SnapshotCreatedDisk: fail('Delete the snapshot in the ECS console when the disks made from it can do without it.'),
    'Operation.Conflict': waitUntil('the other operation on the snapshot has ended'),
    'InvalidOperation.RelatedSnapshotNotFinished': waitUntil(
      'the snapshots that follow this one are done (ECS console, Snapshots)',
    ),
    'InvalidOperation.DeleteSharedSnapshotUnsupported': fail(
      'Take back the shares of the snapshot (ECS console, Snapshots), then delete it.',
    ),
    'InvalidOperation.ResourceManagedByCloudProduct': fail(
      'Delete the snapshot by way of the cloud service that manages it.',
    ),

    // TagResources, UntagResources, ListTagResources
    'NumberExceed.ResourceIds': ourFault,
    'NumberExceed.Tags': tooManyTags,
    'OperationDenied.QuotaExceed': tooManyTags,
    'TagKey.Duplication': fail(
      'Change the keys in `tags`: one differs from a key that is already there only in upper and lower case.',
    ),
    'NoPermission.Tag': fail(
      'Grant `ecs:TagResources` on image/*, instance/* and snapshot/* to the identity of this step (RAM console).',
    ),
    'InvalidResourceId.NotSupported': ourFault,
    'InvalidResourceId.NotFound': fail(
      'Check that image, snapshot or instance still exists in this region (ECS console), then run the step again.',
    ),
    'InvalidResourceType.NotFound': ourFault,
    'BothEmpty.TagsAndResources': ourFault,
    'Invalid.NextToken': ourFault,
  } satisfies Record<string, Advice>),
)

/** Where a grant has to reach, for the actions where that is easily got wrong; each API's own page says so. */
const GRANTED_ON: ReadonlyMap<string, string> = new Map([
  ['CreateImage', 'image/* and the source (instance/* or snapshot/*)'],
  ['CopyImage', 'image/* of both regions'],
  // Not covered by what a policy grants on images.
  ['DescribeSnapshots', 'snapshot/*'],
  ['DeleteSnapshot', 'snapshot/*'],
  ['TagResources', 'image/*, instance/* and snapshot/*'],
  // These two know no resource: a grant on image/* looks right and does nothing.
  ['DescribeImageFromFamily', '* (nothing narrower works)'],
  ['ListTagResources', '* (nothing narrower works)'],
])

const grant = (action: string): Advice => {
  const reach = GRANTED_ON.get(action)
  const where = reach === undefined ? '' : ` on ${reach}`
  return fail(
    `Grant \`ecs:${action}\`${where} to the identity of this step (RAM console), and look for a policy that denies it.`,
  )
}

interface Rule {
  readonly holds: (code: string, status: number | undefined) => boolean
  readonly advice: (action: string) => Advice
}

const begins =
  (...prefixes: readonly string[]) =>
  (code: string): boolean =>
    prefixes.some((prefix) => code.startsWith(prefix))

const always = (advice: Advice) => (): Advice => advice

/** Families of codes, for those that the table lacks; the first that holds counts. */
const RULES: readonly Rule[] = [
  // ECS has a dozen spellings of this, under the statuses 400, 429 and 503.
  { holds: (code) => code.includes('Throttling'), advice: always(slowDown) },
  { holds: (_, status) => status !== undefined && status >= 500, advice: always(runAgainLater) },
  { holds: (_, status) => status === 429, advice: always(slowDown) },
  { holds: begins('Forbidden', 'Forbbiden', 'InvalidUser.Unauthorized'), advice: grant },
  { holds: begins('InvalidSecurityToken'), advice: always(renewToken) },
  {
    holds: begins('InvalidAccessKeyId'),
    advice: always(fail('Check `access-key-id`: the key has to exist and be enabled (RAM console, AccessKey).')),
  },
  { holds: begins('Signature', 'IncompleteSignature'), advice: always(checkKeys) },
  {
    holds: begins('InvalidTimeStamp'),
    advice: always(fail("Set the runner's clock right (NTP): ECS accepts at most 15 minutes of difference.")),
  },
  { holds: begins('HibernationConfigured'), advice: always(hibernation) },
  {
    holds: begins('InvalidParameter.KMSKeyId'),
    advice: always(
      fail('Check in the KMS console that the key exists in this region, is enabled, and may be used by ECS.'),
    ),
  },
  { holds: begins('MissingParameter'), advice: always(ourFault) },
  { holds: (code) => code.includes('Quota'), advice: always(quotaUsedUp) },
  {
    holds: begins('InvalidParameter', 'InvalidParamter'),
    advice: always(fail("Correct the input that ECS's message above names.")),
  },
  // ECS never answers without a code: this was a gateway's page, under whatever status, or nothing at all.
  {
    holds: (code) => code === '',
    advice: always(
      retry('Check the network between runner and ECS, region IDs, and `endpoint` if set, then run the step again.'),
    ),
  },
]

const unknown = fail(
  "Read ECS's own message above, it says why; look the code up at https://api.aliyun.com/troubleshoot.",
)

/**
 * What to do about an answer to a request; `code` and `status` are undefined when it had none, or there was no answer.
 * A code that is in none of ECS's lists is judged by family and status, and else stops: nobody knows that it passes.
 */
export function adviceFor(action: string, code: string | undefined, status: number | undefined): Advice {
  const given = code ?? ''
  return (
    ADVICE.get(`${action}/${given}`) ??
    ADVICE.get(given) ??
    RULES.find((rule) => rule.holds(given, status))?.advice(action) ??
    unknown
  )
}

/** Disks and snapshots that images are created from; DescribeSnapshots, DeleteSnapshot. */
import { type Advice, allowKms, fail, pollUntil } from './advice.ts'

const snapshotUnfinished = pollUntil('the snapshot is accomplished (ECS console, Snapshots)')
const snapshotCategory = fail(
  'Take a standard snapshot of the system disk and name it in `snapshot-id`; ECS makes no image from this category.',
)
const diskCategory = fail(
  'Use an instance without local disks as `instance-id`, or leave those disks out with `disk-device-mappings`.',
)

export const snapshots = {
  // CreateImage: which source
  'CreateImage/MissingParameter': fail(
    'Name a source: exactly one of `instance-id`, `snapshot-id`, `disk-device-mappings`.',
  ),
  'InvalidParameter.AllEmpty': fail('Fill in what the message names: an entry of `disk-device-mappings` may be empty.'),
  'CreateImage/OperationDenied': fail(
    'Use exactly one system-disk snapshot (also in `disk-device-mappings`): your own, unencrypted, of a disk that still exists.',
  ),
  'InvalidDevice.Malformed': fail(
    'Correct the device in `disk-device-mappings`: /dev/xvda is the system disk, /dev/xvdb to /dev/xvdz data disks.',
  ),
  'InvalidDevice.InUse': fail('Give each entry of `disk-device-mappings` a device of its own, or leave them all out.'),
  'InvalidSize.ValueNotSupported': fail(
    'Raise the size in `disk-device-mappings` to at least the size of the snapshot, or leave it out.',
  ),
  'InvalidDiskType.ValueNotSupported': fail(
    'Set the disk-type in `disk-device-mappings` to system (one entry) or data.',
  ),
  'InvalidParameter.DiskType': fail(
    'Choose another system disk in `disk-device-mappings`: a data disk encrypted with a KMS key cannot become one.',
  ),
  'InvalidDiskCategory.CreateImage': diskCategory,
  'InvalidOperation.DiskCategoryUnsupported': diskCategory,
  UserNotInTheWhiteList: fail(
    'Ask support to allow a data-disk snapshot as system disk, or use one of a system disk in `disk-device-mappings`.',
  ),

  // CreateImage: snapshots
  'InvalidSystemSnapshot.Missing': fail('Name a snapshot of a system disk in `snapshot-id` or `disk-device-mappings`.'),
  'InvalidSnapshotId.NotFound': fail(
    'Check `snapshot-id` or `disk-device-mappings`, and `region-id`: the account has no such snapshot there.',
  ),
  'InvalidSnapshotId.NotReady': snapshotUnfinished,
  SnapshotNotReady: snapshotUnfinished,
  'TooManySnapshot.Unfinished': pollUntil('some of the snapshots in progress are done (ECS console, Snapshots)'),
  'QuotaExceed.ConcurrentSnapshotQuota': pollUntil("this disk's earlier snapshots are done (ECS console, Snapshots)"),
  'QuotaExceed.Snapshot': fail(
    'Delete snapshots that nobody needs (ECS console, Snapshots), or ask for more in the Quota Center.',
  ),
  'InvalidSnapshot.TooOld': fail(
    'Take a new snapshot of the disk for `snapshot-id`: ECS makes no image from one of 2013-07-15 or before.',
  ),
  'OperationDenied.InvalidSnapshotCategory': snapshotCategory,
  'InvalidSnapshotCategory.NotSupportImageCreation': snapshotCategory,
  'InvalidOperation.SnapshotStorageLocationUnsupported': fail(
    'Name a snapshot kept in the region in `snapshot-id`: ECS makes no image from one in a CloudBox.',
  ),
  'InvalidOperation.DefaultFreeSnapshotNotSupport': fail(
    'Take a snapshot of your own and name it in `snapshot-id`: ECS makes no image from the free default one.',
  ),
  'InvalidAccountStatus.SnapshotServiceUnavailable': fail(
    'Activate the snapshot service (ECS console, Snapshots), then run the step again.',
  ),

  // CreateImage: disks
  'IncorrectDiskStatus.NeverAttached': fail(
    'Attach the disk to an instance once (ECS console, Disks), then take the snapshot.',
  ),
  'IncorrectDiskStatus.CreatingSnapshot': pollUntil(
    "this disk's snapshot in progress is done (ECS console, Snapshots)",
  ),
  'IncorrectDiskStatus.Transferring': pollUntil('the migration of the disk has ended (ECS console, Disks)'),
  'IncorrectDiskStatus.Invalid': fail('Restart the instance (ECS console, Instances), then run the step again.'),
  IncorrectDiskStatus: pollUntil('the disk is In Use or Available (ECS console, Disks)'),
  'InvalidParameter.KMSKeyId.CMKUnauthorized': fail(
    'Give the KMS key of the disk the tag that lets ECS use it (KMS console, Keys), then run the step again.',
  ),
  'InvalidParameter.KMSKeyId.CMKNotEnabled': fail(
    'Enable the KMS key of the disk (KMS console, Keys), then run the step again.',
  ),
  'InvalidParameter.KMSKeyId.KMSUnauthorized': allowKms,

  // DescribeSnapshots, DeleteSnapshot
  'InvalidSnapshotIds.Malformed': fail('Correct `snapshot-id` or `disk-device-mappings`: snapshot IDs look like s-….'),
  'DeleteSnapshot/InvalidSnapshotId.NotFound': fail('Ignore this: the snapshot is already gone.'),
  // Right after DeleteImage this can be a late read; otherwise another image needs the snapshot. Force does not help.
  SnapshotCreatedImage: {
    reaction: 'poll',
    remedy:
      'Look for an image that still uses the snapshot (ECS console, Snapshots); if there is none, delete it there.',
  },
  SnapshotCreatedDisk: fail('Delete the snapshot in the ECS console when the disks created from it no longer need it.'),
  'Operation.Conflict': pollUntil('the other operation on the snapshot has ended'),
  'InvalidOperation.RelatedSnapshotNotFinished': pollUntil(
    'the snapshots that follow this one are done (ECS console, Snapshots)',
  ),
  'InvalidOperation.DeleteSharedSnapshotUnsupported': fail(
    'Remove the shares of the snapshot (ECS console, Snapshots), then delete it.',
  ),
  'InvalidOperation.ResourceManagedByCloudProduct': fail('Delete the snapshot with the cloud service that manages it.'),
} satisfies Record<string, Advice>

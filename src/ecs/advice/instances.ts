/** Instances that images are created from, and those that run them. */
import { type Advice, fail, pollUntil, reportBug } from './advice.ts'

const unlock = fail(
  'Resolve the security incident that locks the instance (ECS console, Instances; Security Center), then run again.',
)

export const instances = {
  // CreateImage
  'CreateImage/IncorrectInstanceStatus': pollUntil('the instance is Running or Stopped (ECS console, Instances)'),
  'IncorrectInstanceStatus.NeedRestart': fail(
    'Start the instance once, so that it picks up the disk that was added while it was stopped, then run the step again.',
  ),
  'InvalidInstance.NotFoundSystemDisk': fail(
    'Attach a system disk to the instance (ECS console, Instances), or name another one in `instance-id`.',
  ),
  'InvalidInstanceId.ValueNotSupported': fail(
    'Name another instance in `instance-id`, or use `snapshot-id`: ECS makes no image of an instance of this kind.',
  ),
  'InvalidInstanceId.NotFound': fail(
    'Check `instance-id` and `region-id`: this account has no such instance in this region.',
  ),

  // DescribeInstances
  'InvalidStatus.NotFound': reportBug,
  'InvalidLockReason.NotFound': reportBug,
  'InvalidFilterKey.NotFound': reportBug,
  'InvalidNetworkType.NotFound': reportBug,
  'InvalidInstanceChargeType.NotFound': reportBug,

  // StopInstance, StartInstance
  'StopInstance/IncorrectInstanceStatus': pollUntil('the instance is Running or Stopped (ECS console, Instances)'),
  'StartInstance/IncorrectInstanceStatus': pollUntil('the instance is Stopped (ECS console, Instances)'),
  InstanceNotReady: pollUntil('the instance is ready to start (ECS console, Instances)'),
  InstanceLockedForSecurity: unlock,
  InstanceExpiredOrInArrears: fail(
    'Renew the instance, or settle the bills (Expenses and Costs console), then run the step again.',
  ),
  InstanceExpired: fail('Renew the instance (ECS console, Instances), then start it there.'),
  InsufficientBalance: fail(
    "Top up the account's balance (Expenses and Costs console), then start the instance in the ECS console.",
  ),
  DiskError: fail('Look for faulty disks of the instance (ECS console, Disks), repair them, then run the step again.'),
  'InvalidParameter.Encrypted.KmsNotEnable': fail(
    'Activate Key Management Service (KMS console): a disk of the instance is encrypted.',
  ),
  'OperationDenied.NoStock': fail(
    'Start the instance later in the ECS console, or change its type there: the zone has none of this type left.',
  ),
  'QuotaExceed.ElasticQuota': fail(
    'Ask for more vCPUs of this instance type in the Quota Center, then start the instance.',
  ),
} satisfies Record<string, Advice>

import type { Answer, Call } from './call.ts'
import { cancelCopyImage, copyImage } from './copies.ts'
import { createImage } from './create-image.ts'
import { deleteImage } from './delete-image.ts'
import { describeImages } from './describe-images.ts'
import { instanceNotFound, snapshotNotFound } from './errors.ts'
import { describeImageFromFamily } from './families.ts'
import { deleteInstance, describeInstanceStatus, describeInstances, startInstance, stopInstance } from './instances.ts'
import { modifyImageAttribute } from './modify-image.ts'
import type { Action } from './parameters.ts'
import { describeRegions } from './regions.ts'
import { runInstances } from './run-instances.ts'
import { describeImageSharePermission, modifyImageSharePermission } from './sharing.ts'
import { deleteSnapshot, describeSnapshots } from './snapshots.ts'
import { getCallerIdentity } from './sts.ts'
import { listTagResources, tagResources, untagResources } from './tag-resources.ts'
import type { Account, Region, World } from './world.ts'

/** Every API whose requests are signed. AssumeRoleWithOIDC, which is not, stands apart. */
export const APIS: Record<Exclude<Action, 'AssumeRoleWithOIDC'>, (call: Call) => Answer> = {
  CreateImage: createImage,
  DescribeImages: describeImages,
  DescribeImageFromFamily: describeImageFromFamily,
  ModifyImageAttribute: modifyImageAttribute,
  CopyImage: copyImage,
  CancelCopyImage: cancelCopyImage,
  DeleteImage: deleteImage,
  DescribeImageSharePermission: describeImageSharePermission,
  ModifyImageSharePermission: modifyImageSharePermission,
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  StopInstance: stopInstance,
  StartInstance: startInstance,
  RunInstances: runInstances,
  DeleteInstance: deleteInstance,
  DescribeSnapshots: describeSnapshots,
  DeleteSnapshot: deleteSnapshot,
  TagResources: tagResources,
  UntagResources: untagResources,
  ListTagResources: listTagResources,
  DescribeRegions: describeRegions,
  GetCallerIdentity: getCallerIdentity,
}

export function isWrite(action: string): boolean {
  return !/^(Describe|List|Get|AssumeRole)/.test(action)
}

export function serviceOf(action: string): 'ecs' | 'sts' {
  return action === 'AssumeRoleWithOIDC' || action === 'GetCallerIdentity' ? 'sts' : 'ecs'
}

export function versionOf(action: string): string {
  return serviceOf(action) === 'sts' ? '2015-04-01' : '2014-05-26'
}

/** Four APIs have no RegionId: ECS takes the region of the endpoint, and this server, which has one, the resource's. */
export function regionOf(
  world: World,
  account: Account,
  action: string,
  parameters: Readonly<Record<string, string>>,
): Region {
  const everywhere = [...world.regions.values()]
  const { InstanceId = '', SnapshotId = '', RegionId } = parameters
  if (['StopInstance', 'StartInstance', 'DeleteInstance'].includes(action)) {
    const region = everywhere.find(({ instances }) => instances.get(InstanceId)?.owner === account.uid)
    if (!region) throw instanceNotFound()
    return region
  }
  if (action === 'DeleteSnapshot') {
    const region = everywhere.find(({ snapshots }) => snapshots.get(SnapshotId)?.owner === account.uid)
    if (!region && world.switches.deleteMissing === '404') throw snapshotNotFound()
    return region ?? world.region('cn-hangzhou')
  }
  const anywhere = action === 'DescribeRegions' || action === 'GetCallerIdentity'
  return world.region(RegionId ?? (anywhere ? 'cn-hangzhou' : undefined))
}

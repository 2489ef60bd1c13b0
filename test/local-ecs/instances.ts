import { type Answer, type Call, endDryRun } from './call.ts'
import { toMinute } from './clock.ts'
import { EcsError, instanceNotFound, invalidParameter } from './errors.ts'
import { type Instance, instanceStatus } from './instance.ts'
import { tokenPage } from './next-token.ts'
import { flag, list, page } from './parameters.ts'
import { tagFilter, tagList, tagsAt } from './tags.ts'

function incorrectStatus(): EcsError {
  return new EcsError(
    403,
    'IncorrectInstanceStatus',
    'The current status of the resource does not support this operation.',
  )
}

function checkLocks(instance: Instance): void {
  if (instance.locks.includes('security')) {
    throw new EcsError(
      403,
      'InstanceLockedForSecurity',
      'The specified operation is denied as your instance is locked for security reasons.',
    )
  }
}

function ownInstance(call: Call): Instance {
  const instance = call.region.instances.get(call.parameters.InstanceId ?? '')
  if (instance?.owner !== call.account.uid) throw instanceNotFound()
  return instance
}

/** Asynchronous like starting: Running, Stopping, Stopped. */
export function stopInstance(call: Call): Answer {
  const { now, parameters, world } = call
  const { defaultStoppedMode, stoppingSeconds } = world.switches
  const mode = parameters.StoppedMode ?? defaultStoppedMode
  if (mode !== 'KeepCharging' && mode !== 'StopCharging') throw invalidParameter('StoppedMode')
  const instance = ownInstance(call)
  if (instanceStatus(instance, now) !== 'Running') throw incorrectStatus()
  checkLocks(instance)
  if (instance.locks.includes('financial')) {
    throw new EcsError(403, 'InstanceExpiredOrInArrears', 'The specified instance is expired or in arrears.')
  }
  endDryRun(call)
  instance.stoppedMode = mode
  instance.moves = [
    { at: now, to: 'Stopping' },
    { at: now + stoppingSeconds * 1000, to: 'Stopped' },
  ]
  return {}
}

export function startInstance(call: Call): Answer {
  const { now, world } = call
  const { startNoStock, startingSeconds } = world.switches
  const instance = ownInstance(call)
  if (instanceStatus(instance, now) !== 'Stopped') throw incorrectStatus()
  checkLocks(instance)
  // The economical mode gives vCPUs and memory back, so there may be none left when the instance shall start.
  const gaveBack = instance.stoppedMode === 'StopCharging'
  if (startNoStock === 'always' || (startNoStock === 'after-stop-charging' && gaveBack)) {
    throw new EcsError(403, 'OperationDenied.NoStock', 'The requested resource is sold out in the specified zone.')
  }
  endDryRun(call)
  instance.startTime = now
  instance.moves = [
    { at: now, to: 'Starting' },
    { at: now + startingSeconds * 1000, to: 'Running' },
  ]
  return {}
}

export function deleteInstance(call: Call): Answer {
  const { now, parameters, region } = call
  const instance = ownInstance(call)
  const status = instanceStatus(instance, now)
  // Of one just launched; one that was only stopped and started again is no longer being initialised.
  if (instance.moves[0]?.to === 'Pending' && status !== 'Running') {
    throw new EcsError(
      403,
      'IncorrectInstanceStatus.Initializing',
      'The specified instance status does not support this operation.',
    )
  }
  checkLocks(instance)
  if (instance.deletionProtection) {
    throw new EcsError(
      403,
      'InvalidOperation.DeletionProtection',
      'The operation is not allowed due to deletion protection.',
    )
  }
  const forced = flag(parameters, 'Force') && status === 'Running'
  if (status !== 'Stopped' && !forced) throw incorrectStatus()
  endDryRun(call)
  region.instances.delete(instance.id)
  return {}
}

function operationLocks(instance: Instance, call: Call): unknown {
  const [first] = instance.locks
  if (call.world.switches.operationLocksShape === 'object' && first) return { LockReason: first }
  return { LockReason: instance.locks.map((LockReason) => ({ LockReason, LockMsg: '' })) }
}

function describe(instance: Instance, call: Call): Answer {
  const status = instanceStatus(instance, call.now)
  return {
    InstanceId: instance.id,
    InstanceName: instance.name,
    Status: status,
    StoppedMode: status === 'Stopped' ? instance.stoppedMode : 'Not-applicable',
    ImageId: instance.imageId,
    InstanceType: instance.instanceType,
    InstanceChargeType: 'PostPaid',
    InstanceNetworkType: 'vpc',
    CreationTime: toMinute(instance.creationTime),
    StartTime: toMinute(instance.startTime),
    ExpiredTime: '2099-12-31T15:59Z',
    AutoReleaseTime: instance.autoReleaseTime === undefined ? '' : toMinute(instance.autoReleaseTime),
    OSType: instance.system.osType,
    OSName: instance.system.osName,
    OSNameEn: instance.system.osNameEn,
    Cpu: 2,
    Memory: 8192,
    DeletionProtection: instance.deletionProtection,
    OperationLocks: operationLocks(instance, call),
    SecurityGroupIds: { SecurityGroupId: [] },
    VpcAttributes: { VpcId: '', VSwitchId: '', PrivateIpAddress: { IpAddress: [] }, NatIpAddress: '' },
    PublicIpAddress: { IpAddress: [] },
    EipAddress: { IpAddress: '', AllocationId: '', InternetChargeType: '' },
    RegionId: call.region.id,
    ZoneId: `${call.region.id}-h`,
    ResourceGroupId: '',
    HostName: instance.id.replace('-', ''),
    Tags: tagList(tagsAt(instance, call.now - call.world.switches.staleTagSeconds * 1000)),
    ImageOptions: {},
    HibernationOptions: { Configured: false },
  }
}

/** Some lists are one string that holds a JSON array. */
export function jsonList(call: Call, name: string, malformed: EcsError): string[] | undefined {
  const text = call.parameters[name]
  if (!text) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const valid = Array.isArray(value) && value.length <= 100 && value.every((item) => typeof item === 'string')
    if (valid) return value as string[]
  } catch {}
  throw malformed
}

const LOCK_REASONS = ['financial', 'security', 'Recycling', 'dedicatedhostfinancial', 'refunded']
const STATUSES = ['Pending', 'Starting', 'Running', 'Stopping', 'Stopped']

function checkFilters(call: Call): void {
  const { Status, LockReason } = call.parameters
  if (Status && !STATUSES.includes(Status)) {
    throw new EcsError(404, 'InvalidStatus.NotFound', 'The specified Status is not found.')
  }
  if (LockReason && !LOCK_REASONS.includes(LockReason)) {
    throw new EcsError(404, 'InvalidLockReason.NotFound', 'The specified LockReason is not found.')
  }
}

function matching(call: Call): Instance[] {
  const { Status, LockReason, ImageId, InstanceName } = call.parameters
  checkFilters(call)
  const ids = jsonList(call, 'InstanceIds', invalidParameter('InstanceIds'))
  const matchesTags = tagFilter(call.parameters)
  const tagTime = call.now - call.world.switches.staleTagSeconds * 1000
  return [...call.region.instances.values()].filter(
    (instance) =>
      instance.owner === call.account.uid &&
      (!ids || ids.includes(instance.id)) &&
      (!ImageId || instance.imageId === ImageId) &&
      (!InstanceName || instance.name === InstanceName) &&
      (!Status || instanceStatus(instance, call.now) === Status) &&
      (!LockReason || instance.locks.includes(LockReason)) &&
      matchesTags(tagsAt(instance, tagTime)),
  )
}

/** Out of bounds is no error here: fewer than 10 counts as 10, more than 100 as 100. */
export function maxResults(call: Call): number {
  return Math.min(100, Math.max(10, Number(call.parameters.MaxResults ?? 10)))
}

export function describeInstances(call: Call): Answer {
  const { MaxResults, NextToken } = call.parameters
  const found = matching(call)
  endDryRun(call)
  const body = (rows: Instance[]) => ({ Instances: { Instance: rows.map((instance) => describe(instance, call)) } })
  if (MaxResults !== undefined || NextToken) {
    const { rows, NextToken: next } = tokenPage({ rows: found, size: maxResults(call), token: NextToken })
    // With tokens the counts mean nothing.
    return { ...body(rows), NextToken: next, PageNumber: 0, PageSize: 0, TotalCount: 0 }
  }
  const { rows, counts } = page(call.parameters, found)
  return { ...body(rows), NextToken: '', ...counts }
}

export function describeInstanceStatus(call: Call): Answer {
  const ids = list(call.parameters, 'InstanceId')
  if (ids.length > 100) throw invalidParameter('InstanceId')
  const found = [...call.region.instances.values()].filter(
    (instance) => instance.owner === call.account.uid && (ids.length === 0 || ids.includes(instance.id)),
  )
  const { rows, counts } = page(call.parameters, found, 50)
  const describeStatus = (instance: Instance) => ({
    InstanceId: instance.id,
    Status: instanceStatus(instance, call.now),
  })
  return { InstanceStatuses: { InstanceStatus: rows.map(describeStatus) }, ...counts }
}

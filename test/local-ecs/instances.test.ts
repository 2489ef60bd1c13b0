import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawCall } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

type Parameters = Record<string, string>

async function outcome(action: string, parameters: Parameters): Promise<string> {
  const { status, body } = await rawCall(ecs, action, parameters)
  return status === 200 ? '200' : `${status} ${body.Code}`
}

describe('StopInstance and StartInstance', () => {
  const stop = (InstanceId: string, more: Parameters = {}) => outcome('StopInstance', { InstanceId, ...more })
  const start = (InstanceId: string, more: Parameters = {}) => outcome('StartInstance', { InstanceId, ...more })

  test('take time, find the instance in any region, and refuse the wrong status', async () => {
    const { id } = ecs.seed.instance({ region: 'cn-beijing' })
    expect(await start(id)).toBe('403 IncorrectInstanceStatus')
    expect(await stop(id, { DryRun: 'true' })).toBe('400 DryRunOperation')
    expect(ecs.instance(id)?.status).toBe('Running')
    expect(await stop(id, { StoppedMode: 'KeepCharging' })).toBe('200')
    expect(ecs.requests.at(-1)?.region).toBe('cn-beijing')
    expect(ecs.instance(id)?.status).toBe('Stopping')
    expect(await stop(id)).toBe('403 IncorrectInstanceStatus')
    ecs.clock.advance(2)
    expect(ecs.instance(id)).toMatchObject({ status: 'Stopped', stoppedMode: 'KeepCharging' })
    expect(await start(id)).toBe('200')
    expect(ecs.instance(id)?.status).toBe('Starting')
    ecs.clock.advance(2)
    expect(ecs.instance(id)?.status).toBe('Running')
    expect(await stop('i-none')).toBe('404 InvalidInstanceId.NotFound')
    expect(await stop(ecs.seed.instance({ account: ecs.addAccount() }).id)).toBe('404 InvalidInstanceId.NotFound')
  })

  test('refuse locked instances, and starting without stock', async () => {
    expect(await stop(ecs.seed.instance({ locks: ['security'] }).id)).toBe('403 InstanceLockedForSecurity')
    expect(await stop(ecs.seed.instance({ locks: ['financial'] }).id)).toBe('403 InstanceExpiredOrInArrears')
    const { id } = ecs.seed.instance()
    Object.assign(ecs.switches, {
      startNoStock: 'after-stop-charging',
      stoppingSeconds: 0,
      defaultStoppedMode: 'StopCharging',
    })
    expect(await stop(id)).toBe('200')
    expect(await start(id)).toBe('403 OperationDenied.NoStock')
    ecs.change(id, { status: 'Running' })
    expect(await stop(id, { StoppedMode: 'KeepCharging' })).toBe('200')
    ecs.switches.startNoStock = 'always'
    expect(await start(id)).toBe('403 OperationDenied.NoStock')
    ecs.switches.startNoStock = 'after-stop-charging'
    expect(await start(id)).toBe('200')
  })
})

describe('DescribeInstances', () => {
  const read = async (parameters: Parameters = {}) =>
    (await rawCall(ecs, 'DescribeInstances', { RegionId: 'cn-hangzhou', ...parameters })).body

  test('finds by a JSON list of IDs, image, status, lock and tag', async () => {
    const a = ecs.seed.instance({ imageId: 'm-1', tags: { role: 'web' } }).id
    const b = ecs.seed.instance({ status: 'Stopped', locks: ['security'] }).id
    const ids = async (parameters: Parameters) =>
      (await read(parameters)).Instances.Instance.map((instance: { InstanceId: string }) => instance.InstanceId)
    expect(await ids({})).toEqual([a, b])
    expect(await ids({ InstanceIds: JSON.stringify([b, 'i-none']) })).toEqual([b])
    expect(await ids({ ImageId: 'm-1' })).toEqual([a])
    expect(await ids({ Status: 'Stopped' })).toEqual([b])
    expect(await ids({ LockReason: 'security' })).toEqual([b])
    expect(await ids({ 'Tag.1.Key': 'role' })).toEqual([a])
    expect((await read({ Status: 'Broken' })).Code).toBe('InvalidStatus.NotFound')
    expect((await read({ InstanceIds: a })).Code).toBe('InvalidParameter')
  })

  test('shows locks as recorded, or abbreviated', async () => {
    ecs.seed.instance({ locks: ['security'] })
    const locks = async () => (await read()).Instances.Instance[0].OperationLocks
    expect(await locks()).toEqual({ LockReason: [{ LockReason: 'security', LockMsg: '' }] })
    ecs.switches.operationLocksShape = 'object'
    expect(await locks()).toEqual({ LockReason: 'security' })
  })

  test('goes on with NextToken, ten at least, and counts nothing then', async () => {
    for (let n = 0; n < 15; n += 1) ecs.seed.instance()
    const first = await read({ MaxResults: '3' })
    expect([first.Instances.Instance.length, first.TotalCount]).toEqual([10, 0])
    const second = await read({ MaxResults: '10', NextToken: first.NextToken })
    expect([second.Instances.Instance.length, second.NextToken]).toEqual([5, ''])
    expect((await read({ NextToken: 'bogus' })).Code).toBe('Invalid.NextToken')
    expect((await read()).TotalCount).toBe(15)
  })

  test('has the short form DescribeInstanceStatus', async () => {
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    ecs.seed.instance()
    const { body } = await rawCall(ecs, 'DescribeInstanceStatus', { RegionId: 'cn-hangzhou', 'InstanceId.1': id })
    expect(body.InstanceStatuses.InstanceStatus).toEqual([{ InstanceId: id, Status: 'Stopped' }])
    expect(await outcome('DescribeInstanceStatus', { RegionId: 'cn-hangzhou', PageSize: '51' })).toBe(
      '400 InvalidParameter',
    )
  })
})

describe('RunInstances', () => {
  const run = (parameters: Parameters) =>
    rawCall(ecs, 'RunInstances', { RegionId: 'cn-hangzhou', InstanceType: 'ecs.g7.large', ...parameters })

  test('launches the image of a family, or one by ID even when deprecated', async () => {
    const old = ecs.seed.image({ family: 'web', status: 'Deprecated' })
    const current = ecs.seed.image({ family: 'web' })
    const { body } = await run({ ImageFamily: 'web', Amount: '2', ClientToken: 't', 'SystemDisk.Size': '40' })
    const ids = body.InstanceIdSets.InstanceIdSet
    expect(ids.map((id: string) => ecs.instance(id)?.imageId)).toEqual([current.id, current.id])
    expect(ecs.instance(ids[0])?.status).toBe('Pending')
    expect(await outcome('DeleteInstance', { InstanceId: ids[0] })).toBe('403 IncorrectInstanceStatus.Initializing')
    ecs.clock.advance(2)
    expect(await outcome('DeleteInstance', { InstanceId: ids[0] })).toBe('403 IncorrectInstanceStatus')
    expect(await outcome('DeleteInstance', { InstanceId: ids[0], Force: 'true' })).toBe('200')
    expect(ecs.instance(ids[0])).toBeUndefined()
    expect((await run({ ImageId: old.id })).status).toBe(200)
  })

  test('refuses what has no image, or a wrong one', async () => {
    const creating = ecs.seed.image({ status: 'Creating', family: 'web' })
    const big = ecs.seed.image({ size: 100 })
    const rows: [Parameters, string][] = [
      [{}, 'MissingParameter'],
      [{ ImageFamily: 'web', ImageId: big.id }, 'UnexpectedImageFamily.ImageIdSupplied'],
      [{ ImageFamily: 'web' }, 'InvalidImageFamily.MissingAvailableImage'],
      [{ ImageId: 'm-none' }, 'InvalidImageId.NotFound'],
      [{ ImageId: creating.id }, 'OperationDenied.ImageNotValid'],
      [{ ImageId: big.id, 'SystemDisk.Size': '40' }, 'InvalidSystemDiskSize.LessThanImageSize'],
      [{ ImageId: big.id, AutoReleaseTime: '2026-04-01T08:20:00Z' }, 'InvalidAutoReleaseTime.Malformed'],
      [{ ImageId: big.id, DryRun: 'true' }, 'DryRunOperation'],
    ]
    for (const [parameters, code] of rows) expect((await run(parameters)).body.Code).toBe(code)
    expect(ecs.state()['cn-hangzhou']?.instances).toEqual([])
  })

  test('releases an instance when its AutoReleaseTime has come', async () => {
    const { id } = ecs.seed.image()
    const { body } = await run({ ImageId: id, AutoReleaseTime: '2026-04-01T09:00:30Z' })
    const [instance] = body.InstanceIdSets.InstanceIdSet
    expect(ecs.instance(instance)?.autoReleaseTime).toBe('2026-04-01T09:00:00Z')
    ecs.clock.advance(3600)
    expect(ecs.instance(instance)).toBeUndefined()
  })
})

describe('snapshots', () => {
  test('are found by ID, status and use; encrypted ones only when asked for', async () => {
    const { seed } = ecs
    const free = seed.snapshot({ size: 20, createdAt: '2026-01-01T00:00:00Z' }).id
    const running = seed.snapshot({ status: 'progressing' }).id
    const secret = seed.snapshot({ encrypted: true }).id
    const [used = ''] = seed.image().snapshotIds
    const ids = async (parameters: Parameters) => {
      const { body } = await rawCall(ecs, 'DescribeSnapshots', { RegionId: 'cn-hangzhou', ...parameters })
      return body.Snapshots?.Snapshot.map((snapshot: { SnapshotId: string }) => snapshot.SnapshotId) ?? body.Code
    }
    expect(await ids({})).toEqual([free, running, used])
    expect(await ids({ SnapshotIds: JSON.stringify([free]) })).toEqual([free])
    expect(await ids({ Status: 'progressing' })).toEqual([running])
    expect(await ids({ Usage: 'image' })).toEqual([used])
    expect(await ids({ Encrypted: 'true' })).toEqual([secret])
    expect(await ids({ SnapshotIds: free })).toBe('InvalidSnapshotIds.Malformed')
  })

  test('are filtered by tag and use exactly, by prefix or not at all', async () => {
    const { seed, switches } = ecs
    const one = seed.snapshot({ tags: { run: '17-1' } }).id
    const longer = seed.snapshot({ tags: { run: '17-12' } }).id
    const used = seed.snapshot({ tags: { run: '17-1' }, hasDisks: true }).id
    const [other = ''] = seed.image().snapshotIds
    const ids = async (snapshotFilters: typeof switches.snapshotFilters) => {
      switches.snapshotFilters = snapshotFilters
      const filter = { 'Tag.1.Key': 'run', 'Tag.1.Value': '17-1', Usage: 'none' }
      const { body } = await rawCall(ecs, 'DescribeSnapshots', { RegionId: 'cn-hangzhou', ...filter })
      return body.Snapshots.Snapshot.map((snapshot: { SnapshotId: string }) => snapshot.SnapshotId)
    }
    expect(await ids('exact')).toEqual([one])
    expect(await ids('prefix')).toEqual([one, longer])
    expect(await ids('ignored')).toEqual([one, longer, used, other])
  })

  test('with disks need Force to go', async () => {
    const { id } = ecs.seed.snapshot({ hasDisks: true })
    expect(await outcome('DeleteSnapshot', { SnapshotId: id })).toBe('403 SnapshotCreatedDisk')
    expect(await outcome('DeleteSnapshot', { SnapshotId: id, Force: 'true' })).toBe('200')
  })
})

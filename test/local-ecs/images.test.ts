import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawCall } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'
import type { Account } from './world.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

type Parameters = Record<string, string>

async function call(action: string, parameters: Parameters = {}, keys?: Account) {
  const region = ['StopInstance', 'StartInstance', 'DeleteInstance', 'DeleteSnapshot'].includes(action)
  const sent = keys ? { keys } : {}
  return rawCall(ecs, action, { ...(!region && { RegionId: 'cn-hangzhou' }), ...parameters }, sent)
}

/** `200`, or status and code of the refusal. */
async function outcome(action: string, parameters: Parameters = {}, keys?: Account): Promise<string> {
  const { status, body } = await call(action, parameters, keys)
  return status === 200 ? '200' : `${status} ${body.Code}`
}

const dryRunPassed = '400 DryRunOperation'

async function listed(parameters: Parameters = {}, keys?: Account): Promise<string[]> {
  const { status, body } = await call('DescribeImages', parameters, keys)
  expect([status, body.Code]).toEqual([200, undefined])
  return body.Images.Image.map((image: { ImageId: string }) => image.ImageId)
}

async function resolved(family: string, keys?: Account): Promise<string | undefined> {
  const { status, body } = await call('DescribeImageFromFamily', { ImageFamily: family }, keys)
  expect(status).toBe(200)
  return body.Image?.ImageId
}

describe('CreateImage', () => {
  test('goes from Creating to Available with rising progress, and joins the family only then', async () => {
    ecs.switches.waitingSeconds = 2
    ecs.switches.creationSeconds = 10
    const older = ecs.seed.image({ family: 'web' })
    const instance = ecs.seed.instance({ disks: [{}, { size: 100 }] })
    const { body } = await call('CreateImage', { InstanceId: instance.id, ImageFamily: 'web', ImageName: 'web-1' })
    const seen: string[] = []
    for (let second = 0; second < 14; second += 1) {
      const { Images } = (await call('DescribeImages', { ImageId: body.ImageId, Status: 'ALL' })).body
      seen.push(`${Images.Image[0].Status} ${Images.Image[0].Progress}`)
      if (second === 5) expect(ecs.current('web')).toBe(older.id)
    }
    expect(seen).toEqual([
      'Waiting 0%',
      ...[0, 10, 20, 30, 40, 50, 60, 70, 80, 90].map((percent) => `Creating ${percent}%`),
      ...['Available 100%', 'Available 100%', 'Available 100%'],
    ])
    expect(await resolved('web')).toBe(body.ImageId)
  })

  test('makes one snapshot a disk, which stays when the image goes', async () => {
    const instance = ecs.seed.instance({ disks: [{}, { size: 100 }] })
    const { ImageId } = (await call('CreateImage', { InstanceId: instance.id })).body
    ecs.clock.advance(5)
    const image = ecs.image(ImageId)
    expect(image?.name).toBe(ImageId)
    expect(image?.disks).toMatchObject([
      { type: 'system', device: '/dev/xvda', size: 40 },
      { type: 'data', device: '/dev/xvdb', size: 100 },
    ])
    const [first = ''] = image?.snapshotIds ?? []
    expect(await outcome('DeleteSnapshot', { SnapshotId: first, Force: 'true' })).toBe('403 SnapshotCreatedImage')
    await call('DeleteImage', { ImageId })
    expect(ecs.snapshot(first)?.status).toBe('accomplished')
    expect(await outcome('DeleteSnapshot', { SnapshotId: first })).toBe('200')
    expect(ecs.snapshot(first)).toBeUndefined()
  })

  test('ends as CreateFailed on demand, keeps its name and counts on', async () => {
    ecs.switches.failNextImages = 1
    const instance = ecs.seed.instance()
    const { ImageId } = (await call('CreateImage', { InstanceId: instance.id, ImageName: 'web-1' })).body
    ecs.clock.advance(5)
    expect(ecs.image(ImageId)?.status).toBe('CreateFailed')
    const again = { InstanceId: instance.id, ImageName: 'web-1' }
    expect(await outcome('CreateImage', again)).toBe('400 InvalidImageName.Duplicated')
    await call('DeleteImage', { ImageId })
    expect(await outcome('CreateImage', again)).toBe('200')
    expect(ecs.switches.failNextImages).toBe(0)
  })

  test('takes the first of InstanceId, DiskDeviceMapping and SnapshotId', async () => {
    const instance = ecs.seed.instance()
    const system = ecs.seed.snapshot({ size: 20 })
    const data = ecs.seed.snapshot({ sourceDiskType: 'data', size: 60 })
    const mapping = { 'DiskDeviceMapping.1.SnapshotId': system.id, 'DiskDeviceMapping.2.SnapshotId': data.id }
    const all = { InstanceId: instance.id, SnapshotId: system.id, ...mapping }
    const { ImageId } = (await call('CreateImage', all)).body
    expect(ecs.image(ImageId)?.sourceInstanceId).toBe(instance.id)
    const { InstanceId: _, ...rest } = all
    const disks = ecs.image((await call('CreateImage', rest)).body.ImageId)?.disks
    expect(disks?.map((disk) => [disk.device, disk.snapshotId, disk.size])).toEqual([
      ['/dev/xvda', system.id, 20],
      ['/dev/xvdb', data.id, 60],
    ])
    const alone = ecs.image((await call('CreateImage', { SnapshotId: system.id })).body.ImageId)
    expect(alone?.snapshotIds).toEqual([system.id])
    expect(await outcome('CreateImage')).toBe('400 MissingParameter')
  })

  test('refuses sources that will not do', async () => {
    const { seed } = ecs
    const data = seed.snapshot({ sourceDiskType: 'data' }).id
    const system = seed.snapshot({ size: 40 }).id
    const one = (fields: Parameters) =>
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [`DiskDeviceMapping.1.${name}`, value]))
    const two = { 'DiskDeviceMapping.1.SnapshotId': system, 'DiskDeviceMapping.2.SnapshotId': system }
    const rows: [Parameters, string][] = [
      [{ InstanceId: 'i-none' }, '404 InvalidInstanceId.NotFound'],
      [{ InstanceId: seed.instance({ account: ecs.addAccount() }).id }, '404 InvalidInstanceId.NotFound'],
      [{ InstanceId: seed.instance({ region: 'cn-beijing' }).id }, '404 InvalidInstanceId.NotFound'],
      [{ InstanceId: seed.instance({ status: 'Starting' }).id }, '400 IncorrectInstanceStatus'],
      [{ InstanceId: seed.instance({ locks: ['security'] }).id }, '400 InstanceLockedForSecurity'],
      [
        { InstanceId: seed.instance({ disks: [{ category: 'local_ssd_pro' }] }).id },
        '400 InvalidDiskCategory.CreateImage',
      ],
      [{ SnapshotId: 's-none' }, '404 InvalidSnapshotId.NotFound'],
      [{ SnapshotId: seed.snapshot({ status: 'progressing' }).id }, '403 InvalidSnapshotId.NotReady'],
      [{ SnapshotId: seed.snapshot({ createdAt: '2013-07-15T10:00:00Z' }).id }, '403 InvalidSnapshot.TooOld'],
      [{ SnapshotId: seed.snapshot({ encrypted: true }).id }, '400 OperationDenied'],
      [{ SnapshotId: data }, '403 OperationDenied'],
      [one({ SnapshotId: data }), '400 OperationDenied'],
      [one({ SnapshotId: data, DiskType: 'system' }), '403 UserNotInTheWhiteList'],
      [one({ SnapshotId: system, Size: '39' }), '400 InvalidSize.ValueNotSupported'],
      [one({ SnapshotId: system, Device: '/dev/sda' }), '400 InvalidDevice.Malformed'],
      [one({ SnapshotId: system, DiskType: 'boot' }), '400 InvalidDiskType.ValueNotSupported'],
      [two, '400 OperationDenied'],
      [
        {
          ...two,
          'DiskDeviceMapping.2.DiskType': 'data',
          'DiskDeviceMapping.2.Device': '/dev/xvdb',
          'DiskDeviceMapping.3.Size': '20',
          'DiskDeviceMapping.3.Device': '/dev/xvdb',
        },
        '400 InvalidDevice.InUse',
      ],
    ]
    for (const [parameters, expected] of rows) {
      expect(await outcome('CreateImage', parameters), JSON.stringify(parameters)).toBe(expected)
    }
    ecs.switches.dataSnapshotAsSystemDisk = 'permitted'
    expect(await outcome('CreateImage', one({ SnapshotId: data, DiskType: 'system' }))).toBe('200')
  })

  test('refuses values that break a rule, before it looks for the source', async () => {
    const rows: [Parameters, string][] = [
      [{ ImageName: 'a' }, 'InvalidImageName.Malformed'],
      [{ ImageName: '1web' }, 'InvalidImageName.Malformed'],
      [{ ImageName: 'acs:web' }, 'InvalidImageName.Malformed'],
      [{ ImageName: 'x'.repeat(129) }, 'InvalidImageName.Malformed'],
      [{ ImageFamily: 'a' }, 'InvalidImageFamily.Malformed'],
      [{ ImageFamily: '' }, 'InvalidImageFamily.Malformed'],
      [{ ImageFamily: 'acs:web' }, 'InvalidImageFamily.Malformed'],
      [{ ImageFamily: 'aliyun-web' }, 'InvalidImageFamily.Malformed'],
      [{ ImageFamily: 'web/a' }, 'InvalidImageFamily.Malformed'],
      [{ Description: 'x' }, 'InvalidDescription.Malformed'],
      [{ Description: 'https://x.y' }, 'InvalidDescription.Malformed'],
      [{ ImageVersion: 'v'.repeat(41) }, 'InvalidImageVersion.Malformed'],
      [{ Platform: 'Windows 7' }, 'InvalidPlatform.Malformed'],
      [{ Architecture: 'riscv' }, 'InvalidArchitecture.Malformed'],
      [{ BootMode: 'uefi' }, 'InvalidBootMode.Malformed'],
      [{ DetectionStrategy: 'Full' }, 'InvalidDetectionStrategy.Malformed'],
      [{ 'Features.ImdsSupport': 'v3' }, 'InvalidParameter.FeaturesImdsSupport'],
      [{ 'SecureBootOptions.SecureBootSupport': 'supported' }, 'InvalidBootMode.NotSupport'],
      [{ 'Tag.1.Key': 'aliyun', 'Tag.1.Value': '' }, 'InvalidTagKey.Malformed'],
      [{ 'Tag.1.Key': 'k', 'Tag.1.Value': 'see https://x' }, 'InvalidTagValue.Malformed'],
      [{ 'Tag.1.Key': 'k', 'Tag.2.Key': 'k' }, 'Duplicate.TagKey'],
    ]
    for (const [parameters, code] of rows) {
      expect(await outcome('CreateImage', { InstanceId: 'i-none', ...parameters })).toBe(`400 ${code}`)
    }
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`Tag.${n + 1}.Key`, `k${n}`]))
    expect(await outcome('CreateImage', many)).toBe('403 QuotaExceed.Tags')
  })

  test('keeps names unique and quotas, whatever the status', async () => {
    Object.assign(ecs.quotas, { imagesPerFamily: 2, familiesPerRegion: 2, imagesPerRegion: 5 })
    ecs.seed.image({ name: 'old', family: 'web', status: 'Deprecated' })
    ecs.seed.image({ family: 'web' })
    ecs.seed.image({ family: 'db', status: 'CreateFailed' })
    const create = (parameters: Parameters) =>
      outcome('CreateImage', { SnapshotId: ecs.seed.snapshot().id, ...parameters })
    expect(await create({ ImageName: 'old' })).toBe('400 InvalidImageName.Duplicated')
    expect(await create({ ImageName: 'OLD', DryRun: 'true' })).toBe(dryRunPassed)
    expect(await create({ ImageFamily: 'web' })).toBe('400 ImageQuotaExceed.ImageFamily')
    expect(await create({ ImageFamily: 'third' })).toBe('400 ImageFamilyQuotaExceed')
    ecs.switches.quotaCounts = 'available'
    expect(await create({ ImageFamily: 'web', DryRun: 'true' })).toBe(dryRunPassed)
    expect(await create({ ImageFamily: 'third', DryRun: 'true' })).toBe(dryRunPassed)
    ecs.switches.nameCase = 'insensitive'
    expect(await create({ ImageName: 'OLD' })).toBe('400 InvalidImageName.Duplicated')
    ecs.seed.image()
    ecs.seed.image()
    expect(await create({})).toBe('403 QuotaExceed.Image')
  })

  test('makes only one image of an instance at a time, where snapshots may not overlap', async () => {
    const { id } = ecs.seed.instance()
    expect(await outcome('CreateImage', { InstanceId: id })).toBe('200')
    expect(await outcome('CreateImage', { InstanceId: id })).toBe('403 IncorrectDiskStatus.CreatingSnapshot')
    ecs.switches.concurrentSnapshots = 'permitted'
    expect(await outcome('CreateImage', { InstanceId: id })).toBe('200')
  })

  test('dates images by the second of the request, and never two alike', async () => {
    const frozen = await startLocalEcs()
    const times = () => frozen.images().map((image) => image.creationTime)
    for (const name of ['a1', 'a2', 'a3']) frozen.seed.image({ name })
    expect(times()).toEqual(['2026-04-01T08:00:00Z', '2026-04-01T08:00:01Z', '2026-04-01T08:00:02Z'])
    frozen.seed.image({ createdAt: '2026-04-01T08:00:02Z' })
    expect(times().at(-1)).toBe('2026-04-01T08:00:02Z')
    await frozen.close()
  })
})

describe('a family', () => {
  test('is the newest available image of the region', async () => {
    const old = ecs.seed.image({ family: 'web' })
    const newest = ecs.seed.image({ family: 'web' })
    ecs.seed.image({ family: 'web', status: 'Deprecated' })
    ecs.seed.image({ family: 'web', status: 'CreateFailed' })
    ecs.seed.image({ family: 'web', region: 'cn-beijing' })
    ecs.seed.image({ family: 'Web' })
    expect(await resolved('web')).toBe(newest.id)
    expect(await outcome('ModifyImageAttribute', { ImageId: newest.id, Status: 'Deprecated' })).toBe('200')
    expect(await resolved('web')).toBe(old.id)
    expect(await outcome('ModifyImageAttribute', { ImageId: newest.id, Status: 'Available' })).toBe('200')
    expect(await resolved('web')).toBe(newest.id)
    expect(await outcome('DeleteImage', { ImageId: newest.id })).toBe('200')
    expect(await resolved('web')).toBe(old.id)
    expect(ecs.current('web', 'cn-beijing')).toBeDefined()
  })

  test('nobody else sees by its own name, but as acs:<uid>:<family> over shared and community images', async () => {
    const owner = ecs.addAccount()
    const a = ecs.seed.image({ account: owner, family: 'web', isPublic: true })
    const b = ecs.seed.image({ account: owner, family: 'web', sharedWith: [ecs.account.uid] })
    ecs.seed.image({ account: owner, family: 'web' })
    const name = `acs:${owner.uid}:web`
    expect(await resolved('web')).toBeUndefined()
    expect(await resolved(name)).toBe(b.id)
    expect(await resolved(name, owner)).toBeUndefined()
    expect(await listed({ ImageFamily: name })).toEqual([b.id])
    expect(await listed({ ImageOwnerAlias: 'others', IsPublic: 'true' })).toEqual([a.id])
    ecs.change(b.id, { status: 'Deprecated', sharedWith: [] })
    expect(await resolved(name)).toBe(a.id)
    ecs.switches.familyCovers = 'custom'
    expect(await resolved(name)).toBeUndefined()
  })

  test('covers public images, which are of nobody', async () => {
    const image = ecs.seed.image({ system: true, family: 'acs:ubuntu_24_04_x64' })
    expect(image.id).toBe('ubuntu_24_04_x64_20G_alibase_20260101.vhd')
    expect(await resolved('acs:ubuntu_24_04_x64')).toBe(image.id)
    expect(await listed({ ImageOwnerAlias: 'system' })).toEqual([image.id])
    expect(await listed({ ImageOwnerAlias: 'self' })).toEqual([])
    expect(await outcome('DeleteImage', { ImageId: image.id })).toBe('404 InvalidImageId.NotFound')
  })

  test('of equal creation times is decided by a switch', async () => {
    const createdAt = '2026-04-01T07:00:00Z'
    const [first, second] = [ecs.seed.image({ family: 'web', createdAt }), ecs.seed.image({ family: 'web', createdAt })]
    expect(await resolved('web')).toBe(second.id)
    ecs.switches.tieBreak = 'first'
    expect(await resolved('web')).toBe(first.id)
  })

  test('without an available image has one of three empty answers', async () => {
    const answer = async () => JSON.stringify((await call('DescribeImageFromFamily', { ImageFamily: 'none' })).body)
    expect(await answer()).toMatch(/^\{"RequestId":"[^"]+"\}$/)
    ecs.switches.emptyFamilyAnswer = 'null'
    expect(await answer()).toMatch(/^\{"Image":null,"RequestId"/)
    ecs.switches.emptyFamilyAnswer = 'object'
    expect(await answer()).toMatch(/^\{"Image":\{\},"RequestId"/)
  })
})

describe('DescribeImages', () => {
  test('shows available images only, unless statuses are named', async () => {
    const seeded = (['Creating', 'Available', 'Deprecated'] as const).map((status) => ecs.seed.image({ status }).id)
    const [creating, available, deprecated] = seeded
    expect(await listed()).toEqual([available])
    expect(await listed({ Status: 'Creating,Deprecated' })).toEqual([deprecated, creating])
    expect((await listed({ Status: 'ALL' })).length).toBe(3)
    expect(await outcome('DescribeImages', { Status: 'ALL,Available' })).toBe('400 InvalidParamter')
    expect(await outcome('DescribeImages', { Usable: 'true' })).toBe('400 MissingParameter')
  })

  test('pages by ten', async () => {
    for (let n = 0; n < 23; n += 1) ecs.seed.image({ name: `web-${n}` })
    const { body } = await call('DescribeImages')
    expect([body.TotalCount, body.PageNumber, body.PageSize, body.Images.Image.length]).toEqual([23, 1, 10, 10])
    expect((await listed({ PageNumber: '3' })).length).toBe(3)
    expect((await listed({ PageSize: '100' })).length).toBe(23)
    expect(await outcome('DescribeImages', { PageSize: '101' })).toBe('400 InvalidParameter')
    const pages = await Promise.all(['1', '2', '3'].map((PageNumber) => listed({ PageNumber })))
    expect(new Set(pages.flat()).size).toBe(23)
  })

  test('orders by a switch', async () => {
    const ids = Array.from({ length: 6 }, () => ecs.seed.image().id)
    expect(await listed()).toEqual(ids.toReversed())
    ecs.switches.order = 'oldest-first'
    expect(await listed()).toEqual(ids)
    ecs.switches.order = 'shuffled'
    const shuffled = await listed()
    expect(shuffled).not.toEqual(ids)
    expect(shuffled.toSorted()).toEqual(ids)
  })

  test('filters', async () => {
    const { id: sourced, snapshotIds } = ecs.seed.image({ name: 'app', tags: { a: '1', b: '2' }, family: 'web' })
    const { id: other } = ecs.seed.image({
      name: 'my-app-2',
      tags: { a: '1' },
      architecture: 'arm64',
      osType: 'windows',
    })
    ecs.seed.instance({ imageId: other })
    const rows: [Parameters, string[]][] = [
      [{ ImageId: sourced }, [sourced]],
      [{ ImageId: 'm-none' }, []],
      [{ ImageName: 'app' }, [other, sourced]],
      [{ ImageName: 'my*2' }, [other]],
      [{ ImageFamily: 'web' }, [sourced]],
      [{ Usage: 'instance' }, [other]],
      [{ Usage: 'none' }, [sourced]],
      [{ 'Tag.1.Key': 'a' }, [other, sourced]],
      [{ 'Tag.1.Key': 'a', 'Tag.1.Value': '1', 'Tag.2.Key': 'b', 'Tag.2.Value': '2' }, [sourced]],
      [{ Architecture: 'arm64' }, [other]],
      [{ OSType: 'windows' }, [other]],
      [{ SnapshotId: snapshotIds[0] ?? '' }, [sourced]],
      [{ 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': '2027-01-01T00:00Z' }, []],
      [{ 'Filter.1.Key': 'CreationEndTime', 'Filter.1.Value': '2027-01-01T00:00Z' }, [other, sourced]],
    ]
    for (const [parameters, ids] of rows) expect(await listed(parameters), JSON.stringify(parameters)).toEqual(ids)
  })

  test('refuses filters that are none', async () => {
    const rows: [Parameters, string][] = [
      [{ ImageOwnerAlias: 'mine' }, '400 InvalidImageOwnerAlias.ValueNotSupported'],
      [{ ImageOwnerAlias: 'self', IsPublic: 'true' }, '400 InvalidImageOwnerAlias.PublicImageUnsupported'],
      [{ ImageOwnerAlias: 'self', ImageOwnerId: '1' }, '400 InvalidOperation.ImageOwnerIdUnsupported'],
      [{ Usage: 'disk' }, '404 InvalidUsage'],
      [{ OSType: 'bsd' }, '404 InvalidOSType'],
      [{ Architecture: 'arm' }, '404 InvalidArchitecture'],
      [{ 'Filter.1.Key': 'Name', 'Filter.1.Value': 'x' }, '404 InvalidFilterKey.NotFound'],
      [{ 'Filter.1.Key': 'CreationEndTime', 'Filter.1.Value': '2027-01-01' }, '404 InvalidFilterValue'],
      [{ 'Tag.1.Value': 'x' }, '400 InvalidTag.Mismatch'],
      [{ DryRun: 'true' }, dryRunPassed],
    ]
    for (const [parameters, expected] of rows) expect(await outcome('DescribeImages', parameters)).toBe(expected)
    expect((await rawCall(ecs, 'DescribeImages', { RegionId: 'cn-nowhere' })).body.Code).toBe(
      'InvalidRegionId.NotFound',
    )
  })

  test('spells unset fields as empty strings, and some as switches say', async () => {
    const other = ecs.addAccount()
    ecs.seed.image({ id: 'm-1', status: 'Creating', progress: 87 })
    ecs.seed.image({ id: 'm-2', sharedWith: [other.uid] })
    const read = async (id: string) =>
      (await call('DescribeImages', { Status: 'ALL', ImageId: id })).body.Images.Image[0]
    expect(await read('m-1')).toMatchObject({ Progress: '87%', ImageFamily: '', Usable: false, IsSelfShared: 'False' })
    expect(await read('m-2')).toMatchObject({ Size: 40, IsSelfShared: 'True', Usable: true })
    Object.assign(ecs.switches, {
      progressSpelling: 'number',
      isSelfSharedSpelling: 'true/false',
      usableDelaySeconds: 1e9,
    })
    expect(await read('m-1')).toMatchObject({ Progress: 87, IsSelfShared: 'false' })
    ecs.switches.isSelfSharedSpelling = 'empty'
    expect(await read('m-2')).toMatchObject({ IsSelfShared: '' })
    Object.assign(ecs.switches, { progressSpelling: 'empty', usableReported: false })
    const bare = await read('m-1')
    expect([bare.Progress, Object.hasOwn(bare, 'Usable')]).toEqual(['', false])
  })
})

describe('ModifyImageAttribute', () => {
  const modify = (ImageId: string, parameters: Parameters) =>
    outcome('ModifyImageAttribute', { ImageId, ...parameters })

  test('is not idempotent about the status', async () => {
    const { id } = ecs.seed.image()
    expect(await modify(id, { Status: 'Available' })).toBe('403 ImageStatus.NotDeprecated')
    expect(await modify(id, { Status: 'Deprecated' })).toBe('200')
    expect(await modify(id, { Status: 'Deprecated' })).toBe('403 ImageStatus.NotAvailable')
    expect(await modify(id, { Status: 'Creating' })).toBe('400 InvalidParameter')
  })

  test('checks existence, status, shares, names and quota in this order', async () => {
    ecs.quotas.imagesPerFamily = 1
    const bad = { Status: 'Deprecated', ImageName: '1', ImageFamily: 'full' }
    ecs.seed.image({ family: 'full', name: 'taken' })
    const shared = ecs.seed.image({ sharedWith: [ecs.addAccount().uid] }).id
    const free = ecs.seed.image().id
    expect(await modify('m-none', bad)).toBe('404 InvalidImageId.NotFound')
    expect(await modify(ecs.seed.image({ status: 'Creating' }).id, bad)).toBe('403 InvalidStatus.ImageIsCreating')
    expect(await modify(ecs.seed.image({ status: 'CreateFailed' }).id, bad)).toBe('403 ImageStatus.NotAvailable')
    expect(await modify(shared, bad)).toBe('403 ImageUseShared')
    expect(await modify(free, bad)).toBe('400 InvalidImageName.Malformed')
    expect(await modify(free, { ...bad, ImageName: 'taken' })).toBe('400 InvalidImageName.Duplicated')
    expect(await modify(free, { ...bad, ImageName: 'new' })).toBe('400 ImageQuotaFull.ImageFamily')
    ecs.quotas.familiesPerRegion = 1
    expect(await modify(free, { ImageFamily: 'second' })).toBe('400 ImageFamilyQuotaFull')
    expect(await modify(free, { ImageFamily: '' })).toBe('400 InvalidImageFamily.Malformed')
    expect(await modify(ecs.seed.image({ account: ecs.addAccount() }).id, bad)).toBe('404 InvalidImageId.NotFound')
    expect(ecs.image(free)).toMatchObject({ family: '', status: 'Available' })
  })

  test('changes what is named and nothing else; a dry run changes nothing', async () => {
    const { id } = ecs.seed.image({ name: 'web-1', family: 'web', description: 'as it was' })
    expect(await modify(id, { ImageFamily: 'other', DryRun: 'true' })).toBe(dryRunPassed)
    expect(ecs.image(id)?.family).toBe('web')
    expect(await modify(id, { ImageFamily: 'other', 'Features.ImdsSupport': 'v2' })).toBe('200')
    expect(ecs.image(id)).toMatchObject({ name: 'web-1', family: 'other', description: 'as it was', imdsSupport: 'v2' })
    expect(await modify(id, { 'Features.ImdsSupport': 'v1' })).toBe('403 InvalidOperation.FeaturesImdsSupportNotMatch')
    expect(await modify(id, { LicenseType: 'BYOL' })).toBe('400 InvalidLicenseType.NotSupported')
    ecs.seed.instance({ imageId: id })
    expect(await modify(id, { BootMode: 'UEFI' })).toBe('403 OperationDeined.ImageUsingByInstance')
  })

  test('may keep the family of deprecated or shared images as it is', async () => {
    const deprecated = ecs.seed.image({ family: 'web', status: 'Deprecated' }).id
    const shared = ecs.seed.image({ family: 'web', sharedWith: ['1'] }).id
    Object.assign(ecs.switches, { familyOfDeprecated: 'refused', familyOfShared: 'refused' })
    expect(await modify(deprecated, { ImageFamily: 'new' })).toBe('403 ImageStatus.NotAvailable')
    expect(await modify(shared, { ImageFamily: 'new' })).toBe('403 ImageUseShared')
    Object.assign(ecs.switches, { familyOfDeprecated: 'may-change', familyOfShared: 'may-change' })
    expect(await modify(deprecated, { ImageFamily: 'new' })).toBe('200')
    expect(await modify(shared, { ImageFamily: 'new' })).toBe('200')
  })

  test('takes doubtful family names unless the names are strict', async () => {
    const { id } = ecs.seed.image()
    for (const ImageFamily of ['web.1', 'acsweb', '镜像族']) expect(await modify(id, { ImageFamily })).toBe('200')
    ecs.switches.strictFamilyNames = true
    for (const ImageFamily of ['web.2', 'acsweb2']) {
      expect(await modify(id, { ImageFamily })).toBe('400 InvalidImageFamily.Malformed')
    }
    expect(await modify(id, { ImageFamily: '镜像族2' })).toBe('200')
  })
})

describe('DeleteImage', () => {
  const remove = (ImageId: string, more: Parameters = {}) => outcome('DeleteImage', { ImageId, ...more })

  test('refuses images in use, shared, published or being copied', async () => {
    const used = ecs.seed.image().id
    ecs.seed.instance({ imageId: used })
    expect(await remove(used)).toBe('403 ImageUsingByInstance')
    expect(await remove(used, { Force: 'true', DryRun: 'true' })).toBe(dryRunPassed)
    expect(await remove(used, { Force: 'true' })).toBe('200')
    const shared = ecs.seed.image({ sharedWith: ['1'] }).id
    expect(await remove(shared, { Force: 'true' })).toBe('403 ImageUseShared')
    expect(await remove(ecs.seed.image({ isPublic: true }).id)).toBe('403 ImageIsPublic')
    const source = ecs.seed.image().id
    await call('CopyImage', { ImageId: source, DestinationRegionId: 'cn-beijing' })
    expect(await remove(source)).toBe('403 OperationDenied.ImageCopying')
    const copy = ecs.images('cn-beijing')[0]?.id ?? ''
    const there = await rawCall(ecs, 'DeleteImage', { RegionId: 'cn-beijing', ImageId: copy })
    expect(there.body.Code).toBe('OperationDenied.ImageCopying')
  })

  test('of a missing or unfinished image goes by switches', async () => {
    expect(await remove('m-none')).toBe('404 InvalidImageId.NotFound')
    expect(await outcome('DeleteSnapshot', { SnapshotId: 's-none' })).toBe('404 InvalidSnapshotId.NotFound')
    ecs.switches.deleteMissing = 'ignored'
    expect(await remove('m-none')).toBe('200')
    expect(await outcome('DeleteSnapshot', { SnapshotId: 's-none' })).toBe('200')
    const creating = ecs.seed.image({ status: 'Creating' }).id
    ecs.switches.deleteCreating = 'refused'
    expect(await remove(creating)).toBe('403 InvalidStatus.ImageIsCreating')
    ecs.switches.deleteCreating = 'permitted'
    expect(await remove(creating)).toBe('200')
    expect(ecs.image(creating)).toBeUndefined()
  })
})

describe('a ClientToken', () => {
  const create = (parameters: Parameters) => call('CreateImage', { ClientToken: 't', ...parameters })

  test('makes one image however often it comes, and refuses other parameters', async () => {
    const SnapshotId = ecs.seed.snapshot().id
    const first = await create({ SnapshotId, ImageName: 'web-1' })
    ecs.clock.advance(1e6)
    const second = await create({ SnapshotId, ImageName: 'web-1' })
    expect([second.status, second.body.ImageId]).toEqual([200, first.body.ImageId])
    expect(second.body.RequestId).not.toBe(first.body.RequestId)
    const other = await create({ SnapshotId, ImageName: 'web-2' })
    expect([other.status, other.body.Code]).toEqual([400, 'IdempotenceParamNotMatch'])
    ecs.switches.tokenMismatchCode = 'InvalidParamter.Conflict'
    const renamed = await create({ SnapshotId, ImageName: 'web-2' })
    expect([renamed.status, renamed.body.Code]).toEqual([403, 'InvalidParamter.Conflict'])
    expect(ecs.images().length).toBe(1)
  })

  test('is not used up by dry runs, nor by refusals', async () => {
    const SnapshotId = ecs.seed.snapshot().id
    expect((await create({ SnapshotId, DryRun: 'true' })).body.Code).toBe('DryRunOperation')
    expect((await create({ SnapshotId: 's-none' })).status).toBe(404)
    expect(ecs.images()).toEqual([])
    expect((await create({ SnapshotId, ImageName: 'web-1' })).status).toBe(200)
    const late = await create({ SnapshotId, ImageName: 'web-1', DryRun: 'true' })
    expect([late.status, late.body.Code]).toEqual([400, 'InvalidImageName.Duplicated'])
  })

  test('is forgotten after a while, or with its image, where the switches say so', async () => {
    const SnapshotId = ecs.seed.snapshot().id
    const { ImageId } = (await create({ SnapshotId })).body
    ecs.remove(ImageId)
    expect((await create({ SnapshotId })).body.ImageId).toBe(ImageId)
    ecs.clock.advance(100)
    ecs.switches.tokenMemorySeconds = 60
    const renewed = (await create({ SnapshotId })).body.ImageId
    expect(renewed).not.toBe(ImageId)
    ecs.switches.tokenAfterDeletion = 'forgotten'
    expect((await create({ SnapshotId })).body.ImageId).toBe(renewed)
    ecs.clock.advance(5)
    await call('DeleteImage', { ImageId: renewed })
    expect((await create({ SnapshotId })).body.ImageId).not.toBe(renewed)
  })

  test('may be refused as in process although the first request took effect', async () => {
    ecs.switches.lastTokenProcessingTimes = 2
    const SnapshotId = ecs.seed.snapshot().id
    for (const expected of [403, 403, 200, 200]) expect((await create({ SnapshotId })).status).toBe(expected)
    expect(ecs.requests[0]?.code).toBe('LastTokenProcessing')
    expect(ecs.images().length).toBe(1)
  })

  test('has at most 64 ASCII characters', async () => {
    const { body } = await create({ ClientToken: 'x'.repeat(65), SnapshotId: ecs.seed.snapshot().id })
    expect(body.Code).toBe('InvalidClientToken.ValueNotSupported')
  })
})

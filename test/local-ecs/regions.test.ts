import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawCall } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs({ regions: ['me-east-1'] })
})
afterEach(() => ecs.close())

type Parameters = Record<string, string>

const copy = (ImageId: string, target: string, more: Parameters = {}) =>
  rawCall(ecs, 'CopyImage', { RegionId: 'cn-hangzhou', ImageId, DestinationRegionId: target, ...more })

async function copied(ImageId: string, target: string, more: Parameters = {}): Promise<string> {
  const { status, body } = await copy(ImageId, target, more)
  expect([status, body.Code]).toEqual([200, undefined])
  return body.ImageId
}

describe('CopyImage', () => {
  test('makes an image of its own: own time, tags as given, neither family nor version', async () => {
    const source = ecs.seed.image({
      family: 'web',
      version: 'v1',
      tags: { a: '1' },
      createdAt: '2026-01-01T00:00:00Z',
      dataDisks: [80],
    })
    const id = await copied(source.id, 'cn-beijing', {
      DestinationImageName: 'web-copy',
      'Tag.1.Key': 'b',
      'Tag.1.Value': '2',
    })
    expect(id).toMatch(/^m-2ze[a-z0-9]{17}$/)
    expect(ecs.image(id)).toMatchObject({
      region: 'cn-beijing',
      status: 'Creating',
      name: 'web-copy',
      family: '',
      version: '',
      tags: { b: '2' },
      isCopied: true,
      copyOf: { region: 'cn-hangzhou', id: source.id },
      creationTime: '2026-04-01T08:00:01Z',
    })
    expect(ecs.image(id)?.snapshotIds.every((snapshot) => snapshot.startsWith('s-2ze'))).toBe(true)
    const join = { RegionId: 'cn-beijing', ImageId: id, ImageFamily: 'web' }
    expect((await rawCall(ecs, 'ModifyImageAttribute', join)).body.Code).toBe('InvalidStatus.ImageIsCreating')
    ecs.clock.advance(3)
    expect((await rawCall(ecs, 'ModifyImageAttribute', join)).status).toBe(200)
    expect(ecs.current('web', 'cn-beijing')).toBe(id)
  })

  test('refuses what may not be copied', async () => {
    const other = ecs.addAccount()
    const { seed } = ecs
    const ready = seed.image().id
    seed.image({ region: 'cn-beijing', name: 'taken' })
    const rows: [string, string, Parameters, string][] = [
      ['m-none', 'cn-beijing', {}, '404 InvalidImageId.NotFound'],
      [ready, 'cn-nowhere', {}, '400 DestinationRegion.NotFound'],
      [ready, 'cn-hangzhou', {}, '403 IncorrectDestinationRegion'],
      [ready, 'cn-beijing', { DestinationImageName: 'taken' }, '400 InvalidImageName.Duplicated'],
      [ready, 'cn-beijing', { DestinationImageName: '1' }, '400 InvalidImageName.Malformed'],
      [ready, 'cn-beijing', { KMSKeyId: 'key' }, '400 InvalidEncrypted.NotMatchKmsKeyId'],
      [ready, 'cn-beijing', { ImageFamily: 'web' }, '400 InvalidParameter'],
      [seed.image({ status: 'Deprecated' }).id, 'cn-beijing', {}, '400 IncorrectImageStatus'],
      [seed.image({ status: 'Creating' }).id, 'cn-beijing', {}, '400 IncorrectImageStatus'],
      [
        seed.image({ account: other, sharedWith: [ecs.account.uid] }).id,
        'cn-beijing',
        {},
        '403 OperationDenied.SameRegionOnly',
      ],
      [seed.image({ account: other, isPublic: true }).id, 'cn-beijing', {}, '400 OperationDenied.CommunityImage'],
      [ready, 'cn-beijing', { DryRun: 'true' }, '400 DryRunOperation'],
    ]
    for (const [id, target, more, expected] of rows) {
      const { status, body } = await copy(id, target, more)
      expect(`${status} ${body.Code}`, JSON.stringify([target, more])).toBe(expected)
    }
    ecs.quotas.imagesPerRegion = 1
    expect((await copy(ready, 'cn-beijing')).body.Code).toBe('QuotaExceed.Image')
  })

  test('conflicts with another copy of the same image to the same region, or to any', async () => {
    const { id } = ecs.seed.image()
    await copied(id, 'cn-beijing')
    expect((await copy(id, 'cn-beijing')).body.Code).toBe('OperationDenied.ImageCopyConflict')
    await copied(id, 'cn-shanghai')
    ecs.switches.copyConflict = 'source'
    expect((await copy(id, 'cn-shenzhen')).body.Code).toBe('OperationDenied.ImageCopyConflict')
    ecs.clock.advance(5)
    await copied(id, 'cn-shenzhen')
  })

  test('runs five at a time to one region; a cancelled one lets the next in', async () => {
    ecs.switches.copySeconds = 100
    const sources = Array.from({ length: 7 }, () => ecs.seed.image().id)
    const copies: string[] = []
    for (const source of sources) copies.push(await copied(source, 'cn-beijing'))
    const statuses = () => copies.map((id) => ecs.image(id)?.status)
    expect(statuses()).toEqual([...Array(5).fill('Creating'), 'Waiting', 'Waiting'])
    const cancel = (ImageId = '') => rawCall(ecs, 'CancelCopyImage', { RegionId: 'cn-beijing', ImageId })
    expect((await cancel(copies[0])).status).toBe(200)
    expect(statuses()).toEqual([undefined, ...Array(5).fill('Creating'), 'Waiting'])
    ecs.clock.advance(100)
    expect(statuses().slice(1, 6)).toEqual(Array(5).fill('Available'))
    expect(statuses()[6]).toBe('Creating')
    expect((await cancel(copies[1])).body.Code).toBe('IncorrectImageStatus')
    expect((await cancel('m-none')).body.Code).toBe('InvalidImageId.NotFound')
    expect((await cancel(ecs.seed.image({ region: 'cn-beijing' }).id)).body.Code).toBe('ImageCreatedNotFromCopy')
  })

  test('carries tags over, fails, and dates copies by their completion, where switches say so', async () => {
    Object.assign(ecs.switches, {
      copyCarriesTags: true,
      failNextImages: 1,
      copyCreationTime: 'completion',
      copySeconds: 60,
    })
    const source = ecs.seed.image({ tags: { a: '1', b: '1' } })
    const failing = await copied(source.id, 'cn-beijing', { 'Tag.1.Key': 'b', 'Tag.1.Value': '2' })
    const good = await copied(source.id, 'cn-shanghai')
    expect(ecs.image(failing)?.tags).toEqual({ a: '1', b: '2' })
    expect(ecs.image(good)?.creationTime).toBe('2026-04-01T08:00:02Z')
    ecs.clock.advance(60)
    expect(ecs.image(failing)?.status).toBe('CreateFailed')
    expect(ecs.image(good)).toMatchObject({ status: 'Available', creationTime: '2026-04-01T08:01:02Z' })
  })

  test('honours its ClientToken, with the general code for other parameters', async () => {
    const { id } = ecs.seed.image()
    const first = await copied(id, 'cn-beijing', { ClientToken: 't' })
    expect(await copied(id, 'cn-beijing', { ClientToken: 't' })).toBe(first)
    expect((await copy(id, 'cn-shanghai', { ClientToken: 't' })).body.Code).toBe('IdempotentParameterMismatch')
  })
})

test('every region has its own images, names and families; further ones can be named', async () => {
  const create = (RegionId: string) =>
    rawCall(ecs, 'CreateImage', {
      RegionId,
      SnapshotId: ecs.seed.snapshot({ region: RegionId }).id,
      ImageName: 'web-1',
      ImageFamily: 'web',
    })
  const here = (await create('cn-hangzhou')).body.ImageId
  const there = (await create('me-east-1')).body.ImageId
  ecs.clock.advance(5)
  expect([ecs.current('web'), ecs.current('web', 'me-east-1')]).toEqual([here, there])
  const { body } = await rawCall(ecs, 'DescribeRegions', {})
  const ids = body.Regions.Region.map((region: { RegionId: string }) => region.RegionId)
  expect(ids).toEqual(expect.arrayContaining(['cn-hangzhou', 'cn-guangzhou', 'us-west-1', 'me-east-1']))
})

describe('sharing', () => {
  const share = async (ImageId: string, parameters: Parameters) => {
    const request = { RegionId: 'cn-hangzhou', ImageId, ...parameters }
    const { status, body } = await rawCall(ecs, 'ModifyImageSharePermission', request)
    return status === 200 ? '200' : `${status} ${body.Code}`
  }
  const accounts = (name: string, uids: string[]) =>
    Object.fromEntries(uids.map((uid, index) => [`${name}.${index + 1}`, uid]))

  test('takes the first ten accounts of a list, and pages them by ten', async () => {
    const { id } = ecs.seed.image()
    const uids = Array.from({ length: 13 }, () => ecs.addAccount().uid)
    expect(await share(id, accounts('AddAccount', uids))).toBe('200')
    expect(ecs.image(id)?.sharedWith).toEqual(uids.slice(0, 10))
    expect(await share(id, accounts('AddAccount', uids.slice(9)))).toBe('200')
    const read = (PageNumber: string) =>
      rawCall(ecs, 'DescribeImageSharePermission', { RegionId: 'cn-hangzhou', ImageId: id, PageNumber })
    const [one, two] = [(await read('1')).body, (await read('2')).body]
    expect([one.TotalCount, one.PageSize]).toEqual([13, 10])
    const listed = [...one.Accounts.Account, ...two.Accounts.Account]
    expect(listed.map((account: { AliyunId: string }) => account.AliyunId)).toEqual(uids)
    expect(await share(id, accounts('RemoveAccount', uids.slice(0, 2)))).toBe('200')
    expect(ecs.image(id)?.sharedWith).toEqual(uids.slice(2))
    expect(await share(id, accounts('RemoveAccount', uids.slice(0, 2)))).toBe('200')
  })

  test('refuses what may not be shared, and accounts that are none', async () => {
    const { seed } = ecs
    const { id } = seed.image()
    const one = accounts('AddAccount', [ecs.addAccount().uid])
    const rows: [string, Parameters, string][] = [
      ['m-none', one, '404 InvalidImageId.NotFound'],
      [id, {}, '400 MissingParameter'],
      [seed.image({ status: 'Deprecated' }).id, one, '403 OperationDenied.InvalidImageStatus'],
      [seed.image({ status: 'Creating' }).id, one, '403 OperationDenied.InvalidImageStatus'],
      [id, accounts('AddAccount', [ecs.account.uid]), '404 InvalidAccount.Forbbiden'],
      [id, accounts('AddAccount', ['9999999999999999']), '404 InvalidAccount.NotFound'],
      [seed.image({ encrypted: true }).id, one, '403 InvalidOperation.ServiceKeyEncryptedImageUnsupported'],
      [id, { IsPublic: 'false' }, '403 Image.NotPublic'],
      [id, { ...one, DryRun: 'true' }, '400 DryRunOperation'],
    ]
    for (const [image, parameters, expected] of rows) expect(await share(image, parameters)).toBe(expected)
    expect(ecs.image(id)?.sharedWith).toEqual([])
    const encrypted = seed.image({ encrypted: true, kmsKeyId: 'key' }).id
    ecs.switches.encryptedSharing = 'refused'
    expect(await share(encrypted, one)).toBe('403 OperationDeined.EncryptedSnapshot')
    ecs.switches.encryptedSharing = 'permitted'
    expect(await share(encrypted, one)).toBe('200')
    ecs.switches.unknownAccounts = 'accepted'
    expect(await share(id, accounts('AddAccount', ['9999999999999999']))).toBe('200')
    ecs.quotas.sharesPerImage = 1
    expect(await share(id, one)).toBe('403 QuotaExceed.ShareImageUser')
  })

  test('publishes and takes back', async () => {
    const { id } = ecs.seed.image()
    expect(await share(id, { IsPublic: 'true' })).toBe('200')
    expect(ecs.image(id)?.isPublic).toBe(true)
    expect(await share(id, { IsPublic: 'true' })).toBe('403 Image.Public')
    expect(await share(id, { IsPublic: 'false' })).toBe('200')
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { createImage, describeCurrent, describeImages } from '../../src/ecs/images.ts'
import { stepError } from '../../src/engine/action-error.ts'
import { Cancelled, consistencyIntervals } from '../../src/engine/clock.ts'
import { createOnce as haveCreated } from '../../src/engine/create-image.ts'
import type { Create } from '../../src/engine/ports.ts'
import { imageStatuses } from '../../src/family/model/image.ts'
import { createRun } from '../../src/family/model/run.ts'
import type { CreateSpec } from '../../src/family/plan/steps.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import {
  actionsOf,
  type ConnectionOptions,
  connectTo,
  ecsErrorOf,
  failureOf,
  type Gateway,
  region,
  requestIdOf,
  startGateway,
} from './connection.ts'

let ecs: LocalEcs
let gateway: Gateway
beforeEach(async () => {
  ecs = await startLocalEcs()
  gateway = await startGateway(ecs)
})
afterEach(async () => {
  await gateway.close()
  await ecs.close()
})

const port = (options: ConnectionOptions = {}) => connectEcs(connectTo(ecs, options).client)

const sent = (action?: string) => actionsOf(ecs, action)

/** Has the answers to all requests spoilt: the members that are given stand in place of ECS's own. */
const answerWith = (members: string): void => {
  gateway.replace = () => ({ status: 200, text: `{"RequestId":"8F32783B-ACBE-5B85-98FB-79A73E02BB6E",${members}}` })
}

describe('an image', () => {
  const seeded = {
    name: 'web-7',
    family: 'web',
    version: 'v7',
    description: "it's the *seventh*",
    createdAt: '2026-03-31T23:59:58Z',
    architecture: 'arm64',
    osName: 'Alibaba Cloud Linux  3.2104 LTS 64位',
    tags: { team: 'core', empty: '', 'image-family:run': '17-0123456789' },
  }
  const expected = {
    name: 'web-7',
    family: 'web',
    version: 'v7',
    description: "it's the *seventh*",
    status: 'Available',
    creationTime: '2026-03-31T23:59:58Z',
    ownerAlias: 'self',
    architecture: 'arm64',
    osName: 'Alibaba Cloud Linux  3.2104 LTS 64位',
    region,
    isCopied: false,
    tags: seeded.tags,
  }

  test('has every field in DescribeImages', async () => {
    const { id, snapshotIds } = ecs.seed.image(seeded)
    expect(await port().look({ ask: 'image', region, image: id })).toEqual({
      ...expected,
      id,
      snapshots: snapshotIds,
      progress: 100,
      usable: true,
    })
  })

  test('has the same fields in DescribeImageFromFamily, which does not say whether it is usable', async () => {
    const { id, snapshotIds } = ecs.seed.image(seeded)
    const current = await port().look({ ask: 'current', region, family: 'web' })
    expect(current).toEqual({ ...expected, id, snapshots: snapshotIds, progress: 100, usable: undefined })
  })

  test.each(['image', 'current'] as const)('of several disks has the snapshots of all of them: %s', async (ask) => {
    const { id, snapshotIds } = ecs.seed.image({ family: 'web', dataDisks: [20, 80] })
    expect(snapshotIds).toHaveLength(3)
    expect(await port().look({ ask, region, image: id, family: 'web' })).toMatchObject({ id, snapshots: snapshotIds })
  })

  test.each(['image', 'current'] as const)('that CopyImage made says so, and in which region: %s', async (ask) => {
    const away = 'cn-beijing'
    const { id } = ecs.seed.image({ family: 'web', region: away, copyOf: { region, id: 'm-1' } })
    const seen = await port().look({ ask, region: away, image: id, family: 'web' })
    expect(seen).toMatchObject({ id, region: away, isCopied: true })
  })

  test('has empty texts for what is unset', async () => {
    const { id } = ecs.seed.image({})
    const image = await port().look({ ask: 'image', region, image: id })
    expect(image).toMatchObject({ family: '', version: '', description: '', tags: {} })
  })

  test.each([
    ['percent', 42],
    ['number', 42],
    ['empty', undefined],
  ] as const)('has its progress however ECS spells it: %s', async (spelling, progress) => {
    ecs.switches.progressSpelling = spelling
    const { id } = ecs.seed.image({ status: 'Creating', progress: 42 })
    expect((await port().look({ ask: 'image', region, image: id }))?.progress).toBe(progress)
  })

  test.each([
    ['absent', ''],
    ['null', ',"Progress":null'],
    ['a sentence', ',"Progress":"almost"'],
    ['a fraction', ',"Progress":"99.5%"'],
  ])('has no progress where it is %s', async (_, member) => {
    answerWith(`"Image":{"ImageId":"m-1"${member}}`)
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: 'm-1', progress: undefined })
  })

  test.each([
    [false, false],
    [true, true],
    [undefined, undefined],
  ])('is as usable as ECS says (%s)', async (usable, seen) => {
    ecs.switches.usableReported = usable !== undefined
    const { id } = ecs.seed.image({ usable })
    expect((await port().look({ ask: 'image', region, image: id }))?.usable).toBe(seen)
  })

  test.each(['True/False', 'true/false', 'empty'] as const)('is read with IsSelfShared as %s', async (spelling) => {
    ecs.switches.isSelfSharedSpelling = spelling
    const { id } = ecs.seed.image({ sharedWith: [ecs.addAccount().uid] })
    expect(await port().look({ ask: 'image', region, image: id })).toMatchObject({ id })
  })

  test.each([
    [
      'disks without a snapshot, and two of one',
      `"DiskDeviceMappings":{"DiskDeviceMapping":[
        {"SnapshotId":"s-1"},{"SnapshotId":""},{"Device":"/dev/xvdc"},{"SnapshotId":"s-1"},{"SnapshotId":"s-2"}]}`,
      { snapshots: ['s-1', 's-2'] },
    ],
    ['no disks', '"DiskDeviceMappings":null,"IsCopied":null', { snapshots: [], isCopied: false }],
    ['numbers as texts', '"ImageOwnerId":"1234567890123456","Size":"40","Usable":"false"', { usable: false }],
    ['texts as numbers', '"ImageVersion":7,"Progress":12,"IsSelfShared":true', { version: '7', progress: 12 }],
    ['lists in place of objects', '"Tags":[],"DiskDeviceMappings":[],"Features":[]', { tags: {}, snapshots: [] }],
    ['null everywhere', '"Tags":null,"Usable":null,"Features":null', { tags: {}, usable: undefined }],
    ['tags without value', '"Tags":{"Tag":[{"TagKey":"a"},{"TagKey":"b","TagValue":""}]}', { tags: { a: '', b: '' } }],
    ['fields that nobody knows', '"Brand":{"New":[1]},"BootMode":"Quantum"', { id: 'm-1' }],
    // Neither available nor failed, so that it is waited for.
    ['a status that nobody knows', '"Status":"Importing"', { status: 'Waiting' }],
  ])('is read with %s', async (_, members, seen) => {
    answerWith(`"TotalCount":1,"Images":{"Image":[{"ImageId":"m-1",${members}}]}`)
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    expect(await describeImages(client, region, {})).toMatchObject([seen])
  })

  test('of another account is not seen, and one that is shared is', async () => {
    const other = ecs.addAccount()
    const hidden = ecs.seed.image({ account: other, family: 'web' })
    const shared = ecs.seed.image({ account: other, family: 'web', sharedWith: [ecs.account.uid], tags: { a: 'b' } })
    expect(await port().look({ ask: 'image', region, image: hidden.id })).toBeUndefined()
    const seen = await port().look({ ask: 'image', region, image: shared.id })
    expect(seen).toMatchObject({ ownerAlias: 'others', family: `acs:${other.uid}:web`, tags: {}, snapshots: [] })
  })

  test('that does not exist, or is in another region, is undefined and no error', async () => {
    const away = ecs.seed.image({ region: 'cn-beijing' })
    expect(await port().look({ ask: 'image', region, image: 'm-none' })).toBeUndefined()
    expect(await port().look({ ask: 'image', region, image: away.id })).toBeUndefined()
  })

  test.each(imageStatuses)('is found by its ID with status %s', async (status) => {
    const { id } = ecs.seed.image({ status })
    expect(await port().look({ ask: 'image', region, image: id })).toMatchObject({ id, status })
  })
})

describe('what a family resolves to', () => {
  test('is the newest available image, and nothing of another region', async () => {
    ecs.seed.image({ family: 'web' })
    const newest = ecs.seed.image({ family: 'web' })
    ecs.seed.image({ family: 'web', status: 'Deprecated' })
    ecs.seed.image({ family: 'web', region: 'cn-beijing' })
    expect(await port().look({ ask: 'current', region, family: 'web' })).toMatchObject({ id: newest.id })
  })

  test.each(['absent', 'null', 'object'] as const)(
    'is nothing where the image in the answer is: %s',
    async (spelling) => {
      ecs.switches.emptyFamilyAnswer = spelling
      ecs.seed.image({ family: 'web', status: 'Deprecated' })
      expect(await port().look({ ask: 'current', region, family: 'web' })).toBeUndefined()
      expect(sent()).toHaveLength(1)
    },
  )

  test('is nothing where the image in the answer is an empty list', async () => {
    answerWith('"Image":[]')
    const ecsPort = port({ endpoint: gateway.url })
    expect(await ecsPort.look({ ask: 'current', region, family: 'web' })).toBeUndefined()
  })

  // Every answer of ECS has a RequestId: what has none did not come from ECS, and says nothing about the family.
  test.each([
    ['an empty object', 200, '{}'],
    ['null', 200, 'null'],
    ['an empty list', 200, '[]'],
    ["a proxy's refusal under status 200", 200, '{"code":"login","message":"Please log in."}'],
    ["a proxy's redirection", 302, '{}'],
    ["a proxy's redirection, although with an ID", 302, '{"RequestId":"R-1"}'],
  ])('is not nothing where the answer is %s', async (_, status, text) => {
    ecs.seed.image({ family: 'web' })
    gateway.replace = () => ({ status, text })
    const error = await ecsErrorOf(port({ endpoint: gateway.url }).look({ ask: 'current', region, family: 'web' }))
    expect(error).toMatchObject({ reaction: 'retry', ecsCode: undefined })
    expect(error.message).toContain('did not come from ECS')
    expect(gateway.passed).toHaveLength(10)
  })

  test("of another account is what it shared or published, under the owner's name", async () => {
    const other = ecs.addAccount()
    const family = `acs:${other.uid}:web`
    ecs.seed.image({ account: other, family: 'web', sharedWith: [ecs.account.uid] })
    const published = ecs.seed.image({ account: other, family: 'web', isPublic: true })
    ecs.seed.image({ account: other, family: 'web' })
    const seen = await port().look({ ask: 'current', region, family })
    expect(seen).toMatchObject({ id: published.id, family, ownerAlias: 'others' })
    expect(await port().look({ ask: 'current', region, family: 'web' })).toBeUndefined()
  })

  test('of Alibaba Cloud is a public image, whose ID is a name', async () => {
    const family = 'acs:ubuntu_24_04_x64'
    const { id } = ecs.seed.image({ system: true, family })
    expect(id).not.toMatch(/^m-/)
    expect(await port().look({ ask: 'current', region, family })).toMatchObject({ id, family, ownerAlias: 'system' })
    expect(await port().look({ ask: 'visible', region, family })).toMatchObject([{ id, family }])
  })
})

describe('the members of a family', () => {
  test('are seen in every status, and only own ones', async () => {
    const own = imageStatuses.map((status) => ecs.seed.image({ family: 'web', status }))
    const other = ecs.addAccount()
    ecs.seed.image({ family: 'web', account: other, sharedWith: [ecs.account.uid] })
    ecs.seed.image({ family: 'web2' })
    ecs.seed.image({ family: 'Web' })
    const members = await port().look({ ask: 'members', region, family: 'web' })
    expect(members.map(({ id, status }) => `${id} ${status}`).sort()).toEqual(
      own.map(({ id, status }) => `${id} ${status}`).sort(),
    )
  })

  test('that are visible are the available ones, whoever owns them', async () => {
    const other = ecs.addAccount()
    const family = `acs:${other.uid}:web`
    const shared = ecs.seed.image({ account: other, family: 'web', sharedWith: [ecs.account.uid] })
    ecs.seed.image({ account: other, family: 'web', sharedWith: [ecs.account.uid], status: 'Creating' })
    expect(await port().look({ ask: 'visible', region, family })).toMatchObject([{ id: shared.id }])
    expect(await port().look({ ask: 'members', region, family })).toEqual([])
  })

  test.each([
    ['an empty list of lists', '"Images":[],"TotalCount":0'],
    ['no list', '"TotalCount":0'],
    ['null', '"Images":null,"TotalCount":0'],
    ['an empty object', '"Images":{},"TotalCount":0'],
    ['null in the object', '"Images":{"Image":null},"TotalCount":0'],
    ['no count', '"Images":{"Image":[]}'],
  ])('are none where the answer has %s', async (_, members) => {
    answerWith(members)
    const { client, retries } = connectTo(ecs, { endpoint: gateway.url })
    expect(await describeImages(client, region, { imageFamily: 'web' })).toEqual([])
    expect(retries).toEqual([])
    expect(gateway.passed).toHaveLength(1)
  })

  test('are asked for again where the answer is an empty object', async () => {
    const { id } = ecs.seed.image({ family: 'web' })
    gateway.replace = () => (gateway.passed.length < 3 ? { text: '{}' } : undefined)
    const members = await port({ endpoint: gateway.url }).look({ ask: 'members', region, family: 'web' })
    expect(members).toMatchObject([{ id }])
  })
})

describe('a long list', () => {
  const ids = (images: readonly { id: string }[]) => images.map(({ id }) => id).sort()

  test.each(['newest-first', 'oldest-first', 'shuffled'] as const)(
    'of 250 images is read to its end, whatever its order: %s',
    async (order) => {
      ecs.switches.order = order
      const seeded = Array.from({ length: 250 }, () => ecs.seed.image({ family: 'web' }))
      const members = await port().look({ ask: 'members', region, family: 'web' })
      expect(ids(members)).toEqual(ids(seeded))
      expect(ecs.requests.map(({ parameters }) => `${parameters.PageNumber}/${parameters.PageSize}`)).toEqual([
        '1/100',
        '2/100',
        '3/100',
      ])
    },
  )

  test.each([
    [99, 1],
    [100, 1],
    [101, 2],
    [200, 2],
  ])('of %i images takes %i requests', async (count, requests) => {
    for (let number = 0; number < count; number++) ecs.seed.image({ family: 'web' })
    expect(await port().look({ ask: 'members', region, family: 'web' })).toHaveLength(count)
    expect(sent()).toHaveLength(requests)
  })

  test('that grows while it is read names no image twice', async () => {
    const seeded = Array.from({ length: 150 }, () => ecs.seed.image({ family: 'web' }))
    ecs.intercept = (phase, { index }) => {
      if (phase === 'after' && index === 0) for (let n = 0; n < 7; n++) ecs.seed.image({ family: 'web' })
    }
    const members = await port().look({ ask: 'members', region, family: 'web' })
    expect(ids(members)).toEqual(ids(seeded))
  })

  test('that shrinks to one page while it is read comes to an end', async () => {
    const seeded = Array.from({ length: 150 }, () => ecs.seed.image({ family: 'web' }))
    ecs.intercept = (phase, { index }) => {
      if (phase === 'after' && index === 0) for (const { id } of seeded.slice(0, 120)) ecs.remove(id)
    }
    expect(await port().look({ ask: 'members', region, family: 'web' })).toHaveLength(100)
    expect(sent()).toHaveLength(2)
  })

  test('has its pages repeated one by one when ECS does not answer', async () => {
    const seeded = Array.from({ length: 250 }, () => ecs.seed.image({ family: 'web' }))
    ecs.faults.add({ kind: 'reset-after', nth: 2 })
    ecs.faults.add({ kind: 'throttling', nth: 4 })
    const members = await port().look({ ask: 'members', region, family: 'web' })
    expect(ids(members)).toEqual(ids(seeded))
    expect(ecs.requests.map(({ parameters }) => parameters.PageNumber)).toEqual(['1', '2', '2', '3', '3'])
  })
})

describe('a name', () => {
  test('is compared exactly: the search of ECS is fuzzy', async () => {
    const app = ecs.seed.image({ name: 'app' })
    for (const name of ['app-2', 'my-app', 'apple', 'APP']) ecs.seed.image({ name })
    expect(await port().look({ ask: 'named', region, name: 'app' })).toMatchObject([{ id: app.id }])
    expect(ecs.requests[0]?.answer).toMatchObject({ TotalCount: 4 })
  })

  test('is found in every status and every family', async () => {
    const failed = ecs.seed.image({ name: 'app', status: 'CreateFailed', family: 'web' })
    expect(await port().look({ ask: 'named', region, name: 'app' })).toMatchObject([{ id: failed.id }])
  })

  test("of another account's image does not count", async () => {
    const other = ecs.addAccount()
    ecs.seed.image({ name: 'app', account: other, sharedWith: [ecs.account.uid] })
    expect(await port().look({ ask: 'named', region, name: 'app' })).toEqual([])
  })
})

test('the images of a run are found by its tag, whatever their status and family', async () => {
  const tags = { 'image-family:run': '17-0123456789', other: 'tag' }
  const first = ecs.seed.image({ tags, status: 'CreateFailed' })
  const second = ecs.seed.image({ tags, family: 'web', status: 'Deprecated' })
  ecs.seed.image({ tags: { 'image-family:run': '17-01234567890' } })
  ecs.seed.image({ tags: { other: 'tag' } })
  const made = await port().look({ ask: 'made', region, run: '17-0123456789' })
  expect(made.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort())
})

test('copies of one image are found by their origin, whatever their status and family', async () => {
  const tags = { 'image-family:origin': 'cn-hangzhou m-1', other: 'tag' }
  const copyOf = { region: 'cn-hangzhou', id: 'm-1' }
  const first = ecs.seed.image({ tags, copyOf, status: 'CreateFailed' })
  const second = ecs.seed.image({ tags, copyOf, family: 'web', status: 'Deprecated' })
  ecs.seed.image({ tags: { 'image-family:origin': 'cn-hangzhou m-10' }, copyOf })
  ecs.seed.image({ tags: { 'image-family:run': 'cn-hangzhou m-1' }, copyOf })
  // A person's, with the tags of a copy.
  ecs.seed.image({ tags })
  ecs.seed.image({ tags, copyOf, region: 'cn-beijing' })
  ecs.seed.image({ tags, copyOf, account: ecs.addAccount(), sharedWith: [ecs.account.uid] })
  const copies = await port().look({ ask: 'copies', region, origin: 'cn-hangzhou m-1' })
  expect(copies.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort())
})

describe('the images that instances use', () => {
  test('are named, whatever their status, and those of the family alone', async () => {
    const old = ecs.seed.image({ family: 'web', status: 'Deprecated' }).id
    const current = ecs.seed.image({ family: 'web' }).id
    ecs.seed.image({ family: 'web' })
    const others = [ecs.seed.image({ family: 'web2' }).id, ecs.seed.image({ family: 'web', region: 'cn-beijing' }).id]
    for (const imageId of [old, current, current, ...others]) ecs.seed.instance({ imageId })
    const used = await port().look({ ask: 'used', region, family: 'web' })
    expect([...used].sort()).toEqual([old, current].sort())
    expect(sent()).toEqual(['DescribeImages'])
    expect(ecs.requests[0]?.parameters).toMatchObject({
      ImageFamily: 'web',
      ImageOwnerAlias: 'self',
      Status: imageStatuses.join(','),
      Usage: 'instance',
    })
  })

  test('are all named where there are many', async () => {
    const images = Array.from({ length: 120 }, () => ecs.seed.image({ family: 'web' }).id)
    for (const imageId of images) ecs.seed.instance({ imageId })
    const used = await port().look({ ask: 'used', region, family: 'web' })
    expect([...used].sort()).toEqual([...images].sort())
  })

  test('are none where there are none', async () => {
    ecs.seed.image({ family: 'web' })
    expect(await port().look({ ask: 'used', region, family: 'web' })).toEqual([])
  })
})

describe('a change of status', () => {
  const deprecate = (image: string) => ({ action: 'deprecate', region, image }) as const
  const restore = (image: string) => ({ action: 'restore', region, image }) as const

  test('is carried out with one request', async () => {
    const { id } = ecs.seed.image({})
    await port().write(deprecate(id))
    expect(ecs.image(id)?.status).toBe('Deprecated')
    await port().write(restore(id))
    expect(ecs.image(id)?.status).toBe('Available')
    expect(sent()).toEqual(['ModifyImageAttribute', 'ModifyImageAttribute'])
  })

  test.each([
    ['deprecated', 'Deprecated', deprecate, 'ImageStatus.NotAvailable'],
    ['available', 'Available', restore, 'ImageStatus.NotDeprecated'],
  ] as const)('is no error where the image is %s already', async (_, status, step, code) => {
    const { id } = ecs.seed.image({ status })
    await port().write(step(id))
    expect(ecs.requests[0]?.code).toBe(code)
    expect(ecs.image(id)?.status).toBe(status)
    expect(sent()).toEqual(['ModifyImageAttribute', 'DescribeImages'])
  })

  test.each([
    ['deprecated', 'Available', 'Deprecated', deprecate],
    ['restored', 'Deprecated', 'Available', restore],
  ] as const)('whose answer is lost counts as done, also while reads lag: %s', async (_, from, to, step) => {
    ecs.switches.staleSeconds = 5
    const { id } = ecs.seed.image({ status: from })
    ecs.faults.add({ kind: 'reset-after', action: 'ModifyImageAttribute' })
    await port().write(step(id))
    expect(ecs.image(id)?.status).toBe(to)
    expect(sent('ModifyImageAttribute')).toHaveLength(2)
    expect(sent('DescribeImages').length).toBeGreaterThan(2)
  })

  test.each([
    ['deprecate', 'CreateFailed', deprecate, 'ImageStatus.NotAvailable'],
    ['deprecate', 'UnAvailable', deprecate, 'ImageStatus.NotAvailable'],
    ['restore', 'CreateFailed', restore, 'ImageStatus.NotDeprecated'],
  ] as const)('that cannot be is an error, once reads have had their time: %s %s', async (_, status, step, code) => {
    const { id } = ecs.seed.image({ status })
    expect(await ecsErrorOf(port().write(step(id)))).toMatchObject({
      ecsCode: code,
      status: 403,
      operation: 'ModifyImageAttribute',
    })
    expect(sent('ModifyImageAttribute')).toHaveLength(1)
    expect(sent('DescribeImages')).toHaveLength(consistencyIntervals + 1)
  })

  test('of a shared image is refused, and says what to do', async () => {
    const { id } = ecs.seed.image({ sharedWith: [ecs.addAccount().uid] })
    const error = await ecsErrorOf(port().write(deprecate(id)))
    expect(error).toMatchObject({ ecsCode: 'ImageUseShared', reaction: 'fail' })
    expect(error.remedy).toContain('`unshare`')
    expect(sent()).toHaveLength(1)
  })

  test('of an image that is still being created waits until it is available', async () => {
    const { id } = ecs.seed.image({ status: 'Creating', readyIn: 4 })
    await port().write(deprecate(id))
    expect(ecs.image(id)?.status).toBe('Deprecated')
    expect(sent('ModifyImageAttribute').length).toBeGreaterThan(2)
  })

  test('of an image that is gone is an error at once', async () => {
    expect(await ecsErrorOf(port().write(deprecate('m-none')))).toMatchObject({ ecsCode: 'InvalidImageId.NotFound' })
    expect(sent()).toHaveLength(1)
  })
})

describe('other changes', () => {
  test('send only what changes', async () => {
    const { id } = ecs.seed.image({ name: 'web-1', family: 'web', description: 'kept' })
    const ecsPort = port()
    await ecsPort.write({ action: 'join-family', region, image: id, family: 'live' })
    await ecsPort.write({ action: 'rename', region, image: id, name: 'web-1-failed' })
    expect(ecs.image(id)).toMatchObject({ name: 'web-1-failed', family: 'live', description: 'kept' })
    await ecsPort.write({ action: 'quarantine', region, image: id, family: 'attic' })
    expect(ecs.image(id)).toMatchObject({ name: 'web-1-failed', family: 'attic', status: 'Available' })
    const common = { RegionId: region, ImageId: id }
    expect(ecs.requests.map(({ parameters }) => parameters)).toEqual([
      { ...common, ImageFamily: 'live' },
      { ...common, ImageName: 'web-1-failed' },
      { ...common, ImageFamily: 'attic' },
    ])
  })

  test('whose answer is lost are repeated without harm', async () => {
    const { id } = ecs.seed.image({ name: 'web-1', family: 'web' })
    ecs.faults.add({ kind: 'reset-after', times: 2 })
    await port().write({ action: 'rename', region, image: id, name: 'web-2' })
    await port().write({ action: 'join-family', region, image: id, family: 'live' })
    expect(ecs.image(id)).toMatchObject({ name: 'web-2', family: 'live' })
    expect(sent()).toHaveLength(4)
  })
})

describe('whether ECS would permit', () => {
  test('is asked by its own dry run, which changes nothing', async () => {
    const sharee = ecs.addAccount().uid
    const plain = ecs.seed.image({ family: 'web' })
    const shared = ecs.seed.image({ family: 'web', sharedWith: [sharee] })
    const before = ecs.state()
    const ecsPort = port()
    for (const step of [
      { action: 'deprecate', region, image: plain.id },
      { action: 'quarantine', region, image: plain.id, family: 'attic' },
      { action: 'unshare', region, image: shared.id, accounts: [sharee] },
      { action: 'share', region, image: plain.id, accounts: [sharee] },
    ] as const) {
      expect(await ecsPort.wouldPermit(step)).toEqual({ granted: true })
    }
    expect(ecs.requests.map(({ dryRun, code }) => `${dryRun} ${code}`)).toEqual(Array(4).fill('true DryRunOperation'))
    expect(ecs.state()).toEqual(before)
  })

  test('a denial is an answer, with code, request ID and the missing right', async () => {
    const { id } = ecs.seed.image({})
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM' })
    const permission = await port().wouldPermit({ action: 'deprecate', region, image: id })
    expect(permission).toMatchObject({
      granted: false,
      obstacle: 'identity',
      reason: expect.stringContaining('Forbidden.RAM'),
    })
    expect('reason' in permission && permission.reason).toContain(requestIdOf(ecs.requests[0]))
    expect('reason' in permission && permission.reason).toContain('ecs:ModifyImageAttribute')
  })

  test('a rule of ECS that stands in the way is an answer', async () => {
    const { id } = ecs.seed.image({ sharedWith: [ecs.addAccount().uid] })
    const permission = await port().wouldPermit({ action: 'deprecate', region, image: id })
    expect(permission).toMatchObject({ granted: false, obstacle: 'shared' })
  })

  test('sharing is asked about with the accounts of the first request', async () => {
    const { id } = ecs.seed.image({})
    const accounts = Array.from({ length: 12 }, () => ecs.addAccount().uid)
    expect(await port().wouldPermit({ action: 'share', region, image: id, accounts })).toEqual({ granted: true })
    expect(ecs.requests.map(({ parameters }) => parameters)).toEqual([
      {
        RegionId: region,
        ImageId: id,
        ...Object.fromEntries(accounts.slice(0, 10).map((uid, index) => [`AddAccount.${index + 1}`, uid])),
        DryRun: 'true',
      },
    ])
  })

  test.each([
    ['InvalidAccount.NotFound', {}, '9999999999999999'],
    ['OperationDenied.InvalidImageStatus', { status: 'Deprecated' }, undefined],
    ['InvalidOperation.ServiceKeyEncryptedImageUnsupported', { encrypted: true }, undefined],
  ] as const)('what would not be shared is an answer: %s', async (code, seed, account) => {
    const { id } = ecs.seed.image(seed)
    const accounts = [account ?? ecs.addAccount().uid]
    const permission = await port().wouldPermit({ action: 'share', region, image: id, accounts })
    expect(permission).toMatchObject({ granted: false, obstacle: 'request', reason: expect.stringContaining(code) })
  })

  test('passing trouble is repeated, and no answer', async () => {
    const { id } = ecs.seed.image({})
    ecs.faults.add({ kind: 'internal-error', times: 2 })
    ecs.faults.add({ kind: 'reset-before' })
    expect(await port().wouldPermit({ action: 'deprecate', region, image: id })).toEqual({ granted: true })
  })

  test.each([
    ['internal-error', 'InternalError'],
    ['unavailable', 'ServiceUnavailable'],
    ['throttling', 'Throttling.User'],
    ['html', undefined],
    ['reset-before', undefined],
  ] as const)('trouble that goes on is an error and no refusal: %s', async (kind, code) => {
    const { id } = ecs.seed.image({})
    ecs.faults.add({ kind, times: Number.POSITIVE_INFINITY })
    const error = await ecsErrorOf(port({ limit: 100 }).wouldPermit({ action: 'deprecate', region, image: id }))
    expect(error).toMatchObject({ ecsCode: code, reaction: 'retry', operation: 'ModifyImageAttribute' })
  })
})

describe('a new image', () => {
  const run = createRun(
    { repositoryId: '1', workflowRun: '17', scope: ['job'], mode: 'bake', region, family: 'web' },
    { attempt: 1, number: 3, sha256: (text) => Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64) },
  )
  const creation = (fields: Partial<CreateSpec> = {}): CreateSpec => ({
    family: 'web',
    run,
    source: { kind: 'instance', instance: ecs.seed.instance().id },
    name: 'web-3',
    generation: 0,
    description: "nightly (build #7) it's a*b ~ 中文",
    imageVersion: undefined,
    platform: undefined,
    architecture: undefined,
    bootMode: undefined,
    detectionStrategy: undefined,
    imdsSupport: undefined,
    resourceGroupId: undefined,
    tags: { 'image-family:run': run.key, 'github:sha': '0f3c', empty: '' },
    ...fields,
  })
  const stepOf = (create: CreateSpec) =>
    ({ action: 'create', region, image: '<new image>', create }) as const satisfies Create

  test('is asked about with the parameters that it is asked for with, apart from the ClientToken', async () => {
    const step = stepOf(creation({ imageVersion: 'v3', imdsSupport: 'v2' }))
    expect(await port().wouldPermit(step)).toEqual({ granted: true })
    await port().create(step, 0)
    const [asked, { ClientToken: _, ...sent } = {}] = ecs.requests.map(({ parameters }) => parameters)
    expect(asked).toEqual({ ...sent, DryRun: 'true' })
    expect(ecs.images()).toHaveLength(1)
  })

  test.each([
    ['Forbidden.RAM', 'identity'],
    ['InvalidSnapshotId.NotFound', 'request'],
    ['IncorrectDiskStatus.CreatingSnapshot', 'busy'],
    ['InvalidImageName.Duplicated', 'name-taken'],
    ['QuotaExceed.Image', 'family-full'],
  ])('that would be refused with %s: once is enough', async (code, obstacle) => {
    ecs.faults.add({ kind: 'error', code, times: Number.POSITIVE_INFINITY })
    const permission = await port().wouldPermit(stepOf(creation()), { once: true })
    expect(permission).toMatchObject({ granted: false, obstacle, reason: expect.stringContaining(code) })
    expect(sent()).toHaveLength(1)
  })

  test('of a busy source is asked about until it is ready', async () => {
    ecs.faults.add({ kind: 'error', code: 'IncorrectDiskStatus.CreatingSnapshot', times: 3 })
    expect(await port().wouldPermit(stepOf(creation()))).toEqual({ granted: true })
    expect(sent()).toHaveLength(4)
  })

  test('is asked for after a last look, as long as no request is without an answer', async () => {
    const looks: number[] = []
    const beforeEach = async () => void looks.push(sent().length)
    ecs.faults.add({ kind: 'error', code: 'IncorrectDiskStatus.CreatingSnapshot', times: 2 })
    ecs.faults.add({ kind: 'reset-before' })
    expect(await port().create(stepOf(creation()), 0, beforeEach)).toMatchObject({ kind: 'accepted' })
    expect(sent()).toHaveLength(4)
    expect(looks).toEqual([0, 1, 2])
  })

  test('is not asked for when the last look says so', async () => {
    const started = stepError('It was started.', 'Look.')
    const failure = await failureOf(port().create(stepOf(creation()), 0, async () => Promise.reject(started)))
    expect(failure).toBe(started)
    expect(sent()).toEqual([])
  })

  test('is asked for with everything that was asked for', async () => {
    const create = creation({
      imageVersion: 'v3',
      platform: 'Ubuntu',
      architecture: 'x86_64',
      bootMode: 'UEFI',
      detectionStrategy: 'Standard',
      imdsSupport: 'v2',
      resourceGroupId: 'rg-1',
    })
    const answer = await port().create(stepOf(create), 0)
    expect(ecs.requests[0]?.parameters).toEqual({
      RegionId: region,
      ImageFamily: 'web',
      ImageName: 'web-3',
      Description: create.description,
      ImageVersion: 'v3',
      Platform: 'Ubuntu',
      Architecture: 'x86_64',
      BootMode: 'UEFI',
      DetectionStrategy: 'Standard',
      'Features.ImdsSupport': 'v2',
      ResourceGroupId: 'rg-1',
      InstanceId: create.source.kind === 'instance' && create.source.instance,
      'Tag.1.Key': 'image-family:run',
      'Tag.1.Value': run.key,
      'Tag.2.Key': 'github:sha',
      'Tag.2.Value': '0f3c',
      'Tag.3.Key': 'empty',
      'Tag.3.Value': '',
      ClientToken: expect.stringMatching(/^[\x21-\x7e]{1,64}$/),
    })
    const [image] = ecs.images()
    expect(answer).toEqual({ kind: 'accepted', image: image?.id })
    expect(image).toMatchObject({ name: 'web-3', family: 'web', tags: create.tags, imdsSupport: 'v2' })
  })

  test('that joins its family later is asked for without one', async () => {
    await port().create(stepOf(creation({ family: undefined })), 0)
    expect(ecs.requests[0]?.parameters).not.toHaveProperty('ImageFamily')
    expect(ecs.images()).toMatchObject([{ name: 'web-3', family: '' }])
  })

  test('of disks is asked for disk by disk', async () => {
    const system = ecs.seed.snapshot({ size: 40 })
    const disks = [
      { snapshotId: system.id, diskType: 'system', device: '/dev/xvda', size: 60 },
      { diskType: 'data', size: 100 },
    ] as const
    await port().create(stepOf(creation({ source: { kind: 'disks', disks } })), 0)
    expect(ecs.images()[0]?.disks).toMatchObject([
      { type: 'system', size: 60, snapshotId: system.id },
      { type: 'data', size: 100, snapshotId: '' },
    ])
    expect(ecs.requests[0]?.parameters).not.toHaveProperty('InstanceId')
  })

  test.each(['reset-after', 'broken-json', 'empty'] as const)(
    'is made once, although the answer is lost: %s',
    async (kind) => {
      ecs.faults.add({ kind, times: 3 })
      const answer = await port().create(stepOf(creation()), 0)
      expect(answer).toEqual({ kind: 'accepted', image: ecs.images()[0]?.id })
      expect(ecs.images()).toHaveLength(1)
      expect(new Set(ecs.requests.map(({ parameters }) => parameters.ClientToken)).size).toBe(1)
      expect(sent()).toHaveLength(4)
    },
  )

  test('is made once, although ECS is still working on the first request', async () => {
    ecs.switches.lastTokenProcessingTimes = 4
    expect(await port().create(stepOf(creation()), 0)).toMatchObject({ kind: 'accepted' })
    expect(ecs.images()).toHaveLength(1)
    expect(sent()).toHaveLength(5)
  })

  test('a name that is taken is an answer', async () => {
    ecs.seed.image({ name: 'web-3' })
    expect(await port().create(stepOf(creation()), 0)).toMatchObject({
      kind: 'name-taken',
      error: { ecsCode: 'InvalidImageName.Duplicated' },
    })
    expect(sent()).toHaveLength(1)
  })

  test.each(['IdempotenceParamNotMatch', 'InvalidParamter.Conflict', 'IdempotentParameterMismatch'] as const)(
    'a token that stands for something else is an answer: %s',
    async (code) => {
      ecs.switches.tokenMismatchCode = code
      await port().create(stepOf(creation()), 0)
      const other = creation({ description: 'something else', name: 'web-4' })
      expect(await port().create(stepOf(other), 0)).toMatchObject({ kind: 'token-used', error: { ecsCode: code } })
      ecs.clock.advance(60)
      expect(await port().create(stepOf(other), 1)).toMatchObject({ kind: 'accepted' })
      expect(ecs.images()).toHaveLength(2)
    },
  )

  test('waits until its source may be imaged', async () => {
    const instance = ecs.seed.instance({ status: 'Starting' })
    ecs.intercept = (phase, { index }) => {
      if (phase === 'after' && index === 3) ecs.change(instance.id, { status: 'Running' })
    }
    const source = { kind: 'instance', instance: instance.id } as const
    expect(await port().create(stepOf(creation({ source })), 0)).toMatchObject({ kind: 'accepted' })
    expect(sent()).toHaveLength(5)
  })

  test.each([
    ['ImageQuotaExceed.ImageFamily', 'Delete old images of the family'],
    ['QuotaExceed.Image', 'Quota Center'],
    ['InvalidInstanceId.NotFound', '`instance-id`'],
    ['Forbidden.RAM', 'ecs:CreateImage'],
  ])('a refusal is said once, with what to do: %s', async (code, remedy) => {
    ecs.faults.add({ kind: 'error', code, status: 403 })
    const error = await failureOf(port().create(stepOf(creation()), 0))
    const kind = code.includes('Quota') ? 'family-full' : 'ecs'
    expect(error).toMatchObject({ code: kind, ecsCode: code, remedy: expect.stringContaining(remedy) })
    expect(sent()).toHaveLength(1)
    expect(ecs.images()).toHaveLength(0)
  })

  test.each([
    ['no', '"HostId":"ecs.cn-hangzhou.aliyuncs.com"'],
    ['an empty', '"ImageId":""'],
  ])('an answer with %s ID of the image is no success', async (_, members) => {
    answerWith(members)
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    const error = await ecsErrorOf(
      createImage(client, region, { create: creation(), renewal: 0, beforeEach: undefined }),
    )
    expect(error).toMatchObject({ operation: 'CreateImage', requestId: '8F32783B-ACBE-5B85-98FB-79A73E02BB6E' })
    expect(error.message).toContain('no image ID')
    expect(error.remedy).toContain('again')
  })

  test('for which there is no room is refused at once, in a way that can be told from other quotas', async () => {
    const inFamily = ecs.seed.image({ family: 'web' })
    const outside = ecs.seed.image()
    const join = (family: string) => port().write({ action: 'join-family', region, image: outside.id, family })
    const create = (fields: Partial<CreateSpec> = {}) => port().create(stepOf(creation(fields)), 0)
    ecs.quotas.imagesPerFamily = 1
    const full = [await ecsErrorOf(create()), await ecsErrorOf(join('web'))]
    ecs.quotas.familiesPerRegion = 1
    const others = [await ecsErrorOf(create({ family: 'web2' })), await ecsErrorOf(join('web2'))]
    ecs.quotas.imagesPerRegion = 2
    full.push(await ecsErrorOf(create({ family: undefined })))
    expect(full.map(({ ecsCode, reaction }) => `${ecsCode} ${reaction}`)).toEqual([
      'ImageQuotaExceed.ImageFamily fail',
      'ImageQuotaFull.ImageFamily fail',
      'QuotaExceed.Image fail',
    ])
    expect(others.map(({ ecsCode }) => ecsCode)).toEqual(['ImageFamilyQuotaExceed', 'ImageFamilyQuotaFull'])
    expect(full.map(({ code }) => code)).toEqual(['family-full', 'family-full', 'family-full'])
    expect(others.map(({ code }) => code)).toEqual(['ecs', 'ecs'])
    expect(sent()).toHaveLength(5)
    expect(ecs.images().map(({ id }) => id)).toEqual([inFamily.id, outside.id])
  })

  // An empty filter is no filter: ECS lists all images there are.
  test('an empty ID is the ID of no image', async () => {
    ecs.seed.image({ family: 'web' })
    expect(await port().look({ ask: 'image', region, image: '' })).toBeUndefined()
  })

  test.each([
    ['when it was accepted', (phase: string) => phase === 'after'],
    ['while ECS was working on it', (phase: string) => phase === 'before'],
  ])('is told of, although the step is cancelled just %s', async (_, isDue) => {
    const stop = new AbortController()
    ecs.intercept = (phase, { action }) => {
      if (action === 'CreateImage' && isDue(phase)) stop.abort()
    }
    const { client } = connectTo(ecs, { signal: stop.signal })
    const told: string[] = []
    const silent = () => undefined
    const creating = haveCreated(stepOf(creation()), {
      ecs: connectEcs(client),
      clock: client.clock,
      log: { info: silent, notice: silent, warning: silent, error: silent, group: (_title, work) => work() },
      postState: { instanceStopped: silent, instanceStarted: silent },
      roundEnd: new AbortController().signal,
      justCreated: undefined,
      onCreated: (image) => told.push(image),
      record: silent,
    })
    expect(await failureOf(creating)).toBeInstanceOf(Cancelled)
    expect(told).toEqual(ecs.images().map(({ id }) => id))
    expect(told).toHaveLength(1)
    expect(sent()).toEqual(['CreateImage'])
  })
})

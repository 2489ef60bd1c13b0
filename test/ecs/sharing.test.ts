import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { actionsOf, connectTo, ecsErrorOf, region } from './connection.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const port = () => connectEcs(connectTo(ecs).client)
const accounts = (count: number): string[] => Array.from({ length: count }, () => ecs.addAccount().uid)
const shares = (image: string) => port().look({ ask: 'shares', region, image })

/** Of each request the accounts that it names. */
const named = (list: 'AddAccount' | 'RemoveAccount'): string[][] =>
  ecs.requests
    .filter(({ action }) => action === 'ModifyImageSharePermission')
    .map(({ parameters }) =>
      Object.entries(parameters).flatMap(([name, value]) => (name.startsWith(`${list}.`) ? [value] : [])),
    )
const removed = () => named('RemoveAccount')
const added = () => named('AddAccount')

test('an image that is shared with nobody has no shares', async () => {
  expect(await shares(ecs.seed.image({}).id)).toEqual([])
})

test.each([
  [1, 1],
  [10, 1],
  [11, 1],
  [50, 1],
  [100, 1],
  [101, 2],
  [250, 3],
])('%i accounts that an image is shared with are all named, in %i requests', async (count, requests) => {
  const sharees = accounts(count)
  const { id } = ecs.seed.image({ sharedWith: sharees })
  const seen = await shares(id)
  expect([...seen].sort()).toEqual([...sharees].sort())
  expect(actionsOf(ecs)).toHaveLength(requests)
})

test('an account that moves from one page to the next is named once', async () => {
  const sharees = accounts(150)
  const { id } = ecs.seed.image({ sharedWith: sharees })
  const late = accounts(5)
  ecs.intercept = (phase, { index }) => {
    if (phase === 'after' && index === 0) ecs.change(id, { sharedWith: [...late, ...sharees] })
  }
  const seen = await shares(id)
  expect(new Set(seen).size).toBe(seen.length)
  expect(sharees.every((uid) => seen.includes(uid))).toBe(true)
})

test.each([
  [1, [1]],
  [10, [10]],
  [11, [10, 1]],
  [50, [10, 10, 10, 10, 10]],
])('%i shares are taken back in requests of ten at most', async (count, sizes) => {
  const sharees = accounts(count)
  const { id } = ecs.seed.image({ sharedWith: sharees })
  await port().write({ action: 'unshare', region, image: id, accounts: sharees })
  expect(ecs.image(id)?.sharedWith).toEqual([])
  expect(removed().map(({ length }) => length)).toEqual(sizes)
  expect(removed().flat()).toEqual(sharees)
})

test('only the shares that are named are taken back', async () => {
  const [first = '', second = '', third = ''] = accounts(3)
  const { id } = ecs.seed.image({ sharedWith: [first, second, third] })
  await port().write({ action: 'unshare', region, image: id, accounts: [second] })
  expect(ecs.image(id)?.sharedWith).toEqual([first, third])
})

test('taking back what is not shared is no error', async () => {
  const [uid = ''] = accounts(1)
  const { id } = ecs.seed.image({})
  await port().write({ action: 'unshare', region, image: id, accounts: [uid] })
  expect(ecs.image(id)?.sharedWith).toEqual([])
})

test('no accounts are no request', async () => {
  await port().write({ action: 'unshare', region, image: ecs.seed.image({}).id, accounts: [] })
  expect(ecs.requests).toEqual([])
})

test.each(['reset-after', 'reset-before', 'throttling'] as const)(
  'every share is taken back, although requests fail on the way: %s',
  async (kind) => {
    const sharees = accounts(50)
    const { id } = ecs.seed.image({ sharedWith: sharees })
    ecs.faults.add({ kind, nth: 2 })
    ecs.faults.add({ kind, nth: 5, times: 2 })
    await port().write({ action: 'unshare', region, image: id, accounts: sharees })
    expect(ecs.image(id)?.sharedWith).toEqual([])
    expect(removed()).toHaveLength(8)
    expect(new Set(removed().flat()).size).toBe(50)
  },
)

test('a refusal on the way leaves the rest shared, and is said', async () => {
  const sharees = accounts(30)
  const { id } = ecs.seed.image({ sharedWith: sharees })
  ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', nth: 2 })
  const error = await ecsErrorOf(port().write({ action: 'unshare', region, image: id, accounts: sharees }))
  expect(error).toMatchObject({ ecsCode: 'Forbidden.RAM', operation: 'ModifyImageSharePermission' })
  expect(ecs.image(id)?.sharedWith).toEqual(sharees.slice(10))
})

test('an image of another account has no shares to see', async () => {
  const { id } = ecs.seed.image({ account: ecs.addAccount(), sharedWith: [ecs.account.uid] })
  expect(await ecsErrorOf(shares(id))).toMatchObject({ ecsCode: 'InvalidImageId.NotFound', reaction: 'fail' })
})

describe('sharing', () => {
  const share = (image: string, uids: readonly string[]) =>
    port().write({ action: 'share', region, image, accounts: uids })

  test.each([
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [50, [10, 10, 10, 10, 10]],
  ])('with %i accounts goes in requests of ten at most', async (count, sizes) => {
    const sharees = accounts(count)
    const { id } = ecs.seed.image()
    await share(id, sharees)
    expect(ecs.image(id)?.sharedWith).toEqual(sharees)
    expect(added().map(({ length }) => length)).toEqual(sizes)
    expect(removed().flat()).toEqual([])
  })

  test('adds to the shares that there are, and is no error where they are there already', async () => {
    const [first = '', second = ''] = accounts(2)
    const { id } = ecs.seed.image({ sharedWith: [first] })
    await share(id, [first, second])
    await share(id, [first, second])
    expect(ecs.image(id)?.sharedWith).toEqual([first, second])
  })

  test('with nobody is no request', async () => {
    await share(ecs.seed.image().id, [])
    expect(ecs.requests).toEqual([])
  })

  test.each(['reset-after', 'reset-before', 'throttling'] as const)(
    'is complete, although requests fail on the way: %s',
    async (kind) => {
      const sharees = accounts(30)
      const { id } = ecs.seed.image()
      ecs.faults.add({ kind, nth: 2, times: 2 })
      await share(id, sharees)
      expect(ecs.image(id)?.sharedWith).toEqual(sharees)
      expect(added()).toHaveLength(5)
    },
  )

  test('goes to the region of the image', async () => {
    const [uid = ''] = accounts(1)
    const { id } = ecs.seed.image({ region: 'cn-beijing' })
    await port().write({ action: 'share', region: 'cn-beijing', image: id, accounts: [uid] })
    expect(ecs.image(id)?.sharedWith).toEqual([uid])
  })

  test.each([
    ['InvalidAccount.NotFound', {}, '9999999999999999', '`share-with`'],
    ['OperationDenied.InvalidImageStatus', { status: 'Deprecated' }, undefined, 'Restore the image'],
    ['QuotaExceed.ShareImageUser', {}, undefined, '`share-with`'],
    ['InvalidOperation.ServiceKeyEncryptedImageUnsupported', { encrypted: true }, undefined, '`share-with`'],
  ] as const)('that ECS refuses is said once, with what to do: %s', async (code, seed, account, remedy) => {
    if (code === 'QuotaExceed.ShareImageUser') ecs.quotas.sharesPerImage = 0
    const error = await ecsErrorOf(share(ecs.seed.image(seed).id, [account ?? accounts(1)[0] ?? '']))
    expect(error).toMatchObject({ ecsCode: code, reaction: 'fail', remedy: expect.stringContaining(remedy) })
    expect(ecs.requests).toHaveLength(1)
  })
})

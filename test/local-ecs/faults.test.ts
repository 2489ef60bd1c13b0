import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sdkCall, sdkClient } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
let client: ReturnType<typeof sdkClient>
beforeEach(async () => {
  ecs = await startLocalEcs()
  client = sdkClient(ecs)
})
afterEach(() => ecs.close())

const regions = () => sdkCall(client, 'DescribeRegions')

async function thrown(call: () => Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await call()
  } catch (error) {
    const { name, code, statusCode, retryAfter, message } = error as Record<string, unknown>
    return { name, code, statusCode, retryAfter, message }
  }
  return {}
}

test.each([
  ['throttling', {}, { name: 'ThrottlingError', code: 'Throttling.User', statusCode: 400 }],
  ['throttling', { code: 'Throttling.Resource' }, { name: 'ThrottlingError', statusCode: 429 }],
  ['throttling-retry-after', { retryAfter: 250 }, { name: 'ThrottlingError', retryAfter: 250 }],
  ['internal-error', {}, { name: 'ServerError', code: 'InternalError', statusCode: 500 }],
  ['unavailable', {}, { name: 'ServerError', code: 'ServiceUnavailable', statusCode: 503 }],
  ['html', {}, { name: 'SyntaxError', code: undefined }],
  ['broken-json', {}, { name: 'SyntaxError' }],
  ['empty', {}, { name: 'SyntaxError' }],
  ['reset-before', {}, { code: 'ECONNRESET' }],
  ['reset-after', {}, { code: 'ECONNRESET' }],
  ['error', { status: 403, code: 'InvalidUser.Unauthorized', message: 'no' }, { name: 'ClientError', statusCode: 403 }],
] as const)('%s %o reaches the SDK as what it is', async (kind, more, expected) => {
  ecs.faults.add({ kind, ...more })
  expect(await thrown(regions)).toMatchObject(expected)
  expect(ecs.requests[0]).toMatchObject({ fault: kind, verified: true })
  expect((await regions()).regions.region.length).toBeGreaterThan(8)
})

test('a denial names the permission that is missing', async () => {
  ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'CreateImage' })
  const denied = await sdkCall(client, 'CreateImage', { snapshotId: 's-1' }).catch((error) => error)
  expect([denied.statusCode, denied.code, denied.accessDeniedDetail.AuthAction]).toEqual([
    403,
    'Forbidden.RAM',
    'ecs:CreateImage',
  ])
})

test('a signature echo repeats the security token', async () => {
  const keys = ecs.session(ecs.account)
  ecs.faults.add({ kind: 'signature-echo' })
  const { code, message } = await thrown(() => sdkCall(sdkClient(ecs, { keys }), 'DescribeRegions'))
  expect(code).toBe('SignatureDoesNotMatch')
  expect(message).toContain(`x-acs-security-token:${keys.securityToken}`)
})

test('a slow answer takes real time and is otherwise in order', async () => {
  ecs.faults.add({ kind: 'slow', seconds: 1 })
  const before = Date.now()
  await regions()
  expect(Date.now() - before).toBeGreaterThan(950)
  ecs.faults.add({ kind: 'slow', seconds: 5 })
  const impatient = sdkClient(ecs, { timeout: 200 })
  expect((await thrown(() => sdkCall(impatient, 'DescribeRegions'))).name).toBe('RequestTimeoutError')
})

describe('an image', () => {
  const create = () => sdkCall(client, 'CreateImage', { snapshotId: ecs.seed.snapshot().id, clientToken: 't' })

  test.each([
    ['reset-before', 0],
    ['html', 0],
    ['internal-error', 0],
    ['throttling', 0],
    ['reset-after', 1],
    ['empty', 1],
    ['broken-json', 1],
  ] as const)('is made or not when the answer is %s', async (kind, images) => {
    ecs.faults.add({ kind })
    expect(await thrown(create)).not.toEqual({})
    expect(ecs.images().length).toBe(images)
  })

  test('is made behind a 500 too, when that is said, and what ECS answered is on record', async () => {
    ecs.faults.add({ kind: 'internal-error', takesEffect: true })
    expect(await thrown(create)).toMatchObject({ statusCode: 500 })
    expect(ecs.requests[0]).toMatchObject({ status: 500, answer: { ImageId: ecs.images()[0]?.id } })
  })
})

test('faults choose their requests by action, number and count', async () => {
  ecs.faults.add({ kind: 'unavailable', action: 'DescribeRegions', nth: 2, times: 2 })
  ecs.faults.add({ kind: 'throttling', action: 'DescribeImages' })
  ecs.faults.add({ kind: 'internal-error', action: 'DescribeImages' })
  const outcomes = async (action: string, count: number) => {
    const found: unknown[] = []
    for (let n = 0; n < count; n += 1) found.push((await thrown(() => sdkCall(client, action))).code)
    return found
  }
  expect(await outcomes('DescribeRegions', 4)).toEqual([
    undefined,
    'ServiceUnavailable',
    'ServiceUnavailable',
    undefined,
  ])
  expect(await outcomes('DescribeImages', 3)).toEqual(['Throttling.User', 'InternalError', undefined])
  ecs.faults.add({ kind: 'unavailable', times: Number.POSITIVE_INFINITY })
  expect(await outcomes('DescribeRegions', 5)).toEqual(Array(5).fill('ServiceUnavailable'))
  ecs.faults.clear()
  expect(await outcomes('DescribeRegions', 1)).toEqual([undefined])
})

test('the hook sees the world before and after a request takes effect', async () => {
  const { id } = ecs.seed.image({ family: 'web' })
  const seen: unknown[] = []
  ecs.intercept = async (phase, request) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    seen.push([phase, request.action, request.status, ecs.image(id)?.status])
  }
  await sdkCall(client, 'ModifyImageAttribute', { imageId: id, status: 'Deprecated' })
  expect(seen).toEqual([
    ['before', 'ModifyImageAttribute', 0, 'Available'],
    ['after', 'ModifyImageAttribute', 0, 'Deprecated'],
  ])
  ecs.intercept = (phase) => {
    if (phase === 'before') ecs.change(id, { status: 'Available' })
  }
  expect(
    await thrown(() => sdkCall(client, 'ModifyImageAttribute', { imageId: id, status: 'Available' })),
  ).toMatchObject({
    code: 'ImageStatus.NotDeprecated',
  })
})

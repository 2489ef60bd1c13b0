import EcsModule from '@alicloud/ecs20140526'
import { $OpenApiUtil } from '@alicloud/openapi-core'
import * as $dara from '@darabonba/typescript'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type EcsClient, type Operation, operations } from '../../src/ecs/client.ts'
import { describeCurrent, describeImages } from '../../src/ecs/images.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { connectTo, ecsErrorOf, failureOf, type Gateway, type Passed, region, startGateway } from './connection.ts'

let ecs: LocalEcs
let gateway: Gateway
beforeEach(async () => {
  ecs = await startLocalEcs()
  gateway = await startGateway(ecs)
})
afterEach(async () => {
  vi.useRealTimers()
  await gateway.close()
  await ecs.close()
})

type Type = string | { readonly type: 'array'; readonly itemType: Type } | Model
interface Model {
  new (fields: Record<string, unknown>): object
  types(): Record<string, Type>
}

/** Characters that the URL and the signature encode differently, and some that end a parameter. */
const odd = "it's (a) *b*! ~ 中文 🎉 + & = % #"

/** Something of a type that a model declares, with every field of it filled. */
function filled(type: Type, name = ''): unknown {
  if (type === 'string') return `${name} ${odd}`
  if (type === 'number') return 7
  if (type === 'boolean') return true
  if (typeof type === 'object') return [filled(type.itemType, `${name} first`), filled(type.itemType, `${name} second`)]
  if (typeof type === 'function') return everyField(type)
  throw new Error(`${name} has an unknown type.`)
}

const everyField = (model: Model): Record<string, unknown> =>
  Object.fromEntries(Object.entries(model.types()).map(([name, type]) => [name, filled(type, name)]))

/** What one sees of a request, but for what has to differ from one to the next. */
function comparable({ headers, ...request }: Passed) {
  const { authorization, ...rest } = headers
  const kept = Object.entries(rest).filter(([name]) => !/^(x-acs-date|x-acs-signature-nonce|user-agent)$/.test(name))
  const signed = /SignedHeaders=([^,]*)/.exec(authorization ?? '')?.[1]
  return { ...request, headers: Object.fromEntries(kept), signed }
}

/** The SDK's own client, with all of its methods. */
const generated = () =>
  new EcsModule.default(
    new $OpenApiUtil.Config({
      ...ecs.account,
      endpoint: new URL(gateway.url).host,
      protocol: 'http',
      regionId: region,
    }),
  )

describe('every operation is sent as the generated client of the SDK sends it', () => {
  test.each(Object.keys(operations) as Operation[])('%s', async (operation) => {
    gateway.replace = () => ({ status: 200, text: '{"RequestId":"8F32783B-ACBE-5B85-98FB-79A73E02BB6E"}' })
    const Request = operations[operation][0] as unknown as Model
    const fields = everyField(Request)
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    await client.call(operation, region, fields as Parameters<EcsClient['call']>[2])
    const sdk = generated()
    const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}WithOptions`
    await Reflect.get(sdk, method).call(sdk, new Request(fields), new $dara.RuntimeOptions({}))

    const [ours, theirs] = gateway.passed
    expect(gateway.passed).toHaveLength(2)
    expect(comparable(ours as Passed)).toEqual(comparable(theirs as Passed))
    expect(ours).toMatchObject({ action: operation, method: 'POST', path: '/', body: '' })
    expect(ours?.headers['x-acs-version']).toBe('2014-05-26')
    // Lists of two, and at least one parameter a field.
    expect(Object.keys(ours?.query ?? {}).length).toBeGreaterThanOrEqual(Object.keys(fields).length)
    expect(Object.values(ours?.query ?? {}).some((value) => value.includes(odd))).toBe(true)
    expect(ecs.requests.map(({ verified }) => verified)).toEqual([true, true])
  })

  test('unset fields are not sent, and empty ones are not made up', async () => {
    const { client } = connectTo(ecs)
    await describeImages(client, region, { imageFamily: 'web' })
    const names = ['ImageFamily', 'PageNumber', 'PageSize', 'RegionId', 'Status']
    expect(Object.keys(ecs.requests[0]?.parameters ?? {}).sort()).toEqual(names)
  })
})

describe('the signature', () => {
  test('is accepted with a permanent key, which sends no security token', async () => {
    const { client } = connectTo(ecs)
    await describeImages(client, region, { imageName: odd })
    expect(ecs.requests).toMatchObject([
      { verified: true, signature: 'ACS3-HMAC-SHA256', status: 200, account: ecs.account.uid },
    ])
    expect(ecs.requests[0]?.parameters.ImageName).toBe(odd)
    expect(ecs.requests[0]?.headers).toMatchObject({ 'x-acs-credentials-provider': 'static_ak' })
    expect(ecs.requests[0]?.headers).not.toHaveProperty('x-acs-security-token')
  })

  test('is accepted with the keys of a session, whose token is sent and signed', async () => {
    const session = ecs.session(ecs.account)
    const { client } = connectTo(ecs, { keys: session })
    await describeImages(client, region, { imageName: odd })
    expect(ecs.requests).toMatchObject([{ verified: true, status: 200, account: ecs.account.uid }])
    expect(ecs.requests[0]?.headers).toMatchObject({
      'x-acs-credentials-provider': 'static_sts',
      'x-acs-security-token': session.securityToken,
    })
    expect(ecs.requests[0]?.headers.authorization).toMatch(/SignedHeaders=[^,]*x-acs-security-token/)
  })

  test('an empty security token is none', async () => {
    const { client } = connectTo(ecs, { keys: { ...ecs.account, securityToken: '' } })
    await describeImages(client, region, {})
    expect(ecs.requests[0]).toMatchObject({ verified: true, status: 200 })
  })

  test('of each repeat is a new one: neither nonce nor signature is used twice', async () => {
    ecs.faults.add({ kind: 'unavailable', times: 3 })
    const { client } = connectTo(ecs)
    await describeImages(client, region, {})
    const of = (name: string) => new Set(ecs.requests.map(({ headers }) => headers[name]))
    expect(ecs.requests).toHaveLength(4)
    expect(ecs.requests.every(({ verified }) => verified)).toBe(true)
    expect(of('x-acs-signature-nonce').size).toBe(4)
    expect(of('authorization').size).toBe(4)
  })

  test.each([
    ['an unknown key', { accessKeyId: 'LTAI5tNobody' }, 'InvalidAccessKeyId.NotFound', '`access-key-id`'],
    ['a wrong secret', { accessKeySecret: 'wrong' }, 'SignatureDoesNotMatch', 'access key'],
    [
      'a permanent key with a token',
      { securityToken: 'CAISother' },
      'InvalidSecurityToken.MismatchWithAccessKey',
      '`security-token`',
    ],
    ['a cut token', { securityToken: 'cut' }, 'InvalidSecurityToken.Malformed', '`security-token`'],
  ])('%s is refused once and says what to check', async (_, keys, code, remedy) => {
    const { client } = connectTo(ecs, { keys: { ...ecs.account, ...keys } })
    const error = await ecsErrorOf(describeImages(client, region, {}))
    expect(error).toMatchObject({ ecsCode: code, reaction: 'fail' })
    expect(error.remedy).toContain(remedy)
    expect(ecs.requests).toHaveLength(1)
  })

  test('an expired session is refused once and says how to renew it', async () => {
    const session = ecs.session(ecs.account, { expiresAt: ecs.clock.now() - 1000 })
    const { client } = connectTo(ecs, { keys: session })
    const error = await ecsErrorOf(describeImages(client, region, {}))
    expect(error).toMatchObject({ ecsCode: 'InvalidSecurityToken.Expired', reaction: 'fail' })
    expect(error.remedy).toContain('temporary credentials')
    expect(ecs.requests).toHaveLength(1)
  })

  test("a runner's clock that is wrong is refused once and says so", async () => {
    ecs.switches.clockSkewSeconds = 3600
    const { client } = connectTo(ecs)
    const error = await ecsErrorOf(describeImages(client, region, {}))
    expect(error).toMatchObject({ ecsCode: 'InvalidTimeStamp.Expired', reaction: 'fail' })
    expect(error.remedy).toContain('clock')
  })

  test.each([
    ['key', { accessKeyId: 'LTAI5t\nLocalEcs' }],
    ['security token', { securityToken: 'CAIS…' }],
  ])('a %s that no header can hold is an error of the credentials, which is not repeated', async (_, keys) => {
    const { client, retries } = connectTo(ecs, { keys: { ...ecs.account, ...keys } })
    const failure = await failureOf(describeImages(client, region, {}))
    expect(failure).toMatchObject({ code: 'credentials', remedy: expect.stringContaining('keys') })
    expect(failure.message).not.toMatch(/LTAI5t|CAIS/)
    expect(retries).toEqual([])
    expect(ecs.requests).toEqual([])
  })
})

describe('the clock', () => {
  test('is that of the runner until ECS has answered, and then that of its answers', async () => {
    const { client } = connectTo(ecs)
    const drift = (time: number) => Math.abs(client.now() - time)
    expect(drift(Date.now())).toBeLessThan(1000)
    expect(Math.abs(ecs.clock.now() - Date.now())).toBeGreaterThan(86_400_000)
    await describeCurrent(client, { region, family: 'web' })
    expect(drift(ecs.clock.now())).toBeLessThan(2000)
  })

  test('follows when that of ECS jumps', async () => {
    const { client } = connectTo(ecs)
    await describeCurrent(client, { region, family: 'web' })
    ecs.clock.advance(3600)
    await describeCurrent(client, { region, family: 'web' })
    expect(Math.abs(client.now() - ecs.clock.now())).toBeLessThan(2000)
  })

  test('runs on between two answers', async () => {
    const { client } = connectTo(ecs)
    await describeCurrent(client, { region, family: 'web' })
    const before = client.now()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(client.now() - before).toBeGreaterThanOrEqual(49)
  })
})

describe('an answer that is slow', () => {
  test("is awaited beyond the 3 seconds of the SDK's own limits", async () => {
    ecs.faults.add({ kind: 'slow', seconds: 3.2 })
    const { client, retries } = connectTo(ecs)
    const image = ecs.seed.image({ family: 'web' })
    expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: image.id })
    expect(retries).toEqual([])
    expect(ecs.requests).toHaveLength(1)
  })

  test('is given up after ten seconds, and asked for again', async () => {
    ecs.faults.add({ kind: 'slow', seconds: 20 })
    const { client, retries } = connectTo(ecs)
    const image = ecs.seed.image({ family: 'web' })
    // The timers of the SDK alone: the server and the pauses keep their time.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const arrived = new Promise<void>((resolve) => {
      ecs.intercept = () => resolve()
    })
    const asked = describeCurrent(client, { region, family: 'web' })
    await arrived
    await vi.advanceTimersByTimeAsync(9_999)
    expect(retries).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    vi.useRealTimers()
    expect(await asked).toMatchObject({ id: image.id })
    expect(retries.map(({ error }) => error.message)).toEqual(['there was no answer in time'])
    expect(ecs.requests).toHaveLength(2)
  })
})

test('a request goes to the region that it names, also where one endpoint serves them all', async () => {
  const { client } = connectTo(ecs)
  const home = ecs.seed.image({ family: 'web' })
  const away = ecs.seed.image({ family: 'web', region: 'cn-beijing' })
  expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: home.id })
  expect(await describeCurrent(client, { region: 'cn-beijing', family: 'web' })).toMatchObject({ id: away.id })
  expect(ecs.requests.map((request) => request.region)).toEqual([region, 'cn-beijing'])
})

test('many requests side by side are all answered, each with its own answer', async () => {
  const { client } = connectTo(ecs)
  const families = Array.from({ length: 60 }, (_, number) => `web-${number}`)
  const images = families.map((family) => ecs.seed.image({ family }).id)
  const seen = await Promise.all(families.map((family) => describeCurrent(client, { region, family })))
  expect(seen.map((image) => image?.id)).toEqual(images)
})

import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawCall, sdkCall, sdkClient } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'
import { legacySignature } from './signature.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

const utc = (offset = 0) => new Date(Date.now() + offset).toISOString().replace(/\.\d+/, '')

async function legacyCall(
  parameters: Record<string, string>,
  sent: { method?: string; form?: boolean; format?: string } = {},
) {
  const { method = 'GET', form = false, format = 'JSON' } = sent
  const all: Record<string, string> = {
    Version: '2014-05-26',
    ...(format && { Format: format }),
    AccessKeyId: ecs.account.accessKeyId,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureType: '',
    SignatureNonce: randomUUID(),
    Timestamp: utc(),
    ...parameters,
  }
  const Signature = legacySignature(method, Object.entries(all), ecs.account.accessKeySecret)
  const encoded = new URLSearchParams({ Signature, ...all })
  const response = form
    ? await fetch(ecs.url, { method, body: encoded })
    : await fetch(`${ecs.url}/?${encoded}`, { method })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

describe('accepts', () => {
  test('the SDK, with either signature, with keys and with sessions', async () => {
    const keys = ecs.session(ecs.account)
    for (const signatureAlgorithm of [undefined, 'v2']) {
      const algorithm = signatureAlgorithm ? { signatureAlgorithm } : {}
      await sdkCall(sdkClient(ecs, algorithm), 'DescribeRegions')
      await sdkCall(sdkClient(ecs, { keys, ...algorithm }), 'DescribeRegions')
    }
    expect(ecs.requests.map((request) => request.signature)).toEqual([
      'ACS3-HMAC-SHA256',
      'ACS3-HMAC-SHA256',
      'HMAC-SHA1',
      'HMAC-SHA1',
    ])
    expect(ecs.requests.every((request) => request.verified && request.status === 200)).toBe(true)
    expect(ecs.requests[0]?.account).toBe(ecs.account.uid)
  })

  test('GET and POST, parameters in the query and in a form', async () => {
    expect((await rawCall(ecs, 'DescribeRegions', {}, { method: 'GET' })).status).toBe(200)
    expect((await legacyCall({ Action: 'DescribeRegions' })).status).toBe(200)
    expect((await legacyCall({ Action: 'DescribeRegions' }, { method: 'POST' })).status).toBe(200)
    expect((await legacyCall({ Action: 'DescribeRegions' }, { method: 'POST', form: true })).status).toBe(200)
  })

  test('a legacy caller that asks for no format, and answers it in XML', async () => {
    const { id } = ecs.seed.image({ name: 'a-b', description: 'x < y & z' })
    const answer = await legacyCall({ Action: 'DescribeImages', RegionId: 'cn-hangzhou' }, { format: '' })
    expect(answer.type).toBe('text/xml;charset=utf-8')
    expect(answer.text).toContain(`<ImageId>${id}</ImageId>`)
    expect(answer.text).toContain('<Description>x &lt; y &amp; z</Description>')
    const refusal = await legacyCall({ Action: 'DescribeImages' }, { format: '' })
    expect(refusal.status).toBe(400)
    expect(refusal.text).toContain('<Code>MissingParameter</Code>')
  })
})

describe('refuses', () => {
  const call = (sent: Parameters<typeof rawCall>[3]) => rawCall(ecs, 'DescribeRegions', {}, sent)
  const session = () => ecs.session(ecs.account, { expiresAt: ecs.clock.now() - 1000 })

  test.each([
    [
      'an unknown key',
      404,
      'InvalidAccessKeyId.NotFound',
      () => ({ keys: { accessKeyId: 'LTAIno', accessKeySecret: 's' } }),
    ],
    ['a wrong secret', 400, 'SignatureDoesNotMatch', () => ({ keys: { ...ecs.account, accessKeySecret: 'wrong' } })],
    [
      'a header changed after signing',
      400,
      'SignatureDoesNotMatch',
      () => ({ forged: { 'x-acs-version': '2014-05-27' } }),
    ],
    ['a header that is not signed', 400, 'IncompleteSignature', () => ({ forged: { 'x-acs-extra': '1' } })],
    ['no signature', 400, 'IncompleteSignature', () => ({ forged: { authorization: '' } })],
    ['a date 16 minutes ago', 400, 'InvalidTimeStamp.Expired', () => ({ headers: { 'x-acs-date': utc(-960_000) } })],
    ['a date 16 minutes ahead', 400, 'InvalidTimeStamp.Expired', () => ({ headers: { 'x-acs-date': utc(960_000) } })],
    ['an expired session', 400, 'InvalidSecurityToken.Expired', () => ({ keys: session() })],
    [
      'a malformed token',
      400,
      'InvalidSecurityToken.Malformed',
      () => ({ keys: { ...ecs.account, securityToken: 'x' } }),
    ],
    [
      "another key's token",
      400,
      'InvalidSecurityToken.MismatchWithAccessKey',
      () => ({ keys: { ...ecs.account, securityToken: session().securityToken } }),
    ],
    [
      'session keys without their token',
      400,
      'InvalidSecurityToken.MismatchWithAccessKey',
      () => ({ keys: { ...session(), securityToken: '' } }),
    ],
    ['another version', 400, 'InvalidVersion', () => ({ version: '2016-03-14' })],
  ] as const)('%s', async (_, status, code, sent) => {
    const answer = await call(sent())
    expect([answer.status, answer.body.Code]).toEqual([status, code])
    const verified = code === 'InvalidVersion'
    expect(ecs.requests.at(-1)).toMatchObject({ status, code, verified })
  })

  test('a nonce that was used', async () => {
    const headers = { 'x-acs-signature-nonce': 'once' }
    expect((await call({ headers })).status).toBe(200)
    expect((await call({ headers })).body.Code).toBe('SignatureNonceUsed')
  })

  test('an action that is not there', async () => {
    const answer = await rawCall(ecs, 'DescribeImage', {})
    expect([answer.status, answer.body.Code]).toEqual([404, 'InvalidAction.NotFound'])
  })

  test('the right date, when the clock is said to be elsewhere', async () => {
    ecs.switches.clockSkewSeconds = 3600
    expect((await call({})).body.Code).toBe('InvalidTimeStamp.Expired')
    expect((await call({ headers: { 'x-acs-date': utc(3_600_000) } })).status).toBe(200)
  })

  test('a session as soon as the clock is past its end', async () => {
    const keys = ecs.session(ecs.account, { expiresAt: ecs.clock.now() + 60_000 })
    expect((await call({ keys })).status).toBe(200)
    ecs.clock.advance(60)
    expect((await call({ keys })).body.Code).toBe('InvalidSecurityToken.Expired')
  })
})

test("an error has ECS's body, and repeats the request in SignatureDoesNotMatch as ECS does", async () => {
  const keys = { ...ecs.session(ecs.account), accessKeySecret: 'wrong' }
  const { body, headers } = await rawCall(ecs, 'DescribeImages', { RegionId: 'cn-beijing' }, { keys })
  expect(Object.keys(body)).toEqual(['RequestId', 'HostId', 'Code', 'Message', 'Recommend'])
  expect(body.RequestId).toMatch(/^[\dA-F]{8}-[\dA-F]{4}-5[\dA-F]{3}-[89AB][\dA-F]{3}-[\dA-F]{12}$/)
  expect(body.HostId).toBe('ecs.cn-beijing.aliyuncs.com')
  expect(body.Recommend).toBe(
    `https://api.aliyun.com/troubleshoot?q=SignatureDoesNotMatch&product=Ecs&requestId=${body.RequestId}`,
  )
  expect(body.Message).toContain(`x-acs-security-token:${keys.securityToken}`)
  expect(headers.get('content-type')).toBe('application/json;charset=utf-8')
})

test('every answer is dated by the clock of the local ECS', async () => {
  const { headers } = await rawCall(ecs, 'DescribeRegions', {})
  expect(headers.get('date')).toBe('Wed, 01 Apr 2026 08:00:01 GMT')
})

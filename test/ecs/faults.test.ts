import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectEcs } from '../../src/ecs/adapter.ts'
import type { EcsClient } from '../../src/ecs/client.ts'
import type { EcsError } from '../../src/ecs/errors.ts'
import { describeCurrent } from '../../src/ecs/images.ts'
import { type FaultKind, passingFaults } from '../local-ecs/faults.ts'
import { type LocalEcs, type Session, startLocalEcs } from '../local-ecs/server.ts'
import {
  actionsOf,
  connectTo,
  ecsErrorOf,
  failureOf,
  type Gateway,
  type Retry,
  region,
  requestIdOf,
  startGateway,
  timeOf,
} from './connection.ts'

let ecs: LocalEcs
let gateway: Gateway
let session: Session
beforeEach(async () => {
  ecs = await startLocalEcs()
  gateway = await startGateway(ecs)
  session = ecs.session(ecs.account)
})
afterEach(async () => {
  await gateway.close()
  await ecs.close()
})

/** A read and a write, and how one sees from outside that they came through. */
const requests = {
  read: {
    action: 'DescribeImageFromFamily',
    send: async (client: EcsClient, image: string) => {
      expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: image })
    },
    worked: (image: string) => ecs.image(image)?.family === 'web',
  },
  write: {
    action: 'ModifyImageAttribute',
    send: (client: EcsClient, image: string) =>
      connectEcs(client).write({ action: 'join-family', region, image, family: 'live' }),
    worked: (image: string) => ecs.image(image)?.family === 'live',
  },
} as const
type Name = keyof typeof requests
const both = ['read', 'write'] as const satisfies readonly Name[]
const crossed = <T>(things: readonly T[]): [Name, T][] =>
  both.flatMap((name) => things.map((thing): [Name, T] => [name, thing]))

const forEver = Number.POSITIVE_INFINITY

/** Everything that a person may come to read of an error, and all that hangs on it. */
const allOf = (error: Error): string => `${error.stack} ${inspect(error, { depth: null, showHidden: true })}`

/** Nothing secret, and nothing of the request: its URL holds all parameters. */
function expectNoSecrets(text: string): void {
  const { accessKeySecret } = ecs.account
  expect(text).not.toContain(accessKeySecret)
  expect(text).not.toContain(session.accessKeySecret)
  expect(text).not.toContain(session.securityToken)
  for (const { headers } of ecs.requests) {
    const signature = /Signature=(\w+)/.exec(headers.authorization ?? '')?.[1]
    if (signature) expect(text).not.toContain(signature)
    if (headers['x-acs-signature-nonce']) expect(text).not.toContain(headers['x-acs-signature-nonce'])
  }
  expect(text).not.toMatch(/x-acs-|Signature=|ACS3-HMAC|https?:\/\/(127|localhost|\[)|[?&](RegionId|ImageFamily)=/)
}

describe.each(both)('a %s', (name) => {
  const { action, send, worked } = requests[name]

  test.each([
    ['throttling', { kind: 'throttling' }, /^Throttling.User$/],
    ['throttling of the API', { kind: 'throttling', code: 'Throttling.Api' }, /^Throttling.Api$/],
    ['throttling of the resource', { kind: 'throttling', code: 'Throttling.Resource' }, /^Throttling.Resource$/],
    ['rejected throttling', { kind: 'throttling', code: 'Rejected.Throttling', status: 503 }, /^Rejected.Throttling$/],
    ['throttling with a time to wait', { kind: 'throttling-retry-after', retryAfter: 5 }, /^Throttling/],
    ['an internal error', { kind: 'internal-error' }, /^InternalError$/],
    ['a service that is unavailable', { kind: 'unavailable' }, /^ServiceUnavailable$/],
    ['an unknown error under 500', { kind: 'error', code: 'Whatever', status: 500 }, /^Whatever$/],
    ['an unknown error under 429', { kind: 'error', code: 'Whatever', status: 429 }, /^Whatever$/],
    ["a gateway's page", { kind: 'html' }, /^undefined$/],
    ['half an answer', { kind: 'broken-json' }, /^undefined$/],
    ['an empty answer', { kind: 'empty' }, /^undefined$/],
    ['a connection reset before it took effect', { kind: 'reset-before' }, /^undefined$/],
    ['a connection reset after it took effect', { kind: 'reset-after' }, /^undefined$/],
  ] as const)('meets %s three times, is repeated and comes through', async (_, fault, code) => {
    const image = ecs.seed.image({ family: 'web' }).id
    ecs.faults.add({ ...fault, times: 3 })
    const { client, retries } = connectTo(ecs)
    await send(client, image)
    expect(worked(image)).toBe(true)
    expect(actionsOf(ecs)).toEqual([action, action, action, action])
    expect(retries.map(({ failures }) => failures)).toEqual([1, 2, 3])
    for (const { error: met } of retries) {
      expect(String(met.ecsCode)).toMatch(code)
      expect(met).toMatchObject({ operation: action, region, reaction: 'retry' })
    }
  })

  test.each([
    ['internal-error', 'InternalError', 500],
    ['unavailable', 'ServiceUnavailable', 503],
    ['html', undefined, undefined],
    ['broken-json', undefined, undefined],
    ['empty', undefined, undefined],
    ['reset-before', undefined, undefined],
    ['reset-after', undefined, undefined],
  ] as const)('meets %s for ever, and gives up after ten requests', async (kind, code, status) => {
    ecs.faults.add({ kind, times: forEver })
    const { client, retries } = connectTo(ecs)
    const error = await ecsErrorOf(send(client, ecs.seed.image({ family: 'web' }).id))
    expect(error).toMatchObject({ operation: action, region, ecsCode: code, status, reaction: 'retry' })
    expect(error.message).not.toBe('')
    expect(error.remedy).toMatch(/\.$/)
    if (code) expect(error.requestId).toBe(requestIdOf(ecs.requests.at(-1)))
    expect(ecs.requests).toHaveLength(10)
    expect(retries).toHaveLength(9)
    expectNoSecrets(allOf(error))
  })

  describe.each(['throttling', 'throttling-retry-after'] as const)('meets %s', (kind) => {
    test('more often than any other trouble may go on, and comes through', async () => {
      const image = ecs.seed.image({ family: 'web' }).id
      ecs.faults.add({ kind, retryAfter: 1, times: 15 })
      const { client, retries } = connectTo(ecs)
      await send(client, image)
      expect(worked(image)).toBe(true)
      expect(retries).toHaveLength(15)
    })

    test('for ever, and gives up with the time limit', async () => {
      ecs.faults.add({ kind, retryAfter: 1, times: forEver })
      const { client } = connectTo(ecs, { limit: 150 })
      const image = ecs.seed.image({ family: 'web' }).id
      const took = await timeOf(async () => {
        const error = await ecsErrorOf(send(client, image))
        expect(error).toMatchObject({ ecsCode: 'Throttling.User', status: 400, operation: action })
        expect(error.requestId).toBe(requestIdOf(ecs.requests.at(-1)))
      })
      expect(took).toBeGreaterThanOrEqual(145)
      expect(took).toBeLessThan(1250)
    })
  })

  test('waits as long as ECS asks it to', async () => {
    ecs.faults.add({ kind: 'throttling-retry-after', retryAfter: 150 })
    const { client, retries } = connectTo(ecs)
    const image = ecs.seed.image({ family: 'web' }).id
    const took = await timeOf(() => send(client, image))
    expect(worked(image)).toBe(true)
    expect(retries[0]?.error.retryAfter).toBe(150)
    expect(took).toBeGreaterThanOrEqual(145)
    expect(took).toBeLessThan(1150)
  })

  test('does not wait beyond the time limit, however long ECS asks it to', async () => {
    ecs.faults.add({ kind: 'throttling-retry-after', retryAfter: 60_000, times: forEver })
    const { client } = connectTo(ecs, { limit: 200 })
    const image = ecs.seed.image({ family: 'web' }).id
    const took = await timeOf(async () => {
      expect(await ecsErrorOf(send(client, image))).toMatchObject({ ecsCode: 'Throttling.User' })
    })
    expect(took).toBeLessThan(1200)
    // A timer of Node may come a millisecond early, and leave time for one more.
    expect(ecs.requests.length).toBeLessThanOrEqual(2)
  })

  test.each([
    ['Forbidden.RAM', 403],
    ['InvalidParameter', 400],
    ['InvalidParamter.Conflict', 403],
    ['InvalidRegionId.NotFound', 404],
    ['InvalidSecurityToken.Expired', 403],
    ['Account.Arrearage', 400],
    ['QuotaExceed.Image', 403],
    ['NobodyKnowsThis', 400],
    ['NobodyKnowsThis', 403],
  ])('is refused with %s (%i), and not repeated', async (code, status) => {
    ecs.faults.add({ kind: 'error', code, status, message: 'It is not to be.', times: forEver })
    const { client, retries } = connectTo(ecs)
    const error = await ecsErrorOf(send(client, ecs.seed.image({ family: 'web' }).id))
    expect(error).toMatchObject({
      name: 'EcsError',
      operation: action,
      region,
      ecsCode: code,
      status,
      reaction: 'fail',
    })
    expect(error.requestId).toBe(requestIdOf(ecs.requests[0]))
    const said = /SecurityToken/.test(code) ? code : 'It is not to be.'
    expect(error.message).toBe(code === 'Forbidden.RAM' ? `${said} (missing permission: ecs:${action})` : said)
    expect(ecs.requests).toHaveLength(1)
    expect(retries).toEqual([])
  })

  test('gets a slow answer, and is not repeated', async () => {
    const image = ecs.seed.image({ family: 'web' }).id
    ecs.faults.add({ kind: 'slow', seconds: 0.2 })
    const { client } = connectTo(ecs)
    await send(client, image)
    expect(worked(image)).toBe(true)
    expect(ecs.requests).toHaveLength(1)
  })

  test('meets one trouble after the other, and comes through', async () => {
    const kinds: FaultKind[] = ['reset-after', 'throttling', 'html', 'empty', 'unavailable', 'broken-json', 'slow']
    for (const kind of kinds) ecs.faults.add({ kind, seconds: 0.01 })
    const image = ecs.seed.image({ family: 'web' }).id
    const { client, retries } = connectTo(ecs)
    await send(client, image)
    expect(worked(image)).toBe(true)
    expect(retries).toHaveLength(6)
  })
})

describe('an address where nobody is', () => {
  test.each([
    ['a port that is closed', () => 'http://127.0.0.1:1', 'the connection was refused'],
    ['a closed port of a name with several addresses', () => 'http://localhost:1', 'the connection was refused'],
    ['a host that does not exist', () => 'http://ecs.invalid', /^the host name (is not known|could not be looked up)$/],
    ['something that does not speak TLS', () => `https://127.0.0.1:${ecs.port}`, 'the other side does not speak TLS'],
  ])('%s', async (_, address, message) => {
    const { client, retries } = connectTo(ecs, { endpoint: address(), keys: session })
    const error = await ecsErrorOf(describeCurrent(client, { region, family: 'web' }))
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ operation: 'DescribeImageFromFamily', ecsCode: undefined, status: undefined })
    expect(error.remedy).toContain('`endpoint`')
    expect(retries).toHaveLength(9)
    expectNoSecrets(allOf(error))
    for (const { error: met } of retries) expectNoSecrets(allOf(met))
  })

  test('that comes up in time is reached', async () => {
    const image = ecs.seed.image({ family: 'web' }).id
    const late = await startGateway(ecs)
    const endpoint = late.url
    await late.close()
    const { client } = connectTo(ecs, { endpoint, interval: 20 })
    const request = describeCurrent(client, { region, family: 'web' })
    const again = await startGateway(ecs, Number(new URL(endpoint).port))
    expect(await request).toMatchObject({ id: image })
    await again.close()
  })
})

describe('a response that did not come from ECS', () => {
  const html = { type: 'text/html', text: '<html><body>Who are you?</body></html>' }

  test.each(crossed([200, 301, 403, 404, 429, 502, 503, 504]))(
    'to a %s is trouble that passes, when it is a page under status %i',
    async (name, status) => {
      const image = ecs.seed.image({ family: 'web' }).id
      gateway.replace = () => (gateway.passed.length < 3 ? { ...html, status } : undefined)
      const { client, retries } = connectTo(ecs, { endpoint: gateway.url })
      await requests[name].send(client, image)
      expect(requests[name].worked(image)).toBe(true)
      expect(retries.map(({ error }) => error.reaction)).toEqual(['retry', 'retry'])
    },
  )

  test.each([
    ['plain text', { type: 'text/plain', text: 'upstream connect error' }],
    ['XML that is cut off', { type: 'text/xml;charset=utf-8', text: '<Error><Code>' }],
    ['a text in JSON', { text: '"no"' }],
    ['nothing', { text: '' }],
    ['null', { text: 'null' }],
    ['XML of somebody else', { type: 'text/xml;charset=utf-8', text: '<html>Bad gateway</html>' }],
    ['an image that is none', { status: 200, text: '{"RequestId":"R","Image":"none"}' }],
    ['JSON without a code, status 404', { status: 404, text: '{"message":"no Route matched with those values"}' }],
    ['JSON without a code, status 403', { status: 403, text: '{"error":"forbidden by policy"}' }],
    ['an empty object, status 400', { status: 400, text: '{}' }],
    ['an empty list, status 403', { status: 403, text: '[]' }],
  ])('is trouble that passes, when it is %s', async (_, answer) => {
    const image = ecs.seed.image({ family: 'web' }).id
    gateway.replace = () => (gateway.passed.length < 3 ? { status: 502, ...answer } : undefined)
    const { client, retries } = connectTo(ecs, { endpoint: gateway.url })
    expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: image })
    expect(retries).toHaveLength(2)
  })

  test('has no code and no request ID, and says so in words', async () => {
    gateway.replace = () => ({ status: 502, text: '{"message":"Bad Gateway"}' })
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    const error = await ecsErrorOf(describeCurrent(client, { region, family: 'web' }))
    expect(error).toMatchObject({ ecsCode: undefined, requestId: undefined, status: 502, reaction: 'retry' })
    expect(error.message).toContain('did not come from ECS')
  })

  test('in XML from ECS itself is understood', async () => {
    const text = '<Error><RequestId>R-1</RequestId><Code>Forbidden.RAM</Code><Message>No.</Message></Error>'
    gateway.replace = () => ({ status: 403, type: 'text/xml;charset=utf-8', text })
    const { client } = connectTo(ecs, { endpoint: gateway.url })
    const error = await ecsErrorOf(describeCurrent(client, { region, family: 'web' }))
    expect(error).toMatchObject({ ecsCode: 'Forbidden.RAM', status: 403, requestId: 'R-1', reaction: 'fail' })
    expect(gateway.passed).toHaveLength(1)
  })

  test('in the small letters of some gateways of Alibaba Cloud is understood', async () => {
    const text = '{"code":"Throttling.Api","message":"Slowly.","requestId":"R-1"}'
    gateway.replace = () => (gateway.passed.length < 2 ? { status: 503, text } : undefined)
    const { client, retries } = connectTo(ecs, { endpoint: gateway.url })
    await describeCurrent(client, { region, family: 'web' })
    expect(retries).toMatchObject([
      { error: { ecsCode: 'Throttling.Api', requestId: 'R-1', message: 'Slowly.', status: 503 } },
    ])
  })
})

describe('a denial', () => {
  test.each(crossed(['Forbidden.RAM', 'Forbidden', 'Forbbiden', 'NoPermission']))(
    'of a %s names the right that is missing: %s',
    async (name, code) => {
      ecs.faults.add({ kind: 'error', code })
      const { action, send } = requests[name]
      const error = await ecsErrorOf(send(connectTo(ecs).client, ecs.seed.image({ family: 'web' }).id))
      expect(error).toMatchObject({ ecsCode: code, status: 403, reaction: 'fail' })
      expect(error.message).toMatch(new RegExp(`\\(missing permission: ecs:${action}\\)$`))
      expect(allOf(error)).not.toContain('AQFnLocalEcsDiagnosticMessage')
      expect(ecs.requests).toHaveLength(1)
    },
  )

  test.each(['Forbidden.RAM', 'Forbidden', 'Forbbiden', 'InvalidUser.Unauthorized'])(
    'without details says what to grant, and names no other right: %s',
    async (code) => {
      ecs.faults.add({ kind: 'error', code, status: 403, body: {} })
      const error = await ecsErrorOf(requests.write.send(connectTo(ecs).client, ecs.seed.image({}).id))
      expect(error.remedy).toContain('ecs:ModifyImageAttribute')
      expect(error.message).not.toContain('missing permission')
    },
  )

  test('names the right that ECS names, and says what the request itself needs', async () => {
    const AccessDeniedDetail = { AuthAction: 'kms:Decrypt', NoPermissionType: 'ExplicitDeny' }
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', status: 403, body: { AccessDeniedDetail } })
    const error = await ecsErrorOf(requests.write.send(connectTo(ecs).client, ecs.seed.image({}).id))
    expect(error.message).toContain('missing permission: kms:Decrypt')
    expect(error.remedy).toContain('ecs:ModifyImageAttribute')
    // A grant is no help against a policy that denies.
    expect(error.remedy).toContain('a policy that denies')
  })

  test('says that the right must be granted on everything, where nothing narrower works', async () => {
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM' })
    const error = await ecsErrorOf(describeCurrent(connectTo(ecs).client, { region, family: 'web' }))
    expect(error.remedy).toContain('`ecs:DescribeImageFromFamily` on *')
  })
})

describe('no secret is in anything that an error says', () => {
  const kinds: FaultKind[] = [...passingFaults, 'error', 'signature-echo']

  async function allErrors(name: Name): Promise<EcsError[]> {
    const { client, retries }: { client: EcsClient; retries: Retry[] } = connectTo(ecs, {
      keys: session,
      limit: 60,
    })
    const last = await ecsErrorOf(requests[name].send(client, ecs.seed.image({ family: 'web' }).id))
    return [...retries.map(({ error }) => error), last]
  }

  test.each(crossed(kinds))('%s, %s', async (name, kind) => {
    ecs.faults.add({ kind, retryAfter: 1, times: forEver })
    const errors = await allErrors(name)
    expect(ecs.requests[0]?.verified).toBe(true)
    for (const error of errors) expectNoSecrets(allOf(error))
  })

  test('the echo of a signed request is cut, and the error says what to check', async () => {
    ecs.faults.add({ kind: 'signature-echo' })
    const [error] = await allErrors('write')
    expect(JSON.stringify(ecs.requests[0]?.answer)).toContain(session.securityToken)
    expect(error).toMatchObject({ ecsCode: 'SignatureDoesNotMatch', message: 'SignatureDoesNotMatch', status: 400 })
    expect(error?.requestId).toBe(requestIdOf(ecs.requests[0]))
    expect(error?.remedy).toContain('access key')
    expect(ecs.requests).toHaveLength(1)
  })

  test.each(['NobodyKnowsThis', 'InvalidParameter', 'InvalidTimeStamp.Expired', 'Forbidden.RAM', 'InternalError'])(
    'a signed request that is echoed under another code: %s',
    async (code) => {
      const message = `Bad request: POST / x-acs-security-token:${session.securityToken}`
      ecs.faults.add({ kind: 'error', code, message, times: forEver })
      for (const error of await allErrors('read')) expectNoSecrets(allOf(error))
    },
  )

  test.each([
    ['a token', () => `The token ${session.securityToken} is unknown.`],
    ['the URL', () => `POST http://127.0.0.1:${ecs.port}/?RegionId=cn-hangzhou&ImageFamily=web failed.`],
  ])('%s that is echoed alone, under a code that says nothing of it', async (_, message) => {
    ecs.faults.add({ kind: 'error', code: 'NobodyKnowsThis', message: message() })
    for (const error of await allErrors('read')) expectNoSecrets(allOf(error))
  })

  test('a wrong secret, whose signature ECS repeats in its answer', async () => {
    const { client } = connectTo(ecs, { keys: { ...session, accessKeySecret: 'TheSecretOfSomebodyElse' } })
    const error = await ecsErrorOf(describeCurrent(client, { region, family: 'web' }))
    expect(error.ecsCode).toBe('SignatureDoesNotMatch')
    expectNoSecrets(allOf(error))
    expect(allOf(error)).not.toContain('TheSecretOfSomebodyElse')
  })

  test('an answer that breaks off', async () => {
    const { client, retries } = connectTo(ecs, { keys: session, endpoint: gateway.url })
    ecs.seed.image({ family: 'web' })
    gateway.cut = true
    const failure = await failureOf(describeCurrent(client, { region, family: 'web' }))
    expect(failure.message).toBe('the connection was reset')
    expectNoSecrets(allOf(failure))
    expect(retries).toHaveLength(9)
  })
})

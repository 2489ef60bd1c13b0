import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Credentials,
  chainCredentials,
  describeCredentials,
  staticCredentials,
} from '../../src/ecs/credentials.ts'
import { describeCurrent } from '../../src/ecs/images.ts'
import { parseSettings } from '../../src/inputs/parse.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { connectTo, failureOf, region, timeOf } from './connection.ts'

let ecs: LocalEcs
let home: string
beforeEach(async () => {
  ecs = await startLocalEcs()
  home = await mkdtemp(join(tmpdir(), 'credentials-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await ecs.close()
  await rm(home, { recursive: true })
})

type Texts = Readonly<Record<string, string>>

const setEnvironment = (environment: Texts): void => {
  for (const name of Object.keys(process.env)) if (/^ALIBABA_?CLOUD_/.test(name)) vi.stubEnv(name, undefined)
  // Without the metadata service: where the tests run may be an instance that has a role.
  const all = { HOME: home, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true', ...environment }
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
}

/** A chain that finds nothing but this environment, and a home that holds nothing but these files. */
async function chainIn(
  environment: Texts,
  files: Texts = {},
): Promise<{ credentials: Credentials; given: readonly string[] }> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(home, name, '..'), { recursive: true })
    await writeFile(join(home, name), text)
  }
  setEnvironment(environment)
  const given: string[] = []
  return { credentials: chainCredentials(({ accessKeyId = '' }) => given.push(accessKeyId)), given }
}

const currentOf = (credentials: Credentials) =>
  describeCurrent(connectTo(ecs, { credentials }).client, { region, family: 'web' })

const inEnvironment = (keys: { accessKeyId: string; accessKeySecret: string; securityToken?: string }) => ({
  ALIBABA_CLOUD_ACCESS_KEY_ID: keys.accessKeyId,
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: keys.accessKeySecret,
  ...(keys.securityToken && { ALIBABA_CLOUD_SECURITY_TOKEN: keys.securityToken }),
})

const profiles = (...given: Record<string, string>[]) => ({
  '.aliyun/config.json': JSON.stringify({ current: 'default', profiles: given }),
})
const profile = (name = 'default') => ({
  name,
  mode: 'AK',
  access_key_id: ecs.account.accessKeyId,
  access_key_secret: ecs.account.accessKeySecret,
})

/** Said within seconds, with what to do, by the credentials and by a request alike; nothing is sent to ECS. */
async function expectRefusal(credentials: Credentials, message: string, remedy: string): Promise<void> {
  const printed = (['log', 'warn', 'error'] as const).map((way) => vi.spyOn(console, way))
  for (const asked of [describeCredentials, currentOf]) {
    const took = await timeOf(async () => {
      const error = await failureOf(asked(credentials))
      expect(error).toMatchObject({
        code: 'credentials',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      })
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('TheSecret')
    })
    expect(took).toBeLessThan(8000)
  }
  expect(JSON.stringify(printed.map(({ mock }) => mock.calls))).not.toContain('TheSecret')
  expect(ecs.requests).toEqual([])
}
const noneWorks =
  'There are no credentials in the inputs, and the default chain (environment, OIDC token file, CLI profile, RAM role of the runner) found none that work.'
const expectNone = (credentials: Credentials) => expectRefusal(credentials, noneWorks, '`access-key-id`')

describe('from the inputs', () => {
  test.each([
    ['a permanent key', 'the access key from the inputs', () => ecs.account],
    ['temporary keys', 'temporary keys (STS) from the inputs', () => ecs.session(ecs.account)],
  ])('%s signs, and says what it is', async (_, kind, keysOf) => {
    const image = ecs.seed.image({ family: 'web' })
    const keys = { securityToken: undefined, ...keysOf() }
    const credentials = staticCredentials(keys)
    expect(await describeCredentials(credentials)).toBe(kind)
    const { client } = connectTo(ecs, { credentials })
    expect(await describeCurrent(client, { region, family: 'web' })).toMatchObject({ id: image.id })
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
  })

  test.each([
    ['the key alone', { 'access-key-id': 'LTAI' }, ['`access-key-secret` is empty']],
    ['the secret alone', { 'access-key-secret': 'secret' }, ['`access-key-id` is empty']],
    ['the token alone', { 'security-token': 'CAIS' }, ['`access-key-id` and `access-key-secret` are empty']],
    ['the key with a token', { 'access-key-id': 'LTAI', 'security-token': 'CAIS' }, ['`access-key-secret` is empty']],
    ['blanks for a secret', { 'access-key-id': 'LTAI', 'access-key-secret': '  ' }, ['`access-key-secret` is empty']],
  ])('half a credential is an error that names the other half: %s', (_, inputs, says) => {
    const parsed = parseSettings(new Map(Object.entries(inputs)))
    expect(parsed).toMatchObject({ ok: false, errors: says.map((text) => expect.stringContaining(text)) })
    for (const value of Object.values(inputs).filter((text) => text.trim())) {
      expect(JSON.stringify(parsed)).not.toContain(`'${value}'`)
    }
  })

  test('none at all leaves it to the chain', () => {
    expect(parseSettings(new Map())).toMatchObject({ ok: true, value: { keys: undefined } })
  })
})

describe('from the environment', () => {
  test('a permanent key', async () => {
    const image = ecs.seed.image({ family: 'web' })
    const { credentials, given } = await chainIn(inEnvironment(ecs.account))
    expect(await describeCredentials(credentials)).toContain('environment')
    expect(await currentOf(credentials)).toMatchObject({ id: image.id })
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
    // Told each time, so that renewed keys are masked as well.
    expect(given).toEqual([ecs.account.accessKeyId, ecs.account.accessKeyId])
  })

  test('temporary keys', async () => {
    const session = ecs.session(ecs.account)
    const { credentials } = await chainIn(inEnvironment(session))
    expect(await describeCredentials(credentials)).toContain('environment')
    await currentOf(credentials)
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
    expect(ecs.requests[0]?.headers).toMatchObject({
      'x-acs-security-token': session.securityToken,
      'x-acs-credentials-provider': 'default/env',
    })
  })

  test('an empty token, as other actions leave it behind, is none', async () => {
    const { credentials } = await chainIn({ ...inEnvironment(ecs.account), ALIBABA_CLOUD_SECURITY_TOKEN: '' })
    await currentOf(credentials)
    expect(ecs.requests).toMatchObject([{ verified: true }])
  })

  test('come before a profile', async () => {
    const other = ecs.addAccount()
    const { credentials } = await chainIn(inEnvironment(other), profiles(profile()))
    await currentOf(credentials)
    expect(ecs.requests).toMatchObject([{ verified: true, account: other.uid }])
  })

  const [id, secret] = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'] as const
  test.each([
    ['a key without its secret', { [id]: 'LTAI' }, `${id} is set, and ${secret} is empty`],
    ['a key with an empty secret', { [id]: 'LTAI', [secret]: '' }, `${id} is set, and ${secret} is empty`],
    ['a secret without its key', { [secret]: 'TheSecret' }, `${secret} is set, and ${id} is empty`],
  ])('incomplete credentials are an error, and no profile stands in for them: %s', async (_, environment, says) => {
    const { credentials } = await chainIn(environment, profiles(profile()))
    await expectRefusal(credentials, says, 'Set both')
  })

  test.each([
    ['a role without a token file', { ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1:role/r' }],
    [
      'a token file that is not there',
      {
        ALIBABA_CLOUD_ROLE_ARN: 'acs:ram::1:role/r',
        ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'acs:ram::1:oidc-provider/p',
        ALIBABA_CLOUD_OIDC_TOKEN_FILE: '/nowhere/token',
      },
    ],
  ])('half a role is none: %s', async (_, environment) => {
    await expectNone((await chainIn(environment)).credentials)
  })
})

describe('from a profile of the CLI', () => {
  test('a permanent key', async () => {
    const image = ecs.seed.image({ family: 'web' })
    const { credentials } = await chainIn({}, profiles(profile()))
    expect(await describeCredentials(credentials)).toBe('a profile of the Alibaba Cloud CLI')
    expect(await currentOf(credentials)).toMatchObject({ id: image.id })
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
  })

  test('temporary keys', async () => {
    const session = ecs.session(ecs.account)
    const keys = { access_key_id: session.accessKeyId, access_key_secret: session.accessKeySecret }
    const one = { name: 'default', mode: 'StsToken', ...keys, sts_token: session.securityToken }
    const { credentials } = await chainIn({}, profiles(one))
    expect(await describeCredentials(credentials)).toBe('a profile of the Alibaba Cloud CLI')
    await currentOf(credentials)
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
  })

  test('of the name that the environment gives', async () => {
    const wrong = { name: 'default', mode: 'AK', access_key_id: 'LTAI', access_key_secret: 'wrong' }
    const { credentials } = await chainIn({ ALIBABA_CLOUD_PROFILE: 'work' }, profiles(wrong, profile('work')))
    await currentOf(credentials)
    expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
  })

  test.each([
    ['after it was asked for once', describeCredentials],
    ['also when nobody has asked before', async () => undefined],
  ])('serves many requests at once, %s', async (_, before) => {
    const { id } = ecs.seed.image({ family: 'web' })
    const { credentials } = await chainIn({}, profiles(profile()))
    await before(credentials)
    const seen = await Promise.all(Array.from({ length: 20 }, () => currentOf(credentials)))
    expect(seen.map((image) => image?.id)).toEqual(Array(20).fill(id))
  })

  test.each([
    ['JSON that is none', '{"profiles": [TheSecret'],
    ['no profiles', '{"current":"default","profiles":[]}'],
    ['another profile', '{"current":"default","profiles":[{"name":"x","mode":"AK"}]}'],
    ['no secret', '{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"LTAI"}]}'],
    ['an unknown mode', '{"current":"default","profiles":[{"name":"default","mode":"TheSecret"}]}'],
  ])('with %s is none', async (_, text) => {
    await expectNone((await chainIn({}, { '.aliyun/config.json': text })).credentials)
  })
})

test('from the shared credentials file', async () => {
  const { accessKeyId, accessKeySecret } = ecs.account
  const text = `[default]\ntype = access_key\naccess_key_id = ${accessKeyId}\naccess_key_secret = ${accessKeySecret}\n`
  const { credentials } = await chainIn({}, { '.alibabacloud/credentials': text })
  expect(await describeCredentials(credentials)).toBe('the shared credentials file')
  await currentOf(credentials)
  expect(ecs.requests).toMatchObject([{ verified: true, account: ecs.account.uid }])
})

describe('none at all', () => {
  test('is said with what to do, and no keys are told', async () => {
    const { credentials, given } = await chainIn({})
    await expectRefusal(credentials, noneWorks, 'configure-aliyun-credentials-action')
    expect(given).toEqual([])
  })

  test('is said just so by many requests at once, none of which is repeated', async () => {
    const { credentials } = await chainIn({})
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(currentOf(credentials))))
    expect(failures).toMatchObject(Array(20).fill({ code: 'credentials' }))
    expect(ecs.requests).toEqual([])
  })

  test.each([
    ['the environment, after none', {}, () => inEnvironment(ecs.account)],
    ['a session in the environment, after none', {}, () => inEnvironment(ecs.session(ecs.account))],
    ['the whole key, after half of it', { ALIBABA_CLOUD_ACCESS_KEY_ID: 'LTAI' }, () => inEnvironment(ecs.account)],
  ])('is no obstacle to those that come later: %s', async (_, before, later) => {
    const image = ecs.seed.image({ family: 'web' })
    const { credentials } = await chainIn(before)
    expect(await failureOf(describeCredentials(credentials))).toMatchObject({ code: 'credentials' })
    setEnvironment(later())
    expect(await describeCredentials(credentials)).toContain('environment')
    expect(await currentOf(credentials)).toMatchObject({ id: image.id })
  })
})

test('keys that ECS refuses are a refusal of ECS, not a lack of credentials', async () => {
  const keys = { accessKeyId: 'LTAI5tNobody', accessKeySecret: 'secret', securityToken: undefined }
  const failure = await failureOf(describeCurrent(connectTo(ecs, { keys }).client, { region, family: 'web' }))
  expect(failure).toMatchObject({ name: 'EcsError', ecsCode: 'InvalidAccessKeyId.NotFound' })
})

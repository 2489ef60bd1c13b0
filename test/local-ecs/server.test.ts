import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { realClock } from './clock.ts'
import { rawCall, sdkCall, sdkClient } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs()
})
afterEach(() => ecs.close())

test('the SDK makes every call, with names it understands', async () => {
  const client = sdkClient(ecs)
  const call = (action: string, fields = {}) => sdkCall(client, action, fields)
  const friend = ecs.addAccount('friend').uid
  const instanceId = ecs.seed.instance({ tags: { role: 'builder' } }).id
  const tag = [
    { key: 'git:sha', value: '0f3c' },
    { key: 'empty', value: '' },
  ]

  await call('StopInstance', { instanceId, stoppedMode: 'KeepCharging', forceStop: false })
  const status = await call('DescribeInstanceStatus', { instanceId: [instanceId] })
  expect(status.instanceStatuses.instanceStatus[0]).toMatchObject({ instanceId, status: 'Stopping' })
  ecs.clock.advance(2)
  const described = await call('DescribeInstances', { instanceIds: JSON.stringify([instanceId]) })
  expect(described.instances.instance[0]).toMatchObject({
    status: 'Stopped',
    OSType: 'linux',
    stoppedMode: 'KeepCharging',
  })

  const fields = { instanceId, imageName: 'web-1', imageFamily: 'web', description: "it's (a) *b* ~ 中文", tag }
  const { imageId } = await call('CreateImage', { ...fields, features: { imdsSupport: 'v2' }, clientToken: 't' })
  ecs.clock.advance(5)
  await call('StartInstance', { instanceId })
  const listed = await call('DescribeImages', {
    imageOwnerAlias: 'self',
    status: 'ALL',
    tag: [{ key: 'empty', value: '' }],
  })
  expect(listed.images.image[0]).toMatchObject({ imageId, description: "it's (a) *b* ~ 中文", status: 'Available' })
  expect((await call('DescribeImageFromFamily', { imageFamily: 'web' })).image.imageId).toBe(imageId)

  await call('TagResources', { resourceType: 'image', resourceId: [imageId], tag: [{ key: 'a', value: 'b' }] })
  await call('UntagResources', { resourceType: 'image', resourceId: [imageId], tagKey: ['empty'] })
  const rows = await call('ListTagResources', { resourceType: 'image', resourceId: [imageId] })
  expect(rows.tagResources.tagResource.map((row: { tagKey: string }) => row.tagKey)).toEqual(['git:sha', 'a'])

  await call('ModifyImageSharePermission', { imageId, addAccount: [friend] })
  const shares = await call('DescribeImageSharePermission', { imageId })
  expect(shares.accounts.account[0]).toMatchObject({ aliyunId: friend })
  await call('ModifyImageSharePermission', { imageId, removeAccount: [friend] })

  const copy = await call('CopyImage', { imageId, destinationRegionId: 'cn-beijing', tag })
  await call('CancelCopyImage', { regionId: 'cn-beijing', imageId: copy.imageId })
  expect(ecs.images('cn-beijing')).toEqual([])

  const run = { instanceType: 'ecs.g7.large', imageFamily: 'web', systemDisk: { size: '40', category: 'cloud_essd' } }
  const started = await call('RunInstances', run)
  ecs.clock.advance(5)
  await call('DeleteInstance', { instanceId: started.instanceIdSets.instanceIdSet[0], force: true })

  await call('ModifyImageAttribute', { imageId, status: 'Deprecated' })
  const snapshots = await call('DescribeSnapshots', { usage: 'image' })
  const [{ snapshotId }] = snapshots.snapshots.snapshot
  await call('DeleteImage', { imageId })
  await call('DeleteSnapshot', { snapshotId })
  expect((await call('DescribeRegions', { acceptLanguage: 'en-US' })).regions.region[0].localName).toBe(
    'China (Hangzhou)',
  )
  expect(ecs.requests.every((request) => request.status === 200 && request.verified)).toBe(true)
  expect(ecs.state()['cn-hangzhou']).toMatchObject({ images: [], snapshots: [] })
})

test('every request is on record, in order', async () => {
  await rawCall(ecs, 'DescribeImages', { RegionId: 'cn-hangzhou', Bogus: '1' })
  await rawCall(ecs, 'DeleteImage', { RegionId: 'cn-hangzhou', ImageId: 'm-1', DryRun: 'true' })
  expect(ecs.requests).toMatchObject([
    {
      index: 0,
      action: 'DescribeImages',
      write: false,
      status: 400,
      code: 'InvalidParameter',
      parameters: { Bogus: '1' },
    },
    { index: 1, action: 'DeleteImage', write: true, dryRun: true, status: 404, region: 'cn-hangzhou' },
  ])
  expect(ecs.requests[0]?.answer).toMatchObject({ Code: 'InvalidParameter' })
})

test('two worlds with the same history are equal', async () => {
  const live = async () => {
    const world = await startLocalEcs()
    world.seed.image({ family: 'web', tags: { b: '1', a: '2' } })
    await rawCall(world, 'CreateImage', { RegionId: 'cn-hangzhou', InstanceId: world.seed.instance().id })
    await world.close()
    return JSON.stringify(world.state())
  }
  expect(await live()).toBe(await live())
})

test('a seeded image becomes available when it is said to', async () => {
  const { id } = ecs.seed.image({ status: 'Creating', readyIn: 30, family: 'web' })
  expect(ecs.image(id)?.status).toBe('Creating')
  ecs.clock.advance(30)
  expect(ecs.current('web')).toBe(id)
})

test('the real clock runs as fast as told', async () => {
  const clock = realClock({ speed: 1000 })
  const before = clock.now()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(clock.now() - before).toBeGreaterThan(30_000)
})

test('a role is assumed with an OIDC token, unsigned, and its session works until it ends', async () => {
  const claims = { iss: 'https://token.actions.githubusercontent.com', sub: 'repo:o/r', aud: 'sts.aliyuncs.com' }
  const jwt = (more: object = {}) => {
    const exp = Math.floor(Date.now() / 1000) + 300
    return ['{}', JSON.stringify({ ...claims, exp, ...more }), 'x']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
  }
  const assume = async (more: Record<string, string> = {}) => {
    const form = {
      OIDCProviderArn: `acs:ram::${ecs.account.uid}:oidc-provider/github`,
      RoleArn: `acs:ram::${ecs.account.uid}:role/images`,
      RoleSessionName: 'run-1',
      DurationSeconds: '900',
      OIDCToken: jwt(),
      ...more,
    }
    const query = 'Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON'
    const response = await fetch(`${ecs.url}/?${query}`, { method: 'POST', body: new URLSearchParams(form) })
    return JSON.parse(await response.text())
  }
  const { Credentials } = await assume()
  const keys = {
    accessKeyId: Credentials.AccessKeyId,
    accessKeySecret: Credentials.AccessKeySecret,
    securityToken: Credentials.SecurityToken,
  }
  const identity = await rawCall(ecs, 'GetCallerIdentity', {}, { keys, version: '2015-04-01' })
  expect(identity.body).toMatchObject({ AccountId: ecs.account.uid, IdentityType: 'AssumedRoleUser' })
  await sdkCall(sdkClient(ecs, { keys }), 'DescribeRegions')
  ecs.clock.advance(900)
  const late = await sdkCall(sdkClient(ecs, { keys }), 'DescribeRegions').catch((error) => error)
  expect(late.code).toBe('InvalidSecurityToken.Expired')
  const codes = {
    'AuthenticationFail.OIDCToken.Invalid': { OIDCToken: 'x' },
    'AuthenticationFail.OIDCToken.Expired': { OIDCToken: jwt({ exp: 1 }) },
    'AuthenticationFail.NoPermission': { OIDCToken: jwt({ aud: 'other' }) },
    'InvalidParameter.DurationSeconds': { DurationSeconds: '3601' },
    'InvalidParameter.RoleSessionName': { RoleSessionName: 'x' },
  }
  for (const [code, more] of Object.entries(codes)) expect((await assume(more)).Code).toBe(code)
})

test('stands alone, and says how to reach it', async () => {
  const script = fileURLToPath(new URL('start.ts', import.meta.url))
  const child = spawn(process.execPath, [script, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const text = await new Promise<string>((resolve) => {
    let read = ''
    child.stdout.on('data', (chunk) => {
      read += chunk
      if (read.includes('DescribeImageFromFamily')) resolve(read)
    })
  })
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? ''
  expect((await fetch(url)).status).toBe(400)
  expect(text).toMatch(/Instance i-bp1\w{17} \(Running\) and snapshot s-bp1\w{17}/)
  const ended = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGINT')
  expect(await ended).toBe(0)
})

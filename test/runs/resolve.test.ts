import { describe, expect } from 'vitest'

import { actionsOf, errorOf, localEcs, seedFamily, writesTo } from '../scene.ts'
import { runMain, test } from './step.ts'

describe('a family', () => {
  test('is resolved by one request, and everything about its image is in the outputs', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-2': { version: '2.0' } } })
    const step = await runMain(ecs, { mode: 'resolve', family: 'web' })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(actionsOf(ecs)).toEqual(['DescribeImageFromFamily'])
    const image = ecs.image(current.id)
    expect(step.outputs).toMatchObject({
      'image-id': current.id,
      'current-image-id': current.id,
      'current-image-ids': JSON.stringify({ 'cn-hangzhou': current.id }),
      'image-ids': JSON.stringify({ 'cn-hangzhou': current.id }),
      'previous-image-id': current.id,
      family: 'web',
      found: 'true',
      changed: 'false',
      'image-name': 'web-2',
      'image-version': '2.0',
      'image-status': 'Available',
      'creation-time': current.creationTime,
      architecture: 'x86_64',
      'os-name': image?.osName,
      'deprecated-image-ids': '[]',
      'pending-image-ids': '[]',
      plan: '[]',
    })
    expect(JSON.parse(step.outputs.image ?? '')).toMatchObject({ id: current.id, name: 'web-2' })
    expect(step.outputs).not.toHaveProperty('is-current')
    expect(step.log).toContain(current.id)
    expect(step.summary).toContain(current.id)
  })

  test('is asked for in the region that the environment names when the input does not', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: 'web', region: 'cn-shanghai' })
    ecs.seed.image({ family: 'web' })
    const env = { ALIBABA_CLOUD_REGION_ID: 'cn-shanghai' }
    const { outputs } = await runMain(ecs, { mode: 'resolve', family: 'web', 'region-id': '' }, { env })
    expect(outputs['current-image-ids']).toBe(JSON.stringify({ 'cn-shanghai': image.id }))
  })

  test('with only deprecated, failed, unavailable and unfinished images resolves to nothing: an error', async () => {
    const ecs = await localEcs()
    for (const status of ['Deprecated', 'CreateFailed', 'UnAvailable', 'Creating', 'Waiting'] as const) {
      ecs.seed.image({ family: 'web', status })
    }
    const step = await runMain(ecs, { mode: 'resolve', family: 'web' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('Family web resolves to nothing in cn-hangzhou')
    expect(errorOf(step)).toContain('if-missing')
    expect(step.outputs).toMatchObject({ 'image-id': '', found: 'false' })
  })

  test('with a name in Chinese characters is resolved like any other', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: '杭州-每日_镜像:1' })
    const { outputs } = await runMain(ecs, { mode: 'resolve', family: '杭州-每日_镜像:1' })
    expect(outputs).toMatchObject({ 'image-id': image.id, family: '杭州-每日_镜像:1' })
  })

  test('is case-sensitive', async () => {
    const ecs = await localEcs()
    ecs.seed.image({ family: 'Web' })
    expect((await runMain(ecs, { mode: 'resolve', family: 'web' })).exitCode).toBe(1)
  })
})

describe.each(['absent', 'null', 'object'] as const)('an empty answer spelt as %s', (emptyFamilyAnswer) => {
  test('is an error', async () => {
    const ecs = await localEcs({ switches: { emptyFamilyAnswer } })
    const step = await runMain(ecs, { mode: 'resolve', family: 'web' })
    expect(step.exitCode).toBe(1)
    expect(step.errors).toHaveLength(1)
    expect(actionsOf(ecs)).toEqual(['DescribeImageFromFamily'])
  })

  test('is a success without outputs where if-missing is ignore', async () => {
    const ecs = await localEcs({ switches: { emptyFamilyAnswer } })
    const step = await runMain(ecs, { mode: 'resolve', family: 'web', 'if-missing': 'ignore' })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.outputs).toMatchObject({ found: 'false', 'image-id': '', 'current-image-id': '', image: '' })
    expect(step.outputs).toMatchObject({ 'image-ids': '{}', 'current-image-ids': '{}', 'image-name': '' })
  })

  test('for a family of another account is checked once, with DescribeImages', async () => {
    const ecs = await localEcs({ switches: { emptyFamilyAnswer } })
    const family = `acs:${ecs.addAccount().uid}:web`
    const step = await runMain(ecs, { mode: 'resolve', family })
    expect(step.exitCode).toBe(1)
    expect(actionsOf(ecs)[0]).toBe('DescribeImageFromFamily')
    expect(
      actionsOf(ecs)
        .slice(1)
        .every((action) => action === 'DescribeImages'),
    ).toBe(true)
  })
})

describe.each(['every', 'custom'] as const)('where DescribeImageFromFamily covers %s kind of image', (familyCovers) => {
  const kinds = ['shared', 'community'] as const

  for (const kind of kinds) {
    test(`the family of another account is found by its ${kind} image`, async () => {
      const ecs = await localEcs({ switches: { familyCovers } })
      const owner = ecs.addAccount()
      const sharing = kind === 'shared' ? { sharedWith: [ecs.account.uid] } : { isPublic: true }
      ecs.seed.image({ account: owner, family: 'web', createdAt: '2026-01-01', ...sharing })
      const newer = ecs.seed.image({ account: owner, family: 'web', createdAt: '2026-01-03', ...sharing })
      ecs.seed.image({ account: owner, family: 'web', createdAt: '2026-01-04' })
      const { exitCode, outputs } = await runMain(ecs, { mode: 'resolve', family: `acs:${owner.uid}:web` })
      expect(exitCode).toBe(0)
      expect(outputs).toMatchObject({ 'image-id': newer.id, 'current-image-id': newer.id, found: 'true' })
    })
  }

  test('a public family is found, deprecated members or not', async () => {
    const ecs = await localEcs({ switches: { familyCovers } })
    const family = 'acs:ubuntu_24_04_x64'
    const old = ecs.seed.image({ system: true, family, createdAt: '2026-01-01' })
    ecs.seed.image({ system: true, family, createdAt: '2026-02-01', status: 'Deprecated' })
    const { exitCode, outputs } = await runMain(ecs, { mode: 'resolve', family })
    expect(exitCode).toBe(0)
    expect(outputs).toMatchObject({ 'image-id': old.id, 'current-image-id': old.id, family })
  })

  test('a public image knows its family, and that it is current', async () => {
    const ecs = await localEcs({ switches: { familyCovers } })
    const image = ecs.seed.image({ system: true, family: 'acs:ubuntu_24_04_x64' })
    const { outputs } = await runMain(ecs, { mode: 'resolve', 'image-id': image.id })
    expect(outputs).toMatchObject({ family: 'acs:ubuntu_24_04_x64', 'is-current': 'true' })
  })
})

describe('an image', () => {
  test('names its family, and is the current one', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const { exitCode, outputs } = await runMain(ecs, { mode: 'resolve', 'image-id': current.id })
    expect(exitCode).toBe(0)
    expect(outputs).toMatchObject({ family: 'web', 'is-current': 'true', found: 'true', 'image-id': current.id })
    expect(actionsOf(ecs)).toEqual(['DescribeImages', 'DescribeImageFromFamily'])
  })

  test.each(['Available', 'Deprecated', 'Creating', 'Waiting', 'CreateFailed', 'UnAvailable'] as const)(
    'that is %s and not what its family serves is found all the same',
    async (status) => {
      const ecs = await localEcs()
      const [older, current] = seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-1': { status } } })
      const { exitCode, outputs } = await runMain(ecs, { mode: 'resolve', 'image-id': older.id })
      expect(exitCode).toBe(0)
      expect(outputs).toMatchObject({
        'image-id': older.id,
        'image-status': status,
        family: 'web',
        'is-current': 'false',
        'current-image-id': current.id,
      })
    },
  )

  test('without a family is found by one request, and current nowhere', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ name: 'lonely' })
    const { outputs } = await runMain(ecs, { mode: 'resolve', 'image-id': image.id })
    expect(outputs).toMatchObject({ family: '', 'is-current': 'false', found: 'true', 'current-image-id': '' })
    expect(actionsOf(ecs)).toEqual(['DescribeImages'])
  })

  test('that does not exist is an error, or with if-missing: ignore none', async () => {
    const ecs = await localEcs()
    const inputs = { mode: 'resolve', 'image-id': 'm-bp1000000000000000gone' }
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('m-bp1000000000000000gone does not exist in cn-hangzhou')
    const ignoring = await runMain(ecs, { ...inputs, 'if-missing': 'ignore' })
    expect(ignoring.exitCode).toBe(0)
    expect(ignoring.outputs).toMatchObject({ found: 'false', 'image-id': '' })
  })

  test('of another account that is not shared is as good as none', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ account: ecs.addAccount(), family: 'web' })
    expect((await runMain(ecs, { mode: 'resolve', 'image-id': image.id })).exitCode).toBe(1)
  })
})

describe('conditions', () => {
  test('require-tags lets an image pass that has them all, and names each that is missing or different', async () => {
    const ecs = await localEcs()
    const [image] = seedFamily(ecs, ['web-1'], { each: { 'web-1': { tags: { tested: 'yes', stage: 'prod' } } } })
    const resolve = { mode: 'resolve', family: 'web' }
    expect((await runMain(ecs, { ...resolve, 'require-tags': 'tested=yes\nstage=prod' })).outputs).toMatchObject({
      'image-id': image.id,
    })
    expect((await runMain(ecs, { ...resolve, 'require-tags': '{"tested": "yes"}' })).exitCode).toBe(0)
    expect((await runMain(ecs, { ...resolve, 'require-tags': 'tested: yes\nstage: prod' })).exitCode).toBe(0)
    const step = await runMain(ecs, { ...resolve, 'require-tags': 'tested=no\nstage=prod\nsigned=yes' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/tested=no \(it has tested=yes\).*signed=yes \(it has no tag signed\)/)
    expect(errorOf(step)).not.toContain('stage=prod')
  })

  test('an unmet condition is an error also with if-missing: ignore', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const inputs = { mode: 'resolve', family: 'web', 'if-missing': 'ignore', 'require-tags': 'tested=yes' }
    expect((await runMain(ecs, inputs)).exitCode).toBe(1)
  })

  test('max-age-days counts by the clock of ECS, not by that of the runner', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: 'web' })
    const resolve = { mode: 'resolve', family: 'web', 'max-age-days': '1.5' }
    ecs.clock.advance(1.4 * 86_400)
    expect((await runMain(ecs, resolve)).exitCode).toBe(0)
    ecs.clock.advance(0.2 * 86_400)
    const step = await runMain(ecs, resolve)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/1\.6 days ago; `max-age-days` allows 1\.5/)
    expect(step.outputs['image-id']).not.toBe(image.id)
  })

  test('a tag named like a member of every object is a tag like any other', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const step = await runMain(ecs, { mode: 'resolve', family: 'web', 'require-tags': '__proto__=x\ntoString=y' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('__proto__=x')
    expect(errorOf(step)).not.toContain('native code')
  })
})

test('resolving changes nothing, whatever it finds', async () => {
  const ecs = await localEcs()
  const [image] = seedFamily(ecs, ['web-1', 'web-2'])
  const before = ecs.state()
  await runMain(ecs, { mode: 'resolve', family: 'web' })
  await runMain(ecs, { mode: 'resolve', 'image-id': image.id, 'dry-run': 'true' })
  expect(writesTo(ecs)).toEqual([])
  expect(ecs.state()).toEqual(before)
})

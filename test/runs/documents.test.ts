/**
 * The worked examples and rules that Alibaba Cloud's documents on image families state, through the action. What they
 * state of ECS alone (instances of deprecated images, copies without a family) the tests of the local ECS show.
 */
import { describe, expect } from 'vitest'
import { rawCall } from '../local-ecs/sdk.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, seedFamily, writesTo } from '../scene.ts'
import { runMain, test } from './step.ts'

const call = (ecs: LocalEcs, action: string, parameters: Record<string, string>) =>
  rawCall(ecs, action, { RegionId: 'cn-hangzhou', ...parameters })

/** The image ID that DescribeImageFromFamily answers. */
const answered = async (ecs: LocalEcs, family: string): Promise<string | undefined> =>
  (await call(ecs, 'DescribeImageFromFamily', { ImageFamily: family })).body.Image?.ImageId

describe('Set an image family', () => {
  test('hangzhou-image comes to be by CreateImage from an instance, and DescribeImages shows it', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ id: 'i-bp117mtgmllecpwl0000', status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family: 'hangzhou-image', 'instance-id': id })
    expect(step.exitCode).toBe(0)
    const request = ecs.requests.find(({ action, dryRun }) => action === 'CreateImage' && !dryRun)
    expect(request?.parameters).toMatchObject({
      RegionId: 'cn-hangzhou',
      InstanceId: 'i-bp117mtgmllecpwl0000',
      ImageFamily: 'hangzhou-image',
    })
    const image = step.outputs['image-id'] ?? ''
    const { body } = await call(ecs, 'DescribeImages', { ImageId: image })
    expect(body.Images.Image[0]).toMatchObject({ ImageId: image, ImageFamily: 'hangzhou-image' })
    const found = await runMain(ecs, { mode: 'resolve', 'image-id': image })
    expect(found.outputs).toMatchObject({ family: 'hangzhou-image', 'is-current': 'true' })
  })

  test('a custom image joins a family that exists', async () => {
    const ecs = await localEcs()
    const [first] = seedFamily(ecs, ['first'], { family: 'hangzhou-image' })
    const { id } = ecs.seed.snapshot()
    const step = await runMain(ecs, { mode: 'bake', family: 'hangzhou-image', 'snapshot-id': id })
    expect(step.outputs['previous-image-id']).toBe(first.id)
    expect(ecs.images().map(({ family }) => family)).toEqual(['hangzhou-image', 'hangzhou-image'])
  })

  test('the family of an image is changed by ModifyImageAttribute', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: 'hangzhou-image' })
    const inputs = { mode: 'promote', family: 'hangzhou-daily-update', 'from-family': 'hangzhou-image' }
    expect((await runMain(ecs, inputs)).exitCode).toBe(0)
    expect(writesTo(ecs)).toContain(`${image.id} in hangzhou-daily-update`)
    expect([await answered(ecs, 'hangzhou-image'), await answered(ecs, 'hangzhou-daily-update')]).toEqual([
      undefined,
      image.id,
    ])
  })

  test.each([
    ['a', 'too short'],
    ['a'.repeat(129), 'too long'],
    ['1st', 'starting with a digit'],
    ['-web', 'starting with a hyphen'],
    ['acs:web', 'starting with acs:'],
    ['aliyun-web', 'starting with aliyun'],
    ['http://web', 'starting with http://'],
    ['web-https://x', 'containing https://'],
    ['web image', 'with a blank'],
    ['web/image', 'with a slash'],
  ])('%j as a name is %s', async (family) => {
    const ecs = await localEcs()
    const step = await runMain(ecs, { mode: 'bake', family, 'instance-id': 'i-bp117mtgmllecpwl0000' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('`family`')
    expect(ecs.requests).toEqual([])
  })

  test.each(['ab', '中文', 'A:b_c-1', '镜像族系:2020-01-01'])('%j as a name is good', async (family) => {
    const ecs = await localEcs({ switches: { strictFamilyNames: true } })
    const { id } = ecs.seed.snapshot()
    const step = await runMain(ecs, { mode: 'bake', family, 'snapshot-id': id })
    expect(step).toMatchObject({ exitCode: 0, warnings: [] })
    expect(ecs.current(family)).toBe(step.outputs['image-id'])
  })

  test.each(['acsweb', 'web.image'])('%j, on which the documents disagree, is taken with a warning', async (family) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.snapshot()
    const step = await runMain(ecs, { mode: 'bake', family, 'snapshot-id': id })
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toEqual([expect.stringContaining(family)])
    const strict = await localEcs({ switches: { strictFamilyNames: true } })
    const refused = await runMain(strict, { mode: 'bake', family, 'snapshot-id': strict.seed.snapshot().id })
    expect(errorOf(refused)).toMatch(/InvalidImageFamily\.Malformed[\s\S]*`family`/)
  })
})

describe('Deprecate or restore an image', () => {
  const imageTest = (ecs: LocalEcs) => seedFamily(ecs, ['image1', 'image2'], { family: 'image-test' })

  test('image-test falls back from image2 to image1, and comes back when image2 is restored', async () => {
    const ecs = await localEcs()
    const [image1, image2] = imageTest(ecs)
    const back = await runMain(ecs, { mode: 'rollback', family: 'image-test' })
    expect(back.exitCode).toBe(0)
    expect(ecs.image(image2.id)?.status).toBe('Deprecated')
    expect(await answered(ecs, 'image-test')).toBe(image1.id)
    expect((await runMain(ecs, { mode: 'resolve', family: 'image-test' })).outputs['image-name']).toBe('image1')
    const restore = { mode: 'promote', family: 'image-test', 'image-id': image2.id }
    const forth = await runMain(ecs, restore, { run: { id: 1002 } })
    expect(forth.exitCode).toBe(0)
    expect(ecs.image(image2.id)?.status).toBe('Available')
    expect(await answered(ecs, 'image-test')).toBe(image2.id)
    expect((await runMain(ecs, { mode: 'resolve', family: 'image-test' })).outputs['image-name']).toBe('image2')
  })

  test('the only available image is not deprecated unless that is asked for', async () => {
    const ecs = await localEcs()
    const [, image2] = seedFamily(ecs, ['image1', 'image2'], {
      family: 'image-test',
      each: { image1: { status: 'Deprecated' } },
    })
    const refused = await runMain(ecs, { mode: 'rollback', family: 'image-test' })
    expect(refused.exitCode).toBe(1)
    expect(errorOf(refused)).toContain('only available image')
    expect(await answered(ecs, 'image-test')).toBe(image2.id)
    const emptied = await runMain(ecs, { mode: 'rollback', family: 'image-test', 'allow-empty': 'true' })
    expect(emptied.exitCode).toBe(0)
    expect(await answered(ecs, 'image-test')).toBeUndefined()
  })

  test('a shared image must be unshared before it is deprecated', async () => {
    const ecs = await localEcs()
    const friend = ecs.addAccount()
    const [, image2] = seedFamily(ecs, ['image1', 'image2'], {
      family: 'image-test',
      each: { image2: { sharedWith: [friend.uid] } },
    })
    expect((await runMain(ecs, { mode: 'rollback', family: 'image-test' })).exitCode).toBe(1)
    expect(writesTo(ecs)).toEqual([])
    expect((await runMain(ecs, { mode: 'rollback', family: 'image-test', unshare: 'true' })).exitCode).toBe(0)
    const order = writesTo(ecs).filter((write) => !write.startsWith('Tag'))
    expect(order).toEqual(['ModifyImageSharePermission', `${image2.id} Deprecated`])
  })

  test('an image changes its status whether or not it is in a family', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ status: 'Deprecated' })
    const { outputs } = await runMain(ecs, { mode: 'promote', family: 'image-test', 'image-id': image.id })
    expect(outputs['current-image-id']).toBe(image.id)
  })
})

describe('Overview of image families', () => {
  test('of images of January 1 and January 3, 2020, the family serves that of January 3', async () => {
    const ecs = await localEcs({ clock: undefined })
    const third = ecs.seed.image({ family: 'web', createdAt: '2020-01-03T00:00:00Z' })
    const first = ecs.seed.image({ family: 'web', createdAt: '2020-01-01T00:00:00Z' })
    expect((await runMain(ecs, { mode: 'resolve', family: 'web' })).outputs['image-id']).toBe(third.id)
    expect((await runMain(ecs, { mode: 'rollback', family: 'web' })).outputs['image-id']).toBe(first.id)
  })

  test('the newest image of the region counts, not that of all regions', async () => {
    const ecs = await localEcs()
    const home = ecs.seed.image({ family: 'web', createdAt: '2020-01-01' })
    const away = ecs.seed.image({ family: 'web', createdAt: '2020-01-03', region: 'cn-shanghai' })
    const resolved = async (region: string) =>
      (await runMain(ecs, { mode: 'resolve', family: 'web', 'region-id': region })).outputs['image-id']
    expect([await resolved('cn-hangzhou'), await resolved('cn-shanghai')]).toEqual([home.id, away.id])
  })

  describe('accounts M and N: A1 published as community image A2, B1 shared as B2', () => {
    async function accounts({ published = true, newest = 'A' } = {}) {
      const ecs = await localEcs()
      const [m, n] = [ecs.account, ecs.addAccount('N')]
      const a1 = ecs.seed.image({ family: 'A', name: 'A1', isPublic: published, createdAt: '2026-01-02' })
      const createdAt = newest === 'A' ? '2026-01-01' : '2026-01-03'
      const b1 = ecs.seed.image({ family: 'A', name: 'B1', sharedWith: [n.uid], createdAt })
      const asN = { url: ecs.url, account: n }
      return { ecs, m, n, a1, b1, asN, family: `acs:${m.uid}:A` }
    }

    test.each(['A', 'B'])('example 1: N resolves acs:<UID of M>:A to the newest, here %s', async (newest) => {
      const { asN, a1, b1, family } = await accounts({ newest })
      const step = await runMain(asN, { mode: 'resolve', family })
      expect(step.outputs['image-id']).toBe(newest === 'A' ? a1.id : b1.id)
      expect(step.outputs.family).toBe(family)
    })

    test('the owner sees the bare name', async () => {
      const { ecs, b1 } = await accounts({ newest: 'B' })
      const { outputs } = await runMain(ecs, { mode: 'resolve', 'image-id': b1.id })
      expect(outputs).toMatchObject({ family: 'A', 'is-current': 'true' })
    })

    test('N sees the shared image under acs:<UID of M>:A, and M’s bare name means nothing to N', async () => {
      const { asN, b1, family } = await accounts({ newest: 'B' })
      const step = await runMain(asN, { mode: 'resolve', 'image-id': b1.id })
      expect(step.outputs).toMatchObject({ family, 'is-current': 'true' })
      expect((await runMain(asN, { mode: 'resolve', family: 'A' })).exitCode).toBe(1)
    })

    test('example 2: a copy that N makes of B2 has no family until N gives it one', async () => {
      const { ecs, asN, n, b1, family } = await accounts({ newest: 'B' })
      const copy = ecs.seed.image({ account: n, name: 'B3', copyOf: { region: 'cn-hangzhou', id: b1.id } })
      const found = await runMain(asN, { mode: 'resolve', 'image-id': copy.id })
      expect(found.outputs).toMatchObject({ family: '', found: 'true' })
      expect((await runMain(asN, { mode: 'promote', family: 'mine', 'image-id': copy.id })).exitCode).toBe(0)
      expect(ecs.current('mine', 'cn-hangzhou', n)).toBe(copy.id)
      expect((await runMain(asN, { mode: 'resolve', family })).outputs['image-id']).toBe(b1.id)
    })

    test('example 3: where nothing is published, the shared image alone serves the family', async () => {
      const { asN, b1, family } = await accounts({ published: false })
      expect((await runMain(asN, { mode: 'resolve', family })).outputs['image-id']).toBe(b1.id)
    })

    test('example 4: N cannot put an image into acs:<UID of M>:A, nor promote B2 or A2', async () => {
      const { ecs, asN, n, a1, b1, family } = await accounts()
      const own = ecs.seed.image({ account: n })
      const requests = ecs.requests.length
      const into = await runMain(asN, { mode: 'promote', family, 'image-id': own.id })
      expect(into.exitCode).toBe(1)
      expect(errorOf(into)).toContain("'acs:'")
      expect(ecs.requests).toHaveLength(requests)
      const before = ecs.state()
      for (const { id } of [a1, b1]) {
        expect((await runMain(asN, { mode: 'promote', family: 'mine', 'image-id': id })).exitCode).toBe(1)
      }
      expect(ecs.state()).toEqual(before)
    })
  })

  test('only custom images are deprecated or restored: those of others are not in a family of ours', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ system: true, family: 'acs:ubuntu_24_04_x64' })
    const inputs = { mode: 'rollback', family: 'acs:ubuntu_24_04_x64' }
    expect((await runMain(ecs, inputs)).exitCode).toBe(1)
    expect((await runMain(ecs, { mode: 'promote', family: 'web', 'image-id': image.id })).exitCode).toBe(1)
    expect(ecs.requests).toEqual([])
  })

  test('limits: 100 images a family and 100 families, whichever API meets them', async () => {
    const ecs = await localEcs({ quotas: { imagesPerFamily: 2, familiesPerRegion: 2 } })
    seedFamily(ecs, ['web-1', 'web-2'])
    seedFamily(ecs, ['api-1'], { family: 'api' })
    const loose = ecs.seed.image()
    const before = ecs.state()
    const { id } = ecs.seed.snapshot()
    const code = async (inputs: Record<string, string>) =>
      /[A-Za-z]*Quota[A-Za-z.]*/.exec(errorOf(await runMain(ecs, inputs)))?.[0]
    const bake = { mode: 'bake', 'snapshot-id': id }
    const promote = { mode: 'promote', 'image-id': loose.id }
    expect(await code({ ...bake, family: 'web' })).toBe('ImageQuotaExceed.ImageFamily')
    expect(await code({ ...bake, family: 'third' })).toBe('ImageFamilyQuotaExceed')
    expect(await code({ ...promote, family: 'web' })).toBe('ImageQuotaFull.ImageFamily')
    expect(await code({ ...promote, family: 'third' })).toBe('ImageFamilyQuotaFull')
    const visible = (state: typeof before) => state['cn-hangzhou']?.images.map(({ tags: _, ...image }) => image)
    expect(visible(ecs.state())).toEqual(visible(before))
  })
})

describe('CreateImage', () => {
  test.each(['Running', 'Stopped'] as const)('takes an instance that is %s', async (status) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status })
    expect((await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })).exitCode).toBe(0)
  })

  for (const operationLocksShape of ['list', 'object'] as const) {
    test(`makes no image of an instance whose OperationLocks (as ${operationLocksShape}) say security`, async () => {
      const ecs = await localEcs({ switches: { operationLocksShape } })
      const { id } = ecs.seed.instance({ status: 'Stopped', locks: ['security'] })
      const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
      expect(step.exitCode).toBe(1)
      expect(errorOf(step)).toMatch(/locked for security/)
      expect(writesTo(ecs)).toEqual([])
    })
  }

  test.each([
    ['of July 15, 2013', { createdAt: '2013-07-15T10:00:00Z' }, 'InvalidSnapshot.TooOld'],
    ['of a data disk', { sourceDiskType: 'data' }, 'OperationDenied'],
    ['that is encrypted', { encrypted: true }, 'OperationDenied'],
    ['in the archive', { category: 'archive' }, 'OperationDenied.InvalidSnapshotCategory'],
  ] as const)('makes no image of a snapshot %s', async (_, seed, code) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.snapshot(seed)
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'snapshot-id': id })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`: ${code} (HTTP 4`)
    expect(ecs.images()).toEqual([])
  })

  test('waits for a snapshot that is not accomplished yet', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.snapshot({ status: 'progressing', readyIn: 8 })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'snapshot-id': id })
    expect(step.exitCode).toBe(0)
    expect(step.log).toContain('InvalidSnapshotId.NotReady')
  })

  test.each([
    ['two system disks', (s: string) => `[{"snapshot-id":"${s}"},{"snapshot-id":"${s}"}]`],
    ['no system disk', (_: string, d: string) => `[{"snapshot-id":"${d}"}]`],
    ['a size below that of the snapshot', (s: string) => `[{"snapshot-id":"${s}","size":20}]`],
    ['a system disk that is not /dev/xvda', (s: string) => `[{"snapshot-id":"${s}","device":"/dev/xvdb"}]`],
  ])('refuses disks with %s, and nothing is made', async (_, write) => {
    const ecs = await localEcs()
    const disks = write(ecs.seed.snapshot({ size: 40 }).id, ecs.seed.snapshot({ sourceDiskType: 'data' }).id)
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'disk-device-mappings': disks })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('disk-device-mappings')
    expect(ecs.images()).toEqual([])
  })

  test('is never sent two sources: that one silently wins over the others is not relied on', async () => {
    const ecs = await localEcs()
    const sources = {
      'instance-id': 'i-bp117mtgmllecpwl0000',
      'snapshot-id': 's-bp17441ohwkdca00000',
      'disk-device-mappings': '[{"snapshot-id":"s-bp17441ohwkdca00000"}]',
    }
    const names = Object.keys(sources) as (keyof typeof sources)[]
    for (const left of names) {
      const { [left]: _, ...two } = sources
      const step = await runMain(ecs, { mode: 'bake', family: 'web', ...two })
      expect(step.exitCode).toBe(1)
      for (const name of Object.keys(two)) expect(errorOf(step)).toContain(`\`${name}\``)
    }
    expect(ecs.requests).toEqual([])
  })
})

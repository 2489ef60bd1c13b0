import { describe, expect } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { actionsOf, errorOf, localEcs, seedFamily, watchFamily, writesTo } from '../scene.ts'
import { afterRequest, runMain, test } from './step.ts'

const created = (ecs: LocalEcs) => ecs.requests.filter(({ action, dryRun }) => action === 'CreateImage' && !dryRun)
const retry = { run: { attempt: 2 } }

describe('the source', () => {
  test('is an instance: an image of it becomes current, and its outputs tell everything', async () => {
    const ecs = await localEcs()
    const [before] = seedFamily(ecs, ['web-1'])
    const instance = ecs.seed.instance({ status: 'Stopped', disks: [{}, { size: 100 }] })
    const served = watchFamily(ecs)
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': instance.id })
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    const id = step.outputs['image-id'] ?? ''
    expect(ecs.image(id)).toMatchObject({ status: 'Available', family: 'web', sourceInstanceId: instance.id })
    expect(served).toEqual([before.id, id])
    expect(step.outputs).toMatchObject({
      'current-image-id': id,
      'previous-image-id': before.id,
      'image-ids': JSON.stringify({ 'cn-hangzhou': id }),
      changed: 'true',
      'image-status': 'Available',
      'deprecated-image-ids': '[]',
      'pending-image-ids': '[]',
    })
    expect(JSON.parse(step.outputs.plan ?? '')[0]).toMatchObject({ region: 'cn-hangzhou', action: 'create' })
    expect(writesTo(ecs)).toEqual(['CreateImage'])
    expect(ecs.instance(instance.id)?.status).toBe('Stopped')
  })

  test('is a snapshot of a system disk', async () => {
    const ecs = await localEcs()
    const snapshot = ecs.seed.snapshot()
    const { exitCode, outputs } = await runMain(ecs, { mode: 'bake', family: 'web', 'snapshot-id': snapshot.id })
    expect(exitCode).toBe(0)
    expect(ecs.image(outputs['image-id'] ?? '')).toMatchObject({ snapshotIds: [snapshot.id], family: 'web' })
    expect(ecs.image(outputs['image-id'] ?? '')?.tags).toMatchObject({ 'image-family:source': 'snapshot' })
    expect(ecs.current('web')).toBe(outputs['image-id'])
  })

  test.each([
    [
      'JSON',
      (s: string, d: string) =>
        JSON.stringify([{ 'snapshot-id': s }, { 'snapshot-id': d, size: 200 }, { 'disk-type': 'data' }]),
    ],
    ['YAML', (s: string, d: string) => `- snapshot-id: ${s}\n- {snapshot-id: ${d}, size: 200}\n- disk-type: data`],
  ])('is disks, written in %s', async (_, write) => {
    const ecs = await localEcs()
    const [system, data] = [ecs.seed.snapshot(), ecs.seed.snapshot({ sourceDiskType: 'data', size: 100 })]
    const inputs = { mode: 'bake', family: 'web', 'disk-device-mappings': write(system.id, data.id) }
    const { exitCode, outputs } = await runMain(ecs, inputs)
    expect(exitCode).toBe(0)
    expect(ecs.image(outputs['image-id'] ?? '')?.disks).toMatchObject([
      { snapshotId: system.id, type: 'system', device: '/dev/xvda' },
      { snapshotId: data.id, type: 'data', device: '/dev/xvdb', size: 200 },
      { snapshotId: '', type: 'data', device: '/dev/xvdc' },
    ])
    expect(ecs.image(outputs['image-id'] ?? '')?.tags).toMatchObject({ 'image-family:source': 'disks' })
  })

  test('with an empty disk of default size has that disk in the image, or is refused', async () => {
    const ecs = await localEcs()
    const inputs = {
      mode: 'bake',
      family: 'web',
      'disk-device-mappings': `[{"snapshot-id":"${ecs.seed.snapshot().id}"},{}]`,
    }
    const { exitCode, outputs } = await runMain(ecs, inputs)
    const disks = ecs.image(outputs['image-id'] ?? '')?.disks
    expect(exitCode === 1 || disks?.length === 2).toBe(true)
  })

  test('is named in full for each disk: type, device and size', async () => {
    const ecs = await localEcs({ switches: { dataSnapshotAsSystemDisk: 'permitted' } })
    const data = ecs.seed.snapshot({ sourceDiskType: 'data', size: 50 })
    const disks = `[{"snapshot-id":"${data.id}","disk-type":"system","device":"/dev/xvda","size":60}]`
    const step = await runMain(ecs, {
      mode: 'bake',
      family: 'web',
      'disk-device-mappings': disks,
      platform: 'Rocky Linux',
      architecture: 'arm64',
      'boot-mode': 'UEFI',
    })
    expect(step.exitCode).toBe(0)
    expect(created(ecs)[0]?.parameters).toMatchObject({
      'DiskDeviceMapping.1.SnapshotId': data.id,
      'DiskDeviceMapping.1.DiskType': 'system',
      'DiskDeviceMapping.1.Device': '/dev/xvda',
      'DiskDeviceMapping.1.Size': '60',
      Platform: 'Rocky Linux',
      Architecture: 'arm64',
      BootMode: 'UEFI',
    })
    expect(step.outputs.architecture).toBe('arm64')
  })

  test('that does not exist is named, and nothing is made', async () => {
    const ecs = await localEcs()
    const missing = { mode: 'bake', family: 'web' }
    const step = await runMain(ecs, { ...missing, 'instance-id': 'i-bp1000000000000000gone' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('Instance i-bp1000000000000000gone does not exist')
    expect(writesTo(ecs)).toEqual([])
    const snapshot = await runMain(ecs, { ...missing, 'snapshot-id': 's-bp1000000000000000gone' })
    expect(snapshot.exitCode).toBe(1)
    expect(errorOf(snapshot)).toMatch(/InvalidSnapshotId\.NotFound.*request ID [0-9A-F-]{36}/)
    expect(errorOf(snapshot)).toContain('`snapshot-id`')
    expect(ecs.images()).toEqual([])
  })

  test('locked for security makes no image, and nothing is stopped for it', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance({ locks: ['security'] })
    const step = await runMain(ecs, {
      mode: 'bake',
      family: 'web',
      'instance-id': instance.id,
      'stop-instance': 'true',
    })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/locked for security reasons/)
    expect(writesTo(ecs)).toEqual([])
    expect(ecs.instance(instance.id)?.status).toBe('Running')
  })

  test('locked for money alone is no obstacle', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance({ status: 'Stopped', locks: ['financial'] })
    expect((await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': instance.id })).exitCode).toBe(0)
  })

  test('that is still starting is waited for', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance({ status: 'Starting' })
    let looks = 0
    ecs.intercept = (phase, { action }) => {
      if (phase !== 'before' || action !== 'DescribeInstances') return
      looks += 1
      if (looks === 4) ecs.change(instance.id, { status: 'Running' })
    }
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': instance.id })
    expect(step.exitCode).toBe(0)
    expect(looks).toBe(4)
  })

  test('that runs gives a warning about what is not written to its disks', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance()
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': instance.id })
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toHaveLength(1)
    expect(step.warnings[0]).toMatch(new RegExp(`${instance.id} is running.*stop-instance`))
    expect(step.summary).toContain('[!WARNING]')
    expect(ecs.instance(instance.id)?.status).toBe('Running')
  })
})

describe('CreateImage', () => {
  test('is sent every input, one source, and nothing that was not asked for', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, {
      mode: 'bake',
      family: 'web',
      'instance-id': instance.id,
      'image-name': 'web-release.7',
      'image-version': '7.0.1',
      description: '第七版 of the web tier',
      platform: 'Aliyun',
      architecture: 'x86_64',
      'boot-mode': 'UEFI-Preferred',
      'detection-strategy': 'Standard',
      'imds-support': 'v2',
      'resource-group-id': 'rg-bp67acfmxazb4p',
      tags: 'team=web\nstage = test=1',
    })
    expect(step.exitCode).toBe(0)
    const { parameters } = created(ecs)[0] ?? {}
    expect(parameters).toMatchObject({
      RegionId: 'cn-hangzhou',
      ImageFamily: 'web',
      InstanceId: instance.id,
      ImageName: 'web-release.7',
      ImageVersion: '7.0.1',
      Description: '第七版 of the web tier',
      Platform: 'Aliyun',
      Architecture: 'x86_64',
      BootMode: 'UEFI-Preferred',
      DetectionStrategy: 'Standard',
      'Features.ImdsSupport': 'v2',
      ResourceGroupId: 'rg-bp67acfmxazb4p',
    })
    expect(parameters).not.toHaveProperty('SnapshotId')
    expect(Object.keys(parameters ?? {}).filter((name) => name.startsWith('DiskDeviceMapping'))).toEqual([])
    expect(parameters?.ClientToken).toMatch(/^[\x21-\x7e]{1,64}$/)
    const image = ecs.image(step.outputs['image-id'] ?? '')
    expect(image).toMatchObject({ name: 'web-release.7', version: '7.0.1', imdsSupport: 'v2' })
    expect(image?.tags).toMatchObject({ team: 'web', stage: 'test=1' })
    expect(step.outputs).toMatchObject({ 'image-name': 'web-release.7', 'image-version': '7.0.1' })
  })

  test('is sent a name, a description and tags made from the run where none are given', async () => {
    const ecs = await localEcs()
    const instance = ecs.seed.instance({ status: 'Stopped' })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': instance.id }
    const { outputs } = await runMain(ecs, inputs, { run: { id: 98765, number: 42 } })
    const image = ecs.image(outputs['image-id'] ?? '')
    expect(image?.name).toMatch(/^web-42-[0-9a-f]{8}$/)
    expect(image?.description).toBe(`Baked from instance ${instance.id} by octo-org/images run 42`)
    expect(image?.tags).toEqual({
      'image-family:run': expect.stringMatching(/^98765-[0-9a-f]{10}$/),
      'image-family:source': 'instance',
      'github:repository': 'octo-org/images',
      'github:sha': '0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a0f3c2b1a',
      'github:run': '98765',
    })
    const unset = ['ImageVersion', 'Platform', 'Architecture', 'BootMode', 'DetectionStrategy', 'ResourceGroupId']
    for (const name of [...unset, 'Features.ImdsSupport', 'SnapshotId', 'DryRun']) {
      expect(created(ecs)[0]?.parameters).not.toHaveProperty([name])
    }
  })

  test('fits a repository whose full name is longer than the value of a tag may be, and so do its copies', async () => {
    const ecs = await localEcs()
    const repository = `${'o'.repeat(39)}/${'r'.repeat(100)}`
    const inputs = { mode: 'bake', family: 'web', 'snapshot-id': ecs.seed.snapshot().id }
    const everywhere = { ...inputs, 'replica-region-ids': 'cn-shanghai' }
    const step = await runMain(ecs, everywhere, { env: { GITHUB_REPOSITORY: repository } })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(ecs.images().map(({ region, tags }) => [region, tags['github:repository']])).toEqual([
      ['cn-hangzhou', repository.slice(0, 128)],
      ['cn-shanghai', repository.slice(0, 128)],
    ])
  })

  test('fits a family whose name is as long as a name may be', async () => {
    const ecs = await localEcs()
    const family = '镜'.repeat(128)
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family, 'instance-id': id })
    expect(step.exitCode).toBe(0)
    expect([...(step.outputs['image-name'] ?? '')]).toHaveLength(128)
    expect(ecs.current(family)).toBe(step.outputs['image-id'])
  })
})

describe('the wait', () => {
  test('reports progress, each state once', async () => {
    const ecs = await localEcs({ switches: { waitingSeconds: 3, creationSeconds: 10 } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
    const lines = step.log.split('\n').filter((line) => line.includes(`(${step.outputs['image-id']}): `))
    expect(lines[0]).toMatch(/: Waiting, 0%/)
    expect(lines.some((line) => /: Creating, [1-9]0%/.test(line))).toBe(true)
    expect(lines.at(-1)).toMatch(/: Available, 100%/)
    const states = lines.map((line) => line.replace(/ \(after.*/, ''))
    expect(new Set(states).size).toBe(states.length)
  })

  test('goes on while ECS says that the image is not usable yet', async () => {
    const ecs = await localEcs({ switches: { usableDelaySeconds: 8 } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
    expect(step.exitCode).toBe(0)
    expect(step.log).toContain('Available, 100%, not usable yet')
    expect(ecs.image(step.outputs['image-id'] ?? '')?.usable).toBe(true)
  })

  test('ends at once with advice when ECS fails to create the image', async () => {
    const ecs = await localEcs({ switches: { failNextImages: 1 } })
    const [before] = seedFamily(ecs, ['web-1'])
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('CreateFailed')
    expect(errorOf(step)).toContain('"Re-run failed jobs": the failed image is replaced')
    expect(step.outputs['image-id']).toMatch(/^m-bp1/)
    expect(errorOf(step)).toContain(step.outputs['image-id'])
    expect(ecs.current('web')).toBe(before.id)
    expect(created(ecs)).toHaveLength(1)
  })

  test('ends at once when the image becomes unavailable', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    let looks = 0
    ecs.intercept = (phase, { action }) => {
      const [image] = ecs.images()
      if (phase === 'before' && action === 'DescribeImages' && image) looks += 1
      if (looks === 3 && image) ecs.change(image.id, { status: 'UnAvailable' })
    }
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('UnAvailable')
  })

  test('that takes too long leaves the image to ECS and names it, and the next attempt goes on from there', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id }
    const step = await runMain(ecs, { ...inputs, 'wait-timeout-minutes': '0.02' })
    expect(step.exitCode).toBe(1)
    const image = step.outputs['image-id'] ?? ''
    expect(errorOf(step)).toMatch(/time limit of 0\.02 minutes/)
    expect(errorOf(step)).toContain(`ECS is still creating image ${image}`)
    expect(ecs.image(image)?.status).toBe('Creating')
    ecs.change(image, { status: 'Available' })
    const again = await runMain(ecs, inputs, retry)
    expect(again.exitCode).toBe(0)
    expect(again.outputs).toMatchObject({ 'image-id': image, changed: 'true', 'current-image-id': image })
    expect(created(ecs)).toHaveLength(1)
  })

  test('does not take place with wait: false, and image-id is there all the same', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const [before] = seedFamily(ecs, ['web-1'])
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id, wait: 'false' })
    expect(step.exitCode).toBe(0)
    const image = step.outputs['image-id'] ?? ''
    expect(ecs.image(image)?.status).toBe('Creating')
    expect(step.outputs).toMatchObject({ 'current-image-id': before.id, changed: 'true' })
  })

  test('ends with a warning and success when somebody bakes a newer image meanwhile', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    let newer: string | undefined
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase === 'after' && action === 'CreateImage' && !dryRun)
        newer = ecs.seed.image({ family: 'web', name: 'their' }).id
    }
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toHaveLength(1)
    expect(step.warnings[0]).toContain(newer)
    expect(step.outputs['current-image-id']).toBe(newer)
    expect(step.outputs['image-id']).not.toBe(newer)
  })
})

describe('stop-instance', () => {
  const inputs = (id: string) => ({ mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' })

  test('stops the instance in order and without giving up its hardware, and starts it again', async () => {
    const ecs = await localEcs({
      switches: { defaultStoppedMode: 'StopCharging', startNoStock: 'after-stop-charging' },
    })
    const { id } = ecs.seed.instance({ tags: { team: 'web' } })
    const statusAtCreation: unknown[] = []
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase === 'before' && action === 'CreateImage' && !dryRun) statusAtCreation.push(ecs.instance(id)?.status)
      if (phase === 'before' && action === 'StartInstance') statusAtCreation.push(ecs.images()[0]?.status)
    }
    const step = await runMain(ecs, inputs(id))
    expect(step).toMatchObject({ exitCode: 0, warnings: [] })
    expect(statusAtCreation).toEqual(['Stopped', 'Available'])
    const stop = ecs.requests.find(({ action }) => action === 'StopInstance')
    expect(stop?.parameters).toMatchObject({ StoppedMode: 'KeepCharging', ForceStop: 'false' })
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: { team: 'web' } })
    expect(writesTo(ecs)).toEqual(['TagResources', 'StopInstance', 'CreateImage', 'StartInstance', 'UntagResources'])
  })

  test('with force-stop powers it off', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    const step = await runMain(ecs, { ...inputs(id), 'force-stop': 'true' })
    expect(step.exitCode).toBe(0)
    expect(ecs.requests.find(({ action }) => action === 'StopInstance')?.parameters.ForceStop).toBe('true')
  })

  test('leaves an instance stopped that was so before', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, inputs(id))
    expect(step.exitCode).toBe(0)
    expect(writesTo(ecs)).toEqual(['CreateImage'])
    expect(ecs.instance(id)?.status).toBe('Stopped')
  })

  test('has the next attempt start the instance where the whole runner was lost', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    await runMain(ecs, inputs(id), { killedAt: afterRequest('CreateImage') })
    expect(ecs.instance(id)?.status).toBe('Stopped')
    const again = await runMain(ecs, inputs(id), retry)
    expect(again.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
    expect(ecs.images()).toHaveLength(1)
  })

  test('has the next bake of the instance start it where the whole runner was lost, after its image is made', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    await runMain(ecs, inputs(id), { killedAt: afterRequest('StopInstance') })
    const order: string[] = []
    ecs.intercept = (phase, { action }) => {
      if (phase === 'before' && action === 'StartInstance') order.push(ecs.images()[0]?.status ?? 'no image')
    }
    const { 'stop-instance': _, ...without } = inputs(id)
    const next = await runMain(ecs, without, { run: { id: 1002 } })
    expect(next.exitCode).toBe(0)
    expect(order).toEqual(['Available'])
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
  })

  test('removes a mark unheeded where somebody has started and stopped the instance since', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    await runMain(ecs, inputs(id), { killedAt: afterRequest('StopInstance') })
    ecs.clock.advance(600)
    ecs.change(id, { status: 'Running' })
    ecs.clock.advance(600)
    ecs.change(id, { status: 'Stopped' })
    const next = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id }, { run: { id: 1002 } })
    expect(next.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Stopped', tags: {} })
  })
})

describe('names and quotas', () => {
  test('a name that is taken is refused with its owner, before anything is made or stopped', async () => {
    const ecs = await localEcs()
    const taken = ecs.seed.image({ name: 'release-7', status: 'Deprecated' })
    const { id } = ecs.seed.instance()
    const step = await runMain(ecs, {
      mode: 'bake',
      family: 'web',
      'instance-id': id,
      'image-name': 'release-7',
      'stop-instance': 'true',
    })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(taken.id)
    expect(errorOf(step)).toContain('`image-name`')
    expect(writesTo(ecs)).toEqual([])
  })

  test('a name of which the wanted one is only a part is not taken', async () => {
    const ecs = await localEcs()
    ecs.seed.image({ name: 'release-77' })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'image-name': 'release-7' }
    expect((await runMain(ecs, inputs)).exitCode).toBe(0)
  })

  test('a name that differs in case alone is refused with advice where ECS folds case', async () => {
    const ecs = await localEcs({ switches: { nameCase: 'insensitive' } })
    ecs.seed.image({ name: 'Release-7' })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'image-name': 'release-7' }
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/InvalidImageName\.Duplicated[\s\S]*`image-name`/)
  })

  test('from 90 images in a family on there is a warning, and below none', async () => {
    const ecs = await localEcs()
    for (let index = 0; index < 89; index++) {
      ecs.seed.image({ family: 'web', status: index % 2 ? 'Deprecated' : 'Available' })
    }
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id }
    expect((await runMain(ecs, inputs)).warnings).toEqual([])
    const step = await runMain(ecs, inputs, { run: { id: 1002 } })
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toEqual([expect.stringMatching(/web has 90 images; ECS allows 100/)])
  })

  test.each([
    [{ imagesPerFamily: 1 }, 'ImageQuotaExceed.ImageFamily', /Delete old images of the family/],
    [{ familiesPerRegion: 1 }, 'ImageFamilyQuotaExceed', /Use an existing `family`/],
    [{ imagesPerRegion: 2 }, 'QuotaExceed.Image', /Delete images that nobody needs/],
  ])('the quota %o is named by its code with what to do', async (quotas, code, advice) => {
    const ecs = await localEcs({ quotas })
    const family = 'familiesPerRegion' in quotas ? 'web' : 'other'
    ecs.seed.image({ family: 'other' })
    ecs.seed.image()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const step = await runMain(ecs, { mode: 'bake', family, 'instance-id': id })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(code)
    expect(errorOf(step)).toMatch(advice)
    expect(writesTo(ecs)).toEqual([])
  })
})

describe('a re-run', () => {
  const bake = (id: string, more = {}) => ({ mode: 'bake', family: 'web', 'instance-id': id, ...more })

  test.each([
    ['generated', {}],
    ['given', { 'image-name': 'release-7' }],
  ])('of a finished bake with a %s name changes nothing and says the same', async (_, more) => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const first = await runMain(ecs, bake(id, more))
    const before = ecs.state()
    const again = await runMain(ecs, bake(id, more), retry)
    expect(again).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect({ ...again.outputs, plan: '' }).toEqual({ ...first.outputs, plan: '' })
    expect(ecs.state()).toEqual(before)
    expect(created(ecs)).toHaveLength(1)
  })

  test('adopts an image that is still being created', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    await runMain(ecs, bake(id), { killedAt: afterRequest('CreateImage') })
    let looks = 0
    ecs.intercept = () => {
      looks += 1
      if (looks === 12) ecs.change(ecs.images()[0]?.id ?? '', { status: 'Available' })
    }
    const again = await runMain(ecs, bake(id), retry)
    expect(again.exitCode).toBe(0)
    expect(ecs.images().map((image) => image.id)).toEqual([again.outputs['image-id']])
    expect(again.outputs.changed).toBe('true')
    expect(created(ecs)).toHaveLength(1)
  })

  test.each([
    ['generated', {}],
    ['given', { 'image-name': 'release-7' }],
  ])('after CreateFailed makes a new image, with a %s name', async (_, more) => {
    const ecs = await localEcs({ switches: { failNextImages: 1 } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const first = await runMain(ecs, bake(id, more))
    const failed = first.outputs['image-id'] ?? ''
    const again = await runMain(ecs, bake(id, more), retry)
    expect(again.exitCode).toBe(0)
    expect(again.warnings).toEqual([expect.stringContaining(failed)])
    const image = ecs.image(again.outputs['image-id'] ?? '')
    expect(image).toMatchObject({ status: 'Available', family: 'web' })
    if ('image-name' in more) expect(image?.name).toBe('release-7')
    expect(ecs.image(failed)?.name).not.toBe(image?.name)
    const [token, nextToken] = created(ecs).map(({ parameters }) => parameters.ClientToken)
    expect(nextToken).not.toBe(token)
    const third = await runMain(ecs, bake(id, more), { run: { attempt: 3 } })
    expect(third.outputs['image-id']).toBe(image?.id)
    expect(ecs.images()).toHaveLength(2)
  })

  test('makes a new image where somebody has deleted the first', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const first = await runMain(ecs, bake(id))
    ecs.remove(first.outputs['image-id'] ?? '')
    const again = await runMain(ecs, bake(id), retry)
    expect(again.exitCode).toBe(0)
    expect(ecs.image(again.outputs['image-id'] ?? '')?.status).toBe('Available')
  })

  test('leaves the image where a later step of the same workflow run has promoted it', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const candidate = { mode: 'bake', family: 'web-candidate', 'instance-id': id }
    const promote = { mode: 'promote', family: 'web', 'from-family': 'web-candidate' }
    const first = await runMain(ecs, candidate, { run: { step: 'bake' } })
    const promoted = await runMain(ecs, promote, { run: { step: 'promote' } })
    expect(promoted.outputs['image-id']).toBe(first.outputs['image-id'])
    const before = ecs.state()
    const again = await runMain(ecs, candidate, { run: { step: 'bake', attempt: 2 } })
    expect(again.exitCode).toBe(0)
    expect(again.outputs).toMatchObject({ 'image-id': first.outputs['image-id'], changed: 'true' })
    expect((await runMain(ecs, promote, { run: { step: 'promote', attempt: 2 } })).outputs['image-id']).toBe(
      first.outputs['image-id'],
    )
    expect(ecs.state()).toEqual(before)
  })

  test('fails with superseded where another run has withdrawn the image, and changes nothing', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    await runMain(ecs, bake(id))
    await runMain(ecs, { mode: 'rollback', family: 'web', reason: 'it does not boot' }, { run: { id: 2002 } })
    const before = ecs.state()
    const again = await runMain(ecs, bake(id), retry)
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toContain('superseded')
    expect(errorOf(again)).toMatch(/run 2002 at 2026-04-01T\S+/)
    expect(errorOf(again)).toContain('it does not boot')
    expect(ecs.state()).toEqual(before)
  })

  test('fails with superseded where somebody has deprecated the image in the console', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const first = await runMain(ecs, bake(id))
    ecs.change(first.outputs['image-id'] ?? '', { status: 'Deprecated' })
    const again = await runMain(ecs, bake(id), retry)
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toContain('superseded')
    expect(created(ecs)).toHaveLength(1)
  })

  test('is another run when the workflow run, the job, the step or the source is another', async () => {
    const ecs = await localEcs()
    const [one, two] = [ecs.seed.instance({ status: 'Stopped' }), ecs.seed.instance({ status: 'Stopped' })]
    const ids = [
      await runMain(ecs, bake(one.id)),
      await runMain(ecs, bake(one.id), { run: { id: 1002 } }),
      await runMain(ecs, bake(one.id), { run: { job: 'other' } }),
      await runMain(ecs, bake(one.id), { run: { step: 'other' } }),
      await runMain(ecs, bake(one.id, { matrix: '{"os": "linux"}' })),
      await runMain(ecs, bake(two.id)),
    ].map(({ outputs }) => outputs['image-id'])
    expect(new Set(ids).size).toBe(6)
    const shared = { 'idempotency-key': 'nightly' }
    const [first, second] = [await runMain(ecs, bake(one.id, shared)), await runMain(ecs, bake(two.id, shared))]
    expect(second.outputs['image-id']).toBe(first.outputs['image-id'])
  })
})

test('a dry run says what it would do, makes nothing and has no image-id', async () => {
  const ecs = await localEcs()
  seedFamily(ecs, ['web-1'])
  const { id } = ecs.seed.instance()
  const before = ecs.state()
  const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true', 'dry-run': 'true' }
  const step = await runMain(ecs, inputs)
  expect(step.exitCode).toBe(0)
  expect(step.outputs).toMatchObject({ 'image-id': '', changed: 'false' })
  const plan = JSON.parse(step.outputs.plan ?? '') as { action: string }[]
  expect(plan.map(({ action }) => action)).toEqual(['tag', 'stop', 'create', 'await', 'start', 'untag'])
  expect(step.log).toContain(`stop instance ${id}`)
  expect(ecs.state()).toEqual(before)
  expect(writesTo(ecs)).toEqual([])
  expect(actionsOf(ecs)).not.toContain('StopInstance')
})

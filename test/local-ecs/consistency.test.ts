import { afterEach, beforeEach, expect, test } from 'vitest'
import { steppedClock } from './clock.ts'
import { rawCall } from './sdk.ts'
import { type LocalEcs, startLocalEcs } from './server.ts'

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startLocalEcs({ clock: steppedClock({ secondsPerRequest: 0 }), switches: { creationSeconds: 0 } })
})
afterEach(() => ecs.close())

const call = (action: string, parameters: Record<string, string> = {}) =>
  rawCall(ecs, action, { RegionId: 'cn-hangzhou', ...parameters })

interface Listed {
  ImageId: string
  ImageFamily: string
  Status: string
  Tags: { Tag: unknown[] }
}

const listing = async (parameters: Record<string, string> = {}): Promise<Listed[]> =>
  (await call('DescribeImages', { Status: 'ALL', ...parameters })).body.Images.Image

const resolved = async (family: string) =>
  (await call('DescribeImageFromFamily', { ImageFamily: family })).body.Image?.ImageId

test('a new image is listed late', async () => {
  ecs.switches.newImageHiddenSeconds = 10
  await call('CreateImage', { SnapshotId: ecs.seed.snapshot().id, ImageFamily: 'web' })
  expect(await listing()).toEqual([])
  expect(ecs.images().length).toBe(1)
  ecs.clock.advance(10)
  expect((await listing()).length).toBe(1)
})

test('attributes show late in the listing, and not in what is decided', async () => {
  ecs.switches.staleSeconds = 10
  const { id } = ecs.seed.image({ family: 'web' })
  await call('ModifyImageAttribute', { ImageId: id, Status: 'Deprecated', ImageFamily: 'old' })
  const seen = async () => (await listing()).map((image) => `${image.Status} ${image.ImageFamily}`)
  expect(await seen()).toEqual(['Available web'])
  expect((await listing({ Status: 'Available', ImageFamily: 'web' })).length).toBe(1)
  expect(await resolved('web')).toBeUndefined()
  const again = await call('ModifyImageAttribute', { ImageId: id, Status: 'Deprecated' })
  expect(again.body.Code).toBe('ImageStatus.NotAvailable')
  ecs.clock.advance(10)
  expect(await seen()).toEqual(['Deprecated old'])
})

test('what somebody does in the console shows at once', async () => {
  ecs.switches.staleSeconds = 10
  const { id } = ecs.seed.image({ family: 'web' })
  await call('ModifyImageAttribute', { ImageId: id, Status: 'Deprecated' })
  ecs.change(id, { family: 'console' })
  expect((await listing())[0]).toMatchObject({ Status: 'Deprecated', ImageFamily: 'console' })
  expect(ecs.requests.length).toBe(2)
})

test('a family answers the old image for a while, even a deleted one', async () => {
  ecs.switches.staleFamilySeconds = 10
  const old = ecs.seed.image({ family: 'web' }).id
  const newer = ecs.seed.image({ family: 'web' }).id
  await call('DeleteImage', { ImageId: newer })
  expect([await resolved('web'), ecs.current('web')]).toEqual([newer, old])
  ecs.clock.advance(10)
  expect(await resolved('web')).toBe(old)
})

test('tags show late, also those an image was created with', async () => {
  ecs.switches.staleTagSeconds = 10
  const tag = { 'Tag.1.Key': 'run', 'Tag.1.Value': '1' }
  const { ImageId } = (await call('CreateImage', { SnapshotId: ecs.seed.snapshot().id, ...tag })).body
  const rows = async () => {
    const parameters = { ResourceType: 'image', 'ResourceId.1': ImageId }
    return (await call('ListTagResources', parameters)).body.TagResources.TagResource.length
  }
  expect([(await listing())[0]?.Tags.Tag, await listing(tag), await rows()]).toEqual([[], [], 0])
  expect(ecs.image(ImageId)?.tags).toEqual({ run: '1' })
  ecs.clock.advance(10)
  expect([(await listing(tag)).length, await rows()]).toEqual([1, 1])
  await call('UntagResources', { ResourceType: 'image', 'ResourceId.1': ImageId, All: 'true' })
  expect((await listing(tag)).length).toBe(1)
})

test('a deleted image stays listed and keeps its snapshots', async () => {
  ecs.switches.staleDeleteSeconds = 10
  const { id, snapshotIds } = ecs.seed.image({ family: 'web' })
  const [SnapshotId = ''] = snapshotIds
  await call('DeleteImage', { ImageId: id })
  expect((await listing()).length).toBe(1)
  expect((await call('DeleteImage', { ImageId: id })).body.Code).toBe('InvalidImageId.NotFound')
  expect((await rawCall(ecs, 'DeleteSnapshot', { SnapshotId })).body.Code).toBe('SnapshotCreatedImage')
  ecs.clock.advance(10)
  expect(await listing()).toEqual([])
  expect((await rawCall(ecs, 'DeleteSnapshot', { SnapshotId })).status).toBe(200)
})

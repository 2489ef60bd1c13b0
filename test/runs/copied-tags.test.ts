/** Tags copied by hand or by a backup tool: nothing that belongs to a person is deleted, joined or taken for the run's own. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, LocalEcsOptions } from '../local-ecs/server.ts'
import { type ImageView, localEcs } from '../scene.ts'
import { afterRequest, runMain, test } from './step.ts'

const tags = { 'image-family:run': '900-0123456789', 'image-family:source': 'instance' }

/** `v1` to `v4`, baked a day apart, and a stopped instance. */
async function scene(options: LocalEcsOptions = {}) {
  const ecs = await localEcs(options)
  const images = [1, 2, 3, 4].map((index) =>
    ecs.seed.image({ name: `v${index}`, family: 'web', createdAt: `2026-03-0${index}T00:00:00Z`, tags }),
  )
  const source = ecs.seed.instance({ status: 'Stopped' }).id
  return { ecs, images, bake: { mode: 'bake', family: 'web', 'instance-id': source } satisfies Inputs }
}

const tagsOf = (ecs: LocalEcs, id = '') => ({ ...(ecs.image(id) ?? ecs.snapshot(id))?.tags })
const snapshotsOf = ({ snapshotIds }: Pick<ImageView, 'snapshotIds'>, ecs: LocalEcs): string[] =>
  snapshotIds.filter((id) => ecs.snapshot(id))

describe('a person’s snapshot', () => {
  test.each(['exact', 'prefix', 'ignored'] as const)(
    'stays when the run is re-run: filters %s',
    async (snapshotFilters) => {
      const { ecs, images, bake } = await scene({ switches: { snapshotFilters } })
      const inputs = { ...bake, keep: '2' }
      await runMain(ecs, inputs, { killedAt: afterRequest('DeleteImage') })
      const [oldest] = images as [ImageView]
      const left = oldest.snapshotIds[0] ?? ''
      const theirs = [
        ecs.seed.snapshot({ tags: tagsOf(ecs, ecs.current('web')) }).id,
        ecs.seed.snapshot({ tags: tagsOf(ecs, left) }).id,
        ecs.seed.snapshot({ tags: { 'image-family:run': tagsOf(ecs, left)['image-family:run'] ?? '' } }).id,
      ]
      const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
      expect(next).toMatchObject({ exitCode: 0, errors: [] })
      expect(ecs.snapshot(left)).toBeUndefined()
      expect(theirs.filter((id) => !ecs.snapshot(id))).toEqual([])
    },
  )
})

test('an image stays as long as its snapshots cannot be claimed, and is named', async () => {
  const { ecs, images, bake } = await scene()
  const [oldest] = images as [ImageView]
  ecs.intercept = (phase, { action, parameters }) => {
    if (phase !== 'before' || action !== 'TagResources' || parameters.ResourceType !== 'snapshot') return
    ecs.faults.add({ kind: 'error', action, code: 'Forbidden.RAM', status: 403, message: 'Not authorized.' })
  }
  const step = await runMain(ecs, { ...bake, keep: '4' })
  expect(step.exitCode).toBe(0)
  expect(ecs.image(oldest.id)).toBeDefined()
  expect(snapshotsOf(oldest, ecs)).toHaveLength(1)
  expect(step.warnings).toEqual([
    expect.stringContaining('Forbidden.RAM'),
    `${oldest.id} was not deleted: the tags of ${oldest.snapshotIds[0]} do not say that this run deletes it.`,
  ])
})

describe('a person’s image with the tags of a run’s', () => {
  const shanghai = 'cn-shanghai'
  const createdAt = '2026-03-05T00:00:00Z'

  test('is not taken for it, however old, and stays as it is', async () => {
    const { ecs, bake } = await scene()
    const inputs = { ...bake, keep: '3' }
    const first = await runMain(ecs, inputs)
    const baked = first.outputs['image-id'] ?? ''
    const older = ecs.seed.image({ name: 'older', createdAt, tags: tagsOf(ecs, baked) })
    const newer = ecs.seed.image({ name: 'newer', tags: tagsOf(ecs, baked) })
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next).toMatchObject({ exitCode: 0, errors: [], outputs: { 'image-id': baked } })
    expect([older, newer].map(({ id }) => ecs.image(id))).toEqual([older, newer])
  })

  test('is not deleted by a later run, nor is its snapshot', async () => {
    const { ecs, bake } = await scene()
    const first = await runMain(ecs, bake)
    const baked = first.outputs['image-id'] ?? ''
    const theirs = ecs.seed.image({ name: 'golden', family: 'web', createdAt, tags: tagsOf(ecs, baked) })
    for (const id of [2, 3, 4]) {
      const step = await runMain(ecs, { ...bake, keep: '2' }, { run: { id } })
      expect(step.exitCode).toBe(0)
      expect(step.warnings.join()).toContain(
        `golden (${theirs.id}) is kept: its tags were copied from ${first.outputs['image-name']}`,
      )
    }
    expect(ecs.image(theirs.id)).toEqual(theirs)
    expect(snapshotsOf(theirs, ecs)).toEqual(theirs.snapshotIds)
    expect(ecs.image(baked)).toBeDefined()
  })

  test('is no copy of it in another region: the image is copied, and the person’s stays outside', async () => {
    const { ecs, images } = await scene()
    const newest = images.at(-1)
    const origin = { ...tags, 'image-family:origin': `cn-hangzhou/${newest?.id}` }
    const theirs = ecs.seed.image({ region: shanghai, name: 'theirs', tags: origin })
    const inputs = { mode: 'promote', family: 'web', 'image-id': newest?.id ?? '', 'replica-region-ids': shanghai }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'in-sync': 'true' } })
    expect(ecs.image(theirs.id)).toEqual(theirs)
    expect(ecs.image(ecs.current('web', shanghai) ?? '')).toMatchObject({ isCopied: true })
  })

  test('is no copy of it although it is named like the one to be made', async () => {
    const { ecs, bake } = await scene()
    const inputs = { ...bake, 'image-name': 'web-1', 'replica-region-ids': shanghai }
    await runMain(ecs, inputs, { killedAt: afterRequest('CreateImage') })
    const [baked] = ecs.images('cn-hangzhou').filter(({ name }) => name === 'web-1')
    const copied = { ...tagsOf(ecs, baked?.id), 'image-family:origin': `cn-hangzhou/${baked?.id}` }
    const theirs = ecs.seed.image({ region: shanghai, name: 'web-1', tags: copied })
    const step = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(step.exitCode).toBe(1)
    expect(step.errors.join()).toContain(`The name web-1 belongs to ${theirs.id}`)
    expect(ecs.image(theirs.id)).toEqual(theirs)
  })
})

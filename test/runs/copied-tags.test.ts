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

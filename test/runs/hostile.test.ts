/** Names and tags in ECS that could be markup, or a decision: they stay text. What the runner could take for a command, test/action/inputs shows. */
import { describe, expect } from 'vitest'
import { localEcs, seedFamily } from '../scene.ts'
import { runMain, test } from './step.ts'

const promote = { mode: 'promote', family: 'web' }
const rollback = { mode: 'rollback', family: 'web' }
const html = '<img src=x onerror=alert(1)> [link](https://evil.example) | cell | **bold**'

describe('hostile values stay data', () => {
  test('in a name that ECS answers: outputs have it whole, the summary as text', async () => {
    const ecs = await localEcs()
    const name = `web|${html}`
    const [image] = seedFamily(ecs, ['web-1'], { each: { 'web-1': { name, version: '`code` <b>' } } })
    seedFamily(ecs, ['older'], { each: { older: { createdAt: '2026-01-01' } } })
    const step = await runMain(ecs, { mode: 'rollback', family: 'web' })
    expect(step.exitCode).toBe(0)
    expect(ecs.image(image.id)?.status).toBe('Deprecated')
    expect(step.summary).not.toMatch(/(?<!\\)<(img|b)/)
    expect(step.summary).not.toMatch(/(?<!\\)\*\*bold/)
    expect(step.summary).not.toMatch(/(?<!\\)\[link/)
    const resolved = await runMain(ecs, { mode: 'resolve', 'image-id': image.id })
    expect(resolved.outputs['image-name']).toBe(name)
  })

  test('in the key of a tag that is to be dropped: the summary does not render it', async () => {
    const ecs = await localEcs()
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`<img src=x onerror=${index}>`, 'x']))
    const image = ecs.seed.image({ tags })
    const step = await runMain(ecs, { ...promote, 'image-id': image.id })
    expect(step.exitCode).toBe(1)
    expect(step.summary).not.toMatch(/(?<!\\)<img/)
  })

  test('in a tag of somebody else’s decision: it is no decision', async () => {
    const ecs = await localEcs()
    const decision = 'done rollback ::error::x <b> - 99999999T999999Z'
    const [older] = seedFamily(ecs, ['web-1', 'web-2'], {
      each: { 'web-1': { tags: { 'image-family:decision': decision } } },
    })
    const step = await runMain(ecs, rollback)
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.outputs['image-id']).toBe(older.id)
  })
})

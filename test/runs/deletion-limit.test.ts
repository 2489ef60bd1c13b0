/** A mistyped `keep` does not delete a whole family: ten images go in one run and region, the rest in later runs. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, LocalEcsOptions } from '../local-ecs/server.ts'
import { type ImageView, localEcs } from '../scene.ts'
import { afterRequest, runMain, type Step, test } from './step.ts'

const [home, shanghai] = ['cn-hangzhou', 'cn-shanghai'] as const
const tags = { 'image-family:run': '900-0123456789', 'image-family:source': 'instance' }

/** `v1`, `v2`, …: baked a day apart from instances, in each of the regions. */
const seedWeb = (ecs: LocalEcs, count: number, regions: readonly string[] = [home]): ImageView[] =>
  Array.from({ length: count }, (_, index) => {
    const createdAt = Date.parse('2025-12-01T00:00:00Z') + index * 86_400_000
    const seed = { name: `v${index + 1}`, family: 'web', createdAt }
    const first = ecs.seed.image({ ...seed, tags })
    for (const region of regions.slice(1)) {
      const origin = { 'image-family:run': '900-0123456789', 'image-family:origin': `${home}/${first.id}` }
      ecs.seed.image({ ...seed, region, tags: origin, copyOf: { region: home, id: first.id } })
    }
    return first
  })

const namesIn = (ecs: LocalEcs, region: string): string[] =>
  ecs.images(region).flatMap(({ name, family }) => (family === 'web' ? [name] : []))
const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `v${from + index}`)

const tidy = (image: ImageView | undefined, more: Inputs = {}): Inputs => ({
  mode: 'promote',
  family: 'web',
  'image-id': image?.id ?? '',
  keep: '2',
  ...more,
})

const aboutKeep = ({ notices }: Step): string[] => notices.filter((text) => text.includes('`keep` deletes at most'))

describe('`keep: 2` typed for 20 on 90 images', () => {
  test('deletes the ten oldest, and one notice says how many are left for later runs', async () => {
    const ecs = await localEcs()
    const images = seedWeb(ecs, 90)
    const step = await runMain(ecs, tidy(images.at(-1)))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(namesIn(ecs, home)).toEqual(names(11, 90))
    expect(aboutKeep(step)).toEqual([expect.stringContaining('Family web has 78 more')])
    const [left] = images.slice(10)
    expect(step.summary).toContain(`| v11 (${left?.id}) | keep | older than the newest 2, but at most 10`)
  })

  test('in every region; a later run deletes ten more', async () => {
    const ecs = await localEcs()
    const images = seedWeb(ecs, 24, [home, shanghai])
    const inputs = tidy(images.at(-1), { 'replica-region-ids': shanghai })
    const left: string[][] = []
    for (const id of [1, 2, 3, 4]) {
      const step = await runMain(ecs, inputs, { run: { id } })
      expect(step.exitCode).toBe(0)
      expect(namesIn(ecs, shanghai)).toEqual(namesIn(ecs, home))
      left.push([namesIn(ecs, home)[0] ?? '', ...aboutKeep(step).map((text) => text.split('. ')[1] ?? '')])
    }
    expect(left).toEqual([
      ['v11', expect.stringContaining('12 more')],
      ['v21', expect.stringContaining('2 more')],
      ['v23'],
      ['v23'],
    ])
  })

  test('a dry run says the same, and deletes nothing', async () => {
    const ecs = await localEcs()
    const step = await runMain(ecs, tidy(seedWeb(ecs, 90).at(-1), { 'dry-run': 'true' }))
    expect(namesIn(ecs, home)).toHaveLength(90)
    expect(JSON.parse(step.outputs.plan ?? '')).toHaveLength(11)
    expect(aboutKeep(step)).toHaveLength(1)
  })
})

describe('a full family', () => {
  const full = async (options: LocalEcsOptions) => {
    const ecs = await localEcs(options)
    return { ecs, images: seedWeb(ecs, 30), source: ecs.seed.instance({ status: 'Stopped' }).id }
  }

  test('what makes room counts: ten in all, and the new image is there', async () => {
    const { ecs, source } = await full({ quotas: { imagesPerFamily: 30 } })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': source, keep: '2' })
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(namesIn(ecs, home)).toEqual([...names(11, 30), step.outputs['image-name']])
    expect(aboutKeep(step)).toEqual([expect.stringContaining('Family web has 19 more')])
  })

  test('lost while it makes room, the next attempt has a family with room', async () => {
    const { ecs, source } = await full({ quotas: { imagesPerFamily: 30 } })
    const inputs = { mode: 'bake', family: 'web', 'instance-id': source, keep: '2' }
    await runMain(ecs, inputs, { killedAt: afterRequest('DeleteImage') })
    const next = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(next.exitCode).toBe(0)
    expect(ecs.current('web')).toBe(next.outputs['image-id'])
  })
})

/** Images that ECS calls available before instances can be launched from them. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { type ImageSeed, type ImageView, localEcs } from '../scene.ts'
import { runMain, test } from './step.ts'

const [home, shanghai] = ['cn-hangzhou', 'cn-shanghai'] as const
const on = (day: number): string => `2026-03-0${day}T00:00:00Z`

/** Images become usable this long after they are available: about as many requests. */
const delay = 60

const scene = async () => {
  const ecs = await localEcs({ switches: { usableDelaySeconds: delay } })
  ecs.seed.image({ name: 'v1', family: 'web', createdAt: on(1), usable: true })
  return ecs
}

/** Available since just now, and not usable for a while. */
function seedUnusable(ecs: LocalEcs, seed: ImageSeed): ImageView {
  const image = ecs.seed.image({ ...seed, status: 'Creating', readyIn: 1 })
  ecs.clock.advance(2)
  expect(ecs.image(image.id)).toMatchObject({ status: 'Available', usable: false })
  return image
}

/** What each region has served that was not usable at that moment. */
function watchUnusable(ecs: LocalEcs, ...regions: string[]): string[] {
  const served: string[] = []
  ecs.intercept = () => {
    for (const region of regions) {
      const image = ecs.image(ecs.current('web', region) ?? '')
      if (image && !image.usable) served.push(image.id)
    }
  }
  return served
}

describe('promote', () => {
  test.each<[string, string, Inputs]>([
    ['by image-id', '', {}],
    ['by from-family', 'candidate', { 'from-family': 'candidate', 'image-id': '' }],
  ])('serves no image before it is usable: %s', async (_, family, more) => {
    const ecs = await scene()
    const { id } = seedUnusable(ecs, { name: 'v2', family, createdAt: on(2) })
    const served = watchUnusable(ecs, home)
    const { 'image-id': named = id, ...rest } = more
    const step = await runMain(ecs, { mode: 'promote', family: 'web', ...rest, ...(named && { 'image-id': named }) })
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'image-id': id, 'current-image-id': id } })
    expect(served).toEqual([])
    expect(step.log).toContain('Available, 100%, not usable yet')
  })

  test('in every region, none of which is switched before all are usable', async () => {
    const ecs = await scene()
    const { id } = seedUnusable(ecs, { name: 'v2', createdAt: on(2) })
    const served = watchUnusable(ecs, home, shanghai)
    const inputs = { mode: 'promote', family: 'web', 'image-id': id, 'replica-region-ids': shanghai }
    const step = await runMain(ecs, inputs)
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'in-sync': 'true' } })
    expect(served).toEqual([])
  })

  test('what is decided meanwhile counts', async () => {
    const ecs = await scene()
    const { id } = seedUnusable(ecs, { name: 'v2', createdAt: on(2) })
    ecs.intercept = (phase, { action, parameters }) => {
      if (phase !== 'after' || action !== 'DescribeImages' || parameters.ImageId !== id) return
      if (ecs.image(id)?.usable || ecs.images(home).some(({ name }) => name === 'v3')) return
      ecs.seed.image({ name: 'v3', family: 'web', createdAt: on(3), usable: true })
    }
    const step = await runMain(ecs, { mode: 'promote', family: 'web', 'image-id': id })
    expect(step.exitCode).toBe(1)
    expect(step.errors.join()).toContain('v3')
    expect(ecs.image(id)?.family).toBe('')
  })

  test('a dry run does not wait, and shows the wait', async () => {
    const ecs = await scene()
    const { id } = seedUnusable(ecs, { name: 'v2', createdAt: on(2) })
    const step = await runMain(ecs, { mode: 'promote', family: 'web', 'image-id': id, 'dry-run': 'true' })
    expect(step.exitCode).toBe(0)
    expect(ecs.image(id)?.usable).toBe(false)
    expect(step.log).toContain(`wait until ${id} is available`)
  })
})

describe('rollback', () => {
  test('falls back to an image that is usable now, in every region, and says why', async () => {
    const ecs = await scene()
    const [v1] = ecs.images(home)
    const seedCopy = (of: ImageView, day: number) =>
      ecs.seed.image({
        ...{ region: shanghai, name: of.name, family: 'web', createdAt: on(day), usable: true },
        ...{ copyOf: { region: home, id: of.id }, tags: { 'image-family:origin': `${home}/${of.id}` } },
      })
    const v2 = seedUnusable(ecs, { name: 'v2', family: 'web', createdAt: on(2) })
    const v3 = ecs.seed.image({ name: 'v3', family: 'web', createdAt: on(3), usable: true })
    for (const [index, image] of [v1, v2, v3].entries()) if (image) seedCopy(image, index + 1)
    const served = watchUnusable(ecs, home, shanghai)
    const began = ecs.clock.now()
    const step = await runMain(ecs, { mode: 'rollback', family: 'web', 'replica-region-ids': shanghai })
    expect(step).toMatchObject({ exitCode: 0, errors: [], outputs: { 'image-id': v1?.id, 'in-sync': 'true' } })
    expect(served).toEqual([])
    expect((ecs.clock.now() - began) / 1000).toBeLessThan(delay)
    expect(step.notices.join()).toContain(`v2 (${v2.id}) is newer than v1 (${v1?.id}), but not usable yet`)
  })
})

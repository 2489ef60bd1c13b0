/** What the page on regions says to do, done. */
import { describe, expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import { rawCall } from '../local-ecs/sdk.ts'
import { type LocalEcs, startLocalEcs } from '../local-ecs/server.ts'
import { runMain, type Step } from '../runs/step.ts'
import { errorOf } from '../scene.ts'
import { dispatched, read, regions, snippets } from './reading.ts'
import { play, type WorkflowStep } from './workflow.ts'

describe('what the page on regions says', () => {
  const replicas = ['cn-shanghai', 'cn-beijing']

  /** Three images, the last one bad, with copies in the replica regions. */
  async function scene({ without, copied = replicas }: { without?: string; copied?: readonly string[] } = {}) {
    const ecs = await startLocalEcs()
    const run = (inputs: Inputs, id: number): Promise<Step> =>
      runMain(ecs, { family: 'web', ...inputs }, { run: { id } })
    const seed = (name: string, day: number, places: readonly string[]) => {
      const createdAt = `2026-01-0${day}T00:00:00Z`
      const first = ecs.seed.image({ family: 'web', name, createdAt })
      const tags = { 'image-family:origin': `cn-hangzhou/${first.id}` }
      const copyOf = { region: 'cn-hangzhou', id: first.id }
      for (const region of places) ecs.seed.image({ region, family: 'web', name, createdAt, tags, copyOf })
      return first
    }
    seed('older', 1, copied)
    const good = seed(
      'good',
      2,
      copied.filter((region) => region !== without),
    )
    const bad = seed('bad', 3, copied)
    return { ecs, run, good, bad }
  }
  const nameIn = (ecs: LocalEcs, region: string) => ecs.image(ecs.current('web', region) ?? '')?.name

  test('the command adopts a copy made by hand', async () => {
    const [line = ''] = /^aliyun ecs TagResources .*$/m.exec(read('regions.md')) ?? []
    const given = Object.fromEntries(
      [...line.matchAll(/ --(\S+) (\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    )
    const ecs = await startLocalEcs()
    const [homeRegion = '', id = ''] = (given['Tag.1.Value'] ?? '').split('/')
    const copyRegion = given.RegionId ?? ''
    ecs.seed.image({ region: homeRegion, id, family: 'web' })
    const copy = ecs.seed.image({
      region: copyRegion,
      id: given['ResourceId.1'],
      family: 'web',
      copyOf: { region: homeRegion, id },
    })
    const look = () => runMain(ecs, { mode: 'resolve', family: 'web', 'replica-region-ids': copyRegion })
    expect((await look()).outputs['in-sync']).toBe('false')
    expect((await rawCall(ecs, 'TagResources', given)).status).toBe(200)
    expect((await look()).outputs['in-sync']).toBe('true')
    const promoted = await runMain(
      ecs,
      { mode: 'promote', family: 'web', 'image-id': id, 'replica-region-ids': copyRegion },
      { run: { id: 1 } },
    )
    expect(promoted.outputs).toMatchObject({ changed: 'false', 'in-sync': 'true' })
    expect(ecs.current('web', copyRegion)).toBe(copy.id)
    await ecs.close()
  })

  test('the two steps for a region that is down, one after the other', async () => {
    const { ecs } = await scene({ copied: regions.slice(1) })
    const [back, into] = snippets
    const step = async (which: WorkflowStep | undefined, id: number, inputs: Record<string, string>) =>
      await play(dispatched(which ?? {}), { ecs, id, inputs })
    expect((await step(back, 1001, {})).result).toBe('success')
    expect(regions.map((region) => nameIn(ecs, region))).toEqual(['bad', 'good', 'good', 'good', 'good'])
    const image = ecs.current('web', String(into?.with?.['region-id'])) ?? ''
    expect((await step(into, 1002, { 'image-id': image })).result).toBe('success')
    expect(regions.map((region) => nameIn(ecs, region))).toEqual(regions.map(() => 'good'))
    await ecs.close()
  })

  test('the rollback once more takes the region along, with `to-image-id` and not without', async () => {
    const { ecs, run } = await scene()
    const inputs = { mode: 'rollback', 'region-id': 'cn-shanghai' }
    expect((await run({ ...inputs, 'replica-region-ids': 'cn-beijing' }, 1)).exitCode).toBe(0)
    const all = { ...inputs, 'replica-region-ids': 'cn-hangzhou,cn-beijing' }
    expect(errorOf(await run(all, 2))).toContain('[just-rolled-back]')
    expect(nameIn(ecs, 'cn-hangzhou')).toBe('bad')
    expect((await run({ ...all, 'to-image-id': ecs.current('web', 'cn-shanghai') ?? '' }, 3)).exitCode).toBe(0)
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'good'])
    await ecs.close()
  })

  test('where a region has no copy, two runs do it, and the message has them', async () => {
    const { ecs, run, good } = await scene({ without: 'cn-beijing' })
    const refused = await run({ mode: 'rollback', 'replica-region-ids': replicas.join(',') }, 1)
    expect(errorOf(refused)).toContain('[copy-missing]')
    expect([nameIn(ecs, 'cn-hangzhou'), nameIn(ecs, 'cn-shanghai')]).toEqual(['bad', 'bad'])
    const [first = '', second = ''] = (errorOf(refused).split('First, run with ')[1] ?? '').split('Then run with ')
    const pasted = (text: string): Inputs =>
      Object.fromEntries([...text.matchAll(/`([a-z-]+): ([^`]+)`/g)].map(([, name = '', value = '']) => [name, value]))
    expect(pasted(first)).toMatchObject({ mode: 'rollback', 'to-image-id': good.id })
    expect((await run(pasted(first), 2)).exitCode).toBe(0)
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'bad'])
    expect(pasted(second)).toMatchObject({ mode: 'promote', 'image-id': good.id, 'deprecate-newer': 'true' })
    expect((await run(pasted(second), 3)).exitCode).toBe(0)
    const look = await run({ mode: 'resolve', 'replica-region-ids': replicas.join(',') }, 4)
    expect(look.outputs).toMatchObject({ 'in-sync': 'true', 'image-id': good.id })
    await ecs.close()
  })

  test.each([
    ['bake', { mode: 'bake', 'instance-id': 'i-golden' }],
    ['promote', { mode: 'promote', 'image-id': 'm-next' }],
  ])('a %s while a region is down switches no family', async (_, inputs) => {
    const { ecs, run } = await scene()
    ecs.seed.instance({ id: 'i-golden', status: 'Stopped' })
    ecs.seed.image({ id: 'm-next', name: 'next' })
    let isDown = true
    ecs.intercept = (_phase, { parameters: { RegionId, DestinationRegionId } }) => {
      if (isDown && [RegionId, DestinationRegionId].includes('cn-beijing')) throw new Error('cn-beijing is down.')
    }
    const given = { ...inputs, 'replica-region-ids': replicas.join(',') }
    const step = await run({ ...given, 'wait-timeout-minutes': '0.02' }, 1)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('cn-beijing')
    expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['bad', 'bad', 'bad'])
    isDown = false
    const again = await runMain(ecs, { family: 'web', ...given }, { run: { id: 1, attempt: 2 } })
    expect([again.errors, again.outputs['in-sync']]).toEqual([[], 'true'])
    expect(ecs.current('web')).toBe(again.outputs['image-id'])
    await ecs.close()
  })

  test('a shared image is rolled back by one of two ways out', async () => {
    for (const [way, status, shares] of [
      [{ unshare: 'true' }, 'Deprecated', 0],
      [{ 'quarantine-family': 'web-withdrawn' }, 'Available', 1],
    ] as const) {
      const { ecs, run, bad } = await scene()
      const tenant = ecs.addAccount().uid
      ecs.change(bad.id, { sharedWith: [tenant] })
      const inputs = { mode: 'rollback', 'replica-region-ids': replicas.join(',') }
      const refused = await run(inputs, 1)
      expect(errorOf(refused)).toContain('[already-shared]')
      for (const said of [tenant, ...Object.keys(way)]) expect(errorOf(refused)).toContain(said)
      expect(nameIn(ecs, 'cn-shanghai')).toBe('bad')
      const step = await run({ ...inputs, ...way }, 2)
      expect(step.warnings.join('\n')).toContain(tenant)
      expect(ecs.image(bad.id)).toMatchObject({ status })
      expect(ecs.image(bad.id)?.sharedWith.length).toBe(shares)
      expect(['cn-hangzhou', ...replicas].map((region) => nameIn(ecs, region))).toEqual(['good', 'good', 'good'])
      await ecs.close()
    }
  })
})

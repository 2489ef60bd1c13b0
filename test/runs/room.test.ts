/** A family that is full: images beyond `keep` are deleted at the end of the round, and then everything is planned again. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { startEcs } from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

const [home, shanghai, beijing] = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const
const everywhere: Inputs = { 'replica-region-ids': `${shanghai},${beijing}` }

const on = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T10:00:00Z`

let ecs: LocalEcs
beforeEach(async () => {
  ecs = await startEcs()
})
afterEach(async () => await ecs.close())

/** `v1`, `v2`, …: images that this action has baked, and copies of them. */
function fillWeb(count: number, regions: readonly string[] = [home]): void {
  for (let day = 1; day <= count; day++) {
    const seed = { name: `v${day}`, family: 'web', createdAt: on(day) }
    const run = { 'image-family:run': '900-0123456789' }
    const first = ecs.seed.image({ ...seed, tags: { ...run, 'image-family:source': 'instance' } })
    const tags = { ...run, 'image-family:origin': `${home}/${first.id}` }
    for (const region of regions.slice(1))
      ecs.seed.image({ ...seed, region, copyOf: { region: home, id: first.id }, tags })
  }
}

const bake = (more: Inputs = {}, status: 'Running' | 'Stopped' = 'Stopped'): Inputs => ({
  mode: 'bake',
  family: 'web',
  'instance-id': ecs.seed.instance({ status }).id,
  ...more,
})

const namesIn = (region: string): string[] =>
  ecs.images(region).flatMap(({ name, family }) => (family === 'web' ? [name] : []))

/** `cn-hangzhou delete m-…`, in the order of output `plan`. */
const plannedIn = ({ outputs }: Walk): string[] =>
  (JSON.parse(outputs.plan ?? '[]') as { region: string; action: string; target: string }[]).map(
    ({ region, action, target }) => `${region} ${action} ${target}`,
  )

const actionsIn = (walked: Walk): string[] => plannedIn(walked).map((line) => line.split(' ')[1] ?? '')

const writes = (): string[] => ecs.requests.flatMap(({ action, write, dryRun }) => (write && !dryRun ? [action] : []))

/** Every step that the run names is one that it has carried out, and in its order. */
function expectAllDone(walked: Walk): void {
  expect(walked.failure).toBeUndefined()
  expect(walked.summary).not.toContain('not done')
  const { journal } = walked.outcome
  expect(journal.map(({ state }) => state)).toEqual(journal.map(() => 'done'))
  expect(plannedIn(walked).map((line) => line.split(' ', 2).join(' '))).toEqual(
    journal.map(({ step }) => `${step.region} ${step.action}`),
  )
}

describe('a bake with keep into a full family', () => {
  test('names the steps that it has carried out, and no others', async () => {
    fillWeb(4)
    ecs.quotas.imagesPerFamily = 4
    const walked = await walk(ecs, bake({ keep: '3' }))
    expectAllDone(walked)
    expect(actionsIn(walked)).toEqual(['claim-snapshots', 'delete', 'delete', 'create', 'await'])
    expect(namesIn(home)).toEqual(['v3', 'v4', walked.outputs['image-name']])
  })

  test('stops the instance once, and starts it again', async () => {
    fillWeb(4)
    ecs.quotas.imagesPerFamily = 4
    const inputs = bake({ keep: '3', 'stop-instance': 'true' }, 'Running')
    const kept: string[] = []
    const postState = {
      instanceStopped: () => void kept.push('stopped'),
      instanceStarted: () => void kept.push('started'),
    }
    const walked = await walk(ecs, inputs, { postState })
    expectAllDone(walked)
    const room = ['claim-snapshots', 'delete', 'delete']
    expect(actionsIn(walked)).toEqual(['tag', 'stop', ...room, 'create', 'await', 'start', 'untag'])
    expect(writes().filter((action) => /Instance$/.test(action))).toEqual(['StopInstance', 'StartInstance'])
    expect(ecs.instance(inputs['instance-id'] ?? '')).toMatchObject({ status: 'Running', tags: {} })
    expect(kept.at(-1)).toBe('started')
  })

  const protect = () => {
    for (const { id, tags } of ecs.images(home)) ecs.change(id, { tags: { ...tags, 'image-family:protect': 'yes' } })
  }

  test('where no image may go: refused with ECS’s answer, before anything is written', async () => {
    fillWeb(4)
    protect()
    ecs.quotas.imagesPerFamily = 4
    const walked = await walk(ecs, bake({ keep: '3' }))
    expect(walked.failure?.what).toContain('ImageQuotaExceed.ImageFamily')
    expect(walked.failure?.what).toContain('not-permitted')
    expect(writes()).toEqual([])
    expect(walked.outcome.journal).toEqual([])
  })

  test('where none may go any more: ECS’s answer is the failure, and what was left alone is named', async () => {
    fillWeb(4)
    ecs.quotas.imagesPerFamily = 4
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase === 'before' && action === 'CreateImage' && !dryRun) protect()
    }
    const walked = await walk(ecs, bake({ keep: '3' }))
    expect(walked.failure?.what).toContain('ImageQuotaExceed.ImageFamily')
    expect(walked.outcome.failure?.steps).toEqual([{ round: 1, id: `${home}/create/1` }])
    expect(writes().filter((action) => ['CreateImage', 'DeleteImage'].includes(action))).toEqual(['CreateImage'])
    expect(walked.notices.map(({ text }) => text).join()).toContain('it is tagged image-family:protect now')
  })
})

describe('a bake with keep into three regions', () => {
  test('that are full by the time the image joins: names the steps that it has carried out', async () => {
    fillWeb(4, [home, shanghai, beijing])
    ecs.quotas.imagesPerFamily = 4
    const walked = await walk(ecs, bake({ keep: '3', ...everywhere }))
    expectAllDone(walked)
    for (const region of [home, shanghai, beijing]) {
      expect(namesIn(region)).toEqual(['v3', 'v4', walked.outputs['image-name']])
      const done = plannedIn(walked).flatMap((line) => (line.startsWith(region) ? line.split(' ')[1] : []))
      expect(done.indexOf('join-family'), region).toBeGreaterThan(done.lastIndexOf('delete'))
    }
    expect(walked.outcome.round).toBe(3)
  })

  test('of which one is full by the time the image joins: what the switch of the others means is told all the same', async () => {
    fillWeb(4, [home, shanghai, beijing])
    ecs.quotas.imagesPerFamily = 5
    ecs.seed.image({
      region: beijing,
      family: 'web',
      name: 'v0',
      createdAt: on(1),
      tags: { 'image-family:run': '1-a' },
    })
    const account = ecs.addAccount().uid
    ecs.change(ecs.current('web', home) ?? '', { sharedWith: [account] })
    const walked = await walk(ecs, bake({ keep: '4', ...everywhere }))
    expectAllDone(walked)
    expect(walked.outcome.journal.map(({ round }) => round)).toContain(3)
    expect(walked.notices.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(new RegExp(`^${home}: ${account} cannot see `)),
    )
  })

  test('of which one takes no further copy: the other copy is waited for in the next round', async () => {
    fillWeb(3, [home, shanghai, beijing])
    ecs.quotas.imagesPerRegion = 4
    ecs.switches.copySeconds = 300
    ecs.seed.image({ region: beijing, name: 'other' })
    const walked = await walk(ecs, bake({ keep: '2', ...everywhere }))
    expect(walked.failure).toBeUndefined()
    expect(walked.summary).not.toContain('not done')
    for (const region of [home, shanghai, beijing])
      expect(namesIn(region)).toEqual(['v3', walked.outputs['image-name']])
    const waits = walked.outcome.journal.flatMap(({ round, step }) =>
      step.action === 'await' && step.region === shanghai ? [round] : [],
    )
    expect(waits).toEqual([2])
    expect(writes().filter((action) => action === 'CopyImage')).toHaveLength(3)
  })

  test('of which one fails: the others make room, and are switched', async () => {
    fillWeb(4, [home, shanghai, beijing])
    ecs.quotas.imagesPerFamily = 4
    ecs.intercept = (phase, { action, region, parameters, dryRun }) => {
      if (phase !== 'before' || action !== 'ModifyImageAttribute' || region !== shanghai || dryRun) return
      if (parameters.ImageFamily === undefined) return
      ecs.faults.add({ kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'No.', action })
    }
    const walked = await walk(ecs, bake({ keep: '3', ...everywhere }))
    expect(walked.failure?.what).toContain('Forbidden.RAM')
    for (const region of [home, beijing]) expect(namesIn(region)).toContain(walked.outputs['image-name'])
    expect(namesIn(shanghai)).toEqual(['v1', 'v2', 'v3', 'v4'])
  })
})

test('a promotion that goes on after it has made room deletes no image that it has only recorded itself on', async () => {
  fillWeb(5, [home, shanghai])
  ecs.quotas.imagesPerFamily = 6
  ecs.seed.image({ region: shanghai, family: 'web', name: 'v0', createdAt: on(1), tags: { 'image-family:run': '1-a' } })
  const byHand = ecs.images(home).find(({ name }) => name === 'v3')?.id ?? ''
  ecs.change(byHand, { tags: { team: 'core' } })
  const proven = ecs.seed.image({ name: 'proven', createdAt: '2026-03-02T12:00:00Z' }).id
  const walked = await walk(ecs, {
    ...{ mode: 'promote', family: 'web', 'image-id': proven, 'deprecate-newer': 'true' },
    ...{ 'replica-region-ids': shanghai, keep: '2' },
  })
  expect(walked.failure).toBeUndefined()
  expect(walked.outcome.round).toBe(3)
  expect(ecs.image(byHand)?.status).toBe('Deprecated')
})

test('a promotion that goes on after it has made room still tells what it could not record', async () => {
  fillWeb(4, [home, shanghai])
  ecs.quotas.imagesPerFamily = 5
  ecs.seed.image({ region: shanghai, family: 'web', name: 'v0', createdAt: on(1), tags: { 'image-family:run': '1-a' } })
  const filler = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`team-${index}`, 'x']))
  const v4 = ecs.images(home).at(-1)
  ecs.change(v4?.id ?? '', { tags: { ...v4?.tags, ...filler } })
  const proven = ecs.seed.image({ name: 'proven', createdAt: '2026-03-03T12:00:00Z' }).id
  const walked = await walk(ecs, {
    ...{ mode: 'promote', family: 'web', 'image-id': proven, 'deprecate-newer': 'true', reason: 'proven' },
    ...{ 'replica-region-ids': shanghai, keep: '4' },
  })
  expect(walked.outcome.round).toBe(3)
  expect(walked.failure).toBeUndefined()
  expect(walked.notices.map(({ text }) => text)).toContainEqual(expect.stringContaining('The reason is not recorded'))
})

test('a promotion with keep into full families goes on from its own record, and names the shares that are lost', async () => {
  fillWeb(4, [home, shanghai, beijing])
  ecs.quotas.imagesPerFamily = 4
  const account = ecs.addAccount().uid
  const [oldest, , , newest] = ecs.images(home)
  ecs.change(oldest?.id ?? '', { sharedWith: [account] })
  ecs.seed.image({ name: 'tested', family: 'candidate', createdAt: on(9) })
  const walked = await walk(ecs, {
    ...{ mode: 'promote', family: 'web', 'from-family': 'candidate', ...everywhere },
    ...{ keep: '3', unshare: 'true' },
  })
  expectAllDone(walked)
  expect(walked.notices).toEqual([
    { level: 'warning', text: `${home}: Shared images were deleted: ${account} loses ${oldest?.id}.` },
  ])
  expect(walked.outputs['previous-image-id']).toBe(newest?.id)
  expect(actionsIn(walked).filter((action) => action === 'join-family')).toHaveLength(3)
})

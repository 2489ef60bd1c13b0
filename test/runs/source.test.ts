/** ECS is asked with its own DryRun whether it would create an image, before the instance is stopped for it. */
import { describe, expect } from 'vitest'
import type { PostState } from '../../src/engine/ports.ts'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { errorOf, localEcs, seedFamily, writesTo } from '../scene.ts'
import { runMain, type Step, test } from './step.ts'

const bake = (id: string, more: Inputs = {}): Inputs => ({ mode: 'bake', family: 'web', 'instance-id': id, ...more })
const stopping = (id: string, more: Inputs = {}): Inputs => bake(id, { 'stop-instance': 'true', ...more })

const denial = { kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'Not authorized.' } as const

/** Denies CreateImage from now on, as a dry run too. */
const deny = (ecs: LocalEcs): void =>
  ecs.faults.add({ ...denial, action: 'CreateImage', times: Number.POSITIVE_INFINITY })

const creations = (ecs: LocalEcs, dryRun: boolean): RequestRecord[] =>
  ecs.requests.filter((request) => request.action === 'CreateImage' && request.dryRun === dryRun)

/** The snapshots of another image of the instance are still in progress. @param readyIn seconds */
function makeBusy(ecs: LocalEcs, instance: string, readyIn?: number): string {
  return ecs.seed.image({ name: 'other', status: 'Creating', sourceInstanceId: instance, readyIn }).id
}

const plannedBy = ({ outputs }: Step): string[] =>
  (JSON.parse(outputs.plan ?? '[]') as { action: string }[]).map(({ action }) => action)

const stopAndStart = ['tag', 'stop', 'create', 'await', 'start', 'untag']

describe('before the instance is stopped', () => {
  test('ECS is asked for the same image by its own dry run, without the ClientToken', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    const more = { 'image-version': '1', architecture: 'x86_64', 'imds-support': 'v2', tags: 'team=web' }
    expect((await runMain(ecs, stopping(id, more))).exitCode).toBe(0)
    const [[asked], [sent]] = [creations(ecs, true), creations(ecs, false)]
    const { ClientToken, ...parameters } = sent?.parameters ?? {}
    expect(ClientToken).toMatch(/./)
    expect(asked?.parameters).toEqual({ ...parameters, DryRun: 'true' })
    expect(asked?.index).toBeLessThan(ecs.requests.find(({ write, dryRun }) => write && !dryRun)?.index ?? 0)
  })

  const refused: Readonly<Record<string, (ecs: LocalEcs) => [Inputs, code: string, remedy: RegExp]>> = {
    'an identity that may not create images': (ecs) => {
      deny(ecs)
      return [stopping(ecs.seed.instance().id), 'Forbidden.RAM', /ecs:CreateImage/]
    },
    'an instance with a local disk': (ecs) => {
      const { id } = ecs.seed.instance({ disks: [{}, { category: 'local_ssd_pro' }] })
      return [stopping(id), 'InvalidDiskCategory.CreateImage', /disk/]
    },
    'a full family without `keep`': (ecs) => {
      seedFamily(ecs, ['web-1'])
      ecs.quotas.imagesPerFamily = 1
      return [stopping(ecs.seed.instance().id), 'ImageQuotaExceed.ImageFamily', /`keep`/]
    },
  }
  test.each(Object.keys(refused))('%s: nothing is written, and the instance runs on', async (name) => {
    const ecs = await localEcs()
    const arrange = refused[name]
    if (!arrange) throw new Error(name)
    const [inputs, code, remedy] = arrange(ecs)
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('not-permitted')
    expect(errorOf(step)).toContain(code)
    expect(errorOf(step)).toMatch(remedy)
    expect(writesTo(ecs)).toEqual([])
    expect(ecs.instance(inputs['instance-id'] ?? '')).toMatchObject({ status: 'Running', tags: {} })
  })

  test('a busy source is waited for while the instance runs on', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    const other = makeBusy(ecs, id, 60)
    const atStop: unknown[] = []
    ecs.intercept = (phase, { action }) => {
      if (phase === 'before' && ['TagResources', 'StopInstance'].includes(action)) atStop.push(ecs.image(other)?.status)
    }
    const step = await runMain(ecs, stopping(id))
    expect(step.exitCode).toBe(0)
    expect(atStop).toEqual(['Available', 'Available'])
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
  })

  test('a source that stays busy until the time limit stops nothing', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    makeBusy(ecs, id)
    const step = await runMain(ecs, stopping(id, { 'wait-timeout-minutes': '0.01' }))
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/IncorrectDiskStatus\.CreatingSnapshot[\s\S]*wait-timeout-minutes/)
    expect(writesTo(ecs)).toEqual([])
    expect(ecs.instance(id)?.status).toBe('Running')
  })

  test('where the dry run of ECS checks parameters only, CreateImage answers as before', async () => {
    const ecs = await localEcs({ switches: { dryRunOfCreateImage: 'parameters' } })
    const { id } = ecs.seed.instance({ disks: [{}, { category: 'local_ssd_pro' }] })
    const step = await runMain(ecs, stopping(id))
    expect(errorOf(step)).toContain('InvalidDiskCategory.CreateImage')
    expect(writesTo(ecs)).toEqual(['TagResources', 'StopInstance', 'CreateImage'])
  })

  test('an instance that a lost attempt left stopped is started by the post step when ECS would refuse', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    await runMain(ecs, stopping(id), {
      killedAt: (phase, { action }) => phase === 'after' && action === 'StopInstance',
    })
    deny(ecs)
    const { kept, postState } = keeping()
    const again = await runMain(ecs, stopping(id), { run: { attempt: 2 }, postState })
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toMatch(/Forbidden\.RAM[\s\S]*not-permitted/)
    expect([...kept]).toEqual([id])
  })
})

/** Remembers, as the runner does for the post step, which instance is stopped. */
function keeping() {
  const kept = new Set<string>()
  const postState: PostState = {
    instanceStopped: ({ instance }) => void kept.add(instance),
    instanceStarted: () => kept.clear(),
  }
  return { kept, postState }
}

describe('without stop-instance', () => {
  test('ECS is asked as well: what it would refuse is refused before anything is written', async () => {
    const ecs = await localEcs()
    deny(ecs)
    const step = await runMain(ecs, bake(ecs.seed.instance({ status: 'Stopped' }).id))
    expect(errorOf(step)).toMatch(/Forbidden\.RAM[\s\S]*ecs:CreateImage[\s\S]*not-permitted/)
    expect(writesTo(ecs)).toEqual([])
  })

  test('a snapshot that is not finished is asked about once, and CreateImage waits for it', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.snapshot({ status: 'progressing', readyIn: 30 })
    const step = await runMain(ecs, { mode: 'bake', family: 'web', 'snapshot-id': id })
    expect(step).toMatchObject({ exitCode: 0, warnings: [], notices: [] })
    expect(creations(ecs, true).map(({ code }) => code)).toEqual(['InvalidSnapshotId.NotReady'])
    expect(creations(ecs, false).length).toBeGreaterThan(2)
  })
})

describe('a dry run', () => {
  test('by an identity that may not create images warns, and shows the plan', async () => {
    const ecs = await localEcs()
    deny(ecs)
    const step = await runMain(ecs, stopping(ecs.seed.instance().id, { 'dry-run': 'true' }))
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(step.warnings).toEqual([expect.stringMatching(/ECS would not create image web-.*Forbidden\.RAM/)])
    expect(plannedBy(step)).toEqual(stopAndStart)
    expect(step.summary).toContain('ecs:CreateImage')
  })

  test('does not wait for a busy source, and says that it is busy', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    makeBusy(ecs, id)
    const step = await runMain(ecs, stopping(id, { 'dry-run': 'true' }))
    expect(step).toMatchObject({ exitCode: 0, warnings: [] })
    expect(step.notices).toEqual([expect.stringContaining('IncorrectDiskStatus.CreatingSnapshot')])
    expect(plannedBy(step)).toEqual(stopAndStart)
    expect(creations(ecs, true)).toHaveLength(1)
  })

  test('of a source that no image can be made of is refused', async () => {
    const ecs = await localEcs()
    const missing = { mode: 'bake', family: 'web', 'snapshot-id': 's-bp1000000000000000gone', 'dry-run': 'true' }
    const step = await runMain(ecs, missing)
    expect(errorOf(step)).toMatch(/InvalidSnapshotId\.NotFound[\s\S]*not-permitted/)
  })
})

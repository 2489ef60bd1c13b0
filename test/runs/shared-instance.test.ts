/** Several runs stop and start one instance: none makes an image of it while it runs without saying so. */
import { describe, expect } from 'vitest'
import type { PostState } from '../../src/engine/ports.ts'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs, LocalEcsOptions } from '../local-ecs/server.ts'
import { errorOf, localEcs } from '../scene.ts'
import { runMain, type Step, test } from './step.ts'

const stopping = (id: string, more: Inputs = {}): Inputs => ({
  mode: 'bake',
  family: 'web',
  'instance-id': id,
  'stop-instance': 'true',
  ...more,
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

interface Legs {
  readonly steps: readonly [Step, Step]
  /** By leg: the status of the instance when ECS accepted CreateImage. */
  readonly imaged: readonly [string[], string[]]
}

/**
 * The first leg waits before its request number `first` until the second has sent `second` requests. Then the second
 * waits until the first has ended. The second has keys of its own, by which its requests are known.
 */
async function interleave(
  ecs: LocalEcs,
  id: string,
  { first, second }: { first: number; second: number },
): Promise<Legs> {
  const sent: [number, number] = [0, 0]
  const imaged: [string[], string[]] = [[], []]
  const [secondIsFar, firstHasEnded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  ecs.intercept = async (phase, { action, dryRun, headers, code }) => {
    const leg = 'x-acs-security-token' in headers ? 1 : 0
    if (phase === 'after') {
      const isAccepted = action === 'CreateImage' && !dryRun && code === undefined
      if (isAccepted) imaged[leg].push(ecs.instance(id)?.status ?? 'gone')
      return
    }
    const number = sent[leg]++
    if (leg === 0 && number === first) await secondIsFar.promise
    if (leg === 1 && number === second) {
      secondIsFar.resolve()
      await firstHasEnded.promise
    }
  }
  const keys = ecs.session(ecs.account)
  const ownKeys = {
    'access-key-id': keys.accessKeyId,
    'access-key-secret': keys.accessKeySecret,
    'security-token': keys.securityToken,
  }
  const steps = await Promise.all([
    runMain(ecs, stopping(id), { run: { job: 'leg-1' } }).finally(firstHasEnded.resolve),
    runMain(ecs, stopping(id, ownKeys), { run: { job: 'leg-2' } }).finally(secondIsFar.resolve),
  ])
  return { steps, imaged }
}

/** Neither makes an image of a running instance without a word. */
function expectNoSilentImage({ steps, imaged }: Legs, at: string): void {
  for (const [leg, step] of steps.entries()) {
    for (const status of imaged[leg] ?? []) {
      if (status === 'Stopped') continue
      expect(step.warnings.join(), at).toMatch(/was started at about the time/)
    }
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('two legs of a matrix share one instance with stop-instance', () => {
  test('the second finds it started before its CreateImage: it says who may have done that, and creates nothing', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    let other: Step | undefined
    ecs.intercept = async (phase, { action }) => {
      if (phase !== 'after' || action !== 'DescribeInstances' || ecs.instance(id)?.status !== 'Stopped') return
      ecs.intercept = undefined
      // It takes the instance for one that a lost run left stopped.
      other = await runMain(ecs, stopping(id), { run: { job: 'leg-2' } })
    }
    const { kept, postState } = keeping()
    const step = await runMain(ecs, stopping(id), { run: { job: 'leg-1' }, postState })
    expect(other?.exitCode).toBe(0)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`Instance ${id} is Running and must be Stopped`)
    expect(errorOf(step)).toMatch(/another job, another workflow or a person/)
    expect(errorOf(step)).toContain('No image was created')
    expect(errorOf(step)).toContain('max-parallel: 1')
    expect(errorOf(step)).not.toMatch(/is stopped|on its way|may or may not/)
    expect(step.outputs).toMatchObject({ 'image-id': '' })
    expect(ecs.images().map((image) => image.id)).toEqual([other?.outputs['image-id']])
    // The post step finds it running, and takes the tag off.
    expect([...kept]).toEqual([id])
    expect(ecs.instance(id)?.status).toBe('Running')
  })

  test('the first starts it while ECS keeps the second waiting', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    const other = ecs.seed.image({ name: 'other', status: 'Creating', sourceInstanceId: id }).id
    ecs.change(id, { status: 'Stopped' })
    let asked = 0
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase !== 'after' || action !== 'CreateImage' || dryRun || ++asked < 3) return
      ecs.change(other, { status: 'Available' })
      ecs.change(id, { status: 'Running' })
    }
    const step = await runMain(ecs, stopping(id))
    expect(errorOf(step)).toContain(`Instance ${id} is Running and must be Stopped`)
    expect(ecs.images()).toHaveLength(1)
  })

  test('it is started between the last look and the request, or before a lost request is repeated: a warning', async () => {
    for (const kind of ['slow', 'internal-error'] as const) {
      const ecs = await localEcs()
      const { id } = ecs.seed.instance()
      ecs.intercept = (phase, { action, dryRun }) => {
        if (phase !== 'before' || action !== 'CreateImage' || dryRun) return
        ecs.intercept = undefined
        if (kind === 'internal-error') ecs.faults.add({ kind, action })
        ecs.change(id, { status: 'Running' })
      }
      const step = await runMain(ecs, stopping(id))
      expect(step.exitCode, kind).toBe(0)
      expect(step.warnings, kind).toEqual([expect.stringMatching(`${id} was started at about the time.*m-`)])
    }
  })

  const switches: Readonly<Record<string, LocalEcsOptions['switches']>> = {
    'one image of the instance at a time': { concurrentSnapshots: 'refused', creationSeconds: 8 },
    'several images of the instance at a time': { concurrentSnapshots: 'permitted', creationSeconds: 1 },
  }
  test.each(Object.entries(switches))('in any order of their requests, with %s', async (_, given) => {
    for (const first of [0, 4, 8, 12]) {
      for (const second of numbers(16)) {
        const ecs = await localEcs({
          switches: { startingSeconds: 1, stoppingSeconds: 1, ...given },
        })
        const { id } = ecs.seed.instance()
        expectNoSilentImage(await interleave(ecs, id, { first, second }), `${first}, ${second}`)
        await ecs.close()
      }
    }
  })
})

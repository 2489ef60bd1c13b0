/** What a user sees of errors: each with what to do, what passes sat out, and a cancelled step that can be gone on with. */
import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import { passingFaults } from '../local-ecs/faults.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { endOf, errorOf, localEcs, seedFamily, visibleWritesTo, watchFamily } from '../scene.ts'
import { type Moment, runMain, test } from './step.ts'

/** A scene for each mode, in which the step succeeds as long as nothing goes wrong. */
const scenes: Readonly<Record<string, (ecs: LocalEcs) => Inputs>> = {
  bake: (ecs) => ({ mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance().id, 'stop-instance': 'true' }),
  promote: (ecs) => {
    const [old] = seedFamily(ecs, ['web-1', 'web-2'])
    return { mode: 'promote', family: 'web', 'image-id': old.id, 'deprecate-newer': 'true' }
  },
  rollback: (ecs) => {
    seedFamily(ecs, ['web-1', 'web-2'])
    return { mode: 'rollback', family: 'web' }
  },
  resolve: (ecs) => {
    seedFamily(ecs, ['web-1', 'web-2'])
    return { mode: 'resolve', family: 'web' }
  },
}

describe('an error of ECS gives what, where, code, request ID and what to do', () => {
  const errors: readonly (readonly [mode: string, action: string, code: string, remedy: RegExp])[] = [
    ['resolve', 'DescribeImageFromFamily', 'Forbidden.RAM', /ecs:DescribeImageFromFamily/],
    ['resolve', 'DescribeImageFromFamily', 'InvalidRegionId.NotFound', /region-id/],
    ['resolve', 'DescribeImageFromFamily', 'InvalidAccessKeyId.NotFound', /access-key-id/],
    ['bake', 'CreateImage', 'InstanceLockedForSecurity', /security incident/],
    ['bake', 'CreateImage', 'QuotaExceed.Snapshot', /Delete snapshots/],
    ['bake', 'CreateImage', 'InvalidAccountStatus.NotEnoughBalance', /Top up/],
    ['bake', 'CreateImage', 'InvalidImageVersion.Malformed', /image-version/],
    ['bake', 'StopInstance', 'InstanceExpiredOrInArrears', /bills|Renew/],
    ['bake', 'DescribeInstances', 'Forbidden.RAM', /ecs:DescribeInstances/],
    ['promote', 'ModifyImageAttribute', 'ImageFamilyQuotaFull', /Use an existing `family`/],
    ['promote', 'TagResources', 'Forbidden.RAM', /ecs:TagResources/],
    ['promote', 'DescribeImageSharePermission', 'InvalidImageId.NotFound', /image-id/],
    ['rollback', 'TagResources', 'NoPermission.Tag', /ecs:TagResources/],
    ['rollback', 'ListTagResources', 'Forbbiden', /ecs:ListTagResources/],
    ['rollback', 'DescribeImages', 'SomethingNobodyHasEverSeen', /\S/],
  ]
  test.each(errors)('%s: %s answers %s', async (mode, action, code, remedy) => {
    const ecs = await localEcs()
    const inputs = scenes[mode]?.(ecs) ?? {}
    const served = watchFamily(ecs)
    // The first one only asks whether it is permitted.
    const nth = ['ModifyImageAttribute', 'CreateImage'].includes(action) ? 2 : 1
    ecs.faults.add({ kind: 'error', action, code, nth, times: Number.POSITIVE_INFINITY })
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(1)
    const error = errorOf(step)
    expect(step.errors).toHaveLength(1)
    expect(error).toContain(`${action} in cn-hangzhou: ECS answered ${code} (HTTP 4`)
    const answer = ecs.requests.find((request) => request.action === action)?.answer as { RequestId: string }
    expect(error).toMatch(/request ID [0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}/)
    expect(answer.RequestId).toMatch(/^[0-9A-F-]{36}$/)
    expect(error.split('\n').slice(1).join('\n')).toMatch(remedy)
    expect(error).not.toMatch(/ at .*\.(js|ts):\d+/)
    expect(ecs.requests.filter((request) => request.action === action && !request.dryRun)).toHaveLength(1)
    expect(step.summary).toContain('❌')
    expect(served).toHaveLength(1)
  })
})

interface Calm {
  readonly actions: ReadonlySet<string>
  readonly outputs: Readonly<Record<string, string>>
  readonly end: string
}

/** How a scene goes when nothing goes wrong: looked at once. */
const calmRuns = new Map<string, Calm>()
async function calm(mode: string, scene: (ecs: LocalEcs) => Inputs): Promise<Calm> {
  const known = calmRuns.get(mode)
  if (known) return known
  const ecs = await localEcs()
  const { outputs } = await runMain(ecs, scene(ecs))
  const run = { actions: new Set(ecs.requests.map(({ action }) => action)), outputs, end: endOf(ecs) }
  calmRuns.set(mode, run)
  return run
}

describe('passing trouble is sat out', () => {
  test.each(passingFaults)('%s, at every kind of request of every mode', async (kind) => {
    for (const [mode, scene] of Object.entries(scenes)) {
      const usual = await calm(mode, scene)
      const ecs = await localEcs()
      const inputs = scene(ecs)
      const served = watchFamily(ecs)
      for (const action of usual.actions) ecs.faults.add({ kind, action, retryAfter: 5 })
      const step = await runMain(ecs, inputs)
      expect([mode, errorOf(step)]).toEqual([mode, ''])
      expect(step.exitCode).toBe(0)
      const { 'creation-time': _, image: __, ...outputs } = step.outputs
      expect(usual.outputs).toMatchObject(outputs)
      expect(endOf(ecs)).toBe(usual.end)
      expect(served.length).toBeLessThanOrEqual(2)
      for (const action of usual.actions) {
        expect(ecs.requests.some((request) => request.action === action && request.fault === kind)).toBe(true)
      }
    }
  })

  test('a server that stays broken ends the step in time, and says so', async () => {
    const ecs = await localEcs()
    const inputs = scenes.rollback?.(ecs) ?? {}
    ecs.faults.add({ kind: 'unavailable', times: Number.POSITIVE_INFINITY })
    const began = performance.now()
    const step = await runMain(ecs, { ...inputs, 'wait-timeout-minutes': '0.02' })
    expect(step.exitCode).toBe(1)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(errorOf(step)).toContain('ServiceUnavailable')
  })

  test('an answer that was lost makes no second image, with the token remembered or not', async () => {
    for (const tokenMemorySeconds of [Number.POSITIVE_INFINITY, 0]) {
      const ecs = await localEcs({ switches: { tokenMemorySeconds } })
      ecs.faults.add({ kind: 'reset-after', action: 'CreateImage', nth: 2 })
      const { id } = ecs.seed.instance({ status: 'Stopped' })
      ecs.switches.concurrentSnapshots = 'permitted'
      const step = await runMain(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
      expect(step.exitCode).toBe(0)
      expect(ecs.images().map((image) => image.id)).toEqual([step.outputs['image-id']])
    }
  })
})

describe('a step that is cancelled', () => {
  test('between two withdrawals leaves the rest, and a re-run completes them', async () => {
    const ecs = await localEcs()
    const [first, second, third] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const inputs = { mode: 'rollback', family: 'web', 'to-image-id': first.id }
    const cancelledAt: Moment = (phase, { action, dryRun }) =>
      phase === 'after' && action === 'ModifyImageAttribute' && !dryRun
    const step = await runMain(ecs, inputs, { cancelledAt })
    expect(step.exitCode).toBe(1)
    expect(visibleWritesTo(ecs)).toEqual([`${second.id} Deprecated`])
    expect(ecs.current('web')).toBe(third.id)
    expect(errorOf(step)).toContain('cancelled')
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([second.id]))
    const again = await runMain(ecs, inputs, { run: { attempt: 2 } })
    expect(again.exitCode).toBe(0)
    expect(ecs.current('web')).toBe(first.id)
  })

  test('before anything was done changes nothing', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    const before = ecs.state()
    const cancelledAt: Moment = (_, { action }) => action === 'DescribeImages'
    const step = await runMain(ecs, { mode: 'rollback', family: 'web' }, { cancelledAt })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('Nothing was changed')
    expect(ecs.state()).toEqual(before)
  })
})

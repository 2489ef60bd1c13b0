import type { ChildProcess } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { endOf, errorOf, localEcs, seedFamily, visibleWritesTo, watchFamily, writesTo } from '../scene.ts'
import { type Inputs, runStep } from './runner.ts'
import { everythingOf, test } from './scene.ts'

type FaultKind = Parameters<LocalEcs['faults']['add']>[0]['kind']

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
    const nth = action === 'ModifyImageAttribute' ? 2 : 1
    ecs.faults.add({ kind: 'error', action, code, nth, times: Number.POSITIVE_INFINITY })
    const step = await runStep(ecs, inputs)
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
    for (const { status } of Object.values(ecs.state()['cn-hangzhou']?.instances ?? {})) expect(status).toBe('Running')
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
  const { outputs } = await runStep(ecs, scene(ecs), { post: false })
  const run = { actions: new Set(ecs.requests.map(({ action }) => action)), outputs, end: endOf(ecs) }
  calmRuns.set(mode, run)
  return run
}

describe('passing trouble is sat out', () => {
  const kinds: readonly FaultKind[] = [
    'throttling',
    'throttling-retry-after',
    'internal-error',
    'unavailable',
    'html',
    'broken-json',
    'empty',
    'reset-before',
    'reset-after',
  ]
  test.each(kinds)('%s, at every kind of request of every mode', async (kind) => {
    for (const [mode, scene] of Object.entries(scenes)) {
      const usual = await calm(mode, scene)
      const ecs = await localEcs()
      const inputs = scene(ecs)
      const served = watchFamily(ecs)
      for (const action of usual.actions) ecs.faults.add({ kind, action, retryAfter: 5 })
      const step = await runStep(ecs, inputs, { post: false })
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
    const step = await runStep(ecs, { ...inputs, 'wait-timeout-minutes': '0.02' })
    expect(step.exitCode).toBe(1)
    expect(step.took).toBeLessThan(5_000)
    expect(errorOf(step)).toContain('ServiceUnavailable')
  })

  test('an answer that was lost makes no second image, with the token remembered or not', async () => {
    for (const tokenMemorySeconds of [Number.POSITIVE_INFINITY, 0]) {
      const ecs = await localEcs({ switches: { tokenMemorySeconds } })
      ecs.faults.add({ kind: 'reset-after', action: 'CreateImage' })
      const { id } = ecs.seed.instance({ status: 'Stopped' })
      ecs.switches.concurrentSnapshots = 'permitted'
      const step = await runStep(ecs, { mode: 'bake', family: 'web', 'instance-id': id })
      expect(step.exitCode).toBe(0)
      expect(ecs.images().map((image) => image.id)).toEqual([step.outputs['image-id']])
    }
  })
})

describe('secrets appear nowhere but in masks', () => {
  const kinds: readonly FaultKind[] = [
    'throttling',
    'internal-error',
    'unavailable',
    'html',
    'broken-json',
    'empty',
    'reset-before',
    'reset-after',
    'error',
    'signature-echo',
  ]
  test.each(kinds)('when ECS answers every request with %s', async (kind) => {
    const everywhere = kind === 'error' || kind === 'signature-echo'
    for (const scene of everywhere ? Object.values(scenes) : [scenes.bake]) {
      if (!scene) throw new Error('There is no such scene.')
      const ecs = await localEcs()
      const { accessKeyId, accessKeySecret, securityToken } = ecs.session(ecs.account)
      const inputs = scene(ecs)
      ecs.faults.add({ kind, code: 'Forbidden.RAM', times: Number.POSITIVE_INFINITY })
      const keys = {
        'access-key-id': accessKeyId,
        'access-key-secret': accessKeySecret,
        'security-token': securityToken,
      }
      const step = await runStep(ecs, { ...inputs, ...keys, 'wait-timeout-minutes': '0.001' }, { post: false })
      expect(step.exitCode).toBe(1)
      expect(step.masks).toEqual([accessKeySecret, securityToken])
      const printed = everythingOf(step)
      expect(printed).not.toContain(accessKeySecret)
      expect(printed).not.toContain(securityToken)
    }
  })

  test('when the secret is the wrong one, and ECS echoes what was signed', async () => {
    const ecs = await localEcs()
    const { securityToken, accessKeyId } = ecs.session(ecs.account)
    const inputs = { ...scenes.resolve?.(ecs), 'access-key-id': accessKeyId, 'security-token': securityToken }
    const step = await runStep(ecs, { ...inputs, 'access-key-secret': 'not-the-secret-of-this-key' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('SignatureDoesNotMatch')
    expect(everythingOf(step)).not.toContain('not-the-secret-of-this-key')
    expect(everythingOf(step)).not.toContain(securityToken)
    expect(everythingOf(step)).not.toContain('x-acs-security-token')
  })

  test('in the post step either', async () => {
    const ecs = await localEcs({ switches: { failNextImages: 1 } })
    const { accessKeyId, accessKeySecret, securityToken } = ecs.session(ecs.account)
    const inputs = scenes.bake?.(ecs) ?? {}
    ecs.faults.add({ kind: 'signature-echo', action: 'StartInstance', times: 9 })
    const step = await runStep(ecs, {
      ...inputs,
      'access-key-id': accessKeyId,
      'access-key-secret': accessKeySecret,
      'security-token': securityToken,
    })
    expect(step.post.exitCode).toBe(1)
    expect(step.post.masks).toEqual([accessKeySecret, securityToken])
    expect(everythingOf(step)).not.toContain(accessKeySecret)
    expect(everythingOf(step)).not.toContain(securityToken)
  })
})

/**
 * Sends a signal at the nth request of an API, before it is carried out or after, and counts the writes until then. The
 * answer is held back until the process has the signal for certain.
 */
function signalAt(
  ecs: LocalEcs,
  signal: NodeJS.Signals,
  { action, nth = 1, phase: wanted = 'after' }: { action: string; nth?: number; phase?: 'before' | 'after' },
) {
  let child: ChildProcess | undefined
  let seen = 0
  const sent = { at: 0, writesBefore: 0 }
  ecs.intercept = async (phase, request) => {
    if (phase !== wanted || request.action !== action) return
    seen += 1
    if (seen !== nth) return
    sent.at = performance.now()
    sent.writesBefore = writesTo(ecs).length
    child?.kill(signal)
    await setTimeout(50)
  }
  return { sent, onStart: (started: ChildProcess) => (child = started) }
}

describe('cancellation', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s during a wait ends the step at once, says what goes on, and starts nothing new',
    async (signal) => {
      const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
      const { id } = ecs.seed.instance()
      const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' }
      const { sent, onStart } = signalAt(ecs, signal, { action: 'DescribeImages', nth: 8 })
      let writesOfMain = 0
      const step = await runStep(ecs, inputs, {
        onStart: (child) => {
          onStart(child)
          child.once('exit', () => {
            writesOfMain = writesTo(ecs).length
          })
        },
      })
      expect(sent.at).toBeGreaterThan(0)
      expect(step.exitCode).toBe(1)
      expect(writesOfMain).toBe(sent.writesBefore)
      const image = ecs.images()[0]?.id
      expect(errorOf(step)).toContain('The step was cancelled')
      expect(errorOf(step)).toContain(`ECS is still creating image ${image}`)
      expect(errorOf(step)).toContain(`Instance ${id} is stopped. The post step of this action starts it again.`)
      expect(step.outputs['image-id']).toBe(image)
      expect(step.took).toBeLessThan(5_000)
      expect(step.post.exitCode).toBe(0)
      expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
    },
  )

  test('while ECS does not answer ends the step within five seconds', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    ecs.faults.add({ kind: 'slow', action: 'DescribeImages', nth: 8, seconds: 20 })
    const { sent, onStart } = signalAt(ecs, 'SIGTERM', { action: 'DescribeImages', nth: 8, phase: 'before' })
    const step = await runStep(ecs, { mode: 'bake', family: 'web', 'instance-id': id }, { onStart, post: false })
    expect(performance.now() - sent.at).toBeLessThan(5_000)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`ECS is still creating image ${ecs.images()[0]?.id}`)
  })

  test('while CreateImage is not answered says that an image may be on its way', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    ecs.faults.add({ kind: 'slow', action: 'CreateImage', seconds: 20 })
    const { sent, onStart } = signalAt(ecs, 'SIGINT', { action: 'CreateImage', phase: 'before' })
    const step = await runStep(ecs, { mode: 'bake', family: 'web', 'instance-id': id }, { onStart, post: false })
    expect(performance.now() - sent.at).toBeLessThan(5_000)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/CreateImage|create image|creating image/)
  })

  test('between two withdrawals leaves the rest, and a re-run completes them', async () => {
    const ecs = await localEcs()
    const [first, second, third] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const inputs = { mode: 'rollback', family: 'web', 'to-image-id': first.id }
    const { onStart } = signalAt(ecs, 'SIGINT', { action: 'ModifyImageAttribute', nth: 3, phase: 'after' })
    const step = await runStep(ecs, inputs, { onStart })
    expect(step.exitCode).toBe(1)
    expect(visibleWritesTo(ecs)).toEqual([`${second.id} Deprecated`])
    expect(ecs.current('web')).toBe(third.id)
    expect(errorOf(step)).toContain('cancelled')
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([second.id]))
    ecs.intercept = undefined
    const again = await runStep(ecs, inputs, { run: { attempt: 2 } })
    expect(again.exitCode).toBe(0)
    expect(ecs.current('web')).toBe(first.id)
  })

  test('before anything was done changes nothing', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    const before = ecs.state()
    const { onStart } = signalAt(ecs, 'SIGTERM', { action: 'DescribeImages', phase: 'before' })
    const step = await runStep(ecs, { mode: 'rollback', family: 'web' }, { onStart })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('Nothing was changed')
    expect(ecs.state()).toEqual(before)
  })

  const moments = [
    { action: 'StopInstance', phase: 'before' },
    { action: 'StopInstance', phase: 'after' },
    { action: 'CreateImage', phase: 'after' },
    { action: 'StartInstance', phase: 'before' },
  ] as const
  test.each(moments)('by SIGKILL, at $action ($phase), leaves the start to the post step', async (moment) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ tags: { team: 'web' } })
    const { onStart } = signalAt(ecs, 'SIGKILL', moment)
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' }
    const step = await runStep(ecs, inputs, { onStart })
    expect(step.signal).toBe('SIGKILL')
    expect(step.post.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: { team: 'web' } })
  })
})

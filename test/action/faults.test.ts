/** What only a process shows when things go wrong: what it prints of secrets, and how it ends on a signal. */
import { describe, expect } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { oneOfEach, stoppingBake } from '../scenarios.ts'
import { errorOf, localEcs, writesTo } from '../scene.ts'
import { runStep } from './runner.ts'
import { everythingOf, signalAt, test } from './scene.ts'

type FaultKind = Parameters<LocalEcs['faults']['add']>[0]['kind']

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
    for (const { arrange } of everywhere ? oneOfEach : [stoppingBake]) {
      const ecs = await localEcs()
      const { accessKeyId, accessKeySecret, securityToken } = ecs.session(ecs.account)
      const inputs = arrange(ecs)
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
    const inputs = { mode: 'resolve', family: 'web', 'access-key-id': accessKeyId, 'security-token': securityToken }
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
    const inputs = stoppingBake.arrange(ecs)
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
    ecs.faults.add({ kind: 'slow', action: 'CreateImage', nth: 2, seconds: 20 })
    const { sent, onStart } = signalAt(ecs, 'SIGINT', { action: 'CreateImage', nth: 2, phase: 'before' })
    const step = await runStep(ecs, { mode: 'bake', family: 'web', 'instance-id': id }, { onStart, post: false })
    expect(performance.now() - sent.at).toBeLessThan(5_000)
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/CreateImage|create image|creating image/)
  })
})

/** An instance that the main step has stopped and did not come to start: the post step starts it, whatever happened. */
import { describe, expect } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, writesTo } from '../scene.ts'
import { runStep } from './runner.ts'
import { signalAt, test } from './scene.ts'

const inputs = (id: string) => ({ mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' })

describe('the post step', () => {
  test('has nothing to do where the main step has started the instance, or stopped none', async () => {
    const ecs = await localEcs()
    const [running, stopped] = [ecs.seed.instance({ tags: { team: 'web' } }), ecs.seed.instance({ status: 'Stopped' })]
    const first = await runStep(ecs, inputs(running.id))
    expect(first).toMatchObject({ exitCode: 0, warnings: [], post: { exitCode: 0, stdout: '' } })
    expect(ecs.instance(running.id)).toMatchObject({ status: 'Running', tags: { team: 'web' } })
    const second = await runStep(ecs, inputs(stopped.id), { run: { id: 1002 } })
    expect(second).toMatchObject({ exitCode: 0, post: { exitCode: 0, stdout: '' } })
    expect(ecs.instance(stopped.id)?.status).toBe('Stopped')
    expect(writesTo(ecs).filter((write) => write === 'StartInstance')).toHaveLength(1)
  })

  const failing = {
    'CreateImage is refused': (ecs: LocalEcs) =>
      ecs.faults.add({ kind: 'error', code: 'QuotaExceed.Image', action: 'CreateImage', nth: 2 }),
    'the image fails': (ecs: LocalEcs) => (ecs.switches.failNextImages = 1),
    'reading fails': (ecs: LocalEcs) =>
      ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'DescribeImages', nth: 4, times: 3 }),
  }
  test.each(Object.entries(failing))('starts the instance in the post step when %s', async (_, fail) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    fail(ecs)
    const step = await runStep(ecs, inputs(id))
    expect(step.exitCode).toBe(1)
    const fact = `Instance ${id} is stopped. The post step of this action starts it again.`
    expect(errorOf(step)).toContain(fact)
    expect(step.summary).toContain(fact)
    expect(step.post.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
    expect(step.post.log).toContain(`Instance ${id} is running`)
  })

  test('starts the instance in the post step after a time-out', async () => {
    const ecs = await localEcs({ switches: { creationSeconds: Number.POSITIVE_INFINITY } })
    const { id } = ecs.seed.instance()
    const step = await runStep(ecs, { ...inputs(id), 'wait-timeout-minutes': '0.04' })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain(`Instance ${id} is stopped. The post step of this action starts it again.`)
    expect(step.post.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: {} })
  })

  test('says where to start the instance when the post step cannot', async () => {
    const ecs = await localEcs({ switches: { startNoStock: 'always' } })
    const { id } = ecs.seed.instance()
    const step = await runStep(ecs, inputs(id))
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('OperationDenied.NoStock')
    expect(step.post.exitCode).toBe(1)
    const error = step.post.errors.join()
    expect(error).toContain(`Instance ${id} in cn-hangzhou may still be stopped`)
    expect(error).toContain(`https://ecs.console.aliyun.com/server/${id}/detail?regionId=cn-hangzhou`)
    expect(step.post.summary).toContain('may still be stopped')
    expect(ecs.instance(id)?.status).toBe('Stopped')
  })

  const moments = [
    { action: 'StopInstance', phase: 'before' },
    { action: 'StopInstance', phase: 'after' },
    { action: 'CreateImage', nth: 2, phase: 'after' },
    { action: 'StartInstance', phase: 'before' },
  ] as const
  test.each(moments)('starts the instance after a SIGKILL at $action ($phase)', async (moment) => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ tags: { team: 'web' } })
    const { onStart } = signalAt(ecs, 'SIGKILL', moment)
    const step = await runStep(ecs, inputs(id), { onStart })
    expect(step.signal).toBe('SIGKILL')
    expect(step.post.exitCode).toBe(0)
    expect(ecs.instance(id)).toMatchObject({ status: 'Running', tags: { team: 'web' } })
  })
})

/** An old Node is refused before the first request. The tests run on Node 24, so a preload gives it another version. */
import { describe, expect } from 'vitest'
import { localEcs, seedFamily } from '../scene.ts'
import { actionFile, connectionTo, runStage, runStep } from './runner.ts'
import { test } from './scene.ts'

/** Node that says it is 20.20.2. */
const preload = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`
const oldNode = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` }

const refusal = 'This step runs on Node 20.20.2, but this action needs Node 24 or later. No request was made.'

describe('an old Node', () => {
  test('is refused by the main step: one line, and no request', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const inputs = { mode: 'resolve', family: 'web' }
    const step = await runStep(ecs, inputs, { env: oldNode })
    expect(step.exitCode).toBe(1)
    expect(step.errors).toEqual([expect.stringContaining(refusal)])
    expect(step.errors[0]).toContain('update the runner')
    expect(step.stdout.split('\n')).toHaveLength(2)
    expect(step.stderr).toBe('')
    expect(step.outputs).toEqual({})
    expect(ecs.requests).toEqual([])
    // The main step has stopped nothing, so the post step has nothing to say.
    expect([step.post.exitCode, step.post.stdout]).toEqual([0, ''])
    expect((await runStep(ecs, inputs)).exitCode).toBe(0)
  })

  test('is refused by the post step, which names the instance that may still be stopped', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance({ status: 'Stopped' })
    const state = { 'STATE_stopped-instance': JSON.stringify({ region: 'cn-hangzhou', instance: id }) }
    const post = await runStage(actionFile.runs.post, connectionTo(ecs), { env: { ...state, ...oldNode } })
    expect(post.exitCode).toBe(1)
    expect(post.errors).toEqual([expect.stringContaining(refusal)])
    expect(post.errors[0]).toContain(`Instance ${id} in cn-hangzhou may still be stopped.`)
    expect(ecs.requests).toEqual([])
  })
})

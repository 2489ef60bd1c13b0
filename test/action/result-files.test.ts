/** Files of the runner that cannot be written: what became of the family is told all the same. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { errorOf, localEcs, seedFamily } from '../scene.ts'
import { runStep } from './runner.ts'
import { test } from './scene.ts'

const folder = mkdtempSync(join(tmpdir(), 'result-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Asserts that the log has both, in this order. */
function expectInOrder(log: string, first: string, second: string): void {
  expect(log).toContain(first)
  expect(log.slice(log.indexOf(first))).toContain(second)
}

describe('a summary that cannot be written', () => {
  const lost = 'The job summary could not be written:'

  test('is a warning after the result of a success', async () => {
    const ecs = await localEcs()
    const [image] = seedFamily(ecs, ['web-1', 'web-2'])
    const step = await runStep(ecs, { mode: 'rollback', family: 'web' }, { env: { GITHUB_STEP_SUMMARY: folder } })
    expect([step.exitCode, step.errors]).toEqual([0, []])
    expect(step.warnings).toEqual([expect.stringMatching(/EISDIR.*\. The result in the log stands\.$/)])
    expectInOrder(step.log, 'now serves web-1', lost)
    expect(step.outputs).toMatchObject({ 'image-id': image.id, changed: 'true' })
  })

  test('is a warning after a refusal, which stays a failure', async () => {
    const ecs = await localEcs()
    const env = { GITHUB_STEP_SUMMARY: join(folder, 'missing') }
    const step = await runStep(ecs, { mode: 'rollback', family: 'web' }, { env })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toContain('[family-empty]')
    expectInOrder(step.log, '[family-empty]', lost)
    expect(step.outputs).toMatchObject({ changed: 'false' })
  })

  test('is a warning where GitHub would drop it for its size', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1'])
    const path = join(folder, 'full')
    const before = 'x'.repeat(1024 * 1024)
    writeFileSync(path, before)
    const step = await runStep(ecs, { mode: 'resolve', family: 'web' }, { env: { GITHUB_STEP_SUMMARY: path } })
    expect([step.exitCode, step.errors]).toEqual([0, []])
    expect(step.warnings).toEqual([expect.stringMatching(/it has \d+ bytes, and GitHub shows at most 1048576\./)])
    expect(readFileSync(path, 'utf8')).toBe(before)
  })
})

describe('outputs that cannot be written', () => {
  const lost = 'The outputs could not be written:'

  test('fail the step after the bake is done, told and on the page', async () => {
    const ecs = await localEcs()
    const { id } = ecs.seed.instance()
    const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' }
    const step = await runStep(ecs, inputs, { env: { GITHUB_OUTPUT: folder } })
    const image = ecs.current('web') ?? ''
    expect(ecs.image(image)).toMatchObject({ status: 'Available' })
    expect(ecs.instance(id)?.status).toBe('Running')
    expect(step.exitCode).toBe(1)
    expect(step.errors).toEqual([expect.stringMatching(/EISDIR/)])
    expect(step.errors[0]).toContain('re-run this job')
    expectInOrder(step.log, `(${image})`, lost)
    expect(step.summary).toContain('### ✅ bake')
    const again = await runStep(ecs, inputs, { run: { attempt: 2 } })
    expect([again.exitCode, again.outputs['image-id'], ecs.images().length]).toEqual([0, image, 1])
  })

  test('are told after what went wrong before', async () => {
    const ecs = await localEcs()
    const step = await runStep(ecs, { mode: 'rollback', family: 'web' }, { env: { GITHUB_OUTPUT: folder } })
    expect(step.exitCode).toBe(1)
    expect(step.errors).toEqual([expect.stringContaining('[family-empty]'), expect.stringContaining(lost)])
  })
})

test('a state that cannot be taken back is no failure: the post step looks at the instance', async () => {
  const ecs = await localEcs()
  const { id } = ecs.seed.instance()
  const path = join(folder, 'state')
  writeFileSync(path, '')
  ecs.intercept = (_phase, { action }) => {
    if (action === 'StartInstance') rmSync(path, { force: true })
  }
  const inputs = { mode: 'bake', family: 'web', 'instance-id': id, 'stop-instance': 'true' }
  const step = await runStep(ecs, inputs, { env: { GITHUB_STATE: path } })
  expect([step.exitCode, step.errors]).toEqual([0, []])
  expect(step.outputs['image-id']).toBe(ecs.current('web'))
})

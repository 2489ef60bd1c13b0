/** An identity that may not change images is refused before anything is written, with one region as with several. */
import { describe, expect, test } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, seedFamily, writesTo } from '../scene.ts'
import { runMain } from './step.ts'

const denial = { kind: 'error', status: 403, code: 'Forbidden.RAM', message: 'Not authorized.' } as const

/** ECS with a family of two images, and one to promote. Every change of an image is denied, also as a dry run. */
async function arrange(): Promise<{ ecs: LocalEcs; inputs: Readonly<Record<string, Inputs>> }> {
  const ecs = await localEcs()
  const [old] = seedFamily(ecs, ['web-1', 'web-2'])
  ecs.seed.image({ family: 'web-candidate', name: 'web-3' })
  ecs.intercept = (phase, { action }) => {
    if (phase === 'before' && action === 'ModifyImageAttribute') ecs.faults.add({ ...denial, action })
  }
  const promote = { mode: 'promote', family: 'web' }
  return {
    ecs,
    inputs: {
      'promote from a candidate': { ...promote, 'from-family': 'web-candidate' },
      'promote an older image': { ...promote, 'image-id': old.id, 'deprecate-newer': 'true' },
      rollback: { mode: 'rollback', family: 'web' },
    },
  }
}

describe.each(['promote from a candidate', 'promote an older image', 'rollback'])('%s', (name) => {
  test.each(['true', 'false'])('with dry-run: %s', async (dryRun) => {
    const { ecs, inputs } = await arrange()
    const step = await runMain(ecs, { ...inputs[name], 'dry-run': dryRun })
    expect(step.exitCode).toBe(1)
    expect(errorOf(step)).toMatch(/ECS would not .*Forbidden\.RAM.*ecs:ModifyImageAttribute/s)
    expect(writesTo(ecs)).toEqual([])
  })
})

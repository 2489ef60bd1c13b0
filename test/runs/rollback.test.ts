import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, seedFamily, visibleWritesTo, watchFamily, writesTo } from '../scene.ts'
import { afterRequest, runMain, test } from './step.ts'

const rollback = (more: Inputs = {}) => ({ mode: 'rollback', family: 'web', ...more })

/** The step is to fail, and to leave everything as it was. */
async function refused(ecs: LocalEcs, inputs: Inputs, run = {}): Promise<string> {
  const before = ecs.state()
  const written = writesTo(ecs).length
  const step = await runMain(ecs, inputs, { run })
  expect(step.exitCode).toBe(1)
  expect(writesTo(ecs)).toHaveLength(written)
  expect(ecs.state()).toEqual(before)
  expect(step.outputs).toMatchObject({ changed: 'false', 'deprecated-image-ids': '[]' })
  expect(step.summary).toContain('❌')
  return errorOf(step)
}

describe('the family falls back', () => {
  test('to the newest available image before the current one, and the answer changes exactly once', async () => {
    const ecs = await localEcs()
    const [, older, , current] = seedFamily(ecs, ['web-1', 'web-2', 'gone', 'web-4'], {
      each: { gone: { status: 'Deprecated' } },
    })
    const served = watchFamily(ecs)
    const step = await runMain(ecs, rollback())
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(served).toEqual([current.id, older.id])
    expect(visibleWritesTo(ecs)).toEqual([`${current.id} Deprecated`])
    expect(step.outputs).toMatchObject({
      'image-id': older.id,
      'current-image-id': older.id,
      'previous-image-id': current.id,
      'deprecated-image-ids': JSON.stringify([current.id]),
      'pending-image-ids': '[]',
      'affected-instance-ids': JSON.stringify({ 'cn-hangzhou': [] }),
      changed: 'true',
      'image-name': 'web-2',
    })
    expect(ecs.image(current.id)?.tags['image-family:decision']).toMatch(/^done rollback 1001-/)
  })

  test('to a named image: whatever is newer goes, oldest first and the current one last', async () => {
    const ecs = await localEcs()
    const [target, second, third, current] = seedFamily(ecs, ['web-1', 'web-2', 'web-3', 'web-4'])
    const served = watchFamily(ecs)
    const step = await runMain(ecs, rollback({ 'to-image-id': target.id }))
    expect(step.exitCode).toBe(0)
    expect(visibleWritesTo(ecs)).toEqual([second, third, current].map(({ id }) => `${id} Deprecated`))
    expect(served).toEqual([current.id, target.id])
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([second.id, third.id, current.id]))
  })

  test('to a named image that is deprecated: it is restored before the first one goes', async () => {
    const ecs = await localEcs()
    const [target, , current] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'], {
      each: { 'web-1': { status: 'Deprecated' } },
    })
    const served = watchFamily(ecs)
    expect((await runMain(ecs, rollback({ 'to-image-id': target.id }))).exitCode).toBe(0)
    expect(visibleWritesTo(ecs)[0]).toBe(`${target.id} Available`)
    expect(served).toEqual([current.id, target.id])
  })

  test('to the current image: nothing changes', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const step = await runMain(ecs, rollback({ 'to-image-id': current.id }))
    expect(step.exitCode).toBe(0)
    expect(step.outputs).toMatchObject({ changed: 'false', 'image-id': current.id, 'deprecated-image-ids': '[]' })
    expect(writesTo(ecs)).toEqual([])
  })

  test('to nothing, where allow-empty permits it', async () => {
    const ecs = await localEcs()
    const [only] = seedFamily(ecs, ['only'])
    const step = await runMain(ecs, rollback({ 'allow-empty': 'true' }))
    expect(step.exitCode).toBe(0)
    expect(ecs.current('web')).toBeUndefined()
    expect(step.outputs).toMatchObject({
      'image-id': '',
      'current-image-id': '',
      'current-image-ids': '{}',
      'previous-image-id': only.id,
      'deprecated-image-ids': JSON.stringify([only.id]),
      changed: 'true',
    })
  })

  test('and the reason is kept on what was withdrawn', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const reason = `see https://wiki.example/incident?id=7 ${'x'.repeat(200)}`
    const step = await runMain(ecs, rollback({ reason }))
    expect(step.exitCode).toBe(0)
    const kept = ecs.image(current.id)?.tags['image-family:reason']
    expect(kept).toMatch(/^see https:wiki\.example\/incident\?id=7 x+$/)
    expect(kept).toHaveLength(128)
    expect(ecs.image(older.id)?.tags).not.toHaveProperty('image-family:reason')
  })

  test('and the reason is shown in the summary', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    expect((await runMain(ecs, rollback({ reason: 'login is broken' }))).summary).toContain('login is broken')
  })

  test('whatever the reason, address or not', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    expect((await runMain(ecs, rollback({ reason: 'see http:////wiki' }))).exitCode).toBe(0)
  })

  test('and the instances that still run what was withdrawn are listed, all pages of them', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const running = Array.from({ length: 103 }, () => ecs.seed.instance({ imageId: current.id }).id)
    ecs.seed.instance({ imageId: older.id })
    const step = await runMain(ecs, rollback())
    const affected = JSON.parse(step.outputs['affected-instance-ids'] ?? '') as Record<string, string[]>
    expect(new Set(affected['cn-hangzhou'])).toEqual(new Set(running))
    expect(step.notices.join()).toContain(running[102])
  })

  test('with a warning alone where the instances cannot be listed', async () => {
    const ecs = await localEcs()
    const [older] = seedFamily(ecs, ['web-1', 'web-2'])
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'DescribeInstances', times: 9 })
    const step = await runMain(ecs, rollback())
    expect(step.exitCode).toBe(0)
    expect(step.warnings).toEqual([expect.stringContaining('Could not list the instances')])
    expect(step.outputs['image-id']).toBe(older.id)
  })
})

describe('it is refused, and nothing changes', () => {
  test('when the only available image would go; what helps is said', async () => {
    const ecs = await localEcs()
    const [deprecated, only] = seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-1': { status: 'Deprecated' } } })
    const error = await refused(ecs, rollback())
    expect(error).toContain(only.id)
    expect(error).toContain(`to-image-id: ${deprecated.id}`)
  })

  test('when the family resolves to nothing', async () => {
    const ecs = await localEcs()
    const [image] = seedFamily(ecs, ['web-1'], { each: { 'web-1': { status: 'Deprecated' } } })
    expect(await refused(ecs, rollback())).toContain(`image-id: ${image.id}`)
    expect(await refused(ecs, rollback({ family: 'unknown' }))).toContain('has no images')
  })

  test('when the image to fall back to is not in the family, newer, failed or unfinished', async () => {
    const ecs = await localEcs()
    const [failed, current, newer, pending] = seedFamily(ecs, ['web-1', 'web-2', 'web-3', 'web-4'], {
      each: { 'web-1': { status: 'CreateFailed' }, 'web-3': { status: 'Deprecated' }, 'web-4': { status: 'Creating' } },
    })
    const other = ecs.seed.image({ family: 'api' })
    expect(ecs.current('web')).toBe(current.id)
    const to = (id: string) => rollback({ 'to-image-id': id })
    expect(await refused(ecs, to(other.id))).toContain('[image-not-in-family]')
    expect(await refused(ecs, to('m-bp1000000000000000gone'))).toContain('[image-not-in-family]')
    expect(await refused(ecs, to(newer.id))).toMatch(/\[image-newer\][\s\S]*mode: promote/)
    expect(await refused(ecs, to(failed.id))).toContain('CreateFailed')
    expect(await refused(ecs, to(pending.id))).toContain('Creating')
  })

  test('when the current image is not the expected one', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    expect(await refused(ecs, rollback({ 'expected-image-id': older.id }))).toContain(current.id)
    const step = await runMain(ecs, rollback({ 'expected-image-id': current.id }))
    expect(step.outputs['image-id']).toBe(older.id)
  })

  test('when images of the same second leave the order open; both are named', async () => {
    const createdAt = '2026-03-01T00:00:00Z'
    const ecs = await localEcs()
    const twins = [ecs.seed.image({ family: 'web', createdAt }), ecs.seed.image({ family: 'web', createdAt })]
    const tied = await refused(ecs, rollback())
    for (const { id } of twins) expect(tied).toContain(id)
    ecs.seed.image({ family: 'web', createdAt: '2026-03-02' })
    const behind = await refused(ecs, rollback())
    for (const { id } of twins) expect(behind).toContain(id)
    expect(await refused(ecs, rollback({ 'to-image-id': twins[0]?.id ?? '' }))).toContain(twins[1]?.id)
  })

  test('when something to deprecate is shared', async () => {
    const ecs = await localEcs()
    const friend = ecs.addAccount()
    const [first, second] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'], {
      each: { 'web-2': { sharedWith: [friend.uid] } },
    })
    const error = await refused(ecs, rollback({ 'to-image-id': first.id }))
    expect(error).toContain(second.id)
    expect(error).toContain(friend.uid)
    expect(error).toMatch(/unshare: true[\s\S]*quarantine-family/)
  })

  test('when ECS says that a change would not be permitted', async () => {
    const ecs = await localEcs()
    const [first] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', action: 'ModifyImageAttribute', nth: 2, times: 9 })
    const error = await refused(ecs, rollback({ 'to-image-id': first.id }))
    expect(error).toContain('Forbidden.RAM')
    expect(error).toContain('ecs:ModifyImageAttribute')
    expect(error).toContain('Nothing was changed')
    expect(ecs.requests.filter(({ action }) => action === 'ModifyImageAttribute').every(({ dryRun }) => dryRun)).toBe(
      true,
    )
  })

  test('when the quarantine family serves an image that was never withdrawn', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    const live = ecs.seed.image({ family: 'api' })
    expect(await refused(ecs, rollback({ 'quarantine-family': 'api' }))).toContain(live.id)
  })

  test('when there is no room for a mark, unless the image to fall back to is named', async () => {
    const ecs = await localEcs()
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key-${index}`, 'x']))
    const [older] = seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-2': { tags } } })
    expect(await refused(ecs, rollback())).toMatch(/20 tags[\s\S]*key-\d+[\s\S]*to-image-id/)
    const step = await runMain(ecs, rollback({ 'to-image-id': older.id }))
    expect(step.exitCode).toBe(0)
    expect(step.warnings.join()).toContain('The decision is not recorded on')
    expect(ecs.current('web')).toBe(older.id)
  })

  test('when another run has fallen back to the current image within half an hour', async () => {
    const ecs = await localEcs()
    const [first, second] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    await runMain(ecs, rollback())
    expect(ecs.current('web')).toBe(second.id)
    const error = await refused(ecs, rollback(), { id: 2002 })
    expect(error).toContain('run 1001')
    expect(error).toContain(`expected-image-id: ${second.id}`)
    ecs.clock.advance(29 * 60)
    await refused(ecs, rollback(), { id: 2003 })
    ecs.clock.advance(2 * 60)
    expect((await runMain(ecs, rollback(), { run: { id: 2004 } })).outputs['image-id']).toBe(first.id)
  })

  test('when another run has fallen back to the current image by quarantine', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    await runMain(ecs, rollback({ 'quarantine-family': 'web-bad' }))
    await refused(ecs, rollback(), { id: 2002 })
  })
})

test('saying which image is expected is enough for a second run to fall back further', async () => {
  const ecs = await localEcs()
  const [first, second] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
  await runMain(ecs, rollback())
  const step = await runMain(ecs, rollback({ 'expected-image-id': second.id }), { run: { id: 2002 } })
  expect(step.outputs['image-id']).toBe(first.id)
})

test('two steps of one job are two decisions, and stay so in a re-run', async () => {
  const ecs = await localEcs()
  const [first, second] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
  const [one, two] = [{ run: { step: 'one' } }, { run: { step: 'two' } }]
  expect((await runMain(ecs, rollback(), one)).outputs['image-id']).toBe(second.id)
  expect((await runMain(ecs, rollback(), two)).outputs['image-id']).toBe(first.id)
  const before = ecs.state()
  const again = await runMain(ecs, rollback(), { run: { step: 'one', attempt: 2 } })
  expect(again.exitCode).toBe(0)
  expect(again.outputs['image-id']).toBe(second.id)
  expect((await runMain(ecs, rollback(), { run: { step: 'two', attempt: 2 } })).outputs['image-id']).toBe(first.id)
  expect(ecs.state()).toEqual(before)
})

describe('shares', () => {
  test('are taken back with unshare, all of them, and accounts that lose out are named', async () => {
    const ecs = await localEcs()
    const [friend, stranger] = [ecs.addAccount(), ecs.addAccount()]
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'], {
      each: { 'web-1': { sharedWith: [friend.uid] }, 'web-2': { sharedWith: [friend.uid, stranger.uid] } },
    })
    const step = await runMain(ecs, rollback({ unshare: 'true' }))
    expect(step.exitCode).toBe(0)
    expect(ecs.image(current.id)).toMatchObject({ status: 'Deprecated', sharedWith: [] })
    expect(ecs.image(older.id)?.sharedWith).toEqual([friend.uid])
    expect(step.warnings).toHaveLength(1)
    expect(step.warnings[0]).toContain(stranger.uid)
    expect(step.warnings[0]).not.toContain(friend.uid)
  })

  test('stay with an image that is moved into quarantine', async () => {
    const ecs = await localEcs()
    const friend = ecs.addAccount()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'], { each: { 'web-2': { sharedWith: [friend.uid] } } })
    const served = watchFamily(ecs)
    const step = await runMain(ecs, rollback({ 'quarantine-family': 'web-bad' }))
    expect(step.exitCode).toBe(0)
    expect(served).toEqual([current.id, older.id])
    expect(ecs.image(current.id)).toMatchObject({ status: 'Available', family: 'web-bad', sharedWith: [friend.uid] })
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([current.id]))
    expect(step.warnings).toEqual([expect.stringContaining(friend.uid)])
  })

  test('are no reason against a second image in quarantine', async () => {
    const ecs = await localEcs()
    const [first] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const inputs = rollback({ 'quarantine-family': 'web-bad' })
    await runMain(ecs, inputs, { run: { step: 'one' } })
    expect((await runMain(ecs, inputs, { run: { step: 'two' } })).outputs['image-id']).toBe(first.id)
    expect(ecs.images().filter(({ family }) => family === 'web-bad')).toHaveLength(2)
  })
})

describe('a newer image still being created', () => {
  test('is an error annotation and the first line of the summary, but no failure', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const pending = ecs.seed.image({ family: 'web', name: 'web-3', status: 'Creating' })
    const step = await runMain(ecs, rollback())
    expect(step.exitCode).toBe(0)
    expect(step.errors).toEqual([expect.stringContaining(pending.id)])
    expect(step.summary.split('\n').slice(0, 2).join()).toContain(pending.id)
    expect(step.outputs).toMatchObject({
      'image-id': older.id,
      'pending-image-ids': JSON.stringify([pending.id]),
      'deprecated-image-ids': JSON.stringify([current.id]),
    })
  })

  test('is waited for and withdrawn with withdraw-pending, after the current one', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const pending = ecs.seed.image({ family: 'web', name: 'web-3', status: 'Creating', readyIn: 25 })
    const step = await runMain(ecs, rollback({ 'withdraw-pending': 'true', reason: 'bad base' }))
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(visibleWritesTo(ecs)).toEqual([`${current.id} Deprecated`, `${pending.id} Deprecated`])
    expect(ecs.current('web')).toBe(older.id)
    expect(step.outputs).toMatchObject({
      'deprecated-image-ids': JSON.stringify([current.id, pending.id]),
      'pending-image-ids': '[]',
    })
    expect(ecs.image(pending.id)?.tags['image-family:reason']).toBe('bad base')
  })

  test('that fails needs no withdrawing', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const pending = ecs.seed.image({ family: 'web', name: 'web-3', status: 'Creating' })
    ecs.intercept = (phase, { action }) => {
      const isDecided = phase === 'after' && action === 'TagResources'
      if (isDecided) ecs.change(pending.id, { status: 'CreateFailed' })
    }
    const step = await runMain(ecs, rollback({ 'withdraw-pending': 'true' }))
    expect(step).toMatchObject({ exitCode: 0, errors: [] })
    expect(ecs.current('web')).toBe(older.id)
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([current.id]))
  })
})

test('expected-image-id holds also when the family changes between plan and first visible write', async () => {
  const ecs = await localEcs()
  const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
  let theirs: string | undefined
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'TagResources') theirs ??= ecs.seed.image({ family: 'web' }).id
  }
  const step = await runMain(ecs, rollback({ 'expected-image-id': current.id }))
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toContain(theirs)
  expect(visibleWritesTo(ecs)).toEqual([])
  expect(step.outputs).toMatchObject({ changed: 'false', 'deprecated-image-ids': '[]' })
})

test('a newer image that appears after the plan is a warning: the decision was carried out', async () => {
  const ecs = await localEcs()
  const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
  let theirs: string | undefined
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'TagResources') theirs ??= ecs.seed.image({ family: 'web' }).id
  }
  const step = await runMain(ecs, rollback())
  expect(step.exitCode).toBe(0)
  expect(step.warnings).toEqual([expect.stringContaining(theirs ?? '')])
  expect(ecs.image(current.id)?.status).toBe('Deprecated')
  expect(step.outputs).toMatchObject({ 'image-id': older.id, 'current-image-id': theirs })
})

test('a dry run says what it would do, asks ECS whether it may, and changes nothing', async () => {
  const ecs = await localEcs()
  const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
  const before = ecs.state()
  const step = await runMain(ecs, rollback({ 'dry-run': 'true', reason: 'rehearsal' }))
  expect(step.exitCode).toBe(0)
  expect(ecs.state()).toEqual(before)
  expect(writesTo(ecs)).toEqual([])
  expect(ecs.requests.some(({ dryRun, code }) => dryRun && code === 'DryRunOperation')).toBe(true)
  expect(step.outputs).toMatchObject({
    'image-id': older.id,
    'current-image-id': current.id,
    changed: 'false',
    'deprecated-image-ids': '[]',
  })
  expect(step.log).toContain(`deprecate ${current.id}`)
})

describe('a re-run', () => {
  const retry = { run: { attempt: 2 } }

  test('is never a second rollback', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const first = await runMain(ecs, rollback())
    const before = ecs.state()
    const again = await runMain(ecs, rollback(), retry)
    expect(again).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect({ ...again.outputs, plan: '' }).toEqual({ ...first.outputs, plan: '' })
    expect(ecs.state()).toEqual(before)
  })

  test('leaves alone an image that came into the family after the first attempt had decided', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    await runMain(ecs, rollback(), { killedAt: afterRequest('TagResources') })
    const hotfix = ecs.seed.image({ family: 'web', name: 'hotfix' })
    const again = await runMain(ecs, rollback(), retry)
    expect(ecs.image(hotfix.id)?.status).toBe('Available')
    expect(ecs.image(current.id)?.status).toBe('Deprecated')
    expect(again.exitCode).toBe(0)
    expect(again.outputs).toMatchObject({ 'image-id': older.id, 'current-image-id': hotfix.id })
    expect(again.warnings.join()).toContain(hotfix.id)
  })

  test('fails with superseded where somebody has restored the image by hand', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    await runMain(ecs, rollback())
    ecs.change(current.id, { status: 'Available' })
    const before = ecs.state()
    const again = await runMain(ecs, rollback(), retry)
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toContain('superseded')
    expect(ecs.state()).toEqual(before)
  })

  test('fails with superseded where another run has restored the image, and says who and when', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    await runMain(ecs, rollback())
    await runMain(ecs, { mode: 'promote', family: 'web', 'image-id': current.id }, { run: { id: 2002 } })
    const before = ecs.state()
    const again = await runMain(ecs, rollback(), retry)
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toMatch(/run 2002 at 2026-\S+ \(promote/)
    expect(ecs.state()).toEqual(before)
  })

  test('does not give its own reason as that of the run which superseded it', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    await runMain(ecs, rollback({ reason: 'it seemed broken' }))
    const restore = { mode: 'promote', family: 'web', 'image-id': current.id, reason: 'false alarm' }
    await runMain(ecs, restore, { run: { id: 2002 } })
    const again = await runMain(ecs, rollback({ reason: 'it seemed broken' }), retry)
    expect(errorOf(again)).toContain('run 2002')
    expect(errorOf(again)).not.toContain('because: it seemed broken')
  })
})

describe('where the image that carried the decision is out of sight', () => {
  const retry = { run: { attempt: 2 } }

  test('because it was deleted, a re-run is still no second rollback', async () => {
    const ecs = await localEcs()
    const [, second, third] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    await runMain(ecs, rollback())
    ecs.remove(third.id)
    await runMain(ecs, rollback(), retry)
    expect(ecs.current('web')).toBe(second.id)
  })

  test('because it was deleted, a second run within half an hour is still refused', async () => {
    const ecs = await localEcs()
    const [, second, third] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    await runMain(ecs, rollback())
    ecs.remove(third.id)
    await runMain(ecs, rollback(), { run: { id: 2002 } })
    expect(ecs.current('web')).toBe(second.id)
  })

  test('because it was moved on from quarantine, a re-run is still no second rollback', async () => {
    const ecs = await localEcs()
    const [, second, third] = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    const inputs = rollback({ 'quarantine-family': 'web-bad' })
    await runMain(ecs, inputs)
    ecs.change(third.id, { family: 'archive' })
    await runMain(ecs, inputs, retry)
    expect(ecs.current('web')).toBe(second.id)
  })
})

describe('where the runner was lost after the current image had gone, but before that was confirmed', () => {
  async function lost() {
    const ecs = await localEcs()
    const images = seedFamily(ecs, ['web-1', 'web-2', 'web-3'])
    await runMain(ecs, rollback(), { killedAt: afterRequest('ModifyImageAttribute') })
    expect(ecs.current('web')).toBe(images[1].id)
    return { ecs, images }
  }

  test('a re-run does not restore what another run has withdrawn since', async () => {
    const { ecs, images } = await lost()
    const [first, second] = images
    const further = rollback({ 'expected-image-id': second.id, reason: 'this one too' })
    expect((await runMain(ecs, further, { run: { id: 2002 } })).outputs['image-id']).toBe(first.id)
    await runMain(ecs, rollback(), { run: { attempt: 2 } })
    expect(ecs.current('web')).toBe(first.id)
  })

  test('nor what somebody has withdrawn by hand', async () => {
    const { ecs, images } = await lost()
    const [first, second] = images
    ecs.change(second.id, { status: 'Deprecated' })
    await runMain(ecs, rollback(), { run: { attempt: 2 } })
    expect(ecs.current('web')).toBe(first.id)
  })
})

import { describe, expect } from 'vitest'
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { errorOf, localEcs, seedFamily, visibleWritesTo, watchFamily, writesTo } from '../scene.ts'
import { afterRequest, runMain, test } from './step.ts'

const promote = (more: Inputs) => ({ mode: 'promote', family: 'web', ...more })

/** The step is to fail, and to leave everything as it was. */
async function refused(ecs: LocalEcs, inputs: Inputs): Promise<string> {
  const before = ecs.state()
  const step = await runMain(ecs, inputs)
  expect(step.exitCode).toBe(1)
  expect(writesTo(ecs)).toEqual([])
  expect(ecs.state()).toEqual(before)
  expect(step.outputs.changed).toBe('false')
  expect(step.summary).toContain('❌')
  return errorOf(step)
}

describe('an image becomes current', () => {
  test('out of its candidate family, and the answer changes exactly once', async () => {
    const ecs = await localEcs()
    const [live] = seedFamily(ecs, ['live'])
    const candidate = ecs.seed.image({ family: 'web-candidate', name: 'next' })
    const served = watchFamily(ecs)
    const step = await runMain(ecs, promote({ 'from-family': 'web-candidate' }))
    expect(step).toMatchObject({ exitCode: 0, errors: [], warnings: [] })
    expect(served).toEqual([live.id, candidate.id])
    expect(step.outputs).toMatchObject({
      'image-id': candidate.id,
      'previous-image-id': live.id,
      'current-image-id': candidate.id,
      changed: 'true',
      family: 'web',
      'deprecated-image-ids': '[]',
    })
    expect(visibleWritesTo(ecs)).toEqual([`${candidate.id} in web`])
    expect(writesTo(ecs)[0]).toBe('TagResources')
    expect(ecs.image(candidate.id)?.tags['image-family:decision']).toMatch(/^done promote 1001-/)
    expect(ecs.image(live.id)?.status).toBe('Available')
  })

  test('that was in no family', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ name: 'loose' })
    const { exitCode, outputs } = await runMain(ecs, promote({ 'image-id': image.id }))
    expect(exitCode).toBe(0)
    expect(outputs).toMatchObject({ 'current-image-id': image.id, 'previous-image-id': '' })
  })

  test('that is deprecated in the family: it is restored', async () => {
    const ecs = await localEcs()
    const [old, newest] = seedFamily(ecs, ['old', 'newest'], { each: { newest: { status: 'Deprecated' } } })
    const served = watchFamily(ecs)
    const { exitCode } = await runMain(ecs, promote({ 'image-id': newest.id }))
    expect(exitCode).toBe(0)
    expect(served).toEqual([old.id, newest.id])
    expect(visibleWritesTo(ecs)).toEqual([`${newest.id} Available`])
  })

  test('that is deprecated in another family: it joins first, so that no other answer changes', async () => {
    const ecs = await localEcs()
    const [live] = seedFamily(ecs, ['live'])
    const [other] = seedFamily(ecs, ['other'], { family: 'api' })
    const image = ecs.seed.image({ family: 'api', status: 'Deprecated' })
    const [web, api] = [watchFamily(ecs), [ecs.current('api')]]
    const sample = ecs.intercept
    ecs.intercept = (phase, request) => {
      void sample?.(phase, request)
      if (ecs.current('api') !== api.at(-1)) api.push(ecs.current('api'))
    }
    expect((await runMain(ecs, promote({ 'image-id': image.id }))).exitCode).toBe(0)
    expect(web).toEqual([live.id, image.id])
    expect(api).toEqual([other.id])
    expect(visibleWritesTo(ecs)).toEqual([`${image.id} in web`, `${image.id} Available`])
  })

  test('that is still being created: it is waited for', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ status: 'Creating', readyIn: 8 })
    const step = await runMain(ecs, promote({ 'image-id': image.id }))
    expect(step.exitCode).toBe(0)
    expect(ecs.current('web')).toBe(image.id)
    expect(step.log).toMatch(/Creating, \d+%/)
  })

  test('with tags of the user put on before it is visible', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: 'web-candidate', tags: { team: 'web' } })
    const tagged: unknown[] = []
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase === 'before' && !dryRun && action === 'ModifyImageAttribute') {
        tagged.push(ecs.image(image.id)?.tags.approved)
      }
    }
    const step = await runMain(ecs, promote({ 'from-family': 'web-candidate', tags: 'approved=yes' }))
    expect(step.exitCode).toBe(0)
    expect(tagged).toEqual(['yes'])
    expect(ecs.image(image.id)?.tags).toMatchObject({ team: 'web', approved: 'yes' })
  })

  test('although a newer one is being created: a warning names that, and pending-image-ids', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ family: 'web-candidate' })
    const pending = ecs.seed.image({ family: 'web', status: 'Creating' })
    const step = await runMain(ecs, promote({ 'from-family': 'web-candidate' }))
    expect(step.exitCode).toBe(0)
    expect(step.outputs).toMatchObject({ 'image-id': image.id, 'pending-image-ids': JSON.stringify([pending.id]) })
    expect(step.warnings).toEqual([expect.stringContaining(pending.id)])
  })

  test('already: nothing changes', async () => {
    const ecs = await localEcs()
    const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const step = await runMain(ecs, promote({ 'image-id': current.id }))
    expect(step.exitCode).toBe(0)
    expect(step.outputs).toMatchObject({ changed: 'false', 'image-id': current.id, 'previous-image-id': current.id })
    expect(writesTo(ecs)).toEqual([])
  })
})

describe('from-family', () => {
  test('never brings an image older than the current one: nothing to do, and why', async () => {
    const ecs = await localEcs()
    const older = ecs.seed.image({ family: 'web-candidate', createdAt: '2026-01-01' })
    const [current] = seedFamily(ecs, ['live'])
    const step = await runMain(ecs, promote({ 'from-family': 'web-candidate' }))
    expect(step.exitCode).toBe(0)
    expect(step.outputs).toMatchObject({ 'image-id': current.id, changed: 'false' })
    expect(step.log).toContain(older.id)
    expect(step.log).toContain('older than')
    expect(writesTo(ecs)).toEqual([])
  })

  test('with image-id promotes that image only if it is what the family serves', async () => {
    const ecs = await localEcs()
    const [tested, serving] = seedFamily(ecs, ['tested', 'serving'], { family: 'web-candidate' })
    const inputs = promote({ 'from-family': 'web-candidate', 'image-id': tested.id })
    expect(await refused(ecs, inputs)).toContain(serving.id)
    ecs.change(serving.id, { status: 'Deprecated' })
    expect((await runMain(ecs, inputs)).outputs['current-image-id']).toBe(tested.id)
  })

  test('that serves nothing is refused', async () => {
    const ecs = await localEcs()
    expect(await refused(ecs, promote({ 'from-family': 'web-candidate' }))).toContain(
      'Family web-candidate resolves to nothing',
    )
  })
})

describe('before anything changes it is refused', () => {
  test('that newer images would still win, and they are named', async () => {
    const ecs = await localEcs()
    const [old, newer, newest] = seedFamily(ecs, ['old', 'newer', 'newest'])
    const error = await refused(ecs, promote({ 'image-id': old.id }))
    expect(error).toContain(newer.id)
    expect(error).toContain(newest.id)
    expect(error).toContain('deprecate-newer')
  })

  test('that another family loses its current image, and what that would serve next is said', async () => {
    const ecs = await localEcs()
    const [next, current] = seedFamily(ecs, ['api-1', 'api-2'], { family: 'api' })
    const error = await refused(ecs, promote({ 'image-id': current.id }))
    expect(error).toContain(`is the current image of family api`)
    expect(error).toContain(next.id)
    expect(error).toContain('from-family: api')
  })

  test.each(['CreateFailed', 'UnAvailable'] as const)('that an image is %s', async (status) => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ status })
    expect(await refused(ecs, promote({ 'image-id': image.id }))).toContain(status)
  })

  test('that an image belongs to another account', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ account: ecs.addAccount(), sharedWith: [ecs.account.uid] })
    expect(await refused(ecs, promote({ 'image-id': image.id }))).toContain('another account')
  })

  test('that an image does not exist', async () => {
    const ecs = await localEcs()
    expect(await refused(ecs, promote({ 'image-id': 'm-bp1000000000000000gone' }))).toContain('does not exist')
  })

  test('that an image of the same second stands against it', async () => {
    const ecs = await localEcs()
    const createdAt = '2026-03-01T00:00:00Z'
    const [one, two] = [ecs.seed.image({ family: 'web', createdAt }), ecs.seed.image({ createdAt })]
    const error = await refused(ecs, promote({ 'image-id': two.id }))
    expect(error).toContain(one.id)
    expect(error).toContain('same second')
  })

  test('that a required tag is missing or the image too old', async () => {
    const ecs = await localEcs()
    const image = ecs.seed.image({ tags: { tested: 'no' } })
    expect(await refused(ecs, promote({ 'image-id': image.id, 'require-tags': 'tested=yes' }))).toContain('tested=no')
    ecs.clock.advance(86_400)
    expect(await refused(ecs, promote({ 'image-id': image.id, 'max-age-days': '0.9' }))).toContain('max-age-days')
    expect((await runMain(ecs, promote({ 'image-id': image.id, 'max-age-days': '1.1' }))).exitCode).toBe(0)
  })

  test('that the current image is not the expected one', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    const image = ecs.seed.image()
    const error = await refused(ecs, promote({ 'image-id': image.id, 'expected-image-id': older.id }))
    expect(error).toContain(current.id)
    const right = promote({ 'image-id': image.id, 'expected-image-id': current.id })
    expect((await runMain(ecs, right)).outputs['current-image-id']).toBe(image.id)
  })

  test('that the current image is not the expected one, also where somebody else has promoted it', async () => {
    const ecs = await localEcs()
    const [older, current] = seedFamily(ecs, ['web-1', 'web-2'])
    await refused(ecs, promote({ 'image-id': current.id, 'expected-image-id': older.id }))
  })

  test('that an image to retire is shared', async () => {
    const ecs = await localEcs()
    const friend = ecs.addAccount()
    const [old, newer] = seedFamily(ecs, ['old', 'newer'], { each: { newer: { sharedWith: [friend.uid] } } })
    const error = await refused(ecs, promote({ 'image-id': old.id, 'deprecate-newer': 'true' }))
    expect(error).toContain(friend.uid)
    expect(error).toContain(newer.id)
    expect(error).toMatch(/unshare: true[\s\S]*quarantine-family/)
  })

  test('that the quarantine family serves an image which was never withdrawn', async () => {
    const ecs = await localEcs()
    const [old] = seedFamily(ecs, ['old', 'newer'])
    const stranger = ecs.seed.image({ family: 'api' })
    const inputs = promote({ 'image-id': old.id, 'deprecate-newer': 'true', 'quarantine-family': 'api' })
    expect(await refused(ecs, inputs)).toContain(stranger.id)
  })

  test('that there is no room for a mark', async () => {
    const ecs = await localEcs()
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key-${index}`, 'x']))
    const image = ecs.seed.image({ tags })
    expect(await refused(ecs, promote({ 'image-id': image.id }))).toMatch(/20 tags[\s\S]*key-0/)
  })
})

describe('deprecate-newer', () => {
  test('retires newer images after the promoted one is in, oldest first and the current one last', async () => {
    const ecs = await localEcs()
    const [, newer, newest] = seedFamily(ecs, ['old', 'newer', 'newest'])
    const image = ecs.seed.image({ name: 'known-good', createdAt: '2026-03-01T12:00:00Z' })
    const served = watchFamily(ecs)
    const inputs = promote({ 'image-id': image.id, 'deprecate-newer': 'true', reason: 'newest leaks memory' })
    const step = await runMain(ecs, inputs)
    expect(step.exitCode).toBe(0)
    expect(visibleWritesTo(ecs)).toEqual([`${image.id} in web`, `${newer.id} Deprecated`, `${newest.id} Deprecated`])
    expect(served).toEqual([newest.id, image.id])
    expect(step.outputs).toMatchObject({
      'deprecated-image-ids': JSON.stringify([newer.id, newest.id]),
      'previous-image-id': newest.id,
      'current-image-id': image.id,
    })
    expect(ecs.image(newest.id)?.tags).toMatchObject({ 'image-family:reason': 'newest leaks memory' })
    expect(ecs.image(image.id)?.tags).not.toHaveProperty('image-family:reason')
  })

  test('with unshare takes every share back first, ten accounts a request', async () => {
    const ecs = await localEcs()
    const friends = Array.from({ length: 23 }, () => ecs.addAccount().uid)
    const [old, newer] = seedFamily(ecs, ['old', 'newer'], { each: { newer: { sharedWith: friends } } })
    const step = await runMain(ecs, promote({ 'image-id': old.id, 'deprecate-newer': 'true', unshare: 'true' }))
    expect(step.exitCode).toBe(0)
    expect(ecs.image(newer.id)).toMatchObject({ status: 'Deprecated', sharedWith: [] })
    const calls = ecs.requests.filter(({ action, dryRun }) => action === 'ModifyImageSharePermission' && !dryRun)
    expect(calls).toHaveLength(3)
    expect(step.warnings).toEqual([expect.stringContaining(friends[22] ?? '')])
  })

  test('with quarantine-family moves them there, shares and all', async () => {
    const ecs = await localEcs()
    const friend = ecs.addAccount()
    const [old, newer] = seedFamily(ecs, ['old', 'newer'], { each: { newer: { sharedWith: [friend.uid] } } })
    const served = watchFamily(ecs)
    const inputs = { 'image-id': old.id, 'deprecate-newer': 'true', 'quarantine-family': 'web-bad' }
    const step = await runMain(ecs, promote(inputs))
    expect(step.exitCode).toBe(0)
    expect(served).toEqual([newer.id, old.id])
    expect(ecs.image(newer.id)).toMatchObject({ status: 'Available', family: 'web-bad', sharedWith: [friend.uid] })
    expect(step.outputs['deprecated-image-ids']).toBe(JSON.stringify([newer.id]))
    expect(step.warnings).toEqual([expect.stringContaining(friend.uid)])
  })

  test('leaves alone what is deprecated, failed or older', async () => {
    const ecs = await localEcs()
    const [, target] = seedFamily(ecs, ['older', 'target', 'gone', 'failed', 'newer'], {
      each: { gone: { status: 'Deprecated' }, failed: { status: 'CreateFailed' } },
    })
    const step = await runMain(ecs, promote({ 'image-id': target.id, 'deprecate-newer': 'true' }))
    expect(JSON.parse(step.outputs['deprecated-image-ids'] ?? '')).toHaveLength(1)
    expect(visibleWritesTo(ecs)).toHaveLength(1)
  })
})

test('expected-image-id holds also when the family changes between plan and first visible write', async () => {
  const ecs = await localEcs()
  const [current] = seedFamily(ecs, ['live'])
  const image = ecs.seed.image({ createdAt: '2026-03-02' })
  let theirs: string | undefined
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'TagResources') theirs ??= ecs.seed.image({ family: 'web' }).id
  }
  const inputs = promote({ 'image-id': image.id, 'expected-image-id': current.id })
  const step = await runMain(ecs, inputs)
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toContain(theirs)
  expect(errorOf(step)).toContain('expected-image-id')
  expect(visibleWritesTo(ecs)).toEqual([])
  expect(ecs.image(image.id)?.family).toBe('')
  expect(step.outputs.changed).toBe('false')
})

test('an image that appears after the plan and wins is a failure that names it', async () => {
  const ecs = await localEcs()
  seedFamily(ecs, ['live'])
  const image = ecs.seed.image({ createdAt: '2026-03-02' })
  let theirs: string | undefined
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'TagResources') theirs ??= ecs.seed.image({ family: 'web' }).id
  }
  const step = await runMain(ecs, promote({ 'image-id': image.id }))
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toContain(theirs)
  expect(step.outputs).toMatchObject({ 'current-image-id': theirs, 'image-id': image.id, changed: 'true' })
})

test.each([{}, { 'replica-region-ids': 'cn-shanghai' }])(
  'a dry run does not wait for an image that is still being created: %o',
  async (more) => {
    const ecs = await localEcs()
    seedFamily(ecs, ['web-1', 'web-2'])
    const { id } = ecs.seed.image({ name: 'web-3', family: '', status: 'Creating' })
    const step = await runMain(ecs, { ...promote({ 'image-id': id, 'dry-run': 'true' }), ...more })
    expect([step.exitCode, errorOf(step)]).toEqual([0, ''])
    expect(ecs.image(id)?.status).toBe('Creating')
  },
)

test('a dry run says what it would do and changes nothing', async () => {
  const ecs = await localEcs()
  const [old, newer] = seedFamily(ecs, ['old', 'newer'])
  const before = ecs.state()
  const step = await runMain(ecs, promote({ 'image-id': old.id, 'deprecate-newer': 'true', 'dry-run': 'true' }))
  expect(step.exitCode).toBe(0)
  expect(writesTo(ecs)).toEqual([])
  expect(ecs.state()).toEqual(before)
  expect(step.outputs).toMatchObject({ 'image-id': old.id, changed: 'false', 'current-image-id': newer.id })
  expect(JSON.parse(step.outputs.plan ?? '')).toContainEqual({
    region: 'cn-hangzhou',
    action: 'deprecate',
    target: newer.id,
    description: `deprecate ${newer.id}`,
  })
})

describe('a re-run', () => {
  const retry = { run: { attempt: 2 } }

  test('of a finished promotion changes nothing and says the same', async () => {
    const ecs = await localEcs()
    const [old] = seedFamily(ecs, ['old', 'newer', 'newest'])
    const inputs = promote({ 'image-id': old.id, 'deprecate-newer': 'true', reason: 'bad kernel' })
    const first = await runMain(ecs, inputs)
    const before = ecs.state()
    const again = await runMain(ecs, inputs, retry)
    expect(again.exitCode).toBe(0)
    expect({ ...again.outputs, plan: '' }).toEqual({ ...first.outputs, plan: '' })
    expect(ecs.state()).toEqual(before)
  })

  test('never undoes what another run has decided since, and says who, when and why', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['live'])
    const image = ecs.seed.image({ createdAt: '2026-03-02' })
    await runMain(ecs, promote({ 'image-id': image.id }))
    const rollback = { mode: 'rollback', family: 'web', reason: 'login broken' }
    await runMain(ecs, rollback, { run: { id: 2002 } })
    const before = ecs.state()
    const again = await runMain(ecs, promote({ 'image-id': image.id }), retry)
    expect(again.exitCode).toBe(1)
    expect(errorOf(again)).toMatch(/run 2002 at 2026-\S+ \(rollback[^)]*\)[\s\S]*login broken[\s\S]*superseded/)
    expect(ecs.state()).toEqual(before)
  })

  test('says the same also where a later step of the same workflow run has rolled it back', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['live'])
    const image = ecs.seed.image({ createdAt: '2026-03-02' })
    const inputs = promote({ 'image-id': image.id })
    const first = await runMain(ecs, inputs, { run: { step: 'promote' } })
    await runMain(ecs, { mode: 'rollback', family: 'web' }, { run: { step: 'rollback' } })
    const before = ecs.state()
    const again = await runMain(ecs, inputs, { run: { step: 'promote', attempt: 2 } })
    expect(ecs.state()).toEqual(before)
    expect(again.exitCode).toBe(0)
    expect(again.outputs['previous-image-id']).toBe(first.outputs['previous-image-id'])
  })

  test('by from-family names the promoted image also where a later step has rolled it back', async () => {
    const ecs = await localEcs()
    seedFamily(ecs, ['live'])
    ecs.seed.image({ family: 'web-candidate', createdAt: '2026-03-02' })
    const inputs = promote({ 'from-family': 'web-candidate' })
    const first = await runMain(ecs, inputs, { run: { step: 'promote' } })
    await runMain(ecs, { mode: 'rollback', family: 'web' }, { run: { step: 'rollback' } })
    const again = await runMain(ecs, inputs, { run: { step: 'promote', attempt: 2 } })
    expect(again.outputs['image-id']).toBe(first.outputs['image-id'])
  })

  test('does not restore what somebody has withdrawn after the runner was lost', async () => {
    const ecs = await localEcs()
    const [live] = seedFamily(ecs, ['live'])
    const image = ecs.seed.image({ family: 'web-candidate' })
    const inputs = promote({ 'from-family': 'web-candidate' })
    await runMain(ecs, inputs, { killedAt: afterRequest('ModifyImageAttribute') })
    expect(ecs.current('web')).toBe(image.id)
    ecs.change(image.id, { status: 'Deprecated' })
    await runMain(ecs, inputs, retry)
    expect(ecs.current('web')).toBe(live.id)
  })

  test('promotes nothing else where somebody has moved its image to a third family', async () => {
    const ecs = await localEcs()
    const [live] = seedFamily(ecs, ['live'])
    const [, image] = seedFamily(ecs, ['c-1', 'c-2'], {
      family: 'web-candidate',
      each: { 'c-1': { createdAt: '2026-03-02' }, 'c-2': { createdAt: '2026-03-03' } },
    })
    const inputs = promote({ 'from-family': 'web-candidate' })
    await runMain(ecs, inputs)
    ecs.change(image.id, { family: 'parked' })
    await runMain(ecs, inputs, retry)
    expect(ecs.current('web')).toBe(live.id)
  })
})

/** What happens while others work on the same family: later runs, people in the console, ECS itself. */
import { expect, test } from 'vitest'
import type { Keepsake } from '../../src/ports.ts'
import type { Inputs, WorkflowRun } from '../action/runner.ts'
import { startEcs } from '../action/scenarios.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { type Walk, walk } from './walk.ts'

const workflow =
  (ecs: LocalEcs, id: number) =>
  (inputs: Inputs, run: WorkflowRun = {}): Promise<Walk> =>
    walk(ecs, inputs, { run: { id, ...run } })

const idOf = (walked: Walk): string => walked.outputs['image-id'] ?? ''

/** A family `web` with an image a day: `v1`, `v2`, … */
const webOf = (ecs: LocalEcs, days: number): string[] =>
  Array.from(
    { length: days },
    (_, index) =>
      ecs.seed.image({ family: 'web', name: `v${index + 1}`, createdAt: `2026-03-0${index + 1}T10:00:00Z` }).id,
  )

const bakeOf = (ecs: LocalEcs): Inputs => ({
  mode: 'bake',
  family: 'web',
  'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
})

/** What really changed something, by the names of ECS. */
const writes = (ecs: LocalEcs): string[] =>
  ecs.requests.filter(({ write, dryRun }) => write && !dryRun).map(({ action }) => action)

const isModification = ({ action, dryRun }: RequestRecord): boolean => action === 'ModifyImageAttribute' && !dryRun

const denied = {
  kind: 'error',
  status: 403,
  code: 'Forbidden.RAM',
  message: 'User not authorized to operate on the specified resource.',
} as const

/** Remembers, as the runner does for the post step, which instance is stopped. */
function keeping() {
  const kept = new Set<string>()
  const keepsake: Keepsake = { stopped: ({ instance }) => void kept.add(instance), started: () => kept.clear() }
  return { kept, keepsake }
}

/** Dies while ECS is asked for permission, or at its first mark, which never arrives. */
async function dieBeforeMarks(ecs: LocalEcs, inputs: Inputs, id: number): Promise<void> {
  const crash = new AbortController()
  ecs.faults.add({ kind: 'reset-before', action: 'TagResources', times: 100 })
  ecs.intercept = (_, { action }) => {
    if (action === 'ModifyImageAttribute' || action === 'TagResources') crash.abort()
  }
  await walk(ecs, inputs, { run: { id }, signal: crash.signal })
  ecs.intercept = undefined
  ecs.faults.clear()
}

// ── A run that is re-run after a later one has baked ─────────────────────────

test('a rollback refused at first is re-run after a later run has baked: the good image stays', async () => {
  const ecs = await startEcs()
  const [bad] = webOf(ecs, 1)
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  const refused = await workflow(ecs, 100)(rollback)
  expect(refused.failure?.what).toContain('would-empty')
  const good = idOf(await workflow(ecs, 200)(bakeOf(ecs)))
  const before = ecs.state()
  const again = await workflow(ecs, 100)(rollback, { attempt: 2 })
  expect(again.failure?.what).toContain('superseded')
  expect(again.failure?.what).toContain('run 200')
  expect(again.failure?.what).toContain(good)
  expect(ecs.state()).toEqual(before)
  expect(ecs.current('web')).toBe(good)
  expect(ecs.image(bad ?? '')?.status).toBe('Available')
  await ecs.close()
})

for (const mode of ['rollback', 'promote']) {
  test(`a ${mode} that dies before its marks is re-run after a later run has baked: it gives way`, async () => {
    const ecs = await startEcs()
    const [v1 = '', , v3] = webOf(ecs, 3)
    const inputs: Inputs =
      mode === 'rollback' ? { mode, family: 'web' } : { mode, family: 'web', 'image-id': v1, 'deprecate-newer': 'true' }
    await dieBeforeMarks(ecs, inputs, 100)
    expect(ecs.images().map(({ tags, status }) => [tags, status])).toEqual(Array(3).fill([{}, 'Available']))
    expect(ecs.current('web')).toBe(v3)
    const good = idOf(await workflow(ecs, 200)(bakeOf(ecs)))
    const before = ecs.state()
    const again = await workflow(ecs, 100)(inputs, { attempt: 2 })
    expect(again.failure?.what).toContain('superseded')
    expect(again.failure?.what).toContain(good)
    expect(ecs.state()).toEqual(before)
    expect(ecs.current('web')).toBe(good)
    await ecs.close()
  })
}

// ── One run asked for two images ─────────────────────────────────────────────

test('a promotion of another image in the same step of the same run is refused, unless a key tells them apart', async () => {
  for (const keyed of [false, true]) {
    const ecs = await startEcs()
    webOf(ecs, 1)
    const [a = '', b = ''] = [5, 6].map(
      (day) => ecs.seed.image({ name: `tested-${day}`, createdAt: `2026-03-0${day}T10:00:00Z` }).id,
    )
    const promote = (image: string, key: string): Inputs => ({
      mode: 'promote',
      family: 'web',
      'image-id': image,
      ...(keyed ? { 'idempotency-key': key } : {}),
    })
    const run = workflow(ecs, 1)
    expect((await run(promote(a, 'a'))).failure).toBeUndefined()
    const before = ecs.state()
    const second = await run(promote(b, 'b'))
    if (keyed) {
      expect(second.failure).toBeUndefined()
      expect(ecs.current('web')).toBe(b)
    } else {
      expect(second.failure?.what).toContain('already-decided')
      expect(second.failure?.what).toContain(a)
      expect(second.failure?.what).toContain(b)
      expect(second.failure?.todo).toContain('idempotency-key')
      expect(second.outputs.changed).toBe('false')
      expect(ecs.state()).toEqual(before)
      expect(ecs.current('web')).toBe(a)
    }
    await ecs.close()
  }
})

test('a rollback to another image in the same step of the same run is refused, unless a key tells them apart', async () => {
  for (const keyed of [false, true]) {
    const ecs = await startEcs()
    const [v1 = '', v2 = ''] = webOf(ecs, 3)
    const rollback = (image: string, key: string): Inputs => ({
      mode: 'rollback',
      family: 'web',
      'to-image-id': image,
      ...(keyed ? { 'idempotency-key': key } : {}),
    })
    const run = workflow(ecs, 1)
    expect((await run(rollback(v2, 'a'))).failure).toBeUndefined()
    const before = ecs.state()
    const second = await run(rollback(v1, 'b'))
    if (keyed) {
      expect(second.failure).toBeUndefined()
      expect(ecs.current('web')).toBe(v1)
    } else {
      expect(second.failure?.what).toContain('already-decided')
      expect(second.failure?.what).toContain(v1)
      expect(ecs.state()).toEqual(before)
      expect(ecs.current('web')).toBe(v2)
    }
    await ecs.close()
  }
})

// ── Somebody takes away what a rollback falls back to ────────────────────────

const takingAway: Readonly<Record<string, (ecs: LocalEcs, target: string) => Promise<void>>> = {
  'deprecates it': async (ecs, target) => ecs.change(target, { status: 'Deprecated' }),
  'deletes it': async (ecs, target) => ecs.remove(target),
  'promotes it into another family': async (ecs, target) => {
    const promoted = await workflow(ecs, 2)({ mode: 'promote', family: 'api', 'image-id': target })
    expect(promoted.failure).toBeUndefined()
  },
}

for (const [what, takeAway] of Object.entries(takingAway)) {
  test(`a rollback withdraws nothing when somebody takes its target and ${what} after the mark`, async () => {
    const ecs = await startEcs()
    const [, target = '', bad = ''] = webOf(ecs, 3)
    // The marks are read back after they have been written.
    let isMarked = false
    ecs.intercept = async (phase, { action, parameters }) => {
      if (phase !== 'after') return
      if (action === 'TagResources') isMarked ||= Object.values(parameters).includes(bad)
      if (action !== 'ListTagResources' || !isMarked) return
      ecs.intercept = undefined
      await takeAway(ecs, target)
    }
    const walked = await workflow(ecs, 1)({ mode: 'rollback', family: 'web' })
    expect(ecs.intercept).toBeUndefined()
    expect(walked.failure?.what).toContain(target)
    expect(walked.failure?.what).toContain('somebody has taken it away')
    expect(walked.failure?.what).not.toContain('time limit')
    if (what.startsWith('promotes')) expect(walked.failure?.what).toMatch(/family api.*run 2/)
    expect(walked.outputs.changed).toBe('false')
    expect(walked.outputs['deprecated-image-ids']).toBe('[]')
    expect(ecs.current('web')).toBe(bad)
    expect(ecs.image(bad)?.status).toBe('Available')
    const again = await workflow(ecs, 1)({ mode: 'rollback', family: 'web' }, { attempt: 2 })
    expect(again.failure).toBeDefined()
    expect(ecs.current('web')).toBe(bad)
    await ecs.close()
  })
}

// ── Waits that have become hopeless ──────────────────────────────────────────

for (const what of ['deprecates', 'deletes'] as const) {
  test(`a bake ends, and leaves its instance to the post step, when somebody ${what} the image being created`, async () => {
    const ecs = await startEcs()
    ecs.switches.creationSeconds = Number.POSITIVE_INFINITY
    const instance = ecs.seed.instance({ status: 'Running' }).id
    let looks = 0
    ecs.intercept = (phase, { action }) => {
      const [image] = ecs.images()
      if (phase !== 'after' || action !== 'DescribeImages' || !image || ++looks < 3) return
      ecs.intercept = undefined
      if (what === 'deletes') ecs.remove(image.id)
      else ecs.change(image.id, { status: 'Deprecated' })
    }
    const { kept, keepsake } = keeping()
    const inputs: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
    const walked = await walk(ecs, inputs, { keepsake })
    expect(ecs.intercept).toBeUndefined()
    expect(walked.failure?.what).toContain('somebody has taken it away')
    expect(walked.failure?.what).toContain(what === 'deletes' ? 'gone' : 'Deprecated')
    expect(walked.failure?.what).not.toContain('time limit')
    expect([...kept]).toEqual([instance])
    expect(writes(ecs).filter((action) => action === 'CreateImage')).toHaveLength(1)
    await ecs.close()
  })
}

test('a rollback with withdraw-pending succeeds when somebody deletes the image that it waits for', async () => {
  const ecs = await startEcs()
  const [v1 = '', v2 = ''] = webOf(ecs, 2)
  const next = ecs.seed.image({ family: 'web', status: 'Creating', createdAt: '2026-03-09T10:00:00Z' }).id
  ecs.intercept = (phase, request) => {
    if (phase !== 'after' || !isModification(request)) return
    ecs.intercept = undefined
    ecs.remove(next)
  }
  const rollback: Inputs = { mode: 'rollback', family: 'web', 'withdraw-pending': 'true' }
  const walked = await walk(ecs, rollback)
  const again = await walk(ecs, rollback, { run: { attempt: 2 } })
  for (const { failure, outputs } of [walked, again]) {
    expect(failure).toBeUndefined()
    expect(outputs['image-id']).toBe(v1)
    expect(JSON.parse(outputs['deprecated-image-ids'] ?? '')).toEqual([v2])
  }
  expect(ecs.current('web')).toBe(v1)
  expect([v1, v2].map((id) => ecs.image(id)?.tags['image-family:decision'])).toEqual(
    Array(2).fill(expect.stringMatching(/^done rollback /)),
  )
  await ecs.close()
})

test('a start that ECS accepts and that does not hold fails, and leaves the instance to the post step', async () => {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Running' }).id
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'StartInstance') ecs.change(instance, { status: 'Stopped' })
  }
  const { kept, keepsake } = keeping()
  const inputs: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
  const walked = await walk(ecs, inputs, { keepsake })
  expect(walked.failure?.what).toContain(`ECS accepted to start instance ${instance}, but it is Stopped`)
  expect([...kept]).toEqual([instance])
  expect(ecs.image(idOf(walked))?.status).toBe('Available')
  await ecs.close()
})

test('a bake that is refused does not start the instance that another run has stopped', async () => {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Running' }).id
  ecs.seed.image({ name: 'golden' })
  const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
  const { kept, keepsake } = keeping()
  let refused: Walk | undefined
  ecs.intercept = async (phase, { action }) => {
    if (phase !== 'after' || action !== 'CreateImage') return
    ecs.intercept = undefined
    const before = ecs.state()
    refused = await walk(ecs, { ...bake, 'image-name': 'golden' }, { run: { id: 2 }, keepsake })
    expect(ecs.state().instances).toEqual(before.instances)
  }
  const baked = await workflow(ecs, 1)(bake)
  expect(refused?.failure?.what).toContain('name-taken')
  expect([...kept]).toEqual([])
  expect(baked.failure).toBeUndefined()
  expect(ecs.instance(instance)?.status).toBe('Running')
  await ecs.close()
})

// ── What is said and done otherwise ──────────────────────────────────────────

test('tags are put on the image that is current already, and a further run has nothing to do', async () => {
  const ecs = await startEcs()
  const [, current = ''] = webOf(ecs, 2)
  const promote: Inputs = { mode: 'promote', family: 'web', 'image-id': current, tags: 'tested=yes' }
  const first = await workflow(ecs, 1)(promote)
  expect(first.failure).toBeUndefined()
  expect(first.outputs.changed).toBe('true')
  expect(ecs.image(current)?.tags).toMatchObject({ tested: 'yes' })
  expect(ecs.current('web')).toBe(current)
  const before = ecs.state()
  const again = await workflow(ecs, 1)(promote, { attempt: 2 })
  const later = await workflow(ecs, 2)(promote)
  expect([again.failure, later.failure]).toEqual([undefined, undefined])
  expect([again.outputs.changed, later.outputs.changed]).toEqual(['true', 'false'])
  expect(ecs.state()).toEqual(before)
  await ecs.close()
})

test('a rollback of two that is denied the second tells what ECS says now', async () => {
  const ecs = await startEcs()
  const [v1 = '', v2 = '', v3 = ''] = webOf(ecs, 3)
  ecs.intercept = (phase, request) => {
    if (phase === 'after' && isModification(request)) {
      ecs.faults.add({ ...denied, action: 'ModifyImageAttribute' })
      ecs.intercept = undefined
    }
  }
  const walked = await walk(ecs, { mode: 'rollback', family: 'web', 'to-image-id': v1 })
  expect(walked.failure?.what).toContain('Forbidden.RAM')
  expect([ecs.image(v2)?.status, ecs.image(v3)?.status]).toEqual(['Deprecated', 'Available'])
  expect(walked.outputs).toMatchObject({
    changed: 'true',
    'current-image-id': v3,
    'deprecated-image-ids': JSON.stringify([v2]),
  })
  const row = (id: string) => walked.summary.split('\n').find((line) => line.includes(id) && line.includes('2026-03'))
  expect(row(v2)).toContain('Deprecated')
  expect(row(v3)).toContain('Available')
  expect(row(v3)).toContain('**current**')
  await ecs.close()
})

test('a promotion that is denied the deprecation of a shared image keeps its shares', async () => {
  const ecs = await startEcs()
  const [v1 = ''] = webOf(ecs, 1)
  const uid = ecs.addAccount().uid
  ecs.seed.image({ family: 'web', name: 'shared', createdAt: '2026-03-05T10:00:00Z', sharedWith: [uid] })
  const before = ecs.state()
  ecs.faults.add({ ...denied, action: 'ModifyImageAttribute', times: 100 })
  const promote: Inputs = { mode: 'promote', family: 'web', 'image-id': v1, 'deprecate-newer': 'true', unshare: 'true' }
  const walked = await walk(ecs, promote)
  expect(walked.failure?.what).toContain('not-permitted')
  expect(walked.failure?.what).toContain('Forbidden.RAM')
  expect(ecs.state()).toEqual(before)
  await ecs.close()
})

test('an image that does not meet a condition is found, and fails the step', async () => {
  const ecs = await startEcs()
  const [v1 = ''] = webOf(ecs, 1)
  for (const of of [{ family: 'web' }, { 'image-id': v1 }] as Inputs[]) {
    const walked = await walk(ecs, { mode: 'resolve', 'require-tags': 'tested=yes', ...of })
    expect(walked.failure?.what).toContain('condition-unmet')
    expect(walked.outputs.found).toBe('true')
  }
  const missing = await walk(ecs, { mode: 'resolve', family: 'none', 'require-tags': 'tested=yes' })
  expect(missing.failure?.what).toContain('not-found')
  expect(missing.outputs.found).toBe('false')
  await ecs.close()
})

test('the headline of a dry run counts the steps that `plan` lists', async () => {
  const ecs = await startEcs()
  const [v1 = ''] = webOf(ecs, 3)
  const dry: Inputs = { 'dry-run': 'true', family: 'web' }
  for (const inputs of [
    { ...dry, mode: 'rollback' },
    { ...dry, mode: 'rollback', 'to-image-id': v1, reason: 'bad' },
    { ...dry, mode: 'promote', 'image-id': v1, 'deprecate-newer': 'true', tags: 'a=b' },
    { ...dry, ...bakeOf(ecs) },
  ]) {
    const before = ecs.state()
    const walked = await walk(ecs, inputs)
    const count = JSON.parse(walked.outputs.plan ?? '').length
    expect(count).toBeGreaterThan(1)
    expect(walked.headline).toBe(`Dry run: ${count} steps planned, nothing changed`)
    expect(ecs.state()).toEqual(before)
  }
  await ecs.close()
})

test('a rollback cancelled while it lists the instances says so, and its re-run tells them', async () => {
  const ecs = await startEcs()
  const [v1 = '', v2 = ''] = webOf(ecs, 2)
  const instance = ecs.seed.instance({ imageId: v2 }).id
  ecs.faults.add({ kind: 'throttling', action: 'DescribeInstances' })
  const cancel = new AbortController()
  ecs.intercept = (_, { action }) => {
    if (action === 'DescribeInstances') cancel.abort()
  }
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  const cancelled = await walk(ecs, rollback, { signal: cancel.signal })
  ecs.intercept = undefined
  expect(cancelled.failure?.what).toContain('cancelled')
  expect(cancelled.outputs['affected-instance-ids']).toBe('')
  const again = await walk(ecs, rollback, { run: { attempt: 2 } })
  expect(again.failure).toBeUndefined()
  expect(JSON.parse(again.outputs['affected-instance-ids'] ?? '')).toEqual({ 'cn-hangzhou': [instance] })
  expect(ecs.current('web')).toBe(v1)
  await ecs.close()
})

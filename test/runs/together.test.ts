/** What happens while others work on the same family: later runs, people in the console, ECS itself. */
import { expect, test } from 'vitest'
import type { PostState } from '../../src/engine/ports.ts'
import type { Inputs, WorkflowRun } from '../action/runner.ts'
import { EcsError } from '../local-ecs/errors.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { startEcs } from '../scenarios.ts'
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
  const postState: PostState = {
    instanceStopped: ({ instance }) => void kept.add(instance),
    instanceStarted: () => kept.clear(),
  }
  return { kept, postState }
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

// Of two marks the one that is to be last was not written: the decision counts as not noted down, and the run decides
// anew. Then it has to give way to what others did since as if it had no mark at all (`givesWayTo` asks only `isRemembered`).
for (const mode of ['rollback', 'promote'] as const) {
  test(`a ${mode} that dies between its marks is re-run after a later run has baked: it gives way`, async () => {
    const ecs = await startEcs()
    const [v1 = ''] = webOf(ecs, 3)
    const more: Inputs = mode === 'promote' ? { 'image-id': v1, 'deprecate-newer': 'true' } : {}
    const inputs: Inputs = { mode, family: 'web', reason: 'bad', ...more }
    const crash = new AbortController()
    ecs.intercept = (phase, { action }) => {
      if (phase === 'after' && action === 'TagResources') crash.abort()
    }
    await walk(ecs, inputs, { run: { id: 100 }, signal: crash.signal })
    ecs.intercept = undefined
    const marked = ecs.images().filter(({ tags }) => 'image-family:decision' in tags)
    const good = idOf(await workflow(ecs, 200)(bakeOf(ecs)))
    const again = await workflow(ecs, 100)(inputs, { attempt: 2 })
    const [current, status] = [ecs.current('web'), ecs.image(good)?.status]
    await ecs.close()
    expect(marked.length).toBeGreaterThan(0)
    expect(writes(ecs).filter((action) => action === 'CreateImage')).toHaveLength(1)
    expect([current, status]).toEqual([good, 'Available'])
    expect(again.failure?.what).toContain('superseded')
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
      expect(second.failure?.remedy).toContain('idempotency-key')
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
    const { kept, postState } = keeping()
    const inputs: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
    const walked = await walk(ecs, inputs, { postState })
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
  const { kept, postState } = keeping()
  const inputs: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
  const walked = await walk(ecs, inputs, { postState })
  expect(walked.failure?.what).toContain(`ECS accepted the request to start instance ${instance}, but it is Stopped`)
  expect([...kept]).toEqual([instance])
  expect(ecs.image(idOf(walked))?.status).toBe('Available')
  await ecs.close()
})

test('a bake that is refused does not start the instance that another run has stopped', async () => {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Running' }).id
  ecs.seed.image({ name: 'golden' })
  const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
  const { kept, postState } = keeping()
  let refused: Walk | undefined
  ecs.intercept = async (phase, { action, dryRun }) => {
    if (phase !== 'after' || action !== 'CreateImage' || dryRun) return
    ecs.intercept = undefined
    const before = ecs.state()
    refused = await walk(ecs, { ...bake, 'image-name': 'golden' }, { run: { id: 2 }, postState })
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

// ── Two runs at the same time, over the same regions ─────────────────────────

const places = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const

const everywhere = (home: number): Inputs => ({
  family: 'web',
  'region-id': places[home] ?? '',
  'replica-region-ids': places.filter((_, index) => index !== home).join(','),
})

interface World {
  readonly ecs: LocalEcs
  /** IDs of `v1` to `v4`, by region. */
  readonly versions: Readonly<Record<string, readonly string[]>>
  /** Stopped, two in each region. */
  readonly instances: Readonly<Record<string, readonly string[]>>
}

/** `web` in three regions, `v1` to `v4`, in the last one with a late copy of the oldest; a candidate at home. */
async function threeRegions(): Promise<World> {
  const ecs = await startEcs()
  const tags = { 'image-family:run': '1-0123456789', 'image-family:source': 'instance' }
  const days = [1, 2, 3, 4]
  const home = places[0]
  const versions = days.map(
    (day) => ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z`, tags }).id,
  )
  const copies = places.slice(1).map((region) => {
    const made = versions.map((id, index) => {
      const isLate = index === 0 && region === places[2]
      const createdAt = isLate ? '2026-03-03T20:00:00Z' : `2026-03-0${index + 1}T16:00:00Z`
      const from = { copyOf: { region: home, id }, tags: { 'image-family:origin': `${home}/${id}` } }
      return ecs.seed.image({ region, family: 'web', name: `v${index + 1}`, createdAt, ...from }).id
    })
    return [region, made] as const
  })
  ecs.seed.image({ family: 'web-candidate', name: 'v5', createdAt: '2026-03-05T10:00:00Z', tags })
  const instances = places.map((region) => {
    const both = [0, 1].map(() => ecs.seed.instance({ region, status: 'Stopped' }).id)
    return [region, both] as const
  })
  return {
    ecs,
    versions: { [home]: versions, ...Object.fromEntries(copies) },
    instances: Object.fromEntries(instances),
  }
}

/** The first image of what each region serves, by name. */
const servedBy = (ecs: LocalEcs): (string | undefined)[] =>
  places.map((region) => {
    const image = ecs.image(ecs.current('web', region) ?? '')
    const first = ecs.image(image?.tags['image-family:origin']?.split('/')[1] ?? '')
    return (first ?? image)?.name
  })

/** Something that happens once, and can be waited for. */
function happening() {
  let happens = (): void => undefined
  const happened = new Promise<void>((resolve) => {
    happens = resolve
  })
  return { happened, happens }
}

/** Two runs of one account, each with keys of its own by which its requests are known. */
function twoRuns({ ecs }: World) {
  const keys = [0, 1].map((): Inputs => {
    const { accessKeyId, accessKeySecret, securityToken } = ecs.session(ecs.account)
    return { 'access-key-id': accessKeyId, 'access-key-secret': accessKeySecret, 'security-token': securityToken }
  })
  const [first = ''] = keys.map((each) => each['access-key-id'] ?? '')
  const isFirst = ({ headers }: RequestRecord) => Object.values(headers).some((value) => value.includes(first))
  const start = (index: 0 | 1, inputs: Inputs) => walk(ecs, { ...inputs, ...keys[index] }, { run: { id: 100 + index } })
  return { isFirst, start }
}

/** Where a request is at work: a copy is asked for in the region of its source. */
const regionOf = ({ region, parameters }: RequestRecord): string => parameters.DestinationRegionId ?? region

interface Race {
  readonly walks: readonly [Walk, Walk]
  readonly served: readonly (string | undefined)[]
  /** Requests that the first run made. */
  readonly requests: number
  /** What must never happen, and did. */
  readonly wrongs: readonly string[]
}

interface Rivals {
  readonly first: (world: World) => Inputs
  readonly second: (world: World) => Inputs
}

/** The first run is held in some regions from one of its requests on, until the second run is over. */
async function race(rivals: Rivals, heldFrom: number, heldIn: readonly string[]): Promise<Race> {
  const world = await threeRegions()
  const { ecs } = world
  const { isFirst, start } = twoRuns(world)
  const [held, over] = [happening(), happening()]
  const wrongs = new Set<string>()
  let requests = 0
  ecs.intercept = async (phase, request) => {
    if (phase === 'after') {
      for (const region of places) if (!ecs.current('web', region)) wrongs.add(`${region} serves nothing`)
      return
    }
    if (isFirst(request) && requests++ >= heldFrom && heldIn.includes(regionOf(request))) {
      held.happens()
      await over.happened
    }
    wrongs.add(wrongToDelete(ecs, request) ?? '')
  }
  const first = start(0, rivals.first(world)).finally(held.happens)
  await held.happened
  const second = start(1, rivals.second(world)).finally(over.happens)
  const walks = await Promise.all([first, second])
  ecs.intercept = undefined
  const served = servedBy(ecs)
  await ecs.close()
  wrongs.delete('')
  return { walks, served, requests, wrongs: [...wrongs] }
}

function wrongToDelete(ecs: LocalEcs, { action, dryRun, parameters }: RequestRecord): string | undefined {
  const image = ecs.image(parameters.ImageId ?? '')
  if (action !== 'DeleteImage' || dryRun || !image) return undefined
  const [current, fallback] = ecs
    .images(image.region)
    .filter(({ family, status }) => family === 'web' && status === 'Available')
    .sort((a, b) => b.creationTime.localeCompare(a.creationTime))
  const what = `${image.name} in ${image.region} is deleted`
  if (image.id === current?.id) return `${what}, which is current`
  return image.id === fallback?.id ? `${what}, which a rollback falls back to` : undefined
}

const bakeAt =
  (home: number, index: number, more: Inputs = {}) =>
  ({ instances }: World): Inputs => ({
    ...everywhere(home),
    ...more,
    mode: 'bake',
    'instance-id': instances[places[home] ?? '']?.[index] ?? '',
  })

const rollbackAt =
  (home: number, to?: number) =>
  ({ versions }: World): Inputs => ({
    ...everywhere(home),
    mode: 'rollback',
    ...(to === undefined ? {} : { 'to-image-id': versions[places[home] ?? '']?.[to - 1] ?? '' }),
  })

const promoteOf =
  (version?: number, more: Inputs = {}) =>
  ({ versions }: World): Inputs => ({
    ...everywhere(0),
    ...more,
    mode: 'promote',
    ...(version === undefined
      ? { 'from-family': 'web-candidate' }
      : { 'image-id': versions[places[0]]?.[version - 1] ?? '', 'deprecate-newer': 'true' }),
  })

/** All regions, one of them, or all but the home region: then its lane is ahead of the others. */
const holds: readonly (readonly string[])[] = [places, ...places.map((region) => [region]), places.slice(1)]

/** Every so many requests: all of them where there is time. */
const stride = process.env.SOAK_RUNS ? 1 : 13

/** Calls `check` for the first run held at one request after the other, in all sets of regions side by side. */
async function raceEverywhere(rivals: Rivals, check: (race: Race, where: string) => void): Promise<void> {
  const raceIn = async (heldIn: readonly string[], index: number): Promise<void> => {
    for (let at = index; ; at += stride) {
      const raced = await race(rivals, at, heldIn)
      if (at >= raced.requests) break
      const [first, second] = raced.walks.map(({ failure, headline }) => failure?.what ?? headline)
      check(raced, `held from request ${at} in ${heldIn}: ${first} | ${second}`)
    }
  }
  await Promise.all(holds.map(raceIn))
}

/** No family is ever empty, and where both say that all is well the regions serve the same image. */
const isFair = ({ walks, served, wrongs }: Race, where: string): void => {
  expect(wrongs, where).toEqual([])
  if (walks.every(({ failure }) => !failure)) expect(new Set(served).size, `${where}: ${served}`).toBe(1)
}

const fair: Readonly<Record<string, Rivals>> = {
  'two rollbacks': { first: rollbackAt(0), second: rollbackAt(0) },
  'two rollbacks from two regions': { first: rollbackAt(0), second: rollbackAt(1) },
  'two rollbacks to two images': { first: rollbackAt(0, 1), second: rollbackAt(1, 2) },
  'a rollback in the middle of a bake': { first: bakeAt(0, 0), second: rollbackAt(0) },
  'a rollback in the middle of a promotion': { first: promoteOf(), second: rollbackAt(0) },
  'a promotion of an old image in the middle of a rollback': { first: rollbackAt(0), second: promoteOf(2) },
  'a bake with keep in the middle of a promotion': { first: promoteOf(), second: bakeAt(0, 0, { keep: '2' }) },
  'a bake in the middle of a bake in another region': { first: bakeAt(0, 0), second: bakeAt(1, 0) },
}

const raceLimit = process.env.SOAK_RUNS ? 3_600_000 : 120_000

for (const [what, rivals] of Object.entries(fair)) {
  test(`${what}: no family is empty, and none apart where both succeed`, { timeout: raceLimit }, () =>
    raceEverywhere(rivals, isFair),
  )
}

// ── What goes wrong when two runs meet ───────────────────────────────────────

/** What each region serves in truth, as `current-image-ids` should tell it. */
const truth = (ecs: LocalEcs): Record<string, string> =>
  Object.fromEntries(
    places.flatMap((region) => {
      const image = ecs.current('web', region)
      return image === undefined ? [] : [[region, image]]
    }),
  )

const toldBy = ({ outputs }: Walk): unknown => JSON.parse(outputs['current-image-ids'] ?? '')

// Held while it looks at one region, a rollback has seen the others before something was released and this one after: it
// withdraws the new image here and leaves it there, or finds nothing to do where it has come since. It should look at
// every region again before it says that all is well, those included where there was nothing to do, and fail when they
// are apart.
for (const [what, second] of Object.entries({ bake: bakeAt(0, 0), promotion: promoteOf() })) {
  for (const region of places) {
    test(`a rollback that looks at ${region} only after a ${what} does not leave the regions apart and call it success`, async () => {
      const raced = await race({ first: rollbackAt(0), second }, 0, [region])
      isFair(raced, raced.walks.map(({ failure, headline }) => failure?.what ?? headline).join(' | '))
    })
  }
}

// The other way round each of them fails, and says that the regions are apart. The older one, overtaken at home and served
// in the replicas, should as well: `apart` in failure.ts asks only whether the home region is won.
test('two bakes whose copies are made in the opposite order do not both succeed with the regions apart', async () => {
  const world = await threeRegions()
  const { ecs } = world
  const { isFirst, start } = twoRuns(world)
  const [made, copied, joins, over] = [happening(), happening(), happening(), happening()]
  let copies = 0
  ecs.intercept = async (phase, request) => {
    const { action, dryRun } = request
    const isCopy = action === 'CopyImage'
    if (phase === 'after') {
      if (!isFirst(request) && isCopy && ++copies === 2) copied.happens()
    } else if (!isFirst(request)) {
      if (copies === 2) await joins.happened
    } else if (isCopy) {
      made.happens()
      await copied.happened
    } else if (action === 'ModifyImageAttribute' && !dryRun) {
      joins.happens()
      await over.happened
    }
  }
  const older = start(0, bakeAt(0, 0)(world))
  await made.happened
  const newer = start(1, bakeAt(0, 1)(world)).finally(over.happens)
  const walks = await Promise.all([older, newer])
  ecs.intercept = undefined
  const served = servedBy(ecs)
  await ecs.close()
  expect(copies).toBe(2)
  if (walks.every(({ failure }) => !failure)) expect(new Set(served).size, `${served}`).toBe(1)
})

/** A bake with `keep` is held, in all regions, from the request on of which `isThere` holds, until the other run is over. */
async function meetWhilePruning(
  second: Rivals['second'],
  isThere: (request: RequestRecord, claimed: boolean) => boolean,
) {
  const world = await threeRegions()
  const { ecs } = world
  const { isFirst, start } = twoRuns(world)
  const [held, over] = [happening(), happening()]
  const wrongs = new Set<string>()
  let [isHeld, isClaimed] = [false, false]
  ecs.intercept = async (phase, request) => {
    const { action, parameters } = request
    if (!isFirst(request)) return
    if (phase === 'after') {
      // The snapshots that go are noted before their images do.
      isClaimed ||= action === 'TagResources' && parameters.ResourceType === 'snapshot'
      return
    }
    isHeld ||= isThere(request, isClaimed)
    if (isHeld) {
      held.happens()
      await over.happened
    }
    wrongs.add(wrongToDelete(ecs, request) ?? '')
  }
  const first = start(0, bakeAt(0, 0, { keep: '2' })(world)).finally(held.happens)
  await held.happened
  const rival = start(1, second(world)).finally(over.happens)
  const [bake, other] = await Promise.all([first, rival])
  ecs.intercept = undefined
  const current = truth(ecs)
  await ecs.close()
  wrongs.delete('')
  expect(isHeld).toBe(true)
  return { bake, other, current, wrongs: [...wrongs] }
}

// The last look before a deletion asks what is current, and not what a rollback would fall back to by then.
test('a bake with keep does not delete what a rollback in its middle leaves to fall back to', async () => {
  const { other, wrongs } = await meetWhilePruning(rollbackAt(0), (_, isClaimed) => isClaimed)
  expect(other.failure).toBeUndefined()
  expect(wrongs).toEqual([])
})

// Between the last look and the deletion there is nothing that ECS would compare: an image promoted in that moment is
// deleted, and the family may be left empty. Whoever deletes it has to notice: it should look once more afterwards, tell
// what ECS says by then, and fail.
test('a bake with keep that deletes what has become current since its last look says so', async () => {
  const { bake, current } = await meetWhilePruning(promoteOf(1), ({ action }) => action === 'DeleteImage')
  expect(Object.keys(current).length).toBeLessThan(3)
  expect(toldBy(bake)).toEqual(current)
})

// Home has noted the decision, the replica has not come to its end: there the re-run decides anew, and withdraws what a later
// run has put into all regions meanwhile.
test('a rollback that could not note its decision in one region is re-run after a later bake: it gives way everywhere', async () => {
  const world = await threeRegions()
  const { ecs } = world
  ecs.intercept = (phase, { action, region }) => {
    if (phase === 'before' && action === 'ListTagResources' && region === places[1])
      throw new EcsError(403, denied.code, denied.message)
  }
  const rollback = { ...rollbackAt(0)(world), reason: 'bad' }
  const first = await walk(ecs, rollback, { run: { id: 100 } })
  ecs.intercept = undefined
  expect(servedBy(ecs)).toEqual(['v4', 'v4', 'v4'])
  const bake = await walk(ecs, bakeAt(0, 0)(world), { run: { id: 200 } })
  const before = truth(ecs)
  const again = await walk(ecs, rollback, { run: { id: 100, attempt: 2 } })
  const after = truth(ecs)
  await ecs.close()
  expect(first.failure?.what).toContain('Forbidden.RAM')
  expect(bake.failure).toBeUndefined()
  expect(after).toEqual(before)
  expect(again.failure?.what).toContain('superseded')
})

/** The stories that a run's identity is for, each as people live it. */
import { expect, test } from 'vitest'
import type { Inputs, WorkflowRun } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { startEcs } from '../scenarios.ts'
import { type Walk, walk } from './walk.ts'

/** A workflow run of some steps, each of which may be walked again in a later attempt. */
const workflow =
  (ecs: LocalEcs, id: number) =>
  (inputs: Inputs, run: WorkflowRun = {}): Promise<Walk> =>
    walk(ecs, inputs, { run: { id, ...run } })

const idOf = (walked: Walk): string => walked.outputs['image-id'] ?? ''
const familyTags = (ecs: LocalEcs, id: string) => ecs.image(id)?.tags ?? {}

async function release() {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Stopped' }).id
  const bake: Inputs = { mode: 'bake', family: 'web-candidate', 'instance-id': instance }
  const promote: Inputs = { mode: 'promote', family: 'web', 'from-family': 'web-candidate' }
  return { ecs, bake, promote }
}

test('bake, test, promote, re-run as a whole after a crash at each request', async () => {
  const whole = await release()
  const run = workflow(whole.ecs, 1)
  await run(whole.bake, { step: 'bake' })
  await run(whole.promote, { step: 'promote' })
  const requests = whole.ecs.requests.length
  const images = whole.ecs.images().length
  for (let at = 0; at < requests; at++) {
    const { ecs, bake, promote } = await release()
    const crash = new AbortController()
    ecs.intercept = (phase, { index }) => {
      if (index === at && phase === 'after') crash.abort()
    }
    const step = (inputs: Inputs, name: string) =>
      walk(ecs, inputs, { run: { id: 1, step: name }, signal: crash.signal })
    const baked = await step(bake, 'bake')
    if (!baked.failure) await step(promote, 'promote')
    ecs.intercept = undefined
    const again = workflow(ecs, 1)
    const bakedAgain = await again(bake, { step: 'bake', attempt: 2 })
    const promotedAgain = await again(promote, { step: 'promote', attempt: 2 })
    expect([bakedAgain.failure, promotedAgain.failure], `crash at request ${at}`).toEqual([undefined, undefined])
    expect(idOf(promotedAgain), `crash at request ${at}`).toBe(idOf(bakedAgain))
    expect(ecs.current('web')).toBe(idOf(bakedAgain))
    expect(ecs.images().length).toBe(images)
    await ecs.close()
  }
  await whole.ecs.close()
})

test('run A bakes and promotes, run B rolls back, A is re-run: it gives way and says to whom', async () => {
  const { ecs, bake, promote } = await release()
  const old = ecs.seed.image({ family: 'web', name: 'old', createdAt: '2026-03-01T10:00:00Z' }).id
  const a = workflow(ecs, 1)
  const baked = await a(bake, { step: 'bake' })
  await a(promote, { step: 'promote' })
  await workflow(ecs, 2)({ mode: 'rollback', family: 'web', reason: 'it drops connections' })
  expect(ecs.current('web')).toBe(old)
  const before = ecs.state()
  const bakedAgain = await a(bake, { step: 'bake', attempt: 2 })
  const promotedAgain = await a(promote, { step: 'promote', attempt: 2 })
  for (const { failure } of [bakedAgain, promotedAgain]) {
    expect(failure?.what).toContain('superseded')
    expect(failure?.what).toContain('run 2')
    expect(failure?.what).toContain('it drops connections')
    expect(failure?.what).toContain(idOf(baked))
  }
  expect(ecs.state()).toEqual(before)
  await ecs.close()
})

test('a rollback is re-run after somebody restored the image in the console: it changes nothing and says so', async () => {
  const ecs = await startEcs()
  ecs.seed.image({ family: 'web', name: 'v1', createdAt: '2026-03-01T10:00:00Z' })
  const v2 = ecs.seed.image({ family: 'web', name: 'v2', createdAt: '2026-03-02T10:00:00Z' }).id
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  await workflow(ecs, 1)(rollback)
  ecs.change(v2, { status: 'Available' })
  const again = await workflow(ecs, 1)(rollback, { attempt: 2 })
  expect(again.failure?.what).toContain('superseded')
  expect(again.failure?.what).toContain(v2)
  expect(ecs.current('web')).toBe(v2)
  await ecs.close()
})

test('the second attempt starts while tags still lag: it waits for them and does not roll back twice', async () => {
  const ecs = await startEcs()
  for (const day of [1, 2, 3])
    ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z` })
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  const first = await workflow(ecs, 1)(rollback)
  ecs.switches.staleTagSeconds = 25
  // As if the marks had been written just before this attempt.
  for (const { id } of ecs.images()) ecs.change(id, { tags: familyTags(ecs, id) })
  const again = await workflow(ecs, 1)(rollback, { attempt: 2 })
  expect(again.failure).toBeUndefined()
  expect(idOf(again)).toBe(idOf(first))
  expect(again.outputs.changed).toBe('true')
  await ecs.close()
})

test('tags that lag behind the status do not make a first attempt fail', async () => {
  const ecs = await startEcs()
  Object.assign(ecs.switches, {
    staleTagSeconds: 30,
    staleSeconds: 30,
    staleFamilySeconds: 30,
    newImageHiddenSeconds: 30,
  })
  const instance = ecs.seed.instance({ status: 'Stopped' }).id
  const run = workflow(ecs, 1)
  const v1 = await run({ mode: 'bake', family: 'web', 'instance-id': instance }, { step: 'v1' })
  const v2 = await run({ mode: 'bake', family: 'web', 'instance-id': instance }, { step: 'v2' })
  ecs.clock.advance(60)
  const back = await workflow(ecs, 2)({ mode: 'rollback', family: 'web' })
  const forth = await workflow(ecs, 3)({ mode: 'promote', family: 'web', 'image-id': idOf(v2) })
  expect([v1, v2, back, forth].map(({ failure }) => failure)).toEqual([undefined, undefined, undefined, undefined])
  expect(idOf(back)).toBe(idOf(v1))
  expect(ecs.current('web')).toBe(idOf(v2))
  await ecs.close()
})

test('the legs of a matrix are runs of their own', async () => {
  const ecs = await startEcs()
  const instances = [0, 1].map(() => ecs.seed.instance({ status: 'Stopped' }).id)
  const legs = ['{"os":"a"}', '{"os":"b"}'].map((matrix, leg) => ({
    mode: 'bake',
    family: `web-${leg}`,
    'instance-id': instances[leg] ?? '',
    matrix,
  }))
  const run = workflow(ecs, 1)
  const baked = await Promise.all(legs.map((inputs) => run(inputs)))
  const again = await Promise.all(legs.map((inputs) => run(inputs, { attempt: 2 })))
  expect(new Set(baked.map(idOf)).size).toBe(2)
  expect(again.map(idOf)).toEqual(baked.map(idOf))
  expect(ecs.images().length).toBe(2)
  await ecs.close()
})

test('legs that differ in nothing but the matrix roll back one family each on its own', async () => {
  const ecs = await startEcs()
  for (const day of [1, 2, 3])
    ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z` })
  const run = workflow(ecs, 1)
  const first = await run({ mode: 'rollback', family: 'web', matrix: '{"n":1}' })
  const second = await run({ mode: 'rollback', family: 'web', matrix: '{"n":2}' })
  expect([first.failure, second.failure]).toEqual([undefined, undefined])
  expect(idOf(second)).not.toBe(idOf(first))
  await ecs.close()
})

test('a composite action or a workflow called twice in one run tells its calls apart by idempotency-key', async () => {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Stopped' }).id
  const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance }
  const run = workflow(ecs, 1)
  const [one, same, other] = [
    await run({ ...bake, 'idempotency-key': 'one' }, { step: '__run' }),
    await run({ ...bake, 'idempotency-key': 'one' }, { step: '__run', job: 'called-again' }),
    await run({ ...bake, 'idempotency-key': 'two' }, { step: '__run' }),
  ]
  expect(idOf(same)).toBe(idOf(one))
  expect(idOf(other)).not.toBe(idOf(one))
  await ecs.close()
})

test('a source made anew in each attempt is found by idempotency-key', async () => {
  const ecs = await startEcs()
  const bakeOf = (): Inputs => ({
    mode: 'bake',
    family: 'web',
    'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
    'idempotency-key': 'nightly',
  })
  const run = workflow(ecs, 1)
  const first = await run(bakeOf())
  const again = await run(bakeOf(), { attempt: 2 })
  expect(idOf(again)).toBe(idOf(first))
  expect(ecs.images().length).toBe(1)
  await ecs.close()
})

for (const named of [true, false]) {
  test(`an image that ECS failed to create is replaced by the next attempt, ${named ? 'with a given name' : 'with a name of the run'}`, async () => {
    const ecs = await startEcs()
    const bake: Inputs = {
      mode: 'bake',
      family: 'web',
      'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
      ...(named ? { 'image-name': 'golden' } : {}),
    }
    ecs.switches.failNextImages = 1
    const run = workflow(ecs, 1)
    const failed = await run(bake)
    expect(failed.failure?.what).toContain('CreateFailed')
    const again = await run(bake, { attempt: 2 })
    expect(again.failure).toBeUndefined()
    if (named) expect(ecs.image(idOf(again))?.name).toBe('golden')
    expect(ecs.images().map(({ status }) => status)).toEqual(['CreateFailed', 'Available'])
    const third = await run(bake, { attempt: 3 })
    expect(idOf(third)).toBe(idOf(again))
    expect(ecs.images().length).toBe(2)
    await ecs.close()
  })
}

test('two rollback steps in one job on purpose are two decisions, and a re-run of the job repeats neither', async () => {
  const ecs = await startEcs()
  const ids = [1, 2, 3].map(
    (day) => ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z` }).id,
  )
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  const run = workflow(ecs, 1)
  const first = await run(rollback, { step: 'one' })
  const second = await run(rollback, { step: 'two' })
  expect([idOf(first), idOf(second)]).toEqual([ids[1], ids[0]])
  const again = [await run(rollback, { step: 'one', attempt: 2 }), await run(rollback, { step: 'two', attempt: 2 })]
  expect(again.map(({ failure }) => failure)).toEqual([undefined, undefined])
  expect(again.map(idOf)).toEqual([ids[1], ids[0]])
  expect(ecs.current('web')).toBe(ids[0])
  await ecs.close()
})

test('two people press the button: the second does not withdraw the good image', async () => {
  const ecs = await startEcs()
  for (const day of [1, 2, 3])
    ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z` })
  const rollback: Inputs = { mode: 'rollback', family: 'web' }
  const first = await workflow(ecs, 1)(rollback)
  const second = await workflow(ecs, 2)(rollback)
  expect(second.failure?.what).toContain('just-rolled-back')
  expect(second.failure?.remedy).toContain(`expected-image-id: ${idOf(first)}`)
  expect(ecs.current('web')).toBe(idOf(first))
  const meant = await workflow(ecs, 3)({ ...rollback, 'expected-image-id': idOf(first) })
  expect(meant.failure).toBeUndefined()
  ecs.clock.advance(31 * 60)
  expect((await workflow(ecs, 4)(rollback)).failure?.what).toContain('would-empty')
  await ecs.close()
})

test('a bake overtaken by a newer image of another run succeeds and says by which run', async () => {
  const ecs = await startEcs()
  const [slow, fast] = [0, 1].map(() => ecs.seed.instance({ status: 'Stopped' }).id)
  let other: Walk | undefined
  ecs.intercept = async (phase, { action, parameters, dryRun }) => {
    if (phase !== 'after' || action !== 'CreateImage' || dryRun || parameters.InstanceId !== slow) return
    other = await workflow(ecs, 2)({ mode: 'bake', family: 'web', 'instance-id': fast ?? '' })
  }
  const baked = await workflow(ecs, 1)({ mode: 'bake', family: 'web', 'instance-id': slow ?? '' })
  expect(baked.failure).toBeUndefined()
  expect(baked.notices.map(({ text }) => text).join()).toMatch(/newer .* baked by run 2/)
  expect(baked.outputs['image-id']).not.toBe(baked.outputs['current-image-id'])
  expect(baked.outputs['current-image-id']).toBe(other && idOf(other))
  await ecs.close()
})

test('a promotion overtaken by a newer image fails; a rollback overtaken by one succeeds', async () => {
  for (const [mode, fails] of [
    ['promote', true],
    ['rollback', false],
  ] as const) {
    const ecs = await startEcs()
    const [v1] = [1, 2].map(
      (day) => ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: `2026-03-0${day}T10:00:00Z` }).id,
    )
    const tested = ecs.seed.image({ name: 'tested', createdAt: '2026-03-03T10:00:00Z' }).id
    const instance = ecs.seed.instance({ status: 'Stopped' }).id
    let resumed = false
    ecs.intercept = async (phase, { action, dryRun }) => {
      if (phase !== 'after' || action !== 'ModifyImageAttribute' || dryRun || resumed) return
      resumed = true
      await workflow(ecs, 2)({ mode: 'bake', family: 'web', 'instance-id': instance })
    }
    const inputs: Inputs = mode === 'promote' ? { mode, family: 'web', 'image-id': tested } : { mode, family: 'web' }
    const walked = await workflow(ecs, 1)(inputs)
    expect(walked.failure !== undefined, mode).toBe(fails)
    const said = fails ? walked.failure?.what : walked.notices.map(({ text }) => text).join()
    expect(said).toMatch(/newer .* baked by run 2/)
    if (!fails) expect(walked.outputs['image-id']).toBe(v1)
    await ecs.close()
  }
})

test('a token that answers the ID of an image long gone is renewed: the run gets an image', async () => {
  const ecs = await startEcs()
  const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance({ status: 'Stopped' }).id }
  const first = await workflow(ecs, 1)(bake)
  ecs.remove(idOf(first))
  const again = await workflow(ecs, 1)(bake, { attempt: 2 })
  expect(again.failure).toBeUndefined()
  expect(ecs.image(idOf(again))?.status).toBe('Available')
  expect(idOf(again)).not.toBe(idOf(first))
  await ecs.close()
})

test('a token that stands for another request is looked into: the image of this run is found or made once', async () => {
  for (const code of ['IdempotenceParamNotMatch', 'IdempotentParameterMismatch', 'InvalidParamter.Conflict'] as const) {
    const ecs = await startEcs()
    ecs.switches.tokenMismatchCode = code
    const instance = ecs.seed.instance({ status: 'Stopped' }).id
    const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'idempotency-key': 'k' }
    const crash = new AbortController()
    ecs.intercept = (phase, { action, dryRun }) => {
      if (phase === 'after' && action === 'CreateImage' && !dryRun) crash.abort()
    }
    await walk(ecs, bake, { run: { id: 1 }, signal: crash.signal })
    ecs.intercept = undefined
    // The description of the first attempt was another one, and its image is not listed yet.
    ecs.switches.newImageHiddenSeconds = 30
    const again = await workflow(ecs, 1)({ ...bake, description: 'changed since' }, { attempt: 2 })
    expect(again.failure, code).toBeUndefined()
    expect(ecs.images().length, code).toBe(1)
    await ecs.close()
  }
})

test('the first request of a token still running is waited for', async () => {
  const ecs = await startEcs()
  ecs.switches.lastTokenProcessingTimes = 3
  const baked = await workflow(
    ecs,
    1,
  )({
    mode: 'bake',
    family: 'web',
    'instance-id': ecs.seed.instance({ status: 'Stopped' }).id,
  })
  expect(baked.failure).toBeUndefined()
  expect(ecs.images().length).toBe(1)
  await ecs.close()
})

test('an instance that a lost runner has left stopped is started by a later bake of another run', async () => {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Running' }).id
  const crash = new AbortController()
  ecs.intercept = (phase, { action }) => {
    if (phase === 'after' && action === 'StopInstance') crash.abort()
  }
  const bake: Inputs = { mode: 'bake', family: 'web', 'instance-id': instance, 'stop-instance': 'true' }
  await walk(ecs, bake, { run: { id: 1 }, signal: crash.signal })
  ecs.intercept = undefined
  const later = await workflow(ecs, 2)({ mode: 'bake', family: 'other', 'instance-id': instance })
  expect(later.failure).toBeUndefined()
  expect(ecs.instance(instance)?.status).toBe('Running')
  expect(ecs.instance(instance)?.tags).toEqual({})
  await ecs.close()
})

// ── One family in three regions ──────────────────────────────────────────────

const places = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing'] as const

/** `web` with `v1` to `v3` at home and their copies in the replica regions. */
async function threeRegions() {
  const ecs = await startEcs()
  const instance = ecs.seed.instance({ status: 'Stopped' }).id
  const at = (day: number, hour = 10) => `2026-03-0${day}T${hour}:00:00Z`
  const home = [1, 2, 3].map(
    (day) =>
      ecs.seed.image({ family: 'web', name: `v${day}`, createdAt: at(day), tags: { 'image-family:run': `0-${day}` } })
        .id,
  )
  /** By hand, as the documents say. */
  const copy = (region: string, day: number, createdAt?: string): string => {
    const id = home[day - 1] ?? ''
    const tags = { 'image-family:origin': `${places[0]}/${id}` }
    const from = { copyOf: { region: places[0], id }, tags, createdAt }
    return ecs.seed.image({ region, family: 'web', name: `v${day}-${ecs.images(region).length}`, ...from }).id
  }
  for (const region of places.slice(1)) for (const day of [1, 2, 3]) copy(region, day, at(day, 16))
  const web: Inputs = { family: 'web', 'region-id': places[0], 'replica-region-ids': places.slice(1).join(',') }
  const current = () => places.map((region) => ecs.current('web', region))
  return { ecs, instance, home, copy, web, current }
}

test('a bake is re-run after somebody has moved its copy out of the family in one region: it gives way', async () => {
  const { ecs, instance, web, current } = await threeRegions()
  const bake: Inputs = { ...web, mode: 'bake', 'instance-id': instance }
  expect((await workflow(ecs, 1)(bake)).failure).toBeUndefined()
  ecs.change(ecs.current('web', places[2]) ?? '', { family: 'attic' })
  const before = current()
  const again = await workflow(ecs, 1)(bake, { attempt: 2 })
  expect(current()).toEqual(before)
  expect(again.failure?.what).toContain('superseded')
  await ecs.close()
})

for (const mode of ['rollback', 'promote'] as const) {
  for (const [where, changed] of [
    ['at home', places[1]],
    ['in a replica', places[0]],
  ] as const) {
    test(`a ${mode} that had nothing to do ${where} is re-run after somebody put another image there: it undoes nothing`, async () => {
      const { ecs, home, web, current } = await threeRegions()
      const [, v2 = '', v3 = ''] = home
      const region = where === 'at home' ? places[0] : places[2]
      const inputs: Inputs =
        mode === 'rollback'
          ? { ...web, mode, 'to-image-id': v2 }
          : { ...web, mode, 'image-id': v2, 'deprecate-newer': 'true' }
      // Only one region serves v3 still.
      for (const each of places.filter((place) => place !== changed)) {
        ecs.change(ecs.current('web', each) ?? '', { status: 'Deprecated' })
      }
      // A rollback starts from what is current at home.
      expect(ecs.current('web')).toBe(changed === places[0] ? v3 : v2)
      const first = await workflow(ecs, 1)(inputs)
      expect(first.failure).toBeUndefined()
      expect(first.outputs.changed).toBe('true')
      ecs.seed.image({ region, family: 'web', name: 'by-hand' })
      const before = current()
      await workflow(ecs, 1)(inputs, { attempt: 2 })
      expect(current()).toEqual(before)
      await ecs.close()
    })
  }
}

test('a rollback killed when it has restored a copy that nothing stands before settles its mark when it is re-run', async () => {
  const { ecs, web } = await threeRegions()
  const [oldest, ...newer] = ecs.images(places[1])
  for (const { id } of newer) ecs.change(id, { status: 'Deprecated' })
  expect(ecs.current('web', places[1])).toBe(oldest?.id)
  const crash = new AbortController()
  ecs.intercept = (phase, { action, region, dryRun }) => {
    if (phase === 'after' && action === 'ModifyImageAttribute' && region === places[1] && !dryRun) crash.abort()
  }
  const rollback: Inputs = { ...web, mode: 'rollback' }
  await walk(ecs, rollback, { run: { id: 1 }, signal: crash.signal })
  ecs.intercept = undefined
  const again = await workflow(ecs, 1)(rollback, { attempt: 2 })
  const served = ecs.current('web', places[1]) ?? ''
  await ecs.close()
  expect(again.failure).toBeUndefined()
  expect(served).toBe(newer[0]?.id)
  expect(familyTags(ecs, served)['image-family:decision']).toMatch(/^done rollback /)
})

test('a promotion that makes copies lists its regions in the order in which its re-run does', async () => {
  const { ecs, web } = await threeRegions()
  const tested = ecs.seed.image({ name: 'tested' }).id
  const promote: Inputs = { ...web, mode: 'promote', 'image-id': tested }
  const first = await workflow(ecs, 1)(promote)
  const again = await workflow(ecs, 1)(promote, { attempt: 2 })
  await ecs.close()
  expect(Object.keys(JSON.parse(first.outputs['image-ids'] ?? ''))).toEqual([...places])
  expect(again.outputs['image-ids']).toBe(first.outputs['image-ids'])
})

// What is deleted leaves no trace: the first attempt should not count it among what was withdrawn.
test('a promotion that withdraws an image and deletes it says the same when it is re-run', async () => {
  const ecs = await startEcs()
  const tags = { 'image-family:run': '0-1' }
  const [v1 = '', v2 = ''] = [1, 2, 3, 4].map(
    (day) => ecs.seed.image({ family: 'web', createdAt: `2026-03-0${day}T10:00:00Z`, tags }).id,
  )
  const promote: Inputs = { mode: 'promote', family: 'web', 'image-id': v1, 'deprecate-newer': 'true', keep: '2' }
  const first = await workflow(ecs, 1)(promote)
  const again = await workflow(ecs, 1)(promote, { attempt: 2 })
  const isDeleted = ecs.image(v2) === undefined
  await ecs.close()
  expect([first.failure, again.failure, isDeleted]).toEqual([undefined, undefined, true])
  expect(again.outputs['deprecated-image-ids']).toBe(first.outputs['deprecated-image-ids'])
})

// What was done elsewhere is found in a replica region, and its ID there is then asked for at home.
test('a promotion with shares that had nothing to do at home is re-run: it has nothing to do', async () => {
  const { ecs, home, web } = await threeRegions()
  const [, v2 = '', v3 = ''] = home
  for (const each of [v3, ecs.current('web', places[2]) ?? '']) ecs.change(each, { status: 'Deprecated' })
  const sharing: Inputs = { 'share-with': ecs.addAccount().uid }
  const promote: Inputs = { ...web, ...sharing, mode: 'promote', 'image-id': v2, 'deprecate-newer': 'true' }
  const first = await workflow(ecs, 1)(promote)
  const again = await workflow(ecs, 1)(promote, { attempt: 2 })
  await ecs.close()
  expect(first.failure).toBeUndefined()
  expect(again.failure).toBeUndefined()
})

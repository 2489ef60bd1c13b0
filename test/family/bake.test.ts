import { describe, expect, test } from 'vitest'
import type { Image } from '../../src/family/model/image.ts'
import { imageNameOf } from '../../src/family/model/run.ts'
import { there } from './fake-ecs.ts'
import { decided, image, instance, minute, noon, region, w, x } from './images.ts'
import { brief, carriedOut, changeOf, nothingOf, planOf, refusalOf, stepsOf } from './planning.ts'
import { again, bake, runFor } from './requests.ts'

const web = there(w, x)
const request = bake()
const key = request.run.key
const name = imageNameOf(request.run, 'web', 0)
/** The image of this run. */
const own = image('m-own', 20, { name, tags: { 'image-family:run': key } })
const fromInstance = { kind: 'instance', instance: 'i-1' } as const
const creating = { status: 'Creating' } as const
const failed = { status: 'CreateFailed' } as const

describe('a first attempt', () => {
  test('creates the image into the family and waits for it', () => {
    expect(planOf(request, web).plan).toMatchObject({
      kind: 'change',
      steps: [
        {
          action: 'create',
          region,
          image: '<new image>',
          create: {
            name,
            family: 'web',
            generation: 0,
            source: { kind: 'snapshot', snapshot: 's-1' },
            tags: { 'image-family:run': key },
            run: request.run,
          },
        },
        { action: 'await', region, image: '<new image>' },
      ],
      expect: { region, family: 'web', image: '<new image>', withdrawn: [] },
      afterwards: [],
      image: '<new image>',
      previous: 'm-x',
      withdrawn: [],
      pending: [],
      notices: [],
    })
  })

  test('into a family that does not exist yet: there is nothing that it follows', () => {
    expect(changeOf(request, there()).previous).toBeUndefined()
  })

  test('what is sent is a function of inputs and run alone', () => {
    const sent = (situation: typeof web, attempt: number) =>
      changeOf(again(request, attempt), situation).steps.flatMap((step) => {
        if (step.action !== 'create') return []
        const { run, ...create } = step.create
        return [{ ...create, run: { ...run, attempt: 0 } }]
      })
    expect(sent(web, 1)).toHaveLength(1)
    expect(sent(web.at(noon + 90 * minute).with(image('m-y', 9)), 3)).toEqual(sent(web, 1))
  })

  test('wait: false returns as soon as ECS has accepted it, and expects nothing', () => {
    const plan = changeOf(bake({ wait: false }), web)
    expect(plan.steps.map(brief)).toEqual(['create <new image>'])
    expect(plan.expect).toBeUndefined()
  })

  test('a given name is used', () => {
    const [step] = changeOf(bake({ imageName: 'web-1.2' }), web).steps
    expect(step).toMatchObject({ action: 'create', create: { name: 'web-1.2' } })
  })

  test('a given name that another image has: refused, naming that one', () => {
    const refusal = refusalOf(bake({ imageName: 'web-1.2' }), web.with(image('m-t', 3, { name: 'web-1.2' })))
    expect(refusal).toMatchObject({ code: 'name-taken', reason: expect.stringMatching(/web-1\.2.*m-t/) })
    expect(refusal.remedy).toContain('`image-name`')
  })

  test.each([
    [89, 0],
    [90, 1],
    [100, 1],
  ])('a family of %i images: %i warnings, and ECS decides', (count, warnings) => {
    const images = Array.from({ length: count }, (_, index) => image(`m-${index}`, 1, { status: 'Deprecated' }))
    const { notices, steps } = changeOf(request, there(...images))
    expect(notices).toHaveLength(warnings)
    if (warnings > 0)
      expect(notices[0]).toEqual({
        level: 'warning',
        persistent: true,
        text: expect.stringContaining(`${count} images`),
      })
    expect(steps.map(brief)).toContain('create <new image>')
  })
})

describe('the instance', () => {
  const from = (given: Parameters<typeof instance>[1], more: Parameters<typeof bake>[0] = {}) =>
    [bake({ source: fromInstance, ...more }), web.running(instance('i-1', given))] as const

  test('that is running: a warning about what is not on its disks yet', () => {
    const { notices, steps } = changeOf(...from({}))
    expect(notices).toEqual([
      { level: 'warning', persistent: true, text: expect.stringMatching(/i-1.*`stop-instance: true`/) },
    ])
    expect(steps.map(brief)).toEqual(['create <new image>', 'await <new image>'])
  })

  test('that is stopped already stays so', () => {
    const plan = changeOf(...from({ status: 'Stopped' }, { stopInstance: 'orderly' }))
    expect(plan.steps.map(brief)).toEqual(['create <new image>', 'await <new image>'])
    expect(plan.notices).toEqual([])
  })

  test.each([
    ['orderly', false],
    ['by-force', true],
  ] as const)('stopped %s: marked before, started after the image is there, unmarked last', (stopInstance, force) => {
    const plan = changeOf(...from({}, { stopInstance }))
    expect(plan.steps.map(brief)).toEqual([
      'tag i-1',
      'stop i-1',
      'create <new image>',
      'await <new image>',
      'start i-1',
      'untag i-1',
    ])
    expect(plan.steps[0]).toEqual({
      action: 'tag',
      region,
      resource: 'instance',
      ids: ['i-1'],
      tags: { 'image-family:stopped': `${key} 20260401120000` },
    })
    expect(plan.steps[1]).toEqual({ action: 'stop', region, instance: 'i-1', force })
    expect(plan.steps[5]).toMatchObject({ resource: 'instance', keys: ['image-family:stopped'] })
    expect(plan.notices).toEqual([])
  })

  test('that does not exist: refused', () => {
    const refusal = refusalOf(bake({ source: fromInstance }), web)
    expect(refusal).toMatchObject({ code: 'instance-unusable', reason: expect.stringContaining('i-1') })
    expect(refusal.remedy).toMatch(/`instance-id`.*`region-id`/)
  })

  test('that is locked for security: refused', () => {
    const refusal = refusalOf(...from({ locks: ['financial', 'security'] }))
    expect(refusal).toMatchObject({ code: 'instance-unusable', reason: expect.stringContaining('security') })
    expect(refusal.remedy).not.toBe('')
  })

  test('that is locked for another reason: ECS decides', () => {
    expect(changeOf(...from({ locks: ['financial'] })).image).toBe('<new image>')
  })

  test.each(['Pending', 'Starting', 'Stopping', 'Expired'])('that is %s: refused', (status) => {
    expect(refusalOf(...from({ status }))).toMatchObject({
      code: 'instance-unusable',
      reason: expect.stringContaining(status),
    })
  })

  test('is not asked about for another source', () => {
    expect(planOf(request, web).questions.map(({ ask }) => ask)).not.toContain('instance')
  })
})

describe('ECS is asked whether it would create the image', () => {
  const running = web.running(instance('i-1'))
  const stopping = bake({ source: fromInstance, stopInstance: 'orderly' })
  const asked = (given: typeof request, situation: typeof web) =>
    planOf(given, situation).questions.filter(({ ask }) => ask === 'permitted')

  test('with the step as it is planned; a busy source is waited for only where its instance is to be stopped', () => {
    const [create] = changeOf(request, web).steps
    expect(asked(request, web)).toEqual([{ ask: 'permitted', step: create, once: true }])
    const stop = changeOf(stopping, running).steps.find(({ action }) => action === 'create')
    expect(stop).toMatchObject({ stoppedInstance: 'i-1' })
    expect(asked(stopping, running)).toEqual([{ ask: 'permitted', step: stop }])
    const dry = { ...stopping, dryRun: true }
    expect(asked(dry, running)).toEqual([{ ask: 'permitted', step: stop, once: true }])
  })

  test.each(['identity', 'request', 'family-full'] as const)('refused: %s', (about) => {
    for (const given of [request, stopping]) {
      const refusal = refusalOf(given, running.denying('create', about))
      expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('create image') })
    }
  })

  test('what may pass until then is no refusal: a busy source, a name, a full family in which room can be made', () => {
    const brief = stepsOf(stopping, running)
    expect(stepsOf(stopping, running.denying('create', 'busy'))).toEqual(brief)
    expect(stepsOf(again(request), web.with(image('m-late', 3, { name })).readAs(web))).toEqual(stepsOf(request, web))
    const tags = { 'image-family:run': runFor('bake', { workflowRun: '1' }).key }
    const old = ['m-1', 'm-2', 'm-3'].map((id, index) => image(id, index - 9, { tags }))
    const full = web.with(...old).denying('create', 'family-full')
    expect(changeOf(bake({ keep: 2 }), full).steps.map(({ action }) => action)).toEqual(['create', 'await'])
  })

  test('a dry run shows its plan to an identity that may not create images, with a warning', () => {
    const plan = changeOf({ ...stopping, dryRun: true }, running.denying('create'))
    expect(plan.steps).toEqual(changeOf(stopping, running).steps)
    expect(plan.notices).toEqual([{ level: 'warning', text: expect.stringMatching(/create image.*Forbidden\.RAM/) }])
  })

  test('a dry run says that the source is busy, and refuses what stays so', () => {
    const dry = { ...stopping, dryRun: true }
    expect(changeOf(dry, running.denying('create', 'busy')).notices).toMatchObject([{ level: 'notice' }])
    expect(refusalOf(dry, running.denying('create', 'request')).code).toBe('not-permitted')
  })
})

describe('an instance that a lost attempt has left stopped', () => {
  const stopped = (workflowRun: string, given = {}) =>
    instance('i-1', {
      status: 'Stopped',
      tags: { 'image-family:stopped': `${runFor('bake', { workflowRun }).key} 20260401113000` },
      ...given,
    })
  const from = bake({ source: fromInstance, stopInstance: 'orderly' })

  test('is started by the next attempt, after its image is made', () => {
    expect(stepsOf(again(from), web.running(stopped('17230001')))).toEqual([
      'create <new image>',
      'await <new image>',
      'start i-1',
      'untag i-1',
    ])
  })

  test('is started by the next bake of that instance, even one that stops nothing', () => {
    expect(stepsOf(bake({ source: fromInstance }), web.running(stopped('17229999')))).toEqual([
      'create <new image>',
      'await <new image>',
      'start i-1',
      'untag i-1',
    ])
  })

  test('is started where the image was made already', () => {
    const situation = web.with(own).running(stopped('17230001'))
    expect(stepsOf(again(from), situation)).toEqual(['start i-1', 'untag i-1'])
  })

  test('is started after the image that is still being made', () => {
    const situation = web.with({ ...own, ...creating }).running(stopped('17230001'))
    expect(stepsOf(again(from), situation)).toEqual(['await m-own', 'start i-1', 'untag i-1'])
  })

  test('is started where a later step of the same workflow run has taken the image on', () => {
    const tags = { ...own.tags, ...decided(runFor('promote'), 'promote', { target: 'm-own' }) }
    const situation = web.with({ ...own, family: 'live', tags }).running(stopped('17230001'))
    expect(stepsOf(again(from), situation)).toEqual(['start i-1', 'untag i-1'])
  })

  test('is named where ECS would not create the image', () => {
    const situation = web.running(stopped('17230001')).denying('create')
    expect(refusalOf(again(from), situation)).toMatchObject({
      code: 'not-permitted',
      leavesStopped: { region, instance: 'i-1' },
    })
    const ofAnother = web.running(stopped('17229999')).denying('create')
    expect(refusalOf(again(from), ofAnother)).not.toHaveProperty('leavesStopped')
  })

  test('is named even by a refusal', () => {
    const situation = web.with({ ...own, status: 'UnAvailable' }).running(stopped('17230001'))
    expect(refusalOf(again(from), situation).leavesStopped).toEqual({ region, instance: 'i-1' })
  })

  test.each([
    ['another run', '17229999'],
    ['a run that began later', '17230009'],
  ])('by %s, which may be baking it: a refusal leaves it so', (_, workflowRun) => {
    const situation = web.with({ ...own, status: 'UnAvailable' }).running(stopped(workflowRun))
    const refusal = refusalOf(again(from), situation)
    expect(refusal.code).toBe('image-failed')
    expect(refusal).not.toHaveProperty('leavesStopped')
  })

  test('by another run, where a later step of this one has taken the image on: is left so', () => {
    const tags = { ...own.tags, ...decided(runFor('promote'), 'promote', { target: 'm-own' }) }
    const situation = web.with({ ...own, family: 'live', tags }).running(stopped('17229999'))
    expect(nothingOf(again(from), situation).image).toBe('m-own')
  })

  test.each([
    ['started since, and stopped by somebody', { startedAt: Date.parse('2026-04-01T11:45:00Z') }],
    ['started since, and running', { status: 'Running', startedAt: Date.parse('2026-04-01T11:45:00Z') }],
  ])('%s: the stale mark goes, and it stays as it is', (_, given) => {
    const situation = web.running(stopped('17229999', given))
    expect(stepsOf(bake({ source: fromInstance }), situation)).toEqual([
      'create <new image>',
      'await <new image>',
      'untag i-1',
    ])
  })

  test('is left running and without a mark in the end, wherever the first attempt was lost', () => {
    const before = web.running(instance('i-1'))
    const { steps } = changeOf(from, before)
    for (const count of steps.keys()) {
      const lost = before.after(steps.slice(0, count))
      const after = carriedOut(again(from), lost)
      expect(after.state.instances, `lost after ${count} steps`).toMatchObject([{ status: 'Running', tags: {} }])
      expect(after.state.images.filter(({ tags }) => tags['image-family:run'] === key)).toHaveLength(1)
    }
  })
})

describe('a later attempt', () => {
  const next = again(request)

  test('goes on with the image that is being made', () => {
    const plan = changeOf(next, web.with({ ...own, ...creating }))
    expect(plan.steps.map(brief)).toEqual(['await m-own'])
    expect(plan).toMatchObject({ image: 'm-own', previous: 'm-x', expect: { image: 'm-own' } })
  })

  test('waits on for one that is available but not usable yet', () => {
    expect(stepsOf(next, web.with({ ...own, usable: false }))).toEqual(['await m-own'])
  })

  test('makes no second image where the first is ready', () => {
    expect(changeOf(next, web.with(own))).toMatchObject({
      steps: [],
      image: 'm-own',
      previous: 'm-x',
      changedBefore: true,
    })
  })

  test('finds it by its name where its tags cannot be read yet', () => {
    expect(changeOf(next, web.with(own).readWithoutTags()).image).toBe('m-own')
  })

  test('finds it under a given name, once tags can be read', () => {
    const named = bake({ imageName: 'web-1' })
    const situation = web.with({ ...own, name: 'web-1' }).readWithoutTags()
    const { plan, questions } = planOf(again(named), situation)
    expect(plan).toMatchObject({ image: 'm-own' })
    expect(questions.map(({ ask }) => ask)).toContain('lag')
  })

  test('a first attempt does not wait for tags: a taken name is taken', () => {
    const { questions } = planOf(bake({ imageName: 'web-1' }), web.with(image('m-t', 3, { name: 'web-1' })))
    expect(questions.map(({ ask }) => ask)).not.toContain('lag')
  })

  test('wait: false does not wait', () => {
    const unwaited = again(bake({ wait: false }))
    expect(changeOf(unwaited, web.with({ ...own, ...creating }))).toMatchObject({
      steps: [],
      expect: undefined,
      image: 'm-own',
    })
  })

  test('does not look at the source again: it may be gone', () => {
    const from = again(bake({ source: fromInstance }))
    expect(changeOf(from, web.with(own)).image).toBe('m-own')
  })

  test('newer images being made are listed as pending', () => {
    expect(changeOf(next, web.with(own, image('m-z', 21, creating))).pending).toEqual(['m-z'])
  })

  test('previous is what stood there before, not what is newer by now', () => {
    expect(changeOf(next, web.with(own, image('m-z', 21))).previous).toBe('m-x')
  })

  test('an image of another run in the family is not taken for its own', () => {
    const tags = { 'image-family:run': runFor('bake', { workflowRun: '1' }).key }
    expect(stepsOf(next, web.with(image('m-t', 20, { tags })))).toEqual(['create <new image>', 'await <new image>'])
  })
})

describe('an image of this run that ECS failed to create', () => {
  const next = again(request)

  test('is named and replaced, with a name and a token of its own', () => {
    const plan = changeOf(next, web.with({ ...own, ...failed }))
    expect(plan.steps.map(brief)).toEqual(['create <new image>', 'await <new image>'])
    expect(plan.steps[0]).toMatchObject({ create: { generation: 1, name: imageNameOf(request.run, 'web', 1) } })
    expect(plan.notices).toEqual([{ level: 'warning', persistent: true, text: expect.stringContaining('m-own') }])
  })

  test('twice: a third name and token', () => {
    const second = image('m-own2', 21, { name: imageNameOf(request.run, 'web', 1), tags: own.tags, ...failed })
    const plan = changeOf(again(request, 3), web.with({ ...own, ...failed }, second))
    expect(plan.steps[0]).toMatchObject({ create: { generation: 2, name: imageNameOf(request.run, 'web', 2) } })
    expect(plan.notices).toHaveLength(2)
  })

  test('and its successor: goes on with that one', () => {
    const second = image('m-own2', 21, { name: imageNameOf(request.run, 'web', 1), tags: own.tags })
    expect(changeOf(again(request, 3), web.with({ ...own, ...failed }, second)).image).toBe('m-own2')
  })

  test('under a given name: makes way under another one', () => {
    const named = again(bake({ imageName: 'web-1' }))
    const situation = web.with({ ...own, name: 'web-1', ...failed })
    const plan = changeOf(named, situation)
    expect(plan.steps.map(brief)).toEqual(['rename m-own', 'create <new image>', 'await <new image>'])
    expect(plan.steps[1]).toMatchObject({ create: { generation: 1, name: 'web-1' } })
    expect(carriedOut(named, situation).state.images.filter((each) => each.name === 'web-1')).toHaveLength(1)
  })

  test('under a given name of 128 characters: the other name is no longer', () => {
    const imageName = 'w'.repeat(128)
    const [rename] = changeOf(again(bake({ imageName })), web.with({ ...own, name: imageName, ...failed })).steps
    expect(rename).toMatchObject({ action: 'rename', name: expect.stringMatching(/^w+-failed-.+$/) })
    if (rename?.action === 'rename') expect(rename.name.length).toBeLessThanOrEqual(128)
  })

  test('is replaced under another name where its tags cannot be read yet', () => {
    const situation = there({ ...own, tags: {}, ...failed })
    const [create] = changeOf(next, situation).steps
    expect(create).toMatchObject({
      action: 'create',
      create: { name: expect.not.stringMatching(new RegExp(`^${name}$`)) },
    })
  })

  test('twice, and the first was deleted: name and token are not used again', () => {
    const second = image('m-own2', 21, { name: imageNameOf(request.run, 'web', 1), tags: own.tags, ...failed })
    const after = carriedOut(again(request, 3), web.with(second))
    expect(after.state.images.filter(({ tags }) => tags['image-family:run'] === key)).toHaveLength(2)
  })

  test.each([
    ['in the order of their making', (earlier: Image, last: Image) => [earlier, last]],
    ['newest first', (earlier: Image, last: Image) => [last, earlier]],
    ['and the first was deleted', (_: Image, last: Image) => [last]],
  ])('twice under a given name, %s: the token is not used again', (_, listed) => {
    const named = bake({ imageName: 'web-1' })
    const first = web.with({ ...own, name: 'web-1', ...failed })
    const second = changeOf(again(named), first)
    expect(second.steps[1]).toMatchObject({ create: { generation: 1 } })
    const [earlier, last] = [first.after(second.steps.slice(0, 1)).of('m-own'), { ...own, id: 'm-own2', name: 'web-1' }]
    const third = changeOf(again(named, 3), web.with(...listed(earlier, { ...last, ...failed })))
    expect(third.steps[1]).toMatchObject({ create: { generation: 2 } })
  })

  test('UnAvailable: refused, and says which to delete', () => {
    const refusal = refusalOf(next, web.with({ ...own, status: 'UnAvailable' }))
    expect(refusal).toMatchObject({ code: 'image-failed', reason: expect.stringContaining('m-own') })
    expect(refusal.remedy).toContain('Delete it')
  })
})

describe('an image of this run that was taken elsewhere', () => {
  const next = again(request)
  const sameWorkflow = runFor('promote')
  const another = runFor('rollback', { workflowRun: '17230002' })

  test('promoted by the same workflow run: it stays there and bake succeeds', () => {
    const tags = { ...own.tags, ...decided(sameWorkflow, 'promote', { target: 'm-own', previous: 'm-l' }) }
    const plan = nothingOf(next, web.with({ ...own, family: 'live', tags }))
    expect(plan).toMatchObject({ image: 'm-own', previous: 'm-x', changedBefore: true })
  })

  test('withdrawn by the same workflow run: it stays so and bake succeeds', () => {
    const tags = { ...own.tags, ...decided(runFor('rollback'), 'rollback', { target: 'm-x', previous: 'm-own' }) }
    expect(nothingOf(next, web.with({ ...own, status: 'Deprecated', tags })).image).toBe('m-own')
  })

  test('withdrawn by another run: superseded, naming who, when and why', () => {
    const tags = {
      ...own.tags,
      ...decided(another, 'rollback', { target: 'm-x', previous: 'm-own' }),
      'image-family:reason': 'CVE-2026-1',
    }
    const refusal = refusalOf(next, web.with({ ...own, status: 'Deprecated', tags }))
    expect(refusal.code).toBe('superseded')
    expect(refusal.reason).toMatch(/run 17230002 at 2026-04-01T11:00:00Z.*CVE-2026-1/)
    expect(refusal.remedy).toContain('new workflow run')
  })

  test('promoted elsewhere by another run: superseded', () => {
    const tags = { ...own.tags, ...decided(another, 'promote', { target: 'm-own' }) }
    expect(refusalOf(next, web.with({ ...own, family: 'live', tags })).code).toBe('superseded')
  })

  test.each([
    ['deprecated', { status: 'Deprecated' }],
    ['moved', { family: 'live' }],
  ] as const)('%s by somebody without a mark: superseded', (_, given) => {
    const refusal = refusalOf(next, web.with({ ...own, ...given }))
    expect(refusal).toMatchObject({ code: 'superseded', reason: expect.stringContaining('outside of this action') })
  })
})

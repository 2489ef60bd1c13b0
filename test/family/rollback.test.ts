import { describe, expect, test } from 'vitest'
import { there } from './fake-ecs.ts'
import { decided, deprecated, image, manyTags, minute, noon, region, w, x, y } from './images.ts'
import { brief, carriedOut, changeOf, nothingOf, planOf, refusalOf, stepsOf } from './planning.ts'
import { again, rollback, runFor } from './requests.ts'
import { answersAlong, visibleIn } from './walk.ts'

/** Serves m-y; m-x and m-w stand behind it. */
const web = there(w, x, y)
const theirs = runFor('rollback', { workflowRun: '17230000' })

describe('without a target', () => {
  test('withdraws the current image, and the family falls back to the next one', () => {
    const request = rollback()
    const mark = (state: string) => ({
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-x', 'm-y'],
      tags: { 'image-family:decision': `${state} rollback ${request.run.key} m-x m-y 20260401120000` },
    })
    expect(planOf(request, web).plan).toEqual({
      kind: 'change',
      steps: [
        mark('planned'),
        { action: 'await', region, image: 'm-x', family: 'web' },
        { action: 'deprecate', region, image: 'm-y' },
      ],
      expect: { region, family: 'web', image: 'm-x', withdrawn: ['m-y'], overtaken: 'fails-if-withdrawn-is-back' },
      afterwards: [mark('done')],
      image: 'm-x',
      previous: 'm-y',
      withdrawn: ['m-y'],
      listInstancesOf: ['m-y'],
      pending: [],
      notices: [],
      changedBefore: false,
    })
  })

  test('asks what it needs and no more', () => {
    expect(planOf(rollback(), web).questions).toEqual([
      { ask: 'current', region, family: 'web' },
      { ask: 'members', region, family: 'web' },
      { ask: 'time' },
      { ask: 'shares', region, image: 'm-y' },
      { ask: 'permitted', step: { action: 'deprecate', region, image: 'm-y' } },
    ])
  })

  test('rolls back past a deprecated image', () => {
    const plan = changeOf(rollback(), web.changing('m-x', deprecated))
    expect(plan).toMatchObject({ image: 'm-w', withdrawn: ['m-y'] })
    expect(plan.steps.map(brief)).toEqual(['tag m-w,m-y', 'await m-w in web', 'deprecate m-y'])
  })

  test.each(['Creating', 'Waiting', 'CreateFailed', 'UnAvailable'] as const)(
    'does not fall back to a %s image',
    (status) => {
      expect(changeOf(rollback(), web.changing('m-x', { status }))).toMatchObject({ image: 'm-w', withdrawn: ['m-y'] })
    },
  )

  test('leaves images of other families and accounts alone', () => {
    const busy = web
      .with(image('m-a', 9, { family: 'api' }), image('m-f', 9, { ownerAlias: 'others' }))
      .serving('web', 'm-y')
    expect(stepsOf(rollback(), busy)).toEqual(['tag m-x,m-y', 'await m-x in web', 'deprecate m-y'])
  })

  test('withdraws what ECS serves, not what sorting would say, once it has looked again', () => {
    const { questions, plan } = planOf(rollback(), there(w, x).readAs(there(w, x).serving('web', 'm-w')))
    expect(questions.map(({ ask }) => ask)).toContain('lag')
    expect(plan).toMatchObject({ previous: 'm-x', image: 'm-w' })
  })

  test('two images of the second of the current one: both are named and nothing is done', () => {
    const refusal = refusalOf(rollback(), web.with(image('m-z', 3)).serving('web', 'm-y'))
    expect(refusal.code).toBe('ambiguous-order')
    expect(refusal.reason).toMatch(/m-y.*m-z|m-z.*m-y/)
    expect(refusal.remedy).not.toBe('')
  })

  test('two images of one second to fall back to: both are named and nothing is done', () => {
    const refusal = refusalOf(rollback(), web.with(image('m-z', 2)))
    expect(refusal.code).toBe('ambiguous-order')
    expect(refusal.reason).toMatch(/m-x/)
    expect(refusal.reason).toMatch(/m-z/)
  })

  test('two images of one second further back do not matter', () => {
    expect(changeOf(rollback(), web.with(image('m-v', 1)))).toMatchObject({ image: 'm-x' })
  })

  test('a deprecated image of the second of the current one does not matter', () => {
    expect(changeOf(rollback(), web.with(image('m-z', 3, deprecated)))).toMatchObject({ image: 'm-x' })
  })
})

describe('an empty family', () => {
  test('without images: says to check the names', () => {
    const refusal = refusalOf(rollback(), there())
    expect(refusal).toMatchObject({ code: 'family-empty', reason: expect.stringContaining('has no images') })
    expect(refusal.remedy).toMatch(/`family`.*`region-id`/)
  })

  test('with deprecated images: names the newest to restore', () => {
    const refusal = refusalOf(rollback(), there({ ...w, ...deprecated }, { ...x, ...deprecated }))
    expect(refusal.code).toBe('family-empty')
    expect(refusal.remedy).toContain('`image-id: m-x`')
  })
})

describe('the only available image', () => {
  test('is not withdrawn', () => {
    const refusal = refusalOf(rollback(), there(y))
    expect(refusal).toMatchObject({ code: 'would-empty', remedy: expect.stringContaining('`allow-empty: true`') })
    expect(refusal.remedy).not.toContain('to-image-id')
  })

  test('the refusal names the newest deprecated image to restore', () => {
    const refusal = refusalOf(rollback(), there({ ...w, ...deprecated }, { ...x, ...deprecated }, y))
    expect(refusal.remedy).toContain('`to-image-id: m-x`')
  })

  test('the refusal names no deprecated image that is newer', () => {
    expect(refusalOf(rollback(), there(x, { ...y, ...deprecated })).remedy).not.toContain('m-y')
  })

  test('is withdrawn with allow-empty', () => {
    const plan = changeOf(rollback({ allowEmpty: true }), there(y))
    expect(plan.steps.map(brief)).toEqual(['tag m-y', 'deprecate m-y'])
    expect(plan).toMatchObject({ image: undefined, previous: 'm-y', withdrawn: ['m-y'], expect: { image: undefined } })
    expect(plan.steps[0]).toMatchObject({
      tags: { 'image-family:decision': expect.stringMatching(/^planned rollback \S+ - m-y /) },
    })
  })

  test('allow-empty changes nothing where there is something to fall back to', () => {
    expect(changeOf(rollback({ allowEmpty: true }), web)).toMatchObject({ image: 'm-x', withdrawn: ['m-y'] })
  })

  test('emptied on purpose, a re-run changes nothing', () => {
    const request = rollback({ allowEmpty: true })
    const plan = nothingOf(again(request), carriedOut(request, there(y)))
    expect(plan).toMatchObject({
      image: undefined,
      previous: 'm-y',
      withdrawn: ['m-y'],
      changedBefore: true,
      notices: [],
    })
  })
})

describe('to an image', () => {
  const request = rollback({ toImage: 'm-w' })

  test('withdraws everything newer, oldest first and the current one last', () => {
    const plan = changeOf(request, web)
    expect(plan.steps.map(brief)).toEqual(['tag m-w,m-x,m-y', 'await m-w in web', 'deprecate m-x', 'deprecate m-y'])
    expect(plan).toMatchObject({ image: 'm-w', previous: 'm-y', withdrawn: ['m-x', 'm-y'] })
    expect(answersAlong(plan.steps, web)).toEqual(['m-y', 'm-w'])
  })

  test('restores a deprecated one, and sees it in the family, before anything leaves', () => {
    const asleep = web.changing('m-w', deprecated)
    const plan = changeOf(request, asleep)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-w,m-x,m-y',
      'restore m-w',
      'await m-w in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
    expect(answersAlong(plan.steps, asleep)).toEqual(['m-y', 'm-w'])
    expect(plan.withdrawn).toEqual(['m-x', 'm-y'])
  })

  test('looks once more, directly before anything goes, that the target still stands', () => {
    const { steps } = changeOf(rollback({ toImage: 'm-w', unshare: true }), web.sharing('m-x', '1001'))
    const first = steps.findIndex(({ action }) => action === 'unshare' || action === 'deprecate')
    expect(steps[first - 1]).toEqual({ action: 'await', region, image: 'm-w', family: 'web' })
    const taken = web
      .sharing('m-x', '1001')
      .after(steps.slice(0, first - 1))
      .changing('m-w', deprecated)
    expect(() => taken.after(steps.slice(first - 1))).toThrow('never becomes available')
    expect(steps.filter(({ action }) => action === 'await')).toHaveLength(1)
  })

  test('deprecated images between are left alone', () => {
    expect(stepsOf(request, web.changing('m-x', deprecated))).toEqual([
      'tag m-w,m-y',
      'await m-w in web',
      'deprecate m-y',
    ])
  })

  test('equal to the current one: nothing to do', () => {
    expect(nothingOf(rollback({ toImage: 'm-y' }), web)).toMatchObject({
      changedBefore: false,
      image: 'm-y',
      previous: 'm-y',
      withdrawn: [],
      notices: [],
    })
  })

  test('equal to the current one while a newer one is being created: nothing to do, with the error', () => {
    const plan = nothingOf(rollback({ toImage: 'm-y' }), web.with(image('m-z', 4, { status: 'Creating' })))
    expect(plan.pending).toEqual(['m-z'])
    expect(plan.notices).toEqual([{ level: 'error', text: expect.stringContaining('m-z') }])
  })

  test('not in the family: refused, and names those that are', () => {
    const refusal = refusalOf(rollback({ toImage: 'm-a' }), web.with(image('m-a', 1, { family: 'api' })))
    expect(refusal.code).toBe('image-not-in-family')
    expect(refusal.remedy).toMatch(/m-y.*m-x.*m-w/)
  })

  test('newer than the current one: refused, and says how to go forward', () => {
    const refusal = refusalOf(rollback({ toImage: 'm-z' }), web.with(image('m-z', 4, deprecated)))
    expect(refusal).toMatchObject({ code: 'image-newer', remedy: expect.stringContaining('`mode: promote`') })
    expect(refusal.remedy).toContain('m-z')
  })

  test.each(['CreateFailed', 'UnAvailable', 'Creating', 'Waiting'] as const)('%s: refused', (status) => {
    const refusal = refusalOf(request, web.changing('m-w', { status }))
    expect(refusal.code).toBe('image-failed')
    expect(refusal.reason).toContain(status)
  })

  test('of the same second as another available image: both are named and nothing is done', () => {
    const refusal = refusalOf(rollback({ toImage: 'm-x' }), web.with(image('m-z', 2)))
    expect(refusal.code).toBe('ambiguous-order')
    expect(refusal.reason).toMatch(/m-x/)
    expect(refusal.reason).toMatch(/m-z/)
  })

  test('deprecated, and of the same second as the current one: both are named and nothing is done', () => {
    const refusal = refusalOf(rollback({ toImage: 'm-z' }), web.with(image('m-z', 3, deprecated)))
    expect(refusal.code).toBe('ambiguous-order')
  })

  test('in an empty family: says how to restore it', () => {
    const asleep = there({ ...w, ...deprecated })
    expect(refusalOf(request, asleep)).toMatchObject({
      code: 'family-empty',
      remedy: expect.stringContaining('`image-id: m-w`'),
    })
  })
})

describe('expected-image-id', () => {
  test('is compared again directly before the first visible step', () => {
    const request = rollback({ toImage: 'm-w', expectedImage: 'm-y' })
    expect(stepsOf(request, web.changing('m-w', deprecated))).toEqual([
      'tag m-w,m-x,m-y',
      'confirm web m-y',
      'restore m-w',
      'await m-w in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
  })

  test('something else is current: refused, and both are named', () => {
    const refusal = refusalOf(rollback({ expectedImage: 'm-x' }), web)
    expect(refusal.code).toBe('not-expected')
    expect(refusal.reason).toMatch(/m-y.*m-x/)
  })

  test('this run has carried it out: nothing to do, though something else is current', () => {
    const request = rollback({ expectedImage: 'm-y' })
    expect(nothingOf(again(request), carriedOut(request, web)).image).toBe('m-x')
  })

  test('this run has carried out a part: it goes on', () => {
    const request = rollback({ toImage: 'm-w', expectedImage: 'm-y' })
    const { steps } = changeOf(request, web)
    for (const count of [1, 2, 3, 4, 5]) {
      const crashed = web.after(steps.slice(0, count))
      expect(visibleIn(carriedOut(again(request), crashed))).toEqual(visibleIn(carriedOut(request, web)))
    }
  })

  test('something else is current, and it is the target: refused', () => {
    expect(refusalOf(rollback({ toImage: 'm-x', expectedImage: 'm-y' }), there(w, x)).code).toBe('not-expected')
  })
})

describe('somebody has just rolled back', () => {
  const justNow = (at: number, run = theirs) =>
    there(w, x, { ...y, ...deprecated, tags: decided(run, 'rollback', { target: 'm-x', previous: 'm-y', at }) })

  test('refused within half an hour, naming run and time, and how to insist', () => {
    const refusal = refusalOf(rollback(), justNow(noon - 29 * minute))
    expect(refusal.code).toBe('just-rolled-back')
    expect(refusal.reason).toContain('run 17230000')
    expect(refusal.reason).toContain('2026-04-01T11:31:00Z')
    expect(refusal.remedy).toContain('`expected-image-id: m-x`')
  })

  test('after half an hour it is a new decision', () => {
    expect(changeOf(rollback(), justNow(noon - 30 * minute))).toMatchObject({ image: 'm-w' })
  })

  test('said which image is expected: goes on', () => {
    expect(changeOf(rollback({ expectedImage: 'm-x' }), justNow(noon - minute))).toMatchObject({ image: 'm-w' })
  })

  test('said where to: goes on', () => {
    expect(changeOf(rollback({ toImage: 'm-w' }), justNow(noon - minute))).toMatchObject({ image: 'm-w' })
  })

  test('another step of the same workflow run: two decisions', () => {
    const sameWorkflow = runFor('rollback', { step: 'another' })
    expect(changeOf(rollback(), justNow(noon - minute, sameWorkflow))).toMatchObject({ image: 'm-w' })
  })

  test('told as well where the withdrawn image stands in quarantine', () => {
    const quarantined = justNow(noon - minute).changing('m-y', { family: 'web-bad', status: 'Available' })
    expect(refusalOf(rollback({ quarantineFamily: 'web-bad' }), quarantined).code).toBe('just-rolled-back')
  })
})

describe('newer images still being created', () => {
  const baking = web.with(image('m-z', 4, { status: 'Creating' }))

  test('succeeds, with an error that names them and what to do', () => {
    const plan = changeOf(rollback(), baking)
    expect(plan.steps.map(brief)).toEqual(['tag m-x,m-y', 'await m-x in web', 'deprecate m-y'])
    expect(plan.pending).toEqual(['m-z'])
    expect(plan.withdrawn).toEqual(['m-y'])
    expect(plan.notices).toEqual([{ level: 'error', text: expect.stringMatching(/m-z.*`withdraw-pending: true`/) }])
  })

  test('older than what it falls back to: no matter', () => {
    const plan = changeOf(rollback(), web.with(image('m-v', 1, { status: 'Waiting' })))
    expect(plan).toMatchObject({ pending: [], notices: [] })
  })

  test('between target and current: counts as well', () => {
    const plan = changeOf(rollback({ toImage: 'm-w' }), web.changing('m-x', { status: 'Waiting' }))
    expect(plan.pending).toEqual(['m-x'])
  })

  test('withdraw-pending: the bad image goes first, then each as soon as it is there', () => {
    const plan = changeOf(rollback({ withdrawPending: true }), baking.with(image('m-z2', 5, { status: 'Waiting' })))
    expect(plan.steps.map(brief)).toEqual([
      'tag m-x,m-z,m-z2,m-y',
      'await m-x in web',
      'deprecate m-y',
      'await m-z',
      'deprecate m-z',
      'await m-z2',
      'deprecate m-z2',
    ])
    expect(plan).toMatchObject({ withdrawn: ['m-y', 'm-z', 'm-z2'], pending: [], notices: [] })
    expect(plan.expect).toMatchObject({ image: 'm-x', withdrawn: ['m-y', 'm-z', 'm-z2'] })
  })

  test('withdraw-pending: one that fails to be created is no fault', () => {
    const waits = changeOf(rollback({ withdrawPending: true }), baking).steps.filter(({ action }) => action === 'await')
    expect(waits).toEqual([
      { action: 'await', region, image: 'm-x', family: 'web' },
      { action: 'await', region, image: 'm-z', mayFail: true },
    ])
  })

  test('withdraw-pending with quarantine: moved there', () => {
    const request = rollback({ withdrawPending: true, quarantineFamily: 'web-bad' })
    expect(stepsOf(request, baking)).toEqual([
      'tag m-x,m-z,m-y',
      'await m-x in web',
      'quarantine m-y web-bad',
      'await m-z',
      'quarantine m-z web-bad',
    ])
  })
})

describe('shared images', () => {
  const shared = web.sharing('m-y', '1001', '1002')

  test('refused: names the accounts and both ways out', () => {
    const refusal = refusalOf(rollback(), shared)
    expect(refusal.code).toBe('already-shared')
    expect(refusal.reason).toMatch(/m-y.*1001, 1002/)
    expect(refusal.remedy).toMatch(/`unshare: true`.*`quarantine-family/)
  })

  test('unshare: directly before it is deprecated', () => {
    const plan = changeOf(rollback({ toImage: 'm-w', unshare: true }), shared)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-w,m-x,m-y',
      'await m-w in web',
      'deprecate m-x',
      'unshare m-y 1001,1002',
      'deprecate m-y',
    ])
    expect(plan.steps[3]).toEqual({ action: 'unshare', region, image: 'm-y', accounts: ['1001', '1002'] })
  })

  test('quarantine: moved with its shares', () => {
    expect(stepsOf(rollback({ quarantineFamily: 'web-bad' }), shared)).toEqual([
      'tag m-x,m-y',
      'await m-x in web',
      'quarantine m-y web-bad',
    ])
  })

  test('accounts left with nothing or an older image are named in a warning, others are not', () => {
    const plan = changeOf(rollback({ unshare: true }), shared.sharing('m-x', '1002'))
    expect(plan.notices).toEqual([
      { level: 'warning', persistent: 'once-begun', text: expect.stringContaining('1001') },
    ])
    expect(plan.notices[0]?.text).not.toContain('1002')
    expect(plan.notices[0]?.text).toContain('m-x')
  })

  test('all of them can see what it falls back to: no warning', () => {
    expect(changeOf(rollback({ unshare: true }), shared.sharing('m-x', '1001', '1002')).notices).toEqual([])
  })

  test('a shared target is no obstacle', () => {
    expect(changeOf(rollback(), web.sharing('m-x', '1001')).notices).toEqual([])
  })
})

describe('quarantine', () => {
  const request = rollback({ quarantineFamily: 'web-bad', toImage: 'm-w' })

  test('moves instead of deprecating, in the same order', () => {
    const plan = changeOf(request, web)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-w,m-x,m-y',
      'await m-w in web',
      'quarantine m-x web-bad',
      'quarantine m-y web-bad',
    ])
    expect(answersAlong(plan.steps, web)).toEqual(['m-y', 'm-w'])
  })

  test('refused where that family serves an image that nobody has withdrawn', () => {
    const refusal = refusalOf(request, web.with(image('m-live', 1, { family: 'web-bad' })))
    expect(refusal).toMatchObject({ code: 'bad-quarantine', reason: expect.stringContaining('m-live') })
    expect(refusal.remedy).toContain('`quarantine-family`')
  })

  test.each([
    ['withdrawn earlier', { tags: decided(theirs, 'rollback', { target: 'm-0', previous: 'm-q' }) }],
    ['deprecated', { status: 'Deprecated' }],
    ['being created', { status: 'Creating' }],
  ] as const)('taken where what stands there is %s', (_, given) => {
    expect(changeOf(request, web.with(image('m-q', 1, { family: 'web-bad', ...given }))).withdrawn).toEqual([
      'm-x',
      'm-y',
    ])
  })

  test('a re-run finds the withdrawn images there', () => {
    const plan = nothingOf(again(request), carriedOut(request, web))
    expect(plan).toMatchObject({ image: 'm-w', previous: 'm-y', withdrawn: ['m-x', 'm-y'], notices: [] })
  })
})

describe('permission', () => {
  test('each change is asked for before the first one, by ECS itself', () => {
    const asleep = web.changing('m-w', deprecated)
    const { questions } = planOf(rollback({ toImage: 'm-w' }), asleep)
    const asked = questions.flatMap((question) => (question.ask === 'permitted' ? [brief(question.step)] : []))
    expect(asked).toEqual(['restore m-w', 'deprecate m-x', 'deprecate m-y'])
  })

  test.each([
    ['deprecate', rollback(), web],
    ['restore', rollback({ toImage: 'm-w' }), web.changing('m-w', deprecated)],
    ['quarantine', rollback({ quarantineFamily: 'web-bad' }), web],
    ['unshare', rollback({ unshare: true }), web.sharing('m-y', '1001')],
  ] as const)('%s denied: nothing is changed', (action, request, situation) => {
    const refusal = refusalOf(request, situation.denying(action))
    expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('Forbidden.RAM') })
    expect(refusal.remedy).toBe('Fix this, then run again.')
  })

  test('that a shared image cannot be deprecated yet is no denial where its shares go first', () => {
    expect(stepsOf(rollback({ unshare: true }), web.sharing('m-y', '1001'))).toContain('deprecate m-y')
  })

  test('another denial of a shared image counts', () => {
    const request = rollback({ unshare: true })
    expect(refusalOf(request, web.sharing('m-y', '1001').denying('deprecate')).code).toBe('not-permitted')
  })
})

describe('the reason', () => {
  test('is kept on the images withdrawn, and not on the one restored', () => {
    const request = rollback({ toImage: 'm-w', reason: 'CVE-2026-1, see https://wiki' })
    const after = carriedOut(request, web.changing('m-w', deprecated))
    expect(after.of('m-y').tags['image-family:reason']).toBe('CVE-2026-1, see https:wiki')
    expect(after.of('m-x').tags['image-family:reason']).toBe('CVE-2026-1, see https:wiki')
    expect(after.of('m-w').tags).not.toHaveProperty('image-family:reason')
  })

  test('no reason, no tag', () => {
    expect(Object.keys(carriedOut(rollback(), web).of('m-y').tags)).toEqual(['image-family:decision'])
  })

  test('of an earlier decision does not stand beside this one', () => {
    const tags = { ...decided(theirs, 'rollback', { target: 'm-x' }), 'image-family:reason': 'CVE-2025-1' }
    expect(carriedOut(rollback(), web.changing('m-y', { tags })).of('m-y').tags).not.toMatchObject({
      'image-family:reason': 'CVE-2025-1',
    })
  })
})

describe('an image with twenty tags', () => {
  const full = web.changing('m-y', { tags: manyTags(20) })

  test('refused, naming a tag to drop and the other way', () => {
    const refusal = refusalOf(rollback(), full)
    expect(refusal).toMatchObject({ code: 'no-room-for-mark', reason: expect.stringContaining('m-y') })
    expect(refusal.remedy).toMatch(/team-1.*`to-image-id`/)
  })

  test('names no tag of the action or of GitHub to drop', () => {
    const tags = { 'image-family:run': 'x', 'github:sha': 'x', ...manyTags(18) }
    expect(refusalOf(rollback(), web.changing('m-y', { tags })).remedy).toContain('team-1')
  })

  test('with to-image-id: goes on without the mark, with a warning', () => {
    const plan = changeOf(rollback({ toImage: 'm-x' }), full)
    expect(plan.steps.map(brief)).toEqual(['tag m-x', 'await m-x in web', 'deprecate m-y'])
    expect(plan.notices).toEqual([{ level: 'warning', persistent: 'once-begun', text: expect.stringContaining('m-y') }])
  })

  test('with to-image-id: the others are marked', () => {
    expect(stepsOf(rollback({ toImage: 'm-w' }), full)[0]).toBe('tag m-w,m-x')
  })

  test('that is only fallen back to: no obstacle, and not marked', () => {
    const plan = changeOf(rollback(), web.changing('m-x', { tags: manyTags(20) }))
    expect(plan.steps.map(brief)).toEqual(['tag m-y', 'await m-x in web', 'deprecate m-y'])
  })

  test('one of which is an earlier mark: there is room', () => {
    const tags = { ...manyTags(19), ...decided(theirs, 'promote', { target: 'm-y', at: 0 }) }
    expect(changeOf(rollback(), web.changing('m-y', { tags })).withdrawn).toEqual(['m-y'])
  })

  test('room for the mark but not for the reason: the reason is left out, with a warning', () => {
    const plan = changeOf(rollback({ reason: 'bad' }), web.changing('m-y', { tags: manyTags(19) }))
    expect(plan.notices).toEqual([
      { level: 'warning', persistent: 'once-begun', text: expect.stringContaining('reason') },
    ])
    expect(
      web
        .changing('m-y', { tags: manyTags(19) })
        .after(plan.steps)
        .of('m-y').status,
    ).toBe('Deprecated')
  })
})

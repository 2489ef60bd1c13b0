import { describe, expect, test } from 'vitest'
import { there } from './fake-ecs.ts'
import { decided, deprecated, image, manyTags, noon, region, w, x, y } from './images.ts'
import { brief, carriedOut, changeOf, nothingOf, planOf, refusalOf, stepsOf } from './planning.ts'
import { again, promote, runFor } from './requests.ts'
import { answersAlong } from './walk.ts'

/** Serves m-x; m-w stands behind it. */
const web = there(w, x)
/** In no family, and newer than all of web. */
const loose = image('m-n', 9, { family: '' })
const candidate = { family: 'web-candidate' } as const
const theirs = runFor('rollback', { workflowRun: '17230000' })

describe('a newer image', () => {
  test('joins the family, once it is marked, and is seen there', () => {
    const request = promote({ image: 'm-n' })
    const mark = (state: string) => ({
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-n'],
      tags: { 'image-family:decision': `${state} promote ${request.run.key} m-n m-x 20260401120000` },
    })
    expect(planOf(request, web.with(loose)).plan).toMatchObject({
      kind: 'change',
      steps: [mark('planned'), { action: 'join-family', region, image: 'm-n', family: 'web' }],
      expect: { region, family: 'web', image: 'm-n', withdrawn: [] },
      afterwards: [mark('done')],
      image: 'm-n',
      previous: 'm-x',
      withdrawn: [],
      pending: [],
      notices: [],
    })
  })

  test('deprecated outside of the family: joins first, then is restored', () => {
    expect(stepsOf(promote({ image: 'm-n' }), web.with({ ...loose, ...deprecated }))).toEqual([
      'tag m-n',
      'join-family m-n web',
      'restore m-n',
    ])
  })

  test('deprecated in the family: is restored', () => {
    const situation = web.with({ ...y, ...deprecated })
    const plan = changeOf(promote({ image: 'm-y' }), situation)
    expect(plan.steps.map(brief)).toEqual(['tag m-y', 'restore m-y'])
    expect(answersAlong(plan.steps, situation)).toEqual(['m-x', 'm-y'])
  })

  test('into an empty family: there is nothing that it follows', () => {
    expect(changeOf(promote({ image: 'm-n' }), there(loose))).toMatchObject({ image: 'm-n', previous: undefined })
  })

  test('that is current already: nothing to do', () => {
    expect(nothingOf(promote({ image: 'm-x' }), web)).toMatchObject({
      image: 'm-x',
      previous: 'm-x',
      changedBefore: false,
      withdrawn: [],
    })
  })

  test('is moved out of another family that serves something else', () => {
    const api = web.with(image('m-a', 9, { family: 'api' }), image('m-b', 10, { family: 'api' }))
    expect(stepsOf(promote({ image: 'm-a' }), api)).toEqual(['tag m-a', 'join-family m-a web'])
  })

  test('that another family serves: refused, and says what that one would serve next', () => {
    const api = web.with(image('m-a', 9, { family: 'api' }), image('m-b', 8, { family: 'api' }))
    const refusal = refusalOf(promote({ image: 'm-a' }), api)
    expect(refusal.code).toBe('current-elsewhere')
    expect(refusal.reason).toMatch(/family api\..*out of api, which would then serve .*m-b/)
    expect(refusal.remedy).toContain('`from-family: api`')
  })

  test('that is the only one of another family: says that it would serve nothing', () => {
    const refusal = refusalOf(promote({ image: 'm-a' }), web.with(image('m-a', 9, { family: 'api' })))
    expect(refusal.reason).toContain('serve nothing')
  })
})

describe('an image that cannot be promoted', () => {
  test('does not exist: says what to check', () => {
    const refusal = refusalOf(promote({ image: 'm-none' }), web)
    expect(refusal).toMatchObject({ code: 'image-not-found', reason: expect.stringContaining('m-none') })
    expect(refusal.remedy).toMatch(/`image-id`.*`region-id`/)
  })

  test.each(['others', 'system', 'marketplace'])('belongs to somebody else (%s): says to copy it', (ownerAlias) => {
    const refusal = refusalOf(promote({ image: 'm-n' }), web.with({ ...loose, ownerAlias }))
    expect(refusal).toMatchObject({ code: 'image-not-own', reason: expect.stringContaining(ownerAlias) })
    expect(refusal.remedy).toMatch(/Copy/)
  })

  test.each(['CreateFailed', 'UnAvailable'] as const)('is %s: says to bake a new one', (status) => {
    const refusal = refusalOf(promote({ image: 'm-n' }), web.with({ ...loose, status }))
    expect(refusal).toMatchObject({ code: 'image-failed', reason: expect.stringContaining(status) })
    expect(refusal.remedy).toMatch(/Bake/)
  })
})

describe('an image still being created', () => {
  const baking = { ...loose, status: 'Creating' } as const

  test('is waited for, and everything is looked at again', () => {
    const situation = web.with(baking).onceWaited(web.with(loose, y))
    const { plan, questions } = planOf(promote({ image: 'm-n' }), situation)
    expect(questions.map(({ ask }) => ask)).toEqual(
      expect.arrayContaining(['current', 'members', 'image', 'awaited', 'current', 'members', 'image']),
    )
    expect(plan).toMatchObject({ kind: 'change', image: 'm-n', previous: 'm-y' })
  })

  test.each([
    ['belongs to another account', promote({ image: 'm-n' }), { ...baking, ownerAlias: 'others' }, 'image-not-own'],
    ['is not what was expected to follow', promote({ image: 'm-n', expectedImage: 'm-w' }), baking, 'not-expected'],
  ] as const)('%s: refused without waiting for it', (_, request, pending, code) => {
    const { plan, questions } = planOf(request, web.with(pending).onceWaited(web.with(loose)))
    expect(plan).toMatchObject({ kind: 'refuse', code })
    expect(questions.map(({ ask }) => ask)).not.toContain('awaited')
  })

  test('with the expected image current: is waited for', () => {
    const { questions } = planOf(
      promote({ image: 'm-n', expectedImage: 'm-x' }),
      web.with(baking).onceWaited(web.with(loose)),
    )
    expect(questions.map(({ ask }) => ask)).toContain('awaited')
  })

  test('fails: refused', () => {
    const situation = web.with(baking).onceWaited(web.with({ ...loose, status: 'CreateFailed' }))
    expect(refusalOf(promote({ image: 'm-n' }), situation).code).toBe('image-failed')
  })

  test('is what another family serves once it is there: refused', () => {
    const elsewhere = { ...baking, family: 'api' }
    const situation = web.with(elsewhere).onceWaited(web.with({ ...elsewhere, status: 'Available' }))
    expect(refusalOf(promote({ image: 'm-n' }), situation).code).toBe('current-elsewhere')
  })

  test('in a dry run, which does not wait: is awaited first', () => {
    expect(stepsOf(promote({ image: 'm-n', dryRun: true }), web.with(baking))).toEqual([
      'tag m-n',
      'await m-n',
      'join-family m-n web',
    ])
  })

  test('in the family, newer than the promoted one: a warning, and listed as pending', () => {
    const plan = changeOf(promote({ image: 'm-n' }), web.with(loose, image('m-z', 10, { status: 'Waiting' })))
    expect(plan.pending).toEqual(['m-z'])
    expect(plan.notices).toEqual([{ level: 'warning', text: expect.stringContaining('m-z') }])
  })
})

describe('newer images in the family', () => {
  const behind = there(w, x, y)

  test('refused, naming them and the way out', () => {
    const refusal = refusalOf(promote({ image: 'm-w' }), behind)
    expect(refusal.code).toBe('newer-images')
    expect(refusal.reason).toMatch(/m-y.*m-x/)
    expect(refusal.remedy).toContain('`deprecate-newer: true`')
  })

  test('deprecate-newer: retired oldest first, the current one last, once the image is there', () => {
    const situation = there(x, y, image('m-l', 1, { family: '' }))
    const plan = changeOf(promote({ image: 'm-l', deprecateNewer: true }), situation)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-x,m-y,m-l',
      'join-family m-l web',
      'await m-l in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
    expect(plan).toMatchObject({ image: 'm-l', previous: 'm-y', withdrawn: ['m-x', 'm-y'] })
    expect(answersAlong(plan.steps, situation)).toEqual(['m-y', 'm-l'])
  })

  test('deprecate-newer: the reason stands on those retired, not on the promoted one', () => {
    const after = carriedOut(promote({ image: 'm-x', deprecateNewer: true, reason: 'slow' }), behind)
    expect(after.of('m-y').tags).toMatchObject({ 'image-family:reason': 'slow' })
    expect(after.of('m-x').tags).not.toHaveProperty('image-family:reason')
  })

  test('an image that is restored and retires a newer one changes the answer once', () => {
    const situation = behind.changing('m-w', deprecated)
    const plan = changeOf(promote({ image: 'm-w', deprecateNewer: true }), situation)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-x,m-y,m-w',
      'restore m-w',
      'await m-w in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
    expect(answersAlong(plan.steps, situation)).toEqual(['m-y', 'm-w'])
  })

  test('one of the same second: both are named and nothing is done', () => {
    const refusal = refusalOf(promote({ image: 'm-n', deprecateNewer: true }), behind.with(loose, image('m-t', 9)))
    expect(refusal.code).toBe('ambiguous-order')
    expect(refusal.reason).toMatch(/m-n.*m-t/)
  })

  test('a deprecated one of the same second does not matter', () => {
    const situation = behind.with(loose, image('m-t', 9, deprecated))
    expect(changeOf(promote({ image: 'm-n' }), situation).image).toBe('m-n')
  })

  test('shared: refused, naming accounts and both ways out', () => {
    const refusal = refusalOf(promote({ image: 'm-x', deprecateNewer: true }), behind.sharing('m-y', '1001'))
    expect(refusal).toMatchObject({ code: 'already-shared', reason: expect.stringMatching(/m-y.*1001/) })
    expect(refusal.remedy).toMatch(/`unshare: true`.*`quarantine-family/)
  })

  test('shared, unshare: taken back directly before', () => {
    const request = promote({ image: 'm-x', deprecateNewer: true, unshare: true })
    expect(stepsOf(request, behind.sharing('m-y', '1001'))).toEqual([
      'tag m-y,m-x',
      'unshare m-y 1001',
      'deprecate m-y',
    ])
  })

  test('quarantine: moved with their shares', () => {
    const request = promote({ image: 'm-x', deprecateNewer: true, quarantineFamily: 'web-old' })
    expect(stepsOf(request, behind.sharing('m-y', '1001'))).toEqual(['tag m-y,m-x', 'quarantine m-y web-old'])
  })

  test('quarantine: refused where that family serves an image that nobody has withdrawn', () => {
    const request = promote({ image: 'm-x', deprecateNewer: true, quarantineFamily: 'web-old' })
    const refusal = refusalOf(request, behind.with(image('m-live', 1, { family: 'web-old' })))
    expect(refusal).toMatchObject({ code: 'bad-quarantine', reason: expect.stringContaining('m-live') })
  })
})

describe('permission', () => {
  const behind = there(w, x, y)

  test('each withdrawal is asked for before the first change, by ECS itself', () => {
    const request = promote({ image: 'm-w', deprecateNewer: true, unshare: true })
    const { questions } = planOf(request, behind.sharing('m-x', '1001'))
    const asked = questions.flatMap((question) => (question.ask === 'permitted' ? [brief(question.step)] : []))
    expect(asked).toEqual(['unshare m-x 1001', 'deprecate m-x', 'deprecate m-y'])
  })

  test.each([
    ['deprecate', promote({ image: 'm-w', deprecateNewer: true }), behind],
    ['quarantine', promote({ image: 'm-w', deprecateNewer: true, quarantineFamily: 'old' }), behind],
    ['unshare', promote({ image: 'm-w', deprecateNewer: true, unshare: true }), behind.sharing('m-y', '1001')],
  ] as const)('%s denied: nothing is changed', (action, request, situation) => {
    const refusal = refusalOf(request, situation.denying(action))
    expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('Forbidden.RAM') })
    expect(refusal.remedy).toBe('Fix this, then run again.')
  })

  test('that is not needed is not asked for', () => {
    expect(changeOf(promote({ image: 'm-n' }), behind.with(loose).denying('deprecate')).image).toBe('m-n')
  })
})

describe('from-family', () => {
  const tested = image('m-c', 9, candidate)
  const both = web.with(tested, image('m-b', 8, candidate))
  const request = promote({ fromFamily: 'web-candidate' })

  test('takes what that family serves', () => {
    const plan = changeOf(request, both)
    expect(plan.steps.map(brief)).toEqual(['tag m-c', 'join-family m-c web'])
    expect(plan).toMatchObject({ image: 'm-c', previous: 'm-x' })
    expect(answersAlong(plan.steps, both)).toEqual(['m-x', 'm-c'])
  })

  test('takes what ECS says it serves, not what sorting would say', () => {
    expect(changeOf(request, both.serving('web-candidate', 'm-b')).image).toBe('m-b')
  })

  test('serves nothing: refused', () => {
    const refusal = refusalOf(request, web.with({ ...tested, ...deprecated }))
    expect(refusal).toMatchObject({ code: 'family-empty', reason: expect.stringContaining('web-candidate') })
    expect(refusal.remedy).toContain('`from-family`')
  })

  test('serves an older image: nothing to do, says why, and settles on what is current', () => {
    const older = there(x, y, image('m-c', 1, candidate))
    const plan = nothingOf(request, older)
    expect(plan).toMatchObject({ image: 'm-y', changedBefore: false, withdrawn: [] })
    expect(plan.reason).toMatch(/m-c.*older.*m-y/)
  })

  test('serves an image of the same second: both are named and nothing is done', () => {
    expect(refusalOf(request, there(x, image('m-c', 2, candidate))).code).toBe('ambiguous-order')
  })

  test('with image-id: that image, if it is what the family serves', () => {
    expect(changeOf(promote({ fromFamily: 'web-candidate', image: 'm-c' }), both).image).toBe('m-c')
  })

  test('with image-id: refused if the family serves another one', () => {
    const refusal = refusalOf(promote({ fromFamily: 'web-candidate', image: 'm-b' }), both)
    expect(refusal).toMatchObject({ code: 'source-differs', reason: expect.stringMatching(/m-c.*m-b/) })
    expect(refusal.remedy).not.toBe('')
  })

  test('a re-run that finds the image promoted does not take the next one', () => {
    const after = carriedOut(request, both)
    expect(nothingOf(again(request), after)).toMatchObject({ image: 'm-c', previous: 'm-x', changedBefore: true })
  })

  test('a re-run of a promotion that had joined completes it', () => {
    const { steps } = changeOf(request, both)
    for (const count of [1, 2, 3]) {
      const plan = changeOf(again(request), both.after(steps.slice(0, count)))
      expect(plan).toMatchObject({ image: 'm-c', previous: 'm-x' })
    }
  })

  test('by way of another family than the one that serves the image: refused', () => {
    const elsewhere = both.with(image('m-a', 9, { family: 'api' }))
    expect(refusalOf(promote({ image: 'm-a' }), elsewhere).code).toBe('current-elsewhere')
  })
})

describe('conditions', () => {
  test('a required tag that is missing: refused before anything changes', () => {
    const refusal = refusalOf(promote({ image: 'm-n', requireTags: { tested: 'true' } }), web.with(loose))
    expect(refusal).toMatchObject({ code: 'condition-unmet', reason: expect.stringContaining('tested=true') })
    expect(refusal.remedy).toContain('`require-tags`')
  })

  test('hold for what from-family serves', () => {
    const situation = web.with(image('m-c', 9, candidate))
    const request = promote({ fromFamily: 'web-candidate', requireTags: { tested: 'true' } })
    expect(refusalOf(request, situation).code).toBe('condition-unmet')
    const tested = situation.changing('m-c', { tags: { tested: 'true' } })
    expect(changeOf(request, tested).image).toBe('m-c')
  })

  test('too old: refused', () => {
    const refusal = refusalOf(promote({ image: 'm-n', maxAgeDays: 1 }), web.with(loose).at(noon))
    expect(refusal).toMatchObject({ code: 'condition-unmet', remedy: expect.stringContaining('`max-age-days`') })
  })

  test('are not asked again of a promotion that has begun', () => {
    const request = promote({ image: 'm-n', maxAgeDays: 30 })
    const resumed = web.with(loose).after(changeOf(request, web.with(loose)).steps.slice(0, 2))
    expect(changeOf(again(request), resumed.at(noon + 40 * 24 * 3_600_000)).image).toBe('m-n')
  })
})

describe('expected-image-id', () => {
  test('is compared again directly before the first visible step', () => {
    expect(stepsOf(promote({ image: 'm-n', expectedImage: 'm-x' }), web.with(loose))).toEqual([
      'tag m-n',
      'confirm web m-x',
      'join-family m-n web',
    ])
  })

  test('something else is current: refused, and both are named', () => {
    const refusal = refusalOf(promote({ image: 'm-n', expectedImage: 'm-w' }), web.with(loose))
    expect(refusal).toMatchObject({ code: 'not-expected', reason: expect.stringMatching(/m-x.*m-w/) })
  })

  test('nothing is current: refused', () => {
    const refusal = refusalOf(promote({ image: 'm-n', expectedImage: 'm-w' }), there(loose))
    expect(refusal).toMatchObject({ code: 'not-expected', reason: expect.stringContaining('nothing') })
  })

  test('this run has carried it out, wholly or in part: it goes on', () => {
    const request = promote({ image: 'm-n', expectedImage: 'm-x' })
    const situation = web.with(loose)
    expect(nothingOf(again(request), carriedOut(request, situation)).image).toBe('m-n')
    const { steps } = changeOf(request, situation)
    for (const count of [1, 2, 3, 4]) {
      const crashed = situation.after(steps.slice(0, count))
      expect(carriedOut(again(request), crashed).current('web')?.id).toBe('m-n')
    }
  })

  test('something else is current, and it is the image: refused', () => {
    expect(refusalOf(promote({ image: 'm-x', expectedImage: 'm-w' }), web).code).toBe('not-expected')
  })
})

describe('a deprecated image that ECS does not move', () => {
  const asleep = { ...loose, ...deprecated }

  test('in no family: is restored first, which changes no answer', () => {
    expect(stepsOf(promote({ image: 'm-n' }), web.with(asleep).denying('join-family', 'request'))).toEqual([
      'tag m-n',
      'restore m-n',
      'join-family m-n web',
    ])
  })

  test('in a family that serves a newer one: is restored first, which changes no answer', () => {
    const api = web
      .with({ ...asleep, family: 'api' }, image('m-a', 10, { family: 'api' }))
      .denying('join-family', 'request')
    const plan = changeOf(promote({ image: 'm-n' }), api)
    expect(plan.steps.map(brief)).toEqual(['tag m-n', 'restore m-n', 'join-family m-n web'])
    expect(answersAlong(plan.steps, api, 'api')).toEqual(['m-a'])
  })

  test.each([
    ['serves an older one', [image('m-a', 8, { family: 'api' })]],
    ['serves nothing', []],
    ['serves one of the same second', [image('m-a', 9, { family: 'api' })]],
  ])('in a family that %s: refused, with the two steps that do it', (_, others) => {
    const api = web.with({ ...asleep, family: 'api' }, ...others).denying('join-family', 'request')
    const refusal = refusalOf(promote({ image: 'm-n' }), api)
    expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('family api') })
    expect(refusal.remedy).toMatch(/promoting it into api.*`from-family: api`/)
  })
})

describe('a deprecated image that this account may not move', () => {
  test('is refused: restoring it first would not help', () => {
    const situation = web.with({ ...loose, ...deprecated }).denying('join-family')
    const refusal = refusalOf(promote({ image: 'm-n' }), situation)
    expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('Forbidden.RAM') })
    expect(refusal.remedy).toBe('Fix this, then run again.')
  })
})

describe('with one region as with several', () => {
  test.each(['join-family', 'share'] as const)(
    'ECS is asked whether this account may %s, before anything is written',
    (action) => {
      const request = promote({ image: 'm-n', shareWith: ['1001'] })
      const refusal = refusalOf(request, web.with(loose).denying(action))
      expect(refusal).toMatchObject({ code: 'not-permitted', reason: expect.stringContaining('Forbidden.RAM') })
    },
  )

  test('every change is asked about once, all at once', () => {
    const request = promote({ image: 'm-w', deprecateNewer: true, shareWith: ['1001'] })
    const { questions } = planOf(request, web.changing('m-w', deprecated))
    const asked = questions.flatMap((question) => (question.ask === 'permitted' ? [question.step] : []))
    expect(asked.map(brief)).toEqual(['restore m-w', 'share m-w 1001', 'deprecate m-x'])
  })
})

describe('tags to add', () => {
  test('are put on the image before anything visible', () => {
    expect(stepsOf(promote({ image: 'm-n', tags: { stage: 'live' } }), web.with(loose))).toEqual([
      'tag m-n',
      'tag m-n',
      'join-family m-n web',
    ])
  })

  test('that it has already are not put on again', () => {
    const request = promote({ image: 'm-n', tags: { stage: 'live' } })
    expect(stepsOf(request, web.with({ ...loose, tags: { stage: 'live' } }))[1]).toBe('join-family m-n web')
  })

  test('that the current image lacks are put on it, with the marks of the decision', () => {
    const request = promote({ image: 'm-x', tags: { stage: 'live' } })
    const mark = (state: string) => ({
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-x'],
      tags: { 'image-family:decision': `${state} promote ${request.run.key} m-x m-x 20260401120000` },
    })
    expect(planOf(request, web).plan).toMatchObject({
      kind: 'change',
      steps: [mark('planned'), { action: 'tag', region, resource: 'image', ids: ['m-x'], tags: { stage: 'live' } }],
      expect: { region, family: 'web', image: 'm-x', withdrawn: [] },
      afterwards: [mark('done')],
      image: 'm-x',
      previous: 'm-x',
      withdrawn: [],
    })
    expect(carriedOut(request, web).of('m-x').tags).toMatchObject({ stage: 'live' })
    expect(nothingOf(again(request), carriedOut(request, web))).toMatchObject({ image: 'm-x', changedBefore: true })
  })

  test('that the current image has: nothing to do', () => {
    const request = promote({ image: 'm-x', tags: { stage: 'live' } })
    expect(nothingOf(request, web.changing('m-x', { tags: { stage: 'live' } })).image).toBe('m-x')
  })

  test('that find no room: refused', () => {
    const request = promote({ image: 'm-n', tags: { stage: 'live' } })
    const refusal = refusalOf(request, web.with({ ...loose, tags: manyTags(20) }))
    expect(refusal).toMatchObject({ code: 'no-room-for-mark', remedy: expect.stringContaining('`tags`') })
  })

  test('that leave no room for the mark: refused', () => {
    const request = promote({ image: 'm-n', tags: { stage: 'live' } })
    const situation = web.with({ ...loose, tags: manyTags(19) })
    expect(planOf(request, situation).plan.kind).toBe('refuse')
  })
})

describe('an image with twenty tags', () => {
  test('is not promoted: a re-run could not tell what was decided', () => {
    const refusal = refusalOf(promote({ image: 'm-n' }), web.with({ ...loose, tags: manyTags(20) }))
    expect(refusal).toMatchObject({ code: 'no-room-for-mark', reason: expect.stringContaining('m-n') })
    expect(refusal.remedy).toContain('team-1')
    expect(refusal.remedy).not.toContain('to-image-id')
  })

  test('is not retired', () => {
    const situation = there(w, { ...x, tags: manyTags(20) })
    expect(refusalOf(promote({ image: 'm-w', deprecateNewer: true }), situation).reason).toContain('m-x')
  })

  test('the promoted one needs no room for the reason', () => {
    const situation = there({ ...w, tags: manyTags(19) }, x)
    const after = carriedOut(promote({ image: 'm-w', deprecateNewer: true, reason: 'slow' }), situation)
    expect(after.of('m-x').tags).toMatchObject({ 'image-family:reason': 'slow' })
  })
})

describe('images withdrawn earlier', () => {
  test('are promoted again by a new run, whose mark keeps the key of the one it replaces', () => {
    const withdrawn = { ...y, ...deprecated, tags: decided(theirs, 'rollback', { target: 'm-x', previous: 'm-y' }) }
    const request = promote({ image: 'm-y' })
    const after = carriedOut(request, web.with(withdrawn))
    expect(after.current('web')?.id).toBe('m-y')
    expect(after.of('m-y').tags['image-family:decision']).toBe(
      `done promote ${request.run.key} m-y! m-x 20260401120000 ${theirs.key}`,
    )
  })

  test('in quarantine are moved back', () => {
    const tags = decided(theirs, 'rollback', { target: 'm-x', previous: 'm-y' })
    const situation = web.with({ ...y, family: 'web-bad', tags }, image('m-z', 4, { family: 'web-bad', tags }))
    expect(stepsOf(promote({ image: 'm-y' }), situation)).toEqual(['tag m-y', 'join-family m-y web'])
  })
})

import { describe, expect, test } from 'vitest'
import type { PromoteRequest, RollbackRequest } from '../../src/family/model/request.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { decided, deprecated, image, manyTags, minute, noon, w, x, y } from './images.ts'
import { brief, type Change, carriedOut, changeOf, nothingOf, planOf, refusalOf, stepsOf } from './planning.ts'
import { again, promote, rollback, runFor } from './requests.ts'
import { answersAlong, visibleIn } from './walk.ts'

/** Serves m-y; m-x and m-w stand behind it. */
const web = there(w, x, y)
const loose = image('m-n', 9, { family: '' })

const markOf = (situation: FakeEcs, id: string) => situation.of(id).tags['image-family:decision']
const kinds = ({ questions }: ReturnType<typeof planOf>) => questions.map(({ ask }) => ask)

/** The request and where it starts, one of each kind that has several steps. */
const decisions: readonly [what: string, request: RollbackRequest | PromoteRequest, situation: FakeEcs][] = [
  ['a rollback', rollback(), web],
  ['a rollback with a reason', rollback({ reason: 'CVE' }), web],
  ['a rollback to an image', rollback({ toImage: 'm-w' }), web],
  ['a rollback to a deprecated image', rollback({ toImage: 'm-w', reason: 'CVE' }), web.changing('m-w', deprecated)],
  [
    'a rollback that unshares',
    rollback({ toImage: 'm-w', unshare: true }),
    web.sharing('m-x', '1').sharing('m-y', '1'),
  ],
  ['a rollback into quarantine', rollback({ toImage: 'm-w', quarantineFamily: 'bad' }), web],
  ['a rollback with an expectation', rollback({ toImage: 'm-w', expectedImage: 'm-y' }), web],
  ['a rollback that empties', rollback({ allowEmpty: true }), there(y)],
  [
    'a rollback that withdraws what is being created',
    rollback({ withdrawPending: true }),
    web.with(image('m-z', 4, { status: 'Creating' })),
  ],
  ['a promotion', promote({ image: 'm-n' }), web.with(loose)],
  ['a promotion of a deprecated image', promote({ image: 'm-n' }), web.with({ ...loose, ...deprecated })],
  [
    'a promotion from a family',
    promote({ fromFamily: 'c' }),
    web.with({ ...loose, family: 'c' }, image('m-c', 4, { family: 'c' })),
  ],
  ['a promotion that retires', promote({ image: 'm-w', deprecateNewer: true }), web],
  [
    'a promotion that retires with a reason',
    promote({ image: 'm-w', deprecateNewer: true, reason: 'slow' }),
    web.changing('m-w', { family: '' }),
  ],
  [
    'a promotion that restores and moves newer ones away',
    promote({ image: 'm-w', deprecateNewer: true, quarantineFamily: 'old', expectedImage: 'm-y' }),
    web.changing('m-w', deprecated),
  ],
]

/** The marks that its images end with differ, so that they are written one after the other. */
const overOthers = web
  .changing('m-x', { tags: decided(runFor('promote', { workflowRun: '17220001' }), 'promote', { target: 'm-x' }) })
  .changing('m-y', { tags: decided(runFor('promote', { workflowRun: '17220002' }), 'promote', { target: 'm-y' }) })

const allOf = ({ steps, afterwards }: Change) => [...steps, ...afterwards]

describe('a run that is lost anywhere', () => {
  test.each(decisions)('%s: the next attempt ends where the undisturbed one would', (_, request, situation) => {
    const undisturbed = changeOf(request, situation)
    const end = situation.after(allOf(undisturbed))
    for (const count of allOf(undisturbed).keys()) {
      const lost = situation.after(allOf(undisturbed).slice(0, count)).at(noon + 10 * minute)
      const { plan } = planOf(again(request), lost)
      const told = `lost after ${count} steps: ${JSON.stringify(plan)}`
      expect(plan, told).toMatchObject({
        kind: 'change',
        image: undisturbed.image,
        previous: undisturbed.previous,
        withdrawn: undisturbed.withdrawn,
      })
      if (plan.kind !== 'change') continue
      const after = lost.after(allOf(plan))
      expect(visibleIn(after), told).toEqual(visibleIn(end))
      if (!plan.withdrawn.some((id) => situation.of(id).status === 'Creating')) {
        expect(answersAlong(plan.steps, lost).length, told).toBeLessThanOrEqual(2)
      }
    }
  })

  test.each(decisions)('%s: once more is nothing', (_, request, situation) => {
    const undisturbed = changeOf(request, situation)
    for (const count of allOf(undisturbed).keys()) {
      const lost = situation.after(allOf(undisturbed).slice(0, count))
      const after = lost.after(allOf(changeOf(again(request), lost)))
      expect(planOf(again(request, 3), after).plan, `lost after ${count} steps`).toMatchObject({
        kind: 'nothing',
        changedBefore: true,
        image: undisturbed.image,
        previous: undisturbed.previous,
        withdrawn: undisturbed.withdrawn,
        notices: [],
      })
    }
  })

  test.each(decisions)(
    '%s: nothing visible before the marks, and no mark is done before the proof',
    (_, request, situation) => {
      const { steps, afterwards } = changeOf(request, situation)
      const firstVisible = steps.findIndex(({ action }) => !['tag', 'confirm', 'await'].includes(action))
      expect(steps.slice(firstVisible).map(({ action }) => action)).not.toContain('tag')
      const marks = steps.flatMap((step) => (step.action === 'tag' ? [step.tags['image-family:decision']] : []))
      expect(marks.length).toBeGreaterThan(0)
      for (const mark of marks) expect(mark).toMatch(/^planned /)
      for (const step of afterwards) {
        expect(step).toMatchObject({
          action: 'tag',
          tags: { 'image-family:decision': expect.stringMatching(/^done /) },
        })
      }
    },
  )

  test('a rollback over marks of others: the next attempt ends where the undisturbed one would', () => {
    const request = rollback({ toImage: 'm-w' })
    const plan = changeOf(request, overOthers)
    expect(plan.steps.map(brief)).toEqual([
      'tag m-w',
      'tag m-x',
      'tag m-y',
      'await m-w in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
    for (const count of allOf(plan).keys()) {
      const after = carriedOut(again(request), overOthers.after(allOf(plan).slice(0, count)))
      expect(visibleIn(after)).toEqual(visibleIn(overOthers.after(allOf(plan))))
    }
  })

  test('a rollback that empties the family into quarantine: once more is nothing', () => {
    const request = rollback({ allowEmpty: true, quarantineFamily: 'bad' })
    expect(nothingOf(again(request), carriedOut(request, there(y))).withdrawn).toEqual(['m-y'])
  })

  test('a mark keeps the time of the decision, not that of the attempt', () => {
    const request = rollback()
    const resumed = web.after(changeOf(request, web).steps.slice(0, 1)).at(noon + 60 * minute)
    expect(markOf(carriedOut(again(request), resumed), 'm-y')).toMatch(/ 20260401120000$/)
  })

  test('while it wrote its last marks: in the end all of them are done', () => {
    const request = rollback({ toImage: 'm-w' })
    const plan = changeOf(request, overOthers)
    const lost = overOthers.after(allOf(plan).slice(0, -1))
    const after = carriedOut(again(request), lost)
    expect([markOf(after, 'm-x'), markOf(after, 'm-y')]).toEqual([
      expect.stringMatching(/^done /),
      expect.stringMatching(/^done /),
    ])
  })
})

describe('with real IDs', () => {
  const id = (letter: string) => `m-bp1${letter.repeat(17)}`
  const who = { workflowRun: '999999999999' }

  test('every tag value that a decision writes over another one’s has at most 128 characters', () => {
    const before = runFor('promote', { workflowRun: '999999999998' })
    const tags = decided(before, 'promote', { state: 'planned', target: id('y') })
    const situation = there(image(id('w'), 1), image(id('x'), 2, deprecated), image(id('y'), 3, { tags }))
    for (const request of [
      rollback({ ...who, reason: 'r'.repeat(500) }),
      rollback({ ...who, toImage: id('x'), reason: '网'.repeat(500) }),
      promote({ ...who, image: id('w'), deprecateNewer: true, reason: 'https://'.repeat(50) }),
    ]) {
      const values = allOf(changeOf(request, situation)).flatMap((step) =>
        step.action === 'tag' ? Object.values(step.tags) : [],
      )
      expect(values.length).toBeGreaterThan(1)
      for (const value of values) expect([...value].length).toBeLessThanOrEqual(128)
      expect(values.join('\n')).toContain(before.key)
    }
  })
})

describe('a later attempt without a mark', () => {
  test('waits out the time that tags may lag, looks again, and finds its own', () => {
    const request = rollback()
    const done = carriedOut(request, web)
    const asked = planOf(again(request), done.readWithoutTags())
    expect(kinds(asked)).toEqual(['current', 'members', 'lag', 'current', 'members', 'time'])
    expect(asked.plan).toMatchObject({ kind: 'nothing', image: 'm-x', withdrawn: ['m-y'] })
  })

  test('finds a promotion that had been marked, before anything was seen of it', () => {
    const request = promote({ fromFamily: 'c' })
    const situation = web.with({ ...loose, family: 'c' })
    const done = carriedOut(request, situation)
    expect(planOf(again(request), done.readWithoutTags()).plan).toMatchObject({ kind: 'nothing', image: 'm-n' })
  })

  test('and still without one decides for the first time', () => {
    const asked = planOf(again(rollback()), web)
    expect(kinds(asked).filter((ask) => ask === 'lag')).toHaveLength(1)
    expect(asked.plan).toMatchObject({ kind: 'change', image: 'm-x', changedBefore: false })
  })

  test('a first attempt does not wait', () => {
    expect(kinds(planOf(rollback(), web))).not.toContain('lag')
    expect(kinds(planOf(promote({ image: 'm-n' }), web.with(loose)))).not.toContain('lag')
  })

  test('a later attempt that finds its mark does not wait', () => {
    const request = rollback()
    expect(kinds(planOf(again(request), carriedOut(request, web)))).not.toContain('lag')
  })
})

describe('answers that do not add up', () => {
  test('an available image before the current one: looks again before it decides', () => {
    const asked = planOf(promote({ image: 'm-n' }), web.with(loose).readAs(web.with(loose).serving('web', 'm-x')))
    expect(kinds(asked)).toContain('lag')
    expect(asked.plan).toMatchObject({ previous: 'm-y' })
  })

  test('an available image, and none current: looks again before it says that the family is empty', () => {
    const asked = planOf(rollback(), web.readAs(web.serving('web', undefined)))
    expect(asked.plan).toMatchObject({ kind: 'change', previous: 'm-y' })
  })

  test('somebody’s rollback that shows in the list alone: looks again before it decides', () => {
    const after = web.changing('m-y', deprecated)
    const asked = planOf(rollback(), after.readAs(after.serving('web', 'm-y')))
    expect(kinds(asked)).toContain('lag')
    expect(asked.plan).toMatchObject({ previous: 'm-x', image: 'm-w' })
  })

  test('somebody’s rollback that shows in the list before it shows in the answer: the image is not withdrawn twice', () => {
    const after = web.changing('m-y', deprecated)
    const asked = planOf(rollback({ expectedImage: 'm-y' }), after.readAs(web.serving('web', 'm-y')))
    // Neither answer was late as far as one could tell, and `confirm` will tell.
    expect(asked.plan).toMatchObject({
      kind: 'change',
      steps: expect.arrayContaining([expect.objectContaining({ action: 'confirm' })]),
    })
  })
})

describe('done, and still so', () => {
  test('a newer image is served by now: a warning that names it, and the same outputs', () => {
    const request = rollback()
    const later = carriedOut(request, web).with(image('m-z', 9))
    expect(nothingOf(again(request), later)).toMatchObject({
      image: 'm-x',
      previous: 'm-y',
      withdrawn: ['m-y'],
      listInstancesOf: ['m-y'],
      notices: [{ level: 'warning', text: expect.stringContaining('m-z') }],
    })
  })

  test('a promotion whose family serves a newer image by now: a warning', () => {
    const request = promote({ image: 'm-n' })
    const later = carriedOut(request, web.with(loose)).with(image('m-z', 10))
    expect(nothingOf(again(request), later)).toMatchObject({
      image: 'm-n',
      previous: 'm-y',
      notices: [{ level: 'warning', text: expect.stringContaining('m-z') }],
    })
  })

  test('withdrawn images that were deleted since do not matter', () => {
    const request = rollback({ toImage: 'm-w' })
    expect(nothingOf(again(request), carriedOut(request, web).without('m-x'))).toMatchObject({ image: 'm-w' })
  })

  test('two rollbacks of one job: each finds its own', () => {
    const first = rollback({ step: 'first' })
    const second = rollback({ step: 'second' })
    const after = carriedOut(second, carriedOut(first, web))
    expect(visibleIn(after)).toMatchObject({
      'm-w': 'Available in web',
      'm-x': 'Deprecated in web',
      'm-y': 'Deprecated in web',
    })
    expect(nothingOf(again(first), after)).toMatchObject({ image: 'm-x', previous: 'm-y', withdrawn: ['m-y'] })
    expect(nothingOf(again(second), after)).toMatchObject({ image: 'm-w', previous: 'm-x', withdrawn: ['m-x'] })
  })
})

/** A decision of another workflow run, carried out in full. */
const decideAnew = (request: RollbackRequest | PromoteRequest, situation: FakeEcs): FakeEcs =>
  carriedOut(request, situation.at(noon + 60 * minute))
const later = { workflowRun: '17230009' }
const earlier = { workflowRun: '17229990' }

describe('superseded', () => {
  const request = rollback({ reason: 'first' })
  const done = carriedOut(request, web)

  test.each([
    ['that began later', later],
    ['that began earlier, and decided later', earlier],
  ])('another run %s has promoted the image again: names who and when', (_, who) => {
    const refusal = refusalOf(again(request), decideAnew(promote({ ...who, image: 'm-y' }), done))
    expect(refusal.code).toBe('superseded')
    expect(refusal.reason).toContain(`run ${who.workflowRun} at 2026-04-01T13:00:00Z`)
    expect(refusal.reason).toContain('m-y')
    expect(refusal.remedy).toMatch(/new workflow run/)
  })

  test('another run has withdrawn the promoted image: names who, when and why', () => {
    const promoted = promote({ image: 'm-n' })
    const after = decideAnew(rollback({ ...later, reason: 'CVE-2026-9' }), carriedOut(promoted, web.with(loose)))
    const refusal = refusalOf(again(promoted), after)
    expect(refusal.code).toBe('superseded')
    expect(refusal.reason).toMatch(/run 17230009 at 2026-04-01T13:00:00Z.*CVE-2026-9/)
  })

  test('another run has retired the promoted image', () => {
    const promoted = promote({ image: 'm-n' })
    const after = decideAnew(
      promote({ ...later, image: 'm-y', deprecateNewer: true }),
      carriedOut(promoted, web.with(loose)),
    )
    expect(refusalOf(again(promoted), after).code).toBe('superseded')
  })

  test('another run has moved the promoted image into another family', () => {
    const promoted = promote({ image: 'm-n' })
    const situation = carriedOut(promoted, web.with(loose))
    const after = decideAnew({ ...promote({ ...later, fromFamily: 'web' }), family: 'live' }, situation)
    expect(after.of('m-n').family).toBe('live')
    expect(refusalOf(again(promoted), after).code).toBe('superseded')
  })

  test('a run began, another one that began later decided about other images, and the first left no mark', () => {
    const after = decideAnew(rollback({ ...later, reason: 'CVE' }), web)
    const refusal = refusalOf(again(rollback()), after)
    expect(refusal).toMatchObject({ code: 'superseded', reason: expect.stringMatching(/run 17230009 .*CVE/) })
  })

  const bakedBy = (workflowRun: string, given = {}) =>
    image('m-z', 9, { tags: { 'image-family:run': runFor('bake', { workflowRun }).key }, ...given })

  test.each([
    ['a rollback', rollback(), web],
    ['a promotion', promote({ image: 'm-n' }), web.with(loose)],
  ])('%s left no mark, and a run that began later has baked an image: names both', (_, asked, situation) => {
    const refusal = refusalOf(again<RollbackRequest | PromoteRequest>(asked), situation.with(bakedBy('17230009')))
    expect(refusal.code).toBe('superseded')
    expect(refusal.reason).toMatch(/run 17230009 has baked .*m-z/)
    expect(refusal.remedy).toMatch(/new workflow run/)
  })

  test.each([
    ['by a run that began earlier', bakedBy('17229990'), 'm-y'],
    ['by this workflow run', bakedBy('17230001'), 'm-y'],
    ['by a run outside of GitHub', bakedBy('local0123456789ab'), 'm-y'],
    ['by nobody known', bakedBy('17230009', { tags: {} }), 'm-y'],
    ['and withdrawn', bakedBy('17230009', deprecated), 'm-x'],
    ['and still being created', bakedBy('17230009', { status: 'Creating' }), 'm-x'],
    ['into another family', bakedBy('17230009', { family: 'api' }), 'm-x'],
  ])('an image baked %s is nothing to give way to', (_, baked, target) => {
    expect(changeOf(again(rollback()), web.with(baked)).image).toBe(target)
  })

  test('an image baked since is nothing to give way to: for a first attempt, and for one with a mark', () => {
    expect(changeOf(rollback(), web.with(bakedBy('17230009')))).toMatchObject({ image: 'm-y', withdrawn: ['m-z'] })
    expect(nothingOf(again(request), done.with(bakedBy('17230009'))).image).toBe('m-x')
  })

  test('a run outside of GitHub cannot tell what was baked since', () => {
    const local = rollback({ workflowRun: 'local0123456789ab' })
    expect(changeOf(again(local), web.with(bakedBy('17230009'))).image).toBe('m-y')
  })

  test('a first attempt does not give way to a run that began later', () => {
    const after = decideAnew(rollback(later), web).at(noon + 24 * 60 * minute)
    expect(changeOf(rollback(), after)).toMatchObject({ image: 'm-w' })
  })

  test('another step of the same workflow run is nobody else', () => {
    const promoted = promote({ image: 'm-n' })
    const after = carriedOut(rollback({ step: 'after' }), carriedOut(promoted, web.with(loose)))
    expect(nothingOf(again(promoted), after)).toMatchObject({ changedBefore: true, image: 'm-n' })
    expect(nothingOf(again(rollback({ step: 'after' })), after)).toMatchObject({ image: 'm-y', withdrawn: ['m-n'] })
  })

  test.each([
    ['restored the withdrawn image', request, done.changing('m-y', { status: 'Available' })],
    [
      'moved the withdrawn image back from quarantine',
      rollback({ quarantineFamily: 'bad' }),
      carriedOut(rollback({ quarantineFamily: 'bad' }), web).changing('m-y', { family: 'web' }),
    ],
    [
      'deprecated the promoted image',
      promote({ image: 'm-n' }),
      carriedOut(promote({ image: 'm-n' }), web.with(loose)).changing('m-n', deprecated),
    ],
    [
      'moved the promoted image elsewhere',
      promote({ image: 'm-w', deprecateNewer: true }),
      carriedOut(promote({ image: 'm-w', deprecateNewer: true }), web)
        .changing('m-w', { family: 'api' })
        .with(image('m-z', 9)),
    ],
    [
      'restored a retired image',
      promote({ image: 'm-w', deprecateNewer: true }),
      carriedOut(promote({ image: 'm-w', deprecateNewer: true }), web).changing('m-x', { status: 'Available' }),
    ],
    [
      'deprecated again what the rollback had restored',
      rollback({ toImage: 'm-x' }),
      carriedOut(rollback({ toImage: 'm-x' }), web.changing('m-x', deprecated)).changing('m-x', deprecated),
    ],
  ] as const)('a person has %s', (_, settled, situation) => {
    const refusal = refusalOf(again<RollbackRequest | PromoteRequest>(settled), situation)
    expect(refusal.code).toBe('superseded')
    expect(refusal.reason).toContain('outside of this action')
  })

  test('another run has withdrawn what this one fell back to', () => {
    const after = decideAnew(rollback({ ...later, expectedImage: 'm-x', reason: 'CVE-2026-9' }), done)
    expect(refusalOf(again(request), after)).toMatchObject({
      code: 'superseded',
      reason: expect.stringMatching(/17230009.*CVE-2026-9/),
    })
  })

  test('a person has deprecated what this one fell back to', () => {
    expect(refusalOf(again(request), done.changing('m-x', deprecated)).code).toBe('superseded')
  })

  test('two other runs have fallen back to the same image, and then from it', () => {
    const served = decideAnew(promote({ ...later, image: 'm-n' }), done.with(loose))
    const back = decideAnew(rollback({ workflowRun: '17230010', toImage: 'm-x' }), served)
    const after = decideAnew(rollback({ workflowRun: '17230011', expectedImage: 'm-x' }), back)
    expect(after.of('m-x').status).toBe('Deprecated')
    expect(refusalOf(again(request), after).code).toBe('superseded')
  })

  test('the reason of this run is not told as that of the other', () => {
    const refusal = refusalOf(again(request), decideAnew(promote({ ...later, image: 'm-y' }), done))
    expect(refusal.reason).not.toContain('because: first')
  })
})

describe('lost half-way, and somebody has decided since', () => {
  /** The rollback has withdrawn m-y and was lost before the proof. */
  const request = rollback()
  const half = web.after(changeOf(request, web).steps)

  test('another run has promoted the withdrawn image again: superseded', () => {
    expect(refusalOf(again(request), decideAnew(promote({ ...later, image: 'm-y' }), half)).code).toBe('superseded')
  })

  test('another run has put a newer image in: completes its own, and leaves that one', () => {
    const after = decideAnew(promote({ ...later, image: 'm-n' }), half.with(loose))
    const plan = changeOf(again(request), after)
    expect(plan.steps).toEqual([])
    expect(after.after(allOf(plan)).current('web')?.id).toBe('m-n')
  })

  test('an image baked since is left alone', () => {
    const resumed = web.after(changeOf(request, web).steps.slice(0, 1)).with(image('m-z', 9))
    expect(stepsOf(again(request), resumed)).toEqual(['await m-x in web', 'deprecate m-y'])
  })

  test('another run has withdrawn what this one falls back to: it is not restored', () => {
    const after = decideAnew(rollback({ ...later, expectedImage: 'm-x', reason: 'CVE' }), half)
    expect(refusalOf(again(request), after).code).toBe('superseded')
  })

  test('a person has deprecated what this one falls back to: it is not restored', () => {
    const { plan } = planOf(again(request), half.changing('m-x', deprecated))
    expect(plan.kind === 'change' && plan.steps.map(brief)).not.toContain('restore m-x')
  })

  test('another run has promoted an image between the two: it is not withdrawn', () => {
    const toW = rollback({ toImage: 'm-w' })
    const before = web.changing('m-x', deprecated)
    const lost = before.after(changeOf(toW, before).steps)
    const after = decideAnew(promote({ ...later, image: 'm-x' }), lost)
    expect(after.current('web')?.id).toBe('m-x')
    const { plan } = planOf(again(toW), after)
    expect(plan.kind === 'change' && plan.steps.map(brief)).not.toContain('deprecate m-x')
  })

  test('a person has restored an image between the two: it is not withdrawn', () => {
    const toW = rollback({ toImage: 'm-w' })
    const before = web.changing('m-x', deprecated)
    const lost = before.after(changeOf(toW, before).steps)
    const { plan } = planOf(again(toW), lost.changing('m-x', { status: 'Available' }))
    expect(plan.kind === 'change' && plan.steps.map(brief)).not.toContain('deprecate m-x')
  })

  test('another run has promoted an image that stood aside: the promotion does not retire it', () => {
    const ours = promote({ image: 'm-w', deprecateNewer: true })
    const before = web.changing('m-x', deprecated)
    const lost = before.after(changeOf(ours, before).steps)
    const after = decideAnew(promote({ ...later, image: 'm-x' }), lost)
    const { plan } = planOf(again(ours), after)
    expect(plan.kind === 'change' && plan.steps.map(brief)).not.toContain('deprecate m-x')
  })

  test('with withdraw-pending: an image begun since is left alone', () => {
    const pending = rollback({ withdrawPending: true })
    const before = web.with(image('m-z', 4, { status: 'Creating' }))
    const lost = before.after(changeOf(pending, before).steps.slice(0, 3))
    const after = lost.with(image('m-fix', 9, { status: 'Creating' }))
    const { plan } = planOf(again(pending), after)
    expect(plan.kind === 'change' && plan.steps.map(brief)).not.toContain('deprecate m-fix')
  })

  test('with withdraw-pending: what has become current meanwhile leaves last', () => {
    const pending = rollback({ withdrawPending: true })
    const before = web.with(image('m-z', 4, { status: 'Creating' }))
    const lost = before.after(changeOf(pending, before).steps.slice(0, 1)).changing('m-z', { status: 'Available' })
    expect(answersAlong(changeOf(again(pending), lost).steps, lost)).toEqual(['m-z', 'm-x'])
  })
})

describe('lost between two marks, and something has changed since', () => {
  const request = rollback()
  /** Only the image that it falls back to is marked: nothing visible has happened. */
  const resumed = overOthers.after(changeOf(request, overOthers).steps.slice(0, 1)).at(noon + 10 * minute)

  test('decides anew, and the marks of before do not count any more', () => {
    const newer = resumed.with(image('m-z', 9))
    expect(changeOf(again(request), newer)).toMatchObject({ image: 'm-y', withdrawn: ['m-z'], changedBefore: false })
    const done = carriedOut(again(request), newer)
    expect(nothingOf(again(request, 3), done)).toMatchObject({ image: 'm-y', previous: 'm-z', withdrawn: ['m-z'] })
  })

  test('a later step of the same workflow run has done the same: it is not done twice', () => {
    const after = carriedOut(rollback({ step: 'another' }), resumed)
    expect(nothingOf(again(request), after).image).toBe('m-x')
  })
})

describe('images without room for a mark', () => {
  const request = rollback({ toImage: 'm-w' })

  test.each(['m-x', 'm-y'])('%s: lost anywhere, the next attempt leaves none of them', (id) => {
    const full = web.changing(id, { tags: manyTags(20) })
    const { steps } = changeOf(request, full)
    for (const count of steps.keys()) {
      expect(visibleIn(carriedOut(again(request), full.after(steps.slice(0, count))))).toEqual(
        visibleIn(full.after(steps)),
      )
    }
  })

  test('that came since are left alone', () => {
    const full = web.changing('m-x', { tags: manyTags(20) })
    const lost = full.after(changeOf(request, full).steps.slice(0, 1))
    const created = { creationTime: '2026-04-01T12:30:00Z', tags: manyTags(20) }
    expect(stepsOf(again(request), lost.with(image('m-new', 1, created)))).toEqual([
      'await m-w in web',
      'deprecate m-x',
      'deprecate m-y',
    ])
  })

  test('the current one, withdrawn, with an expectation: it was met', () => {
    const expecting = rollback({ toImage: 'm-w', expectedImage: 'm-y' })
    const full = web.changing('m-y', { tags: manyTags(20) })
    const lost = full.after(changeOf(expecting, full).steps)
    expect(changeOf(again(expecting), lost)).toMatchObject({ previous: 'm-y', withdrawn: ['m-x', 'm-y'], steps: [] })
  })

  test('are not moved into quarantine', () => {
    const full = web.changing('m-x', { tags: manyTags(20) })
    expect(refusalOf(rollback({ toImage: 'm-w', quarantineFamily: 'bad' }), full).code).toBe('no-room-for-mark')
  })
})

describe('moved to a family that this request does not name', () => {
  const done = carriedOut(rollback(), web)

  test('what it fell back to, by a person: superseded', () => {
    expect(refusalOf(again(rollback()), done.changing('m-x', { family: 'parked' })).code).toBe('superseded')
  })

  test('what it fell back to, by a later step of the same workflow run: nothing to do', () => {
    const after = carriedOut({ ...promote({ fromFamily: 'web', step: 'live' }), family: 'live' }, done)
    expect(after.of('m-x').family).toBe('live')
    expect(nothingOf(again(rollback()), after)).toMatchObject({ image: 'm-x', withdrawn: ['m-y'] })
  })

  test('what it was about to withdraw, by another run: superseded', () => {
    const between = { ...loose, creationTime: '2026-03-02T20:00:00Z' }
    const lost = web.after(changeOf(rollback(), web).steps.slice(0, 1)).with(between)
    const after = decideAnew(promote({ ...later, image: 'm-n', deprecateNewer: true, quarantineFamily: 'old' }), lost)
    expect(after.of('m-y').family).toBe('old')
    expect(refusalOf(again(rollback()), after).code).toBe('superseded')
  })

  test('what it fell back to is deleted: superseded', () => {
    expect(refusalOf(again(rollback()), done.without('m-x')).code).toBe('superseded')
  })
})

describe('deleted since', () => {
  test('the current image, after it was withdrawn and before that was settled: not a second rollback', () => {
    const lost = web.after(changeOf(rollback(), web).steps).without('m-y')
    expect(changeOf(again(rollback()), lost)).toMatchObject({ image: 'm-x', previous: 'm-y', steps: [] })
  })
})

describe('brought back', () => {
  test('by somebody, after another run had fallen back to the same image', () => {
    const chain = [
      promote({ ...later, image: 'm-y' }),
      rollback({ workflowRun: '17230010', toImage: 'm-x' }),
      promote({ workflowRun: '17230011', image: 'm-y' }),
    ]
    const after = chain.reduce((now, each) => decideAnew(each, now), carriedOut(rollback(), web))
    expect(refusalOf(again(rollback()), after)).toMatchObject({
      code: 'superseded',
      reason: expect.stringContaining('17230011'),
    })
  })

  test('an older image, while the current one is withdrawn already: it leaves last, so somebody has done that', () => {
    const request = rollback({ toImage: 'm-w' })
    const lost = web.after(changeOf(request, web).steps)
    expect(refusalOf(again(request), lost.changing('m-x', { status: 'Available' })).code).toBe('superseded')
  })

  test('by a chain of others that has written over all marks but one', () => {
    const request = promote({ image: 'm-w', deprecateNewer: true })
    const chain = [
      promote({ ...later, image: 'm-y' }),
      rollback({ workflowRun: '17230010', toImage: 'm-w' }),
      promote({ workflowRun: '17230011', image: 'm-y' }),
    ]
    const after = chain.reduce((now, each) => decideAnew(each, now), carriedOut(request, web))
    expect(refusalOf(again(request), after)).toMatchObject({
      code: 'superseded',
      reason: expect.stringContaining('17230011'),
    })
  })
})

describe('with an expectation and pending images', () => {
  test('what has become available meanwhile does not count as unexpected', () => {
    const request = rollback({ withdrawPending: true, expectedImage: 'm-y' })
    const before = web.with(image('m-z', 4, { status: 'Creating' }))
    const lost = before.after(changeOf(request, before).steps.slice(0, 5))
    expect(lost.current('web')?.id).toBe('m-z')
    expect(visibleIn(carriedOut(again(request), lost))).toMatchObject({ 'm-z': 'Deprecated in web' })
  })

  test('one that failed to be created was withdrawn all the same', () => {
    const request = rollback({ withdrawPending: true })
    const done = carriedOut(request, web.with(image('m-z', 4, { status: 'Creating' })))
    const failed = done.changing('m-z', { status: 'CreateFailed' })
    expect(nothingOf(again(request), failed)).toMatchObject({ image: 'm-x', withdrawn: ['m-y', 'm-z'] })
  })
})

describe('outputs of a step that a later one of the same workflow run has gone on from', () => {
  const candidate = web.with({ ...loose, family: 'c' })
  const promoted = promote({ fromFamily: 'c' })
  const after = carriedOut(rollback({ step: 'after' }), carriedOut(promoted, candidate))

  test('are those of the undisturbed run: image', () => {
    expect(nothingOf(again(promoted), after).image).toBe('m-n')
  })

  test('are those of the undisturbed run: previous', () => {
    expect(nothingOf(again(promoted), after).previous).toBe('m-y')
  })
})

describe('asked for another image than this run has decided on', () => {
  const toX = rollback({ toImage: 'm-x' })
  const promoted = promote({ image: 'm-n' })
  const both = web.with(loose, image('m-o', 10, { family: '' }))

  test.each([
    ['a rollback that is done', rollback({ toImage: 'm-w' }), carriedOut(toX, web), /m-x,? .*m-w/],
    [
      'a rollback that has begun',
      rollback({ toImage: 'm-w' }),
      web.after(changeOf(toX, web).steps.slice(0, 1)),
      /m-x,? .*m-w/,
    ],
    [
      'a rollback that has emptied the family',
      rollback({ toImage: 'm-w' }),
      carriedOut(rollback({ allowEmpty: true }), there(y)).with(w),
      /emptying the family,? .*m-w/,
    ],
    ['a promotion that is done', promote({ image: 'm-o' }), carriedOut(promoted, both), /m-n,? .*m-o/],
    [
      'a promotion that has begun',
      promote({ image: 'm-o' }),
      both.after(changeOf(promoted, both).steps.slice(0, 2)),
      /m-n,? .*m-o/,
    ],
  ])('%s: refused in any attempt, naming both and how to tell them apart', (_, other, situation, names) => {
    for (const attempt of [1, 2]) {
      const refusal = refusalOf(again<RollbackRequest | PromoteRequest>(other, attempt), situation)
      expect(refusal.code).toBe('already-decided')
      expect(refusal.reason).toMatch(names)
      expect(refusal.remedy).toContain('`idempotency-key`')
    }
  })

  test('for none by name, or for the same: it is that decision', () => {
    const done = carriedOut(toX, web)
    expect(nothingOf(again(rollback()), done).image).toBe('m-x')
    expect(nothingOf(again(toX), done).image).toBe('m-x')
    expect(nothingOf(again(promoted), carriedOut(promoted, both)).image).toBe('m-n')
  })

  test('another run has decided otherwise since: that comes first', () => {
    const after = decideAnew(promote({ ...later, image: 'm-y' }), carriedOut(toX, web))
    expect(refusalOf(again(rollback({ toImage: 'm-w' })), after).code).toBe('superseded')
  })
})

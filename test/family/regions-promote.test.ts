import { array, assert, boolean, constantFrom, integer, property, record, shuffledSubarray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Image, isPending, isReady } from '../../src/family/model/image.ts'
import { originOf } from '../../src/family/model/origin.ts'
import type { PromoteRequest, Request } from '../../src/family/model/request.ts'
import type { Plan } from '../../src/family/plan/plan.ts'
import { anyCrash, anyRegions } from './arbitraries.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { beijing, copyOf, deprecated, image, region, shanghai, w, x, y } from './images.ts'
import { lanesIn, outcomeOf, refusalOf, regionsOf, stepsOf } from './planning.ts'
import { again, bake, promote, rollback } from './requests.ts'
import { answersIn, later, servedIn, visibleIn, walk } from './walk.ts'

const everywhere = [region, shanghai, beijing]

const promotions = record({
  regions: shuffledSubarray(everywhere, { minLength: 2, maxLength: 3 }),
  what: integer({ min: 0, max: 3 }),
  source: constantFrom(undefined, undefined, undefined, 'api'),
  deprecateNewer: constantFrom(true, true, true, false),
  unshare: boolean(),
  quarantineFamily: constantFrom(undefined, undefined, 'bad'),
  tags: constantFrom({}, {}, { tested: 'yes' }),
}).map(({ regions: [home = region, ...replicas], what, source, ...given }) =>
  promote({
    ...given,
    region: home,
    replicas,
    image: source === undefined ? `m-${what}-${home.charAt(3)}1` : undefined,
    fromFamily: source,
    deprecateNewer: source === undefined && given.deprecateNewer,
  }),
)

const told = (...things: unknown[]) => things.map((each) => JSON.stringify(each)).join('\n')
/** A planner waits for an image before it promotes it. */
const waits = ({ image }: PromoteRequest, { state }: FakeEcs) =>
  state.images.some((each) => each.id === image && isPending(each))

describe('any family in three regions', () => {
  test('no region serves the image before it is ready in all, and each changes its answer at most once', () => {
    const changes = { copied: 0, there: 0 }
    assert(
      property(anyRegions, promotions, (situation, request) => {
        if (waits(request, situation)) return
        const { plan, seen, situation: after } = walk(request, situation)
        if (plan.kind === 'refuse') {
          expect(plan.remedy).not.toBe('')
          expect(visibleIn(after)).toEqual(visibleIn(situation))
          return
        }
        const isCopied = after.state.images.length > situation.state.images.length
        if (plan.kind === 'change') changes[isCopied ? 'copied' : 'there'] += 1
        const why = told(request, visibleIn(situation), plan, visibleIn(after))
        for (const each of plan.regions) {
          const answers = answersIn(seen, each.region)
          expect(answers.length, why).toBeLessThanOrEqual(2)
          expect(answers.at(-1), why).toBe(each.image)
          if (request.fromFamily === undefined) expect(answersIn(seen, each.region, 'api').length, why).toBe(1)
          if (plan.kind === 'nothing' || answers.length === 1) continue
          const switched = seen.find((now) => now.current('web', each.region)?.id === each.image)
          const ready = plan.regions.map(({ image = '' }) => switched?.state.images.find(({ id }) => id === image))
          for (const one of ready) expect(one && (isReady(one) || one.status === 'Deprecated'), why).toBe(true)
        }
        if (plan.kind === 'nothing') return
        const origins = plan.regions.map(({ image = '' }) => originOf(after.of(image)))
        expect(new Set(origins).size, why).toBe(1)
      }),
      { numRuns: 3000 },
    )
    expect(changes.copied).toBeGreaterThan(100)
    expect(changes.there).toBeGreaterThan(100)
  })

  test('a re-run ends where the undisturbed run would, wherever and however often that was lost', () => {
    const changes = { copied: 0, there: 0 }
    assert(
      property(anyRegions, promotions, array(anyCrash, { maxLength: 3 }), (situation, request, deaths) => {
        if (waits(request, situation)) return
        const first = walk(request, situation)
        if (first.plan.kind !== 'change') return
        const isCopied = first.situation.state.images.length > situation.state.images.length
        changes[isCopied ? 'copied' : 'there'] += 1
        let now = situation
        let attempt = 1
        const tale = [told(request, visibleIn(situation), first.plan, visibleIn(first.situation))]
        for (const death of [...deaths, undefined]) {
          const walked = walk(again(request, attempt), now, death)
          tale.push(told(death, walked.plan, visibleIn(walked.situation)))
          expect(walked.plan.kind, tale.join('\n')).not.toBe('refuse')
          now = later(walked.situation)
          attempt += 1
        }
        const last = walk(again(request, attempt), now)
        const why = [...tale, told(last.plan)].join('\n')
        expect(visibleIn(now), why).toEqual(visibleIn(first.situation))
        expect(last.plan.kind, why).toBe('nothing')
        const settled = (plan: Plan) =>
          plan.kind === 'refuse'
            ? []
            : plan.regions.map(({ image, previous, withdrawn }) => [image, previous, [...withdrawn].sort()])
        expect(settled(last.plan), why).toEqual(settled(first.plan))
        if (last.plan.kind === 'refuse') return
        expect(
          last.plan.regions.some(({ changedBefore }) => changedBefore),
          why,
        ).toBe(true)
      }),
      { numRuns: 3000 },
    )
    expect(changes.copied).toBeGreaterThan(100)
    expect(changes.there).toBeGreaterThan(100)
  })
})

// ── Tables ───────────────────────────────────────────────────────────────────

const replicas = [shanghai]
const [wS, xS, yS] = [copyOf(w, shanghai, 'm-ws', 1), copyOf(x, shanghai, 'm-xs', 2), copyOf(y, shanghai, 'm-ys', 3)]
/** A new image in no family yet, and its copy. */
const n = image('m-n', 9, { family: '' })
const nS = copyOf(n, shanghai, 'm-ns', 9)
/** Serves m-y in both regions. */
const web = there(w, x, y, wS, xS, yS)
const onward = promote({ replicas, image: 'm-n' })
const back = promote({ replicas, image: 'm-x', deprecateNewer: true })
const sleeping = (one: Image): Image => ({ ...one, ...deprecated })
const end = (asked: Request, situation: FakeEcs) => walk(asked, situation).situation
const inShanghai = (asked: PromoteRequest, situation: FakeEcs) =>
  lanesIn(asked, situation)
    .filter((lane) => lane.startsWith(shanghai))
    .map((lane) => lane.slice(shanghai.length + 1))
const theirs = { workflowRun: '17230009', step: 'theirs' }

describe('a replica serves the copy', () => {
  const late = copyOf(x, shanghai, 'm-late', 12)
  test.each<[string, PromoteRequest, FakeEcs, string[]]>([
    [
      'that is there, and joins',
      onward,
      web.with(n, nS),
      ['record: tag m-ns', 'activate: join-family m-ns web', 'commit: tag m-ns'],
    ],
    ['that is in the family already, and newest', onward, web.with(n, { ...nS, family: 'web' }), []],
    [
      'that is made',
      onward,
      web.with(n),
      [
        'copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
        'record: tag <copy in cn-shanghai>',
        'activate: join-family <copy in cn-shanghai> web',
        'commit: tag <copy in cn-shanghai>',
      ],
    ],
    [
      'that is still being made by somebody',
      onward,
      web.with(n, { ...nS, status: 'Creating' }),
      ['copy: await m-ns', 'record: tag m-ns', 'activate: join-family m-ns web', 'commit: tag m-ns'],
    ],
    [
      'that is not deprecated any more',
      onward,
      web.with(n, sleeping(nS)),
      ['record: tag m-ns', 'prepare: restore m-ns, await m-ns', 'activate: join-family m-ns web', 'commit: tag m-ns'],
    ],
    [
      'that is taken out of another family',
      onward,
      web.with(n, { ...nS, family: 'api' }, image('m-api', 10, { region: shanghai, family: 'api' })),
      ['record: tag m-ns', 'activate: join-family m-ns web', 'commit: tag m-ns'],
    ],
    [
      'once more, where ECS has failed to make it',
      onward,
      web.with(n, { ...nS, status: 'CreateFailed' }),
      [
        'copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
        'record: tag <copy in cn-shanghai>',
        'activate: join-family <copy in cn-shanghai> web',
        'commit: tag <copy in cn-shanghai>',
      ],
    ],
    [
      'of an older image, before what stands there newer',
      back,
      web,
      ['record: tag m-ys,m-xs', 'activate: deprecate m-ys', 'commit: tag m-ys,m-xs'],
    ],
    [
      'of an older image, before a late copy of an older one still',
      back,
      web.with(copyOf(w, shanghai, 'm-late', 12)),
      ['record: tag m-ys,m-late,m-xs', 'activate: deprecate m-ys, deprecate m-late', 'commit: tag m-ys,m-late,m-xs'],
    ],
    ['that came late: it is served there already', back, web.with(late), []],
    [
      'that is made: the newest there, so that nothing has to go',
      back,
      there(w, x, y, wS, yS),
      [
        'copy: copy <copy in cn-shanghai>, await <copy in cn-shanghai>',
        'record: tag <copy in cn-shanghai>',
        'activate: join-family <copy in cn-shanghai> web',
        'commit: tag <copy in cn-shanghai>',
      ],
    ],
    [
      'the available one of two',
      back,
      there(w, x, y, yS, xS, sleeping(copyOf(x, shanghai, 'm-xs2', 12))),
      ['record: tag m-ys,m-xs', 'activate: deprecate m-ys', 'commit: tag m-ys,m-xs'],
    ],
  ])('%s', (_, asked, situation, lanes) => {
    expect(inShanghai(asked, situation)).toEqual(lanes)
    const after = end(asked, situation)
    expect(new Set([region, shanghai].map((where) => originOf(after.current('web', where) ?? n))).size).toBe(1)
  })

  test.each<[string, PromoteRequest, FakeEcs, string, RegExp]>([
    [
      'newer images stand there',
      { ...back, deprecateNewer: false },
      there(w, x, xS, yS),
      'newer-images',
      /^In cn-shanghai: .*m-ys/,
    ],
    [
      'a late copy stands there',
      onward,
      web.with(n, { ...nS, family: 'web' }, copyOf(w, shanghai, 'm-late', 12)),
      'newer-images',
      /m-late/,
    ],
    ['a tie there', onward, web.with(n, nS, image('m-tie', 9, { region: shanghai })), 'ambiguous-order', /m-ns.*m-tie/],
    [
      'what another family serves there',
      onward,
      web.with(n, { ...nS, family: 'api' }),
      'current-elsewhere',
      /m-ns.*family api/,
    ],
    ['shared there', back, web.sharing('m-ys', '1001'), 'already-shared', /m-ys.*1001/],
    [
      'not permitted there',
      onward,
      web.with(n, nS).denying('join-family', 'identity', shanghai),
      'not-permitted',
      /m-ns/,
    ],
    [
      'somebody else’s newer image is served there',
      back,
      web.with(image('m-f', 20, { region: shanghai, ownerAlias: 'others' })),
      'image-not-own',
      /m-f/,
    ],
  ])('%s: refused in all', (_, asked, situation, code, reason) => {
    expect(refusalOf(asked, situation)).toMatchObject({ code, reason: expect.stringMatching(reason) })
    expect(walk(asked, situation).seen).toHaveLength(1)
  })

  test('several regions refuse: all are named', () => {
    const asked = promote({ replicas: [shanghai, beijing], image: 'm-x', deprecateNewer: true })
    const situation = web.with(copyOf(x, beijing, 'm-xb', 2), copyOf(y, beijing, 'm-yb', 3))
    const refusal = refusalOf(asked, situation.sharing('m-ys', '1002').sharing('m-yb', '1003').sharing('m-y', '1001'))
    expect(refusal.reason).toMatch(/1001.*In cn-shanghai: .*1002.*In cn-beijing: .*1003/)
  })

  test('an image of the same name without the tag is not taken for a copy', () => {
    const alike = { ...n, id: 'm-alike', region: shanghai, family: 'web' }
    expect(inShanghai(onward, web.with(n, alike))[0]).toMatch(/^copy: copy/)
  })
})

describe('what a copy is sent', () => {
  const sent = (asked: PromoteRequest, situation: FakeEcs) =>
    regionsOf(asked, situation).flatMap((each) => (each.kind === 'change' ? (each.steps.copy ?? []) : []))[0]
  const asked = promote({
    replicas,
    image: 'm-n',
    tags: { team: 'web' },
    copyTags: { 'image-family:run': 'key', 'github:sha': 'now' },
    resourceGroupId: 'rg-1',
    copyKmsKeyIds: { [shanghai]: 'key-s' },
  })

  test('comes of inputs and run; of what it is, the image tells', () => {
    const baked = { ...n, tags: { 'github:sha': 'then', 'image-family:run': 'theirs', stage: 'x' } }
    expect(sent(asked, web.with(baked))).toMatchObject({
      copy: {
        from: { region, image: 'm-n' },
        tags: {
          team: 'web',
          'image-family:run': 'key',
          'github:sha': 'then',
          'image-family:origin': 'cn-hangzhou/m-n',
        },
        resourceGroupId: 'rg-1',
        kmsKeyId: 'key-s',
      },
    })
    expect(sent(asked, web.with(n))).toMatchObject({ copy: { tags: { 'github:sha': 'now' } } })
  })

  test('home is itself a copy: the origin stays the first image', () => {
    const onwards = { ...asked, region: shanghai, replicas: [beijing], image: 'm-ns' }
    expect(sent(onwards, web.with(n, nS))).toMatchObject({
      copy: { from: { region: shanghai, image: 'm-ns' }, tags: { 'image-family:origin': 'cn-hangzhou/m-n' } },
    })
  })

  test('home is itself a copy, and its original is in the replica: nothing is copied', () => {
    const onwards = promote({ region: shanghai, replicas: [region], image: 'm-ns' })
    expect(servedIn(end(onwards, web.with(n, nS)))).toEqual(['m-n', 'm-ns', undefined])
    expect(walk(onwards, web.with(n, nS)).situation.state.images).toHaveLength(8)
  })

  test('home is itself a copy, and its original is gone: it is copied back', () => {
    const onwards = promote({ region: shanghai, replicas: [region], image: 'm-ns' })
    expect(servedIn(end(onwards, web.with(nS)))).toEqual(['m-ns-in-hangzhou', 'm-ns', undefined])
  })
})

describe('a deprecated image that has to be copied', () => {
  const three = promote({ replicas: [shanghai, beijing], image: 'm-x', deprecateNewer: true })
  const yB = copyOf(y, beijing, 'm-yb', 3)

  test('from an available copy elsewhere', () => {
    const situation = there(w, sleeping(x), y, xS, yS, yB)
    const copies = lanesIn(three, situation).filter((lane) => / (make|copy): /.test(lane))
    expect(copies).toEqual(['cn-beijing copy: copy <copy in cn-beijing>, await <copy in cn-beijing>'])
    const after = end(three, situation)
    expect(after.of('m-xs-in-beijing').tags['image-family:origin']).toBe('cn-hangzhou/m-x')
    expect(servedIn(after)).toEqual(['m-x', 'm-xs', 'm-xs-in-beijing'])
  })

  test('restored first, where that changes no answer', () => {
    const situation = there(w, sleeping(x), y, yS, yB)
    expect(lanesIn(three, situation).filter((lane) => lane.includes(' create'))).toEqual([
      'cn-hangzhou create: restore m-x',
    ])
    const { seen, situation: after } = walk(three, situation)
    expect(answersIn(seen, region)).toEqual(['m-y', 'm-x'])
    expect(servedIn(after)).toEqual(['m-x', 'm-x-in-shanghai', 'm-x-in-beijing'])
  })

  test('in no family: restored first', () => {
    const situation = there(w, sleeping({ ...x, family: '' }), y, yS, yB)
    expect(servedIn(end(three, situation))[0]).toBe('m-x')
  })

  const served = there(w, sleeping(y), yS, sleeping(copyOf(y, beijing, 'm-yb', 3))).changing('m-ys', deprecated)
  test.each<[string, FakeEcs]>([
    ['of this family', there(w, sleeping(y), wS)],
    ['of another family', there(w, sleeping({ ...y, family: 'api' }), wS, image('m-a', 1, { family: 'api' }))],
    ['of a family that serves nothing', there(w, sleeping({ ...y, family: 'api' }), wS)],
  ])('restored, it would be what is served %s: refused with the two steps', (_, situation) => {
    const refusal = refusalOf(promote({ replicas, image: 'm-y', deprecateNewer: true }), situation)
    expect(refusal).toMatchObject({ code: 'not-permitted' })
    expect(refusal.remedy).toContain('without `replica-region-ids`')
    const alone = end(promote({ image: 'm-y' }), situation)
    expect(servedIn(end(promote({ replicas, image: 'm-y', step: 'then' }), later(alone)))).toEqual([
      'm-y',
      'm-y-in-shanghai',
      undefined,
    ])
  })

  test('its copies are all there, deprecated as well: nothing is copied', () => {
    const after = end(promote({ replicas: [shanghai, beijing], image: 'm-y' }), served)
    expect(servedIn(after)).toEqual(['m-y', 'm-ys', 'm-yb'])
  })
})

test('a copy that is served there already is not awaited, even if it is not usable yet', () => {
  const onward = promote({ replicas, image: 'm-y' })
  expect(outcomeOf(onward, there(x, y, { ...yS, usable: false }))).toBe('nothing')
})

describe('from-family', () => {
  const candidate = promote({ replicas, fromFamily: 'candidate' })
  const [c, cS] = [
    { ...n, family: 'candidate' },
    { ...nS, family: 'candidate' },
  ]

  test('the copy may be what the same family serves there', () => {
    expect(servedIn(end(candidate, web.with(c, cS)))).toEqual(['m-n', 'm-ns', undefined])
    expect(outcomeOf(candidate, web.with(c, { ...cS, family: 'other' }))).toBe('current-elsewhere')
  })

  test('an older one: nothing in any region, whatever those serve', () => {
    const older = image('m-old', 1, { family: 'candidate' })
    const apart = there(x, y, older, copyOf(older, shanghai, 'm-olds', 30, { family: '' }), xS)
    const regions = regionsOf(candidate, apart)
    expect(regions.map(({ kind, image: one }) => [kind, one])).toEqual([
      ['nothing', 'm-y'],
      ['nothing', 'm-xs'],
    ])
    expect(walk(candidate, apart).seen).toHaveLength(1)
  })

  // `deprecate-newer` does not go with `from-family`, and is not needed: the image is older than this one.
  test('a late copy of an older image stands before it there: is retired', () => {
    const late = web.with(c, cS, copyOf(w, shanghai, 'm-late', 20))
    expect(end(candidate, late).of('m-late').status).toBe('Deprecated')
    expect(outcomeOf(candidate, web.with(c, cS, image('m-own', 20, { region: shanghai })))).toBe('newer-images')
  })
})

describe('guards and shares', () => {
  test('expected-image-id is a word about home alone', () => {
    const asked = promote({ replicas, image: 'm-n', expectedImage: 'm-y' })
    expect(lanesIn(asked, web.with(n, nS)).filter((lane) => lane.includes('check'))).toEqual([
      'cn-hangzhou check: confirm web m-y',
    ])
    expect(outcomeOf(promote({ replicas, image: 'm-n', expectedImage: 'm-ys' }), web.with(n, nS))).toBe('not-expected')
  })

  // Compared just before the first visible write.
  test('expected-image-id is compared before anything is shared', () => {
    const steps = stepsOf(promote({ image: 'm-n', expectedImage: 'm-y', shareWith: ['1001'] }), web.with(n))
    expect(steps.indexOf('confirm web m-y')).toBeLessThan(steps.indexOf('share m-n 1001'))
  })

  test('image and copies are shared before the switch; what is deprecated, when it is restored', () => {
    const asked = promote({ replicas, image: 'm-n', shareWith: ['1001'] })
    const lanes = lanesIn(asked, web.with(n, sleeping(nS))).filter((lane) => lane.includes('share'))
    expect(lanes).toEqual([
      'cn-hangzhou prepare: share m-n 1001',
      'cn-shanghai activate: join-family m-ns web, share m-ns 1001',
    ])
  })

  test('unshare and quarantine: in every region its own', () => {
    const shared = web.sharing('m-y', '1001').sharing('m-ys', '1002')
    const switches = (given: Partial<PromoteRequest>) =>
      lanesIn({ ...back, ...given }, shared).filter((lane) => lane.includes('activate'))
    expect(switches({ unshare: true })).toEqual([
      'cn-hangzhou activate: unshare m-y 1001, deprecate m-y',
      'cn-shanghai activate: unshare m-ys 1002, deprecate m-ys',
    ])
    expect(switches({ quarantineFamily: 'bad' })).toEqual([
      'cn-hangzhou activate: quarantine m-y bad',
      'cn-shanghai activate: quarantine m-ys bad',
    ])
  })

  test('accounts that would be left with an older image are named in each region', () => {
    const regions = regionsOf(onward, web.with(n, nS).sharing('m-y', '1001').sharing('m-ys', '1002'))
    expect(regions.map(({ notices }) => notices.map(({ text }) => text).join())).toEqual([
      expect.stringMatching(/^1001 cannot see/),
      expect.stringMatching(/^1002 cannot see/),
    ])
  })

  test('conditions are those of the home image: copies do not carry every tag', () => {
    const tested = { ...n, tags: { tested: 'yes' } }
    const asked = promote({ replicas, image: 'm-n', requireTags: { tested: 'yes' }, maxAgeDays: 30 })
    expect(outcomeOf(asked, web.with(tested, nS))).toBe('change')
    expect(outcomeOf(asked, web.with(n, { ...nS, tags: { ...nS.tags, tested: 'yes' } }))).toBe('condition-unmet')
  })
})

describe('run again', () => {
  test.each([1, 2, 3])(
    'another run has decided in the replica alone since %i phases were through: superseded, and nothing is done',
    (phases) => {
      const died = later(walk(back, web, { phases, cuts: [9, 0] }).situation)
      const other = promote({ ...theirs, region: shanghai, image: 'm-ws', deprecateNewer: true })
      const since = later(end(other, died))
      expect(since.current('web', shanghai)?.id).toBe('m-ws')
      const refusal = refusalOf(again(back), since)
      expect(refusal).toMatchObject({
        code: 'superseded',
        reason: expect.stringMatching(/^In cn-shanghai: .*17230009/),
      })
    },
  )

  // What the other run has decided stands on other images than the mark of this one: it is not seen, and undone by
  // joining. What should be: a later decision about the family that still stands is given way to.
  test('another run has gone back there, past an image that had not joined yet: superseded', () => {
    const died = later(walk(onward, web.with(n, nS), { phases: 1, cuts: [9, 0] }).situation)
    const since = later(end(rollback({ ...theirs, region: shanghai }), died))
    expect(since.current('web', shanghai)?.id).toBe('m-xs')
    expect(outcomeOf(again(onward), since)).toBe('superseded')
  })

  test('one step more of the same job has rolled back: neither does anything', () => {
    const undo = rollback({ replicas, step: 'undo' })
    const after = later(end(undo, later(end(onward, web.with(n, nS)))))
    expect(servedIn(after)).toEqual(['m-y', 'm-ys', undefined])
    expect([outcomeOf(again(onward), after), outcomeOf(again(undo), after)]).toEqual(['nothing', 'nothing'])
  })

  describe('once it is done, nothing that came since is touched', () => {
    // As for a rollback: a region that needed nothing has no mark, and is decided about anew.
    test('in a replica that needed nothing', () => {
      const late = there(w, x, y, yS, copyOf(x, shanghai, 'm-xs', 5))
      const since = end(back, late).with(image('m-new', 30, { region: shanghai }))
      expect(outcomeOf(again(back), later(since))).toBe('nothing')
    })

    test('at home, where a later step of the same job has baked', () => {
      const asked = promote({ replicas, image: 'm-y', deprecateNewer: true })
      const since = later(end(bake({ step: 'bake' }), later(end(asked, there(x, y, xS)))))
      expect(outcomeOf(again(asked), since)).toBe('nothing')
    })
  })

  // ECS shares no deprecated image. What should be: what a later step has withdrawn is not shared again.
  test('a later step of the same job has withdrawn the image and taken its shares back: nothing', () => {
    const asked = promote({ replicas, image: 'm-n', shareWith: ['1001'] })
    const undo = rollback({ replicas, step: 'undo', unshare: true })
    const after = later(end(undo, later(end(asked, web.with(n, nS)))))
    expect(outcomeOf(again(asked), after)).toBe('nothing')
  })

  // Both copies of the target bear the mark of this run, and the newer one is taken for the target though it was
  // withdrawn. What should be: the one that the mark names as target.
  test('of two copies, it goes on with the one that it has decided on', () => {
    const unusable = copyOf(x, shanghai, 'm-xs2', 4, { usable: false })
    const situation = there(x, y, xS, unusable, copyOf(y, shanghai, 'm-ys', 5))
    const died = walk(back, situation, { phases: 1, cuts: [] }).situation
    expect(outcomeOf(again(back), later(died))).toBe('change')
  })
})

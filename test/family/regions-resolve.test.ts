import { describe, expect, test } from 'vitest'
import type { Image } from '../../src/family/model/image.ts'
import { planFor } from '../../src/family/modes/index.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { beijing, copyOf, image, noon, region, shanghai, x, y } from './images.ts'
import { concludeIn, outcomeOf, planOf, refusalOf, regionsOf } from './planning.ts'
import { resolve } from './requests.ts'

const [xS, yS] = [copyOf(x, shanghai, 'm-xs', 2), copyOf(y, shanghai, 'm-ys', 3)]
const yB = copyOf(y, beijing, 'm-yb', 3)
const request = resolve({ replicas: [shanghai, beijing] })
const web = there(x, y, xS, yS, yB)
const told = (situation: FakeEcs, asked = request) =>
  regionsOf(asked, situation)
    .flatMap(({ notices }) => notices)
    .map(({ level, text }) => `${level}: ${text}`)
const asked = (situation: FakeEcs, given = request) =>
  concludeIn(planFor(given), situation)
    .questions.filter(({ ask }) => ask !== 'time')
    .map((question) => `${question.ask} ${'region' in question ? question.region : ''}`)

describe('one question a region', () => {
  test('all in sync', () => {
    expect(asked(web)).toEqual(['current cn-hangzhou', 'current cn-shanghai', 'current cn-beijing'])
    expect(regionsOf(request, web).map((each) => each.image)).toEqual(['m-y', 'm-ys', 'm-yb'])
    expect(told(web)).toEqual([])
  })

  test.each<[string, FakeEcs, string[]]>([
    ['apart, and the tags say so', web.changing('m-ys', { status: 'Deprecated' }), []],
    [
      'an image of its own in a replica: without a tag it may be a copy of which the answer does not tell',
      there(y, image('m-own', 3, { region: shanghai }), yB),
      ['image cn-hangzhou', 'image cn-shanghai'],
    ],
    ['one region serves nothing', there(y, yS), []],
    [
      'somebody else’s image in a replica',
      there(y, yS, image('m-f', 9, { region: beijing, ownerAlias: 'system' })),
      [],
    ],
  ])('%s', (_, situation, more) => {
    expect(asked(situation, { ...request, ifMissing: 'ignore' }).slice(3)).toEqual(more)
  })

  test('the answers come without tags: those decide', () => {
    const bare = web.with(...web.state.images.map((each) => ({ ...each, tags: {} })))
    // What ECS tells of an image by its ID has the tags.
    const answer = (asked: Parameters<FakeEcs['answer']>[0]) => (asked.ask === 'image' ? web : bare).answer(asked)
    const planning = planFor(request)
    let turn = planning.next()
    while (!turn.done) turn = planning.next(turn.value.map(answer))
    expect(turn.value).toMatchObject({ kind: 'nothing' })
    expect(turn.value.kind !== 'refuse' && turn.value.regions.flatMap(({ notices }) => notices)).toEqual([])
  })

  test('without replicas nothing more is asked', () => {
    expect(asked(web, resolve())).toEqual(['current cn-hangzhou'])
  })
})

describe('regions that differ', () => {
  const commit = { 'github:sha': '0123456789abcdef' }

  test('are named with the image and the commit that each serves', () => {
    const other = { ...xS, tags: { ...xS.tags, ...commit } }
    const situation = there(x, { ...y, tags: { 'github:sha': 'fedcba9876543210' } }, other, yB)
    expect(told(situation)).toEqual([
      'warning: The regions are not in sync: cn-hangzhou serves name-of-m-y (m-y) of commit fedcba987654; cn-shanghai serves name-of-m-xs (m-xs) of commit 0123456789ab, another image; cn-beijing serves name-of-m-yb (m-yb). Promote the image that you want in all of them: `mode: promote` with its `image-id`.',
    ])
    expect(outcomeOf(request, situation)).toBe('nothing')
  })

  test('one serves nothing: an error, or with if-missing a warning that names it', () => {
    expect(refusalOf(request, there(y, yS))).toMatchObject({
      code: 'not-found',
      reason: expect.stringContaining('Family web resolves to nothing in cn-beijing.'),
    })
    const [warning] = told(there(y, yS), { ...request, ifMissing: 'ignore' })
    expect(warning).toMatch(/^warning: .*cn-beijing.*nothing/)
  })

  test('several serve nothing: all are named', () => {
    expect(refusalOf(request, there(y)).reason).toMatch(/cn-shanghai.*cn-beijing/)
    expect(refusalOf(request, there(y)).remedy.match(/if-missing/g)).toHaveLength(1)
  })

  test('home serves nothing', () => {
    expect(outcomeOf(request, there(yS, yB))).toBe('not-found')
    const regions = regionsOf({ ...request, ifMissing: 'ignore' }, there(yS, yB))
    expect(regions.map((each) => each.image)).toEqual([undefined, 'm-ys', 'm-yb'])
    expect(told(there(yS, yB), { ...request, ifMissing: 'ignore' })[0]).toContain('cn-hangzhou serves nothing')
  })

  test('none serves anything', () => {
    expect(regionsOf({ ...request, ifMissing: 'ignore' }, there()).map((each) => each.image)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(told(there(), { ...request, ifMissing: 'ignore' })).toEqual([])
  })

  test('a public family is the same image everywhere by its ID', () => {
    const system = (where: string): Image =>
      image('m-pub', 1, { region: where, family: 'acs:linux', ownerAlias: 'system' })
    const given = resolve({ replicas: [shanghai], subject: { kind: 'family', family: 'acs:linux' } })
    expect(
      told(there(system(region), { ...system(shanghai), creationTime: '2026-03-09T08:00:00Z' }).with(), given),
    ).toEqual([])
  })

  test.each(['cn-hangzhou', 'cn-shanghai', 'cn-beijing'])('asked from %s: the same answer', (home) => {
    const replicas = [region, shanghai, beijing].filter((each) => each !== home)
    const from = resolve({ region: home, replicas })
    expect(told(web, from)).toEqual([])
    expect(told(web.changing('m-yb', { tags: {} }), from)).toHaveLength(1)
  })
})

describe('conditions', () => {
  const demanding = resolve({ replicas: [shanghai], requireTags: { tested: 'yes' }, maxAgeDays: 30 })
  const tested = { ...y, tags: { tested: 'yes' } }

  test.each<[string, FakeEcs, string]>([
    ['met by the image at home: met by its copies, without the tag', there(tested, yS), 'nothing'],
    [
      'met by the image at home: met by its copies, copied later',
      there(tested, copyOf(y, shanghai, 'm-ys', 30)),
      'nothing',
    ],
    [
      'not met at home: not by a copy that has the tag either',
      there(y, { ...yS, tags: { ...yS.tags, tested: 'yes' } }),
      'condition-unmet',
    ],
    ['another image there has to meet them itself', there(tested, xS), 'condition-unmet'],
    [
      'another image there does',
      there(tested, copyOf(image('m-o', 20), shanghai, 'm-os', 20, { tags: { tested: 'yes' } })),
      'nothing',
    ],
  ])('%s', (_, situation, outcome) => {
    expect(outcomeOf(demanding, situation)).toBe(outcome)
  })

  test('the age is that of the image at home, though the copy is young', () => {
    const young = copyOf(y, shanghai, 'm-ys', 31)
    const late = there(tested, young).at(noon + 10 * 24 * 60 * 60_000)
    const refusal = refusalOf(demanding, late)
    expect(refusal.code).toBe('condition-unmet')
    expect(refusal.reason).toMatch(/m-y\b.*created.*In cn-shanghai/)
  })

  test('unmet is an error, though a missing image is none', () => {
    expect(outcomeOf({ ...demanding, ifMissing: 'ignore' }, there(y))).toBe('condition-unmet')
  })

  test('by image: one region, whatever is listed', () => {
    expect(planOf(resolve({ subject: { kind: 'image', image: 'm-y' } }), web).plan).toMatchObject({
      kind: 'nothing',
      image: 'm-y',
    })
  })
})

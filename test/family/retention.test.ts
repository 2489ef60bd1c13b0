import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  option,
  property,
  record,
  subarray,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Image, label } from '../../src/family/model/image.ts'
import type { Tags } from '../../src/family/model/tags.ts'
import type { Query, QueryGenerator } from '../../src/family/plan/query.ts'
import type { Deletion } from '../../src/family/plan/steps.ts'
import { deleteLeftovers } from '../../src/family/rules/deletion.ts'
import { type RetentionFacts, reasonToKeep } from '../../src/family/rules/reasons-to-keep.ts'
import { planRetention } from '../../src/family/rules/retention.ts'
import { image as anyImage, decided, deprecated, minute, noon, region } from './images.ts'
import { runFor } from './requests.ts'

const ours = runFor('bake')
const theirs = runFor('promote', { workflowRun: '17230002' })
const made: Tags = { 'image-family:run': 'r-1' }

/** One that this action has made, and that nothing keeps. */
const image = (id: string, march: number, given: Partial<Image> = {}): Image => ({
  ...anyImage(id, march),
  region,
  isCopied: false,
  snapshots: [],
  tags: made,
  ...given,
})
const tagged = (tags: Tags): Partial<Image> => ({ tags: { ...made, ...tags } })

/** `m-1` to `m-<count>`, each newer than the one before; some of them with a difference. */
const family = (count: number, given: Readonly<Record<string, Partial<Image>>> = {}): Image[] =>
  Array.from({ length: count }, (_, index) => {
    const id = `m-${index + 1}`
    return image(id, index + 1, given[id])
  })

interface World {
  readonly used?: readonly string[]
  readonly shares?: Readonly<Record<string, readonly string[]>>
  readonly leftovers?: readonly string[]
}

function conclude<Result>(planning: QueryGenerator<Result>, { used = [], shares = {}, leftovers = [] }: World = {}) {
  const questions: Query[][] = []
  const answer = (question: Query): unknown => {
    if (question.ask === 'used') return used
    if (question.ask === 'shares') return shares[question.image] ?? []
    if (question.ask === 'leftovers') return leftovers
    if (question.ask === 'deleted') return 0
    throw new Error(`Nobody should ask for ${question.ask}.`)
  }
  let turn = planning.next()
  while (!turn.done) {
    questions.push([...turn.value])
    turn = planning.next(turn.value.map(answer))
  }
  return { ...turn.value, questions }
}

interface Case extends World, Partial<RetentionFacts> {
  readonly keep?: number
  readonly unshare?: boolean
}

/** The newest available image is the target, unless another is named. */
function retain(members: readonly Image[], { keep = 2, unshare = false, used, shares, ...facts }: Case = {}) {
  const target = members.filter(({ status }) => status === 'Available').at(-1)
  const planning = planRetention(
    { region, family: 'web', keep, unshare, run: ours },
    { members, target, withdrawn: [], leaves: [], origins: [], ...facts },
  )
  return conclude(planning, { ...(used ? { used } : {}), ...(shares ? { shares } : {}) })
}

const gone = ({ deletions }: { deletions: readonly Deletion[] }): string[] => deletions.map((each) => each.image)
const why = (retention: ReturnType<typeof retain>, id: string): string | undefined =>
  retention.decisions.find((decision) => decision.image.id === id)?.reason

describe('how many remain', () => {
  test.each([
    ['none', 0, 2, []],
    ['fewer than to keep', 1, 2, []],
    ['as many as to keep', 5, 5, []],
    ['one more', 6, 5, ['m-1']],
    ['many more: oldest first', 6, 2, ['m-1', 'm-2', 'm-3', 'm-4']],
  ])('of %s', (_, count, keep, expected) => {
    const retention = retain(family(count), { keep })
    expect(gone(retention)).toEqual(expected)
    expect(retention.remaining).toBe(count - expected.length)
    expect(retention.notices).toEqual([])
  })

  test('ECS is asked nothing when no image is too many', () => {
    const retention = retain(family(5), { keep: 5 })
    expect(retention).toMatchObject({ steps: [], deletions: [], remaining: 5, notices: [], questions: [] })
    expect(retention.decisions.map(({ reason }) => reason)).toEqual(Array(5).fill('among the newest 5'))
  })

  test('deprecated images count like available ones', () => {
    expect(gone(retain(family(4, { 'm-3': deprecated, 'm-2': deprecated }), { keep: 3 }))).toEqual([])
    expect(gone(retain(family(5, { 'm-3': deprecated, 'm-2': deprecated }), { keep: 3 }))).toEqual(['m-1', 'm-2'])
  })

  test.each(['Creating', 'Waiting', 'CreateFailed', 'UnAvailable'] as const)('%s images do not', (status) => {
    const retention = retain(family(5, { 'm-1': { status }, 'm-5': { status } }), { keep: 3 })
    expect(gone(retention)).toEqual([])
    expect(retention.decisions.map((decision) => decision.image.id)).toEqual(['m-4', 'm-3', 'm-2'])
    expect(retention.remaining).toBe(3)
    expect(gone(retain(family(5, { 'm-1': { status }, 'm-5': { status } })))).toEqual(['m-2'])
  })

  test('the order of the answer is none', () => {
    const [a, b, c, d] = family(4) as [Image, Image, Image, Image]
    expect(gone(retain([c, a, d, b], { target: d }))).toEqual(['m-1', 'm-2'])
  })

  test('of one second: by ID', () => {
    const members = [image('m-b', 1), image('m-a', 1), image('m-c', 1), ...family(4).slice(1)]
    expect(gone(retain(members, { keep: 4 }))).toEqual(['m-a', 'm-b'])
  })

  test('fates tell of each image that counts, newest first', () => {
    const retention = retain(family(4), { keep: 3 })
    expect(retention.decisions.map(({ image, delete: goes, reason }) => [image.id, goes, reason])).toEqual([
      ['m-4', false, 'among the newest 3'],
      ['m-3', false, 'among the newest 3'],
      ['m-2', false, 'among the newest 3'],
      ['m-1', true, 'older than the newest 3'],
    ])
  })

  test('deletions are the steps, in their order', () => {
    const retention = retain(family(4))
    expect(retention.steps).toEqual(retention.deletions)
    expect(retention.deletions[0]).toEqual({
      action: 'delete',
      region,
      image: 'm-1',
      family: 'web',
      accounts: [],
      snapshots: [],
      decision: undefined,
      run: ours.key,
    })
  })
})

describe('the family as it will be', () => {
  const copy = image('<copy in cn-beijing>', 28, { status: 'Creating' })

  test.each([
    ['an image to be made', image('<new image>', 28, { status: 'Creating' })],
    ['a copy to be made', copy],
    ['one to be made whose time nobody knows', { ...copy, creationTime: '' }],
    ['one to be made that looks old', { ...copy, creationTime: '2020-01-01T00:00:00Z' }],
    ['an image that joins', image('m-9', 9, { family: 'web-candidate' })],
    ['an image being created that is waited for', image('m-9', 9, { status: 'Creating' })],
  ])('counts the target: %s', (_, target) => {
    const retention = retain(family(4), { keep: 3, target })
    expect(gone(retention)).toEqual(['m-1', 'm-2'])
    expect(retention.remaining).toBe(3)
    expect(retention.decisions[0]).toEqual({ image: target, delete: false, reason: 'among the newest 3' })
  })

  test('counts a target that is a member once, and as it was given', () => {
    const target = image('m-4', 4, tagged({ 'image-family:origin': 'cn-beijing/m-0' }))
    const retention = retain(family(4, { 'm-4': { status: 'Creating' } }), { target, keep: 3 })
    expect(gone(retention)).toEqual(['m-1'])
    expect(retention.decisions.filter((decision) => decision.image.id === 'm-4')).toEqual([
      { image: target, delete: false, reason: 'among the newest 3' },
    ])
  })

  test('does not count what leaves', () => {
    const members = family(6)
    const retention = retain(members, { target: members[3], leaves: ['m-5', 'm-6'], keep: 3 })
    expect(gone(retention)).toEqual(['m-1'])
    expect(retention.decisions.map((decision) => decision.image.id)).toEqual(['m-4', 'm-3', 'm-2', 'm-1'])
  })

  test('counts what is withdrawn into deprecation, and may delete it', () => {
    const members = family(6)
    const retention = retain(members, { target: members[0], withdrawn: ['m-2', 'm-3', 'm-4', 'm-5', 'm-6'] })
    expect(gone(retention)).toEqual(['m-2', 'm-3', 'm-4'])
    expect(retention.remaining).toBe(3)
  })
})

describe('what is never deleted', () => {
  test('the current image, however old', () => {
    const members = family(5, { 'm-3': deprecated, 'm-4': deprecated, 'm-5': deprecated })
    const retention = retain(members, { target: members[1] })
    expect(gone(retention)).toEqual(['m-3'])
    expect(why(retention, 'm-2')).toBe('the family serves it')
    expect(why(retention, 'm-1')).toBe('a rollback falls back to it')
  })

  describe('what a rollback would fall back to', () => {
    const newer = { 'm-4': deprecated, 'm-5': deprecated }
    const fallback = 'a rollback falls back to it'

    test.each<[string, Readonly<Record<string, Partial<Image>>>, Case, string, string[]]>([
      ['the newest available one before', newer, {}, 'm-2', ['m-1']],
      ['not a deprecated one', { ...newer, 'm-2': deprecated }, {}, 'm-1', ['m-2']],
      ['not one withdrawn by this plan', newer, { withdrawn: ['m-2'] }, 'm-1', ['m-2']],
      ['not one that leaves', newer, { leaves: ['m-2'] }, 'm-1', []],
      ['not one being created', { ...newer, 'm-2': { status: 'Creating' } }, {}, 'm-1', []],
    ])('is %s', (_, given, facts, id, expected) => {
      const members = family(5, given)
      const retention = retain(members, { target: members[2], ...facts })
      expect(why(retention, id)).toBe(fallback)
      expect(gone(retention)).toEqual(expected)
    })

    test('is never a newer one', () => {
      const members = family(6)
      const retention = retain(members, { target: members[2], keep: 2 })
      expect(why(retention, 'm-2')).toBe(fallback)
      expect(gone(retention)).toEqual(['m-1', 'm-4'])
    })

    test('of one to be made: what is current now', () => {
      const members = family(5, { 'm-2': {}, 'm-3': deprecated, 'm-4': deprecated, 'm-5': deprecated })
      const retention = retain(members, { target: image('<new image>', 28) })
      expect(gone(retention)).toEqual(['m-1', 'm-3', 'm-4'])
      expect(why(retention, 'm-2')).toBe(fallback)
    })

    test('may be one of several of the same second', () => {
      const members = [image('m-a', 1), image('m-b', 2), image('m-c', 2), ...family(5, newer).slice(2)]
      const retention = retain(members, { target: members[3] })
      expect(gone(retention)).toEqual(['m-a'])
      expect(why(retention, 'm-b')).toBe(fallback)
      expect(why(retention, 'm-c')).toBe(fallback)
    })

    test.each([
      ['sorts before', 'm-29'],
      ['sorts behind', 'm-4'],
    ])('may be one of the target’s own second, and the one before all the same: it %s', (_, id) => {
      const later = [image('m-8', 8, deprecated), image('m-9', 9, deprecated)]
      const retention = retain([...family(3), image(id, 3), ...later], { target: image('m-3', 3) })
      expect(gone(retention)).toEqual(['m-1'])
      expect(why(retention, id)).toBe(fallback)
      expect(why(retention, 'm-2')).toBe(fallback)
    })

    test('where nothing is served: the newest available one', () => {
      const members = family(5, { ...newer, 'm-3': deprecated })
      expect(gone(retain(members, { target: undefined }))).toEqual(['m-1', 'm-3'])
    })
  })

  test.each<[string, Partial<Image>, Case, string]>([
    [
      'the origin of what the home region needs',
      {},
      { origins: [`${region}/m-1`] },
      'the home region serves it or falls back to it',
    ],
    [
      'a copy of what the home region needs',
      { ...tagged({ 'image-family:origin': 'cn-beijing/m-0' }), isCopied: true },
      { origins: ['cn-beijing/m-9', 'cn-beijing/m-0'] },
      'the home region serves it or falls back to it',
    ],
    ['one that is protected', tagged({ 'image-family:protect': 'yes' }), {}, 'tagged image-family:protect'],
    ['one that is protected by an empty value', tagged({ 'image-family:protect': '' }), {}, 'image-family:protect'],
    ['one that is protected by `false`', tagged({ 'image-family:protect': 'false' }), {}, 'image-family:protect'],
    ['one without tags', { tags: {} }, {}, 'not made by this action'],
    ['one with tags of others', { tags: { 'github:run': '1', team: 'a' } }, {}, 'not made by this action'],
    [
      'one with tags of this action that say nothing of who made it',
      { tags: { 'image-family:source': 'instance', 'image-family:reason': 'bad' } },
      {},
      'not made by this action',
    ],
    // An attempt or a round before has only recorded on it that it is withdrawn: what goes is what would have gone then.
    [
      'one of which the record of this run is all there is',
      { tags: decided(ours, 'promote', { target: 'm-4' }) },
      {},
      'not made by this action',
    ],
    [
      'one that another run decided on',
      tagged(decided(theirs, 'promote', { target: 'm-1' })),
      {},
      'the target of run 17230002 at 2026-04-01T11:00:00Z (promote to m-1)',
    ],
    ['one in use', {}, { used: ['m-0', 'm-1'] }, 'in use by an instance'],
    ['one shared with one account', {}, { shares: { 'm-1': ['1001'] } }, 'shared with 1 account (1001)'],
    [
      'one shared with several',
      {},
      { shares: { 'm-1': ['1001', '1002', '1003'] } },
      'shared with 3 accounts (1001, 1002, 1003)',
    ],
    [
      'one in use and shared that may be unshared',
      {},
      { used: ['m-1'], shares: { 'm-1': ['1'] }, unshare: true },
      'in use',
    ],
  ])('%s', (_, given, facts, reason) => {
    const retention = retain(family(4, { 'm-1': given }), facts)
    expect(gone(retention)).toEqual(['m-2'])
    expect(why(retention, 'm-1')).toContain(reason)
    expect(retention.remaining).toBe(3)
    expect(retention.notices).toEqual([
      { level: 'warning', text: expect.stringContaining(`name-of-m-1 (m-1) is kept: ${why(retention, 'm-1')}. `) },
    ])
  })

  test.each<[string, Partial<Image>, Case]>([
    ['a run tag', { tags: { 'image-family:run': 'r' } }, {}],
    ['an origin', { tags: { 'image-family:origin': 'cn-beijing/m-0' }, isCopied: true }, {}],
    ['a decision on something else', { tags: decided(theirs, 'rollback', { target: 'm-4' }) }, {}],
    [
      'the decision of this run over an earlier one',
      { tags: decided(ours, 'promote', { target: 'm-4', replaces: theirs.key }) },
      {},
    ],
    ['a decision tag that cannot be read', { tags: { 'image-family:decision': 'done m-1' } }, {}],
    ['another origin than those needed', {}, { origins: ['cn-beijing/m-1', 'm-1'] }],
    ['other images in use and shared', {}, { used: ['m-4'], shares: { 'm-4': ['1001'], 'm-3': ['1001'] } }],
    ['a protecting value of another tag', tagged({ 'image-family:reason': 'image-family:protect' }), {}],
  ])('but one with %s goes', (_, given, facts) => {
    expect(gone(retain(family(3, { 'm-1': given }), facts))).toEqual(['m-1'])
  })

  test.each<[string, string, Partial<Image>]>([
    ['stands on another member', 'm-4', tagged(decided(theirs, 'rollback', { target: 'm-1' }))],
    ['is only planned yet', 'm-4', tagged(decided(theirs, 'rollback', { target: 'm-1', state: 'planned' }))],
    [
      'stands on an image being created',
      'm-5',
      { ...tagged(decided(theirs, 'rollback', { target: 'm-1' })), status: 'Creating' },
    ],
  ])('a decision counts that %s', (_, id, given) => {
    const members = family(5, { 'm-5': { status: 'Creating' }, [id]: given })
    expect(gone(retain(members))).toEqual(['m-2'])
  })

  test('a decision counts that stands on an image which leaves', () => {
    const members = family(5, { 'm-5': tagged(decided(theirs, 'rollback', { target: 'm-1' })) })
    expect(gone(retain(members, { target: members[3], leaves: ['m-5'] }))).toEqual(['m-2'])
  })

  test('of several decisions the latest is named', () => {
    const later = runFor('rollback', { workflowRun: '17230003' })
    const members = family(4, {
      'm-3': tagged(decided(later, 'rollback', { target: 'm-1', at: noon })),
      'm-4': tagged(decided(theirs, 'promote', { target: 'm-1', at: noon - minute })),
    })
    expect(why(retain(members), 'm-1')).toContain('run 17230003')
  })
})

describe('what stays counts', () => {
  test('the newest are never touched, however many older ones stay', () => {
    const retention = retain(family(6), { keep: 3, used: ['m-1', 'm-2', 'm-3'] })
    expect(gone(retention)).toEqual([])
    expect(retention.remaining).toBe(6)
  })

  test('among the newest, what is in use, shared or foreign is like the others', () => {
    const members = family(4, { 'm-3': { tags: {} }, 'm-4': tagged({ 'image-family:protect': '' }) })
    const retention = retain(members, { used: ['m-3'], shares: { 'm-3': ['1001'] } })
    expect(gone(retention)).toEqual(['m-1', 'm-2'])
    expect(retention.notices).toEqual([])
    expect(why(retention, 'm-3')).toBe('among the newest 2')
  })

  test('one warning names region, number, and each image with its reason and what to do', () => {
    const members = family(6, { 'm-2': tagged({ 'image-family:protect': 'x' }), 'm-3': { tags: {}, name: '' } })
    const { notices, remaining } = retain(members, { used: ['m-1'], shares: { 'm-4': ['1001'] } })
    expect(remaining).toBe(6)
    expect(notices).toEqual([
      {
        level: 'warning',
        text: [
          'Family web still has 6 images although `keep` is 2.',
          'name-of-m-1 (m-1) is kept: in use by an instance. Release the instances that use it.',
          'name-of-m-2 (m-2) is kept: tagged image-family:protect. Remove the tag to allow its deletion.',
          'm-3 is kept: not made by this action. Delete it by hand if nobody needs it.',
          'name-of-m-4 (m-4) is kept: shared with 1 account (1001). Set `unshare: true` to take the shares back.',
        ].join(' '),
      },
    ])
  })
})

describe('what ECS is asked', () => {
  const share = (id: string) => ({ ask: 'shares', region, image: id })
  const first = [
    { ask: 'used', region, family: 'web' },
    { ask: 'deleted', region },
  ]

  test('once what is in use and how many are deleted already, then the shares of what would go', () => {
    const { questions } = retain(family(6, { 'm-2': { tags: {} } }), { used: ['m-1'] })
    expect(questions).toEqual([first, [share('m-3'), share('m-4')]])
  })

  test('nothing where everything stays anyhow', () => {
    const { questions } = retain(family(4, { 'm-1': { tags: {} }, 'm-2': { tags: {} } }))
    expect(questions).toEqual([])
  })

  test('no shares where everything is in use', () => {
    expect(retain(family(3), { used: ['m-1'] }).questions).toEqual([first])
  })
})

describe('shares that are taken back', () => {
  test('go into the deletion, and a warning names who loses what', () => {
    const shares = { 'm-1': ['1001', '1002'], 'm-3': ['1003'] }
    const retention = retain(family(5), { unshare: true, shares })
    expect(retention.deletions.map(({ image, accounts }) => [image, accounts])).toEqual([
      ['m-1', ['1001', '1002']],
      ['m-2', []],
      ['m-3', ['1003']],
    ])
    expect(retention.notices).toEqual([
      {
        level: 'warning',
        text: 'Shared images are deleted: 1001, 1002 lose name-of-m-1 (m-1); 1003 loses name-of-m-3 (m-3).',
      },
    ])
  })

  test('are not, of what stays for another reason', () => {
    const retention = retain(family(4), { unshare: true, used: ['m-1'], shares: { 'm-1': ['1001'] } })
    expect(gone(retention)).toEqual(['m-2'])
    expect(retention.notices.map(({ text }) => text).join()).not.toContain('1001')
  })
})

describe('snapshots', () => {
  const resting = (tags: Tags, ...snapshots: string[]): Partial<Image> => ({ ...tagged(tags), snapshots })
  const baked = (...snapshots: string[]) => resting({ 'image-family:source': 'instance' }, ...snapshots)
  const named = (...snapshots: string[]) => resting({ 'image-family:source': 'snapshot' }, ...snapshots)
  const origin = { 'image-family:origin': 'cn-beijing/m-0' }
  const plan = (given: Readonly<Record<string, Partial<Image>>>, facts: Case = {}) => {
    const { deletions, steps } = retain(family(4, given), facts)
    return { snapshots: deletions.map(({ snapshots }) => snapshots), first: steps[0] }
  }

  test.each<[string, Partial<Image>, string[]]>([
    ['of an image of an instance go', baked('s-1', 's-2'), ['s-1', 's-2']],
    ['of one given twice go once', baked('s-1', 's-1'), ['s-1']],
    ['named as source stay', named('s-1'), []],
    ['named as disks stay', resting({ 'image-family:source': 'disks' }, 's-1', 's-2'), []],
    ['of an unknown source stay', resting({}, 's-1'), []],
    ['of a copy go', { ...resting(origin, 's-1'), isCopied: true }, ['s-1']],
    [
      'of a copy of an image of a snapshot go',
      { ...resting({ ...origin, 'image-family:source': 'snapshot' }, 's-1'), isCopied: true },
      ['s-1'],
    ],
    ['of a copy of unknown origin stay', { tags: decided(theirs, 'rollback'), snapshots: ['s-1'], isCopied: true }, []],
  ])('%s', (_, given, expected) => {
    const { snapshots, first } = plan({ 'm-1': given })
    expect(snapshots).toEqual([expected, []])
    expect(first?.action).toBe(expected.length > 0 ? 'claim-snapshots' : 'delete')
  })

  test('are claimed for this run before anything goes, all in one step', () => {
    const { first } = plan({ 'm-1': baked('s-1', 's-2'), 'm-2': baked('s-3') })
    expect(first).toEqual({
      action: 'claim-snapshots',
      region,
      snapshots: ['s-1', 's-2', 's-3'],
      run: ours.key,
    })
  })

  test.each<[string, Readonly<Record<string, Partial<Image>>>, Case]>([
    ['among the newest', { 'm-4': baked('s-1') }, {}],
    ['named there', { 'm-3': named('s-1') }, {}],
    ['in use', { 'm-2': baked('s-1') }, { used: ['m-2'] }],
    ['being created', { 'm-4': { ...named('s-1'), status: 'Creating' } }, {}],
    ['failed', { 'm-4': { ...named('s-1'), status: 'UnAvailable' } }, {}],
    ['leaving', { 'm-4': named('s-1') }, { leaves: ['m-4'], target: image('m-9', 9) }],
    ['joining', {}, { target: image('m-9', 9, named('s-1')) }],
  ])('that an image rests on which stays are left to it: %s', (_, given, facts) => {
    const { deletions, steps } = retain(family(5, { 'm-1': baked('s-1', 's-2'), ...given }), { keep: 2, ...facts })
    expect(deletions[0]).toMatchObject({ image: 'm-1', snapshots: ['s-2'] })
    expect(JSON.stringify(steps)).not.toContain('s-1')
  })

  test('of several images that go are taken along by the last one', () => {
    const { snapshots, first } = plan({ 'm-1': baked('s-1', 's-2'), 'm-2': baked('s-2', 's-3') })
    expect(snapshots).toEqual([['s-1'], ['s-2', 's-3']])
    expect(first).toMatchObject({ snapshots: ['s-1', 's-2', 's-3'] })
  })

  test('that the user has named for another image stay, whichever of the two goes first', () => {
    expect(plan({ 'm-1': baked('s-1'), 'm-2': named('s-1') }).snapshots).toEqual([[], []])
    expect(plan({ 'm-1': named('s-1'), 'm-2': baked('s-1') }).snapshots).toEqual([[], []])
  })
})

describe('a decision on an image that goes', () => {
  test('stands in the deletion as it is written', () => {
    const tags = decided(theirs, 'rollback', { target: 'm-4', previous: 'm-1' })
    const { deletions } = retain(family(4, { 'm-1': { tags }, 'm-2': tagged({ 'image-family:decision': 'odd' }) }))
    expect(deletions.map(({ decision }) => decision)).toEqual([tags['image-family:decision'], 'odd'])
  })
})

// ── Any family ───────────────────────────────────────────────────────────────

const flags = record({
  march: integer({ min: 1, max: 9 }),
  status: constantFrom(
    ...(['Available', 'Available', 'Available', 'Deprecated', 'Creating', 'CreateFailed', 'UnAvailable'] as const),
  ),
  tags: constantFrom('run', 'run', 'run', 'origin', 'decision', 'none'),
  source: constantFrom('instance', 'snapshot', undefined),
  isCopied: boolean(),
  protect: integer({ min: 0, max: 5 }).map((roll) => roll === 0),
  decides: option(integer({ min: 0, max: 11 }), { nil: undefined, freq: 1 }),
  mine: boolean(),
  used: integer({ min: 0, max: 4 }).map((roll) => roll === 0),
  accounts: constantFrom([], [], ['1001'], ['1001', '1002']),
  snapshots: subarray(['s-1', 's-2', 's-3', 's-4', 's-5', 's-6', 's-7', 's-8'], { maxLength: 2 }),
})
type Value<A> = A extends Arbitrary<infer V> ? V : never
type Flags = Value<typeof flags>

const tagsFrom = (given: Flags): Tags => ({
  ...(given.tags === 'run' ? made : {}),
  ...(given.tags === 'origin' ? { 'image-family:origin': 'cn-beijing/m-0' } : {}),
  ...(given.tags === 'decision' ? decided(theirs, 'rollback') : {}),
  ...(given.decides === undefined
    ? {}
    : decided(given.mine ? ours : theirs, 'promote', { target: `m-${given.decides}` })),
  ...(given.source === undefined ? {} : { 'image-family:source': given.source }),
  ...(given.protect ? { 'image-family:protect': '' } : {}),
})

const anyFamily = record({
  all: array(flags, { maxLength: 12 }),
  keep: integer({ min: 2, max: 5 }),
  unshare: boolean(),
  which: integer({ min: -1, max: 12 }),
  withdrawn: subarray(Array.from({ length: 12 }, (_, index) => `m-${index}`)),
  leaves: subarray(
    Array.from({ length: 12 }, (_, index) => `m-${index}`),
    { maxLength: 3 },
  ),
  origins: subarray(['cn-beijing/m-0', 'cn-hangzhou/m-1', 'cn-hangzhou/m-2'], { maxLength: 1 }),
}).map(({ all, which, withdrawn, leaves, ...rest }) => {
  const members = all.map((given, index) =>
    image(`m-${index}`, given.march, {
      status: given.status,
      tags: tagsFrom(given),
      isCopied: given.isCopied,
      snapshots: given.snapshots,
    }),
  )
  const target = which === -1 ? undefined : (members[which] ?? image('<new image>', 10, { tags: {} }))
  const others = (ids: readonly string[]) => ids.filter((id) => id !== target?.id)
  const chosen = <T>(choose: (given: Flags) => T): (readonly [string, T])[] =>
    all.map((given, index) => [`m-${index}`, choose(given)])
  return {
    members,
    facts: { target, withdrawn: others(withdrawn), leaves: others(leaves) },
    used: chosen(({ used }) => used).flatMap(([id, used]) => (used ? [id] : [])),
    shares: Object.fromEntries(chosen(({ accounts }) => accounts)),
    ...rest,
  }
})

type Given = Value<typeof anyFamily>

describe('in any family', () => {
  const walk = (check: (given: Given, retention: ReturnType<typeof retain>) => void) =>
    assert(
      property(anyFamily, (given) => {
        const { members, facts, ...rest } = given
        check(given, retain(members, { ...facts, ...rest }))
      }),
      { numRuns: 1000 },
    )

  /** The rule, said once more without any regard to what it costs. */
  const protectedIn = ({ members, facts, used, shares, unshare, origins }: Given, each: Image): boolean => {
    const { target, withdrawn, leaves } = facts
    const at = (one: Image) => (one.id.startsWith('<') ? '9' : one.creationTime)
    const stands = members.filter(
      (one) => one.status === 'Available' && ![...withdrawn, ...leaves, target?.id].includes(one.id),
    )
    const before = stands.filter((one) => !target || at(one) < at(target)).map(at)
    const isFallback =
      stands.includes(each) && (at(each) === before.sort().at(-1) || (target && at(each) === at(target)))
    const isDecided = members.some(({ tags }) => {
      const [, , run, wanted] = (tags['image-family:decision'] ?? '').split(' ')
      return wanted === each.id && run === theirs.key
    })
    const [run, origin, decision] = ['run', 'origin', 'decision'].map((key) => `image-family:${key}` in each.tags)
    const isForeign = each.isCopied ? run && !origin : origin
    const isUnknown = !(run || origin || decision)
    return [
      each.id === target?.id,
      isFallback === true,
      isDecided,
      isForeign,
      isUnknown,
      'image-family:protect' in each.tags,
      origins.includes((each.isCopied && each.tags['image-family:origin']) || `cn-hangzhou/${each.id}`),
      used.includes(each.id),
      (shares[each.id]?.length ?? 0) > 0 && !unshare,
    ].some(Boolean)
  }

  test('exactly that goes which is beyond the newest and which nothing protects', () => {
    walk((given, retention) => {
      const { members, facts, keep } = given
      const isTarget = (one: Image) => one.id === facts.target?.id
      const counts = (one: Image) =>
        isTarget(one) || (/^(Available|Deprecated)$/.test(one.status) && !facts.leaves.includes(one.id))
      const joined = facts.target && !members.some(isTarget) ? [facts.target] : []
      const byAge = [...joined, ...members]
        .filter(counts)
        .sort((a, b) => a.creationTime.localeCompare(b.creationTime) || a.id.localeCompare(b.id))
      const beyond = byAge.slice(0, Math.max(0, byAge.length - keep))
      const expected = beyond.filter((one) => !protectedIn(given, one)).map(({ id }) => id)
      expect(gone(retention)).toEqual(expected)
      expect(retention.remaining).toBe(byAge.length - expected.length)
      expect(retention.remaining).toBeGreaterThanOrEqual(Math.min(keep, byAge.length))
      expect(retention.decisions.map((decision) => decision.image.id)).toEqual(byAge.map(({ id }) => id).reverse())
    })
  })

  test('fates and warnings tell what happens', () => {
    walk((given, retention) => {
      const { keep, shares } = given
      const { decisions, deletions, remaining, notices } = retention
      expect(decisions.filter(({ delete: goes }) => goes).map((decision) => decision.image.id)).toEqual(
        gone(retention).reverse(),
      )
      const text = notices.map((notice) => notice.text).join('\n')
      expect(text.includes('still has')).toBe(remaining > keep)
      for (const { image, delete: goes } of decisions.slice(keep))
        expect(goes || text.includes(`${label(image)} is `)).toBe(true)
      for (const { image, accounts } of deletions) {
        expect(accounts).toEqual(shares[image])
        for (const account of accounts) expect(text).toContain(account)
      }
    })
  })

  test('no snapshot goes that the user named, or that an image rests on which stays', () => {
    walk((given, retention) => {
      const { members, facts } = given
      const going = gone(retention)
      const all = [...members, ...(facts.target ? [facts.target] : [])]
      const isOurs = ({ tags, isCopied }: Image) =>
        tags['image-family:source'] === 'instance' || (isCopied && 'image-family:origin' in tags)
      const needed = all.filter((one) => !going.includes(one.id) || !isOurs(one)).flatMap(({ snapshots }) => snapshots)
      const free = all.flatMap(({ snapshots }) => snapshots).filter((id) => !needed.includes(id))
      const taken = retention.deletions.flatMap(({ snapshots }) => snapshots)
      expect([...taken].sort()).toEqual([...new Set(free)].sort())
      const [first, ...others] = retention.steps
      const claims = first?.action === 'claim-snapshots'
      expect(claims ? first.snapshots : []).toEqual(taken)
      expect((claims ? others : retention.steps).every(({ action }) => action === 'delete')).toBe(true)
      for (const [index, { snapshots }] of retention.deletions.entries()) {
        const after = all.filter(({ id }) => going.indexOf(id) > index).flatMap((one) => one.snapshots)
        expect(snapshots.filter((id) => after.includes(id))).toEqual([])
      }
    })
  })

  test('what is asked is asked once, and only about what would go', () => {
    walk((_, { questions, decisions }) => {
      const asked = questions.flat()
      expect(asked.filter(({ ask }) => ask === 'used').length).toBeLessThanOrEqual(1)
      for (const question of asked) {
        if (question.ask !== 'shares') continue
        const decision = decisions.find(({ image }) => image.id === question.image)
        expect(decision?.delete || decision?.reason.startsWith('shared with')).toBe(true)
      }
    })
  })
})

// ── The last look ────────────────────────────────────────────────────────────

describe('directly before a deletion', () => {
  const mark = decided(theirs, 'rollback', { target: 'm-4', previous: 'm-1' })
  const written = image('m-1', 1, tagged(mark))
  const [plain, noted] = [undefined, mark['image-family:decision']].map(
    (decision): Deletion => ({
      action: 'delete',
      region,
      image: 'm-1',
      family: 'web',
      accounts: [],
      snapshots: [],
      decision,
      run: ours.key,
    }),
  ) as [Deletion, Deletion]
  const current = image('m-4', 4)
  const seen = image('m-1', 1)

  test.each<[string, Deletion, Image, Image | undefined]>([
    ['as it was', plain, seen, current],
    ['where the family serves nothing', plain, seen, undefined],
    ['deprecated', plain, { ...seen, ...deprecated }, current],
    ['with the decision that was known', noted, written, current],
    ['with more tags than before', plain, image('m-1', 1, tagged({ team: 'core' })), current],
    [
      'with an origin only',
      plain,
      { ...seen, isCopied: true, tags: { 'image-family:origin': 'cn-beijing/m-0' } },
      current,
    ],
  ])('an image goes %s', (_, deletion, image, current) => {
    expect(reasonToKeep(deletion, { image, current })).toBeUndefined()
  })

  test.each<[string, Deletion, Image | undefined, Image | undefined, string]>([
    ['is gone', plain, undefined, current, 'it is already deleted'],
    ['was moved', plain, { ...seen, family: 'other' }, current, 'it is in family other now'],
    ['is in no family', plain, { ...seen, family: '' }, current, 'it is in no family now'],
    ['is UnAvailable', plain, { ...seen, status: 'UnAvailable' }, current, 'it is UnAvailable now'],
    ['is being created', plain, { ...seen, status: 'Creating' }, current, 'it is Creating now'],
    ['is served', plain, seen, seen, 'it is what web serves now'],
    [
      'was protected',
      plain,
      image('m-1', 1, tagged({ 'image-family:protect': '' })),
      current,
      'it is tagged image-family:protect now',
    ],
    [
      'has only the tag of a copy',
      plain,
      { ...seen, tags: { 'image-family:origin': 'cn-beijing/m-0' } },
      current,
      'its tags were copied from another image',
    ],
    ['has lost the tags', plain, { ...seen, tags: { team: 'core' } }, current, "it no longer has this action's tags"],
    [
      'was decided on',
      plain,
      written,
      current,
      'run 17230002 at 2026-04-01T11:00:00Z (rollback to m-4) has decided about it since',
    ],
    [
      'was decided on once more',
      noted,
      image('m-1', 1, tagged(decided(theirs, 'promote', { target: 'm-1', at: noon }))),
      current,
      'run 17230002 at 2026-04-01T12:00:00Z (promote to m-1) has decided about it since',
    ],
    ['has lost its decision', noted, seen, current, 'the decision recorded on it has changed since'],
    [
      'has a decision that cannot be read',
      plain,
      image('m-1', 1, tagged({ 'image-family:decision': '' })),
      current,
      'the decision recorded on it has changed since',
    ],
  ])('an image stays that %s', (_, deletion, image, current, reason) => {
    expect(reasonToKeep(deletion, { image, current })).toBe(reason)
  })

  test('what this run has noted itself since is no news, but anybody else’s decision is', () => {
    const withdrawn = image('m-1', 1, tagged(decided(ours, 'promote', { target: 'm-4' })))
    expect(reasonToKeep(plain, { image: withdrawn, current })).toBeUndefined()
    expect(reasonToKeep(noted, { image: withdrawn, current })).toBeUndefined()
    expect(reasonToKeep({ ...plain, run: theirs.key }, { image: withdrawn, current })).toContain(
      'decided about it since',
    )
    expect(reasonToKeep(plain, { image: written, current })).toContain('decided about it since')
    expect(reasonToKeep(plain, { image: withdrawn, current: withdrawn })).toBe('it is what web serves now')
  })
})

describe('snapshots that a lost attempt has left behind', () => {
  const of = (attempt: number, leftovers: string[]) => {
    const { questions, ...steps } = conclude(deleteLeftovers({ region, run: { ...ours, attempt } }), { leftovers })
    return { questions, steps: Object.values(steps) }
  }
  const asked = [[{ ask: 'leftovers', region, run: ours.key }]]

  test('are not looked for in the first attempt', () => {
    expect(of(1, ['s-1'])).toEqual({ questions: [], steps: [] })
  })

  test('are deleted by a later one', () => {
    const step = { action: 'delete-snapshots', region, snapshots: ['s-1', 's-2'], run: ours.key }
    expect(of(2, ['s-1', 's-2'])).toEqual({ questions: asked, steps: [step] })
  })

  test('where there are none: no step', () => {
    expect(of(3, [])).toEqual({ questions: asked, steps: [] })
  })
})

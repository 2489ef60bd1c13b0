import { assert, constantFrom, integer, option, property, record, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DecisionRecord,
  decisionOn,
  decisionsReplacing,
  describeDecision,
  findLaterDecisions,
  findRecentRollback,
  formatRecord,
  isSameWorkflowRun,
  isWithdrawnFrom,
  ownDecision,
  recordTag,
} from '../../src/family/model/decision-record.ts'
import { isLeftStopped, stoppedTag } from '../../src/family/model/instance.ts'
import { tagLimit } from '../../src/family/model/limits.ts'
import { hasRoomForTags, reasonTag, tag } from '../../src/family/model/tags.ts'
import { findStrangers } from '../../src/family/rules/withdrawal.ts'
import { decided, image, instance, manyTags, minute, noon } from './images.ts'
import { runFor } from './requests.ts'

const ours = runFor('rollback')
const theirs = runFor('rollback', { workflowRun: '17230002' })

const digits = string({ unit: constantFrom(...'0123456789abcdef'), minLength: 10, maxLength: 10 })
const workflowRun = integer({ min: 1, max: 999_999_999_999 })
const imageId = string({ unit: constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'), minLength: 20, maxLength: 20 })
const key = record({ workflowRun, digits }).map((parts) => `${parts.workflowRun}-${parts.digits}`)
const decisions = record({
  state: constantFrom('planned' as const, 'done' as const),
  mode: constantFrom('promote' as const, 'rollback' as const),
  run: key,
  target: option(
    imageId.map((id) => `m-${id}`),
    { nil: undefined },
  ),
  previous: option(
    imageId.map((id) => `m-${id}`),
    { nil: undefined },
  ),
  at: integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  replaces: option(
    record({
      run: key,
      state: constantFrom('planned' as const, 'done' as const),
      role: constantFrom('target' as const, 'withdrawn' as const),
    }),
    { nil: undefined },
  ),
})

describe('the mark of a decision', () => {
  test('is read as it was written, and never longer than a tag value', () => {
    assert(
      property(decisions, (decision) => {
        const value = formatRecord(decision)
        expect(value.length).toBeLessThanOrEqual(128)
        expect(value).toMatch(/^[\x20-\x7e]+$/)
        expect(decisionOn(image('m-1', 1, { tags: { [tag.decision]: value } }))).toEqual(decision)
      }),
      { numRuns: 500 },
    )
  })

  test('holds what it replaces even in the longest case', () => {
    const longest: DecisionRecord = {
      state: 'planned',
      mode: 'rollback',
      run: '999999999999-0123456789',
      target: `m-${'t'.repeat(20)}`,
      previous: `m-${'p'.repeat(20)}`,
      at: noon,
      replaces: { run: '999999999998-9876543210', state: 'planned', role: 'target' },
    }
    expect(formatRecord(longest).length).toBeLessThanOrEqual(128)
    expect(decisionOn(image('m-1', 1, { tags: { [tag.decision]: formatRecord(longest) } }))).toEqual(longest)
  })

  test('leaves out what it replaces where there is no room, rather than cut anything', () => {
    const decision: DecisionRecord = {
      state: 'planned',
      mode: 'rollback',
      run: 'local0123456789ab-0123456789',
      target: `m-${'t'.repeat(20)}`,
      previous: `m-${'p'.repeat(20)}`,
      at: noon,
      replaces: { run: 'local0123456789ab-9876543210', state: 'done', role: 'withdrawn' },
    }
    const read = decisionOn(image('m-1', 1, { tags: { [tag.decision]: formatRecord(decision) } }))
    expect(read).toEqual({ ...decision, replaces: undefined })
  })

  test.each([
    ['no tag', undefined],
    ['an empty tag', ''],
    ['another state', 'begun rollback 1-a m-1 m-2 20260401120000'],
    ['another mode', 'done bake 1-a m-1 m-2 20260401120000'],
    ['too few words', 'done rollback 1-a m-1 m-2'],
    ['prose', 'rolled back by Li'],
  ])('%s is no decision', (_, value) => {
    const tags = value === undefined ? {} : { [tag.decision]: value }
    expect(decisionOn(image('m-1', 1, { tags }))).toBeUndefined()
  })

  test('a tag whose time is none is no decision', () => {
    const tags = { [tag.decision]: 'done rollback 17230002-0123456789 m-1 m-2 yesterday' }
    expect(decisionOn(image('m-1', 1, { tags }))).toBeUndefined()
  })

  test('keeps the key and the state of the decision that it replaces', () => {
    const decision = {
      state: 'planned',
      mode: 'promote',
      run: theirs.key,
      target: 'm-1',
      previous: 'm-2',
      at: noon,
    } as const
    const before = image('m-1', 1, { tags: decided(ours, 'rollback', { target: 'm-0', previous: 'm-1' }) })
    const after = { ...before, tags: { ...before.tags, ...recordTag(before, decision) } }
    expect(decisionOn(after)).toEqual({ ...decision, replaces: { run: ours.key, state: 'done', role: 'withdrawn' } })
    // Its own earlier state is not something that it replaces.
    const settled = { ...after, tags: recordTag(after, { ...decision, state: 'done' }) }
    expect(decisionOn(settled)).toEqual({
      ...decision,
      state: 'done',
      replaces: { run: ours.key, state: 'done', role: 'withdrawn' },
    })
  })

  test('is told to people by run, time, mode and target', () => {
    const [first] = [image('m-1', 1, { tags: decided(theirs, 'rollback', { target: 'm-0' }) })].map(decisionOn)
    expect(first && describeDecision(first)).toBe('run 17230002 at 2026-04-01T11:00:00Z (rollback to m-0)')
  })
})

describe('recalling', () => {
  const done = image('m-1', 1, { tags: decided(ours, 'rollback', { target: 'm-0' }) })
  const planned = image('m-2', 2, { tags: decided(ours, 'rollback', { target: 'm-0', state: 'planned' }) })
  const foreign = image('m-3', 3, { tags: decided(theirs, 'rollback', { target: 'm-0' }) })

  test('finds the marks of this run alone', () => {
    expect(ownDecision(ours, [done, foreign])?.images).toEqual([done])
    expect(ownDecision(ours, [foreign])).toBeUndefined()
    expect(ownDecision(ours, [])).toBeUndefined()
  })

  test.each([
    ['first', [planned, done]],
    ['last', [done, planned]],
  ])('one mark that is still planned means that not all was confirmed (%s)', (_, images) => {
    expect(ownDecision(ours, images)?.decision.state).toBe('planned')
  })

  test('finds decisions written over those of this run, with the state that they replaced', () => {
    const over = (replaces: string) =>
      image('m-1', 1, { tags: decided(theirs, 'promote', { target: 'm-1', replaces }) })
    expect(decisionsReplacing(ours, [over(ours.key)])[0]?.own.state).toBe('done')
    expect(decisionsReplacing(ours, [over(`${ours.key}?`)])[0]?.own.state).toBe('planned')
    expect(decisionsReplacing(ours, [over('17230003-0123456789'), foreign, done])).toEqual([])
  })
})

describe('decisions of workflow runs that began later', () => {
  const by = (workflowRun: string) =>
    image(`m-${workflowRun}`, 1, { tags: decided(runFor('rollback', { workflowRun }), 'rollback') })
  const startedAfter = (workflowRun: string, ...images: ReturnType<typeof by>[]) =>
    findLaterDecisions(runFor('rollback', { workflowRun }), images).map((later) => later.image.id)

  test('go by number, not by text', () => {
    expect(startedAfter('9', by('10'), by('8'), by('9'))).toEqual(['m-10'])
    expect(startedAfter('99999999999', by('100000000000'))).toEqual(['m-100000000000'])
  })

  test('beyond what a number holds exactly', () => {
    expect(startedAfter('90071992547409930', by('90071992547409931'), by('90071992547409930'))).toEqual([
      'm-90071992547409931',
    ])
  })

  test('are not told where either has no GitHub run', () => {
    expect(startedAfter('local0123456789ab', by('10'))).toEqual([])
    expect(startedAfter('9', by('local0123456789ab'))).toEqual([])
  })
})

describe('what another run fell back to', () => {
  const withdrawn = (at: number, run = theirs, target = 'm-1') =>
    image('m-2', 2, { status: 'Deprecated', tags: decided(run, 'rollback', { target, previous: 'm-2', at }) })
  const recent = (...images: ReturnType<typeof withdrawn>[]) =>
    findRecentRollback(image('m-1', 1), { run: ours, images, now: noon })

  test('counts for half an hour', () => {
    expect(recent(withdrawn(noon - 30 * minute + 1000))?.run).toBe(theirs.key)
    expect(recent(withdrawn(noon - 30 * minute))).toBeUndefined()
    expect(recent(withdrawn(noon))?.run).toBe(theirs.key)
  })

  test('does not count within the same workflow run, whatever the step', () => {
    expect(recent(withdrawn(noon - minute, runFor('rollback', { step: 'another' })))).toBeUndefined()
  })

  test('does not count when it fell back to something else, or was no rollback', () => {
    expect(recent(withdrawn(noon - minute, theirs, 'm-0'))).toBeUndefined()
    const retired = image('m-2', 2, { tags: decided(theirs, 'promote', { target: 'm-1', at: noon - minute }) })
    expect(findRecentRollback(image('m-1', 1), { run: ours, images: [retired], now: noon })).toBeUndefined()
  })

  test('counts while that rollback is still on its way', () => {
    const tags = decided(theirs, 'rollback', { state: 'planned', target: 'm-1', at: noon - minute })
    expect(recent(image('m-2', 2, { tags }))?.state).toBe('planned')
  })
})

describe('room', () => {
  test('is up to twenty tags, of which one that is there already takes none', () => {
    expect(tagLimit).toBe(20)
    expect(hasRoomForTags(manyTags(19), { a: '1' })).toBe(true)
    expect(hasRoomForTags(manyTags(20), { a: '1' })).toBe(false)
    expect(hasRoomForTags({ ...manyTags(19), a: '2' }, { a: '1' })).toBe(true)
  })
})

describe('the reason', () => {
  const kept = (reason: string) => reasonTag(reason)[tag.reason] ?? ''

  test.each([
    ['as it is', 'CVE-2026-1234, see the wiki', 'CVE-2026-1234, see the wiki'],
    ['addresses without ://', 'see https://wiki/x and http://y', 'see https:wiki/x and http:y'],
    ['line breaks as blanks', 'first\n  second', 'first second'],
    ['not beginning with acs:', 'acs:web is broken', 'acs-web is broken'],
    ['cut to 128 characters', '网'.repeat(200), '网'.repeat(128)],
  ])('is kept %s', (_, reason, expected) => {
    expect(kept(reason)).toBe(expected)
  })

  test('is cut between characters, not within one', () => {
    expect(kept('𠀀'.repeat(200)).isWellFormed()).toBe(true)
    expect(kept('𠀀'.repeat(200))).toHaveLength(128)
    expect(kept(`x${'𠀀'.repeat(200)}`)).toHaveLength(127)
    expect(kept(`x${'𠀀'.repeat(200)}`).isWellFormed()).toBe(true)
  })

  test('holds no address any more', () => {
    assert(
      property(string({ unit: constantFrom('http://', 'https://', 'HTTP://', 'x', ' ') }), (reason) => {
        expect(kept(reason)).not.toContain('://')
      }),
    )
  })

  test('holds no address that replacing would make', () => {
    expect(kept('see http:////wiki')).not.toContain('://')
  })
})

describe('withdrawn', () => {
  test.each([
    ['deprecated', { status: 'Deprecated' }, true],
    ['moved to another family', { family: 'web-quarantine' }, true],
    ['available in the family', {}, false],
  ] as const)('%s', (_, given, expected) => {
    expect(isWithdrawnFrom('web', image('m-1', 1, given))).toBe(expected)
  })

  test('a stranger in quarantine is what is available there and nobody has withdrawn', () => {
    const withdrawn = image('m-1', 1, { tags: decided(theirs, 'rollback', { target: 'm-0' }) })
    const promoted = image('m-2', 2, { tags: decided(theirs, 'promote', { target: 'm-2' }) })
    const unmarked = image('m-3', 3)
    const asleep = image('m-4', 4, { status: 'Deprecated' })
    expect(findStrangers([withdrawn, promoted, unmarked, asleep])).toEqual([promoted, unmarked])
  })
})

describe('an instance that was stopped for its image', () => {
  const stopped = (given: Parameters<typeof instance>[1]) =>
    isLeftStopped(instance('i-1', { status: 'Stopped', tags: stoppedTag(ours, noon), ...given }))

  test('is marked with key and time', () => {
    expect(stoppedTag(ours, noon)).toEqual({ 'image-family:stopped': `${ours.key} 20260401120000` })
  })

  test.each([
    ['stopped since', {}, true],
    ['still stopping', { status: 'Stopping' }, true],
    ['never started, as far as ECS says', { startedAt: undefined }, true],
    ['started since, and stopped again by somebody', { startedAt: noon + minute }, false],
    ['running', { status: 'Running' }, false],
    ['without the mark', { tags: {} }, false],
    ['with a mark that is none', { tags: { [tag.stopped]: 'x' } }, false],
  ] as const)('%s: %s', (_, given, expected) => {
    expect(stopped(given)).toBe(expected)
  })
})

test('steps of one workflow run are told from those of another', () => {
  expect(isSameWorkflowRun(ours, runFor('promote', { step: 'another' }).key)).toBe(true)
  expect(isSameWorkflowRun(ours, theirs.key)).toBe(false)
  expect(isSameWorkflowRun(runFor('rollback', { workflowRun: '1' }), '17-0123456789')).toBe(false)
})

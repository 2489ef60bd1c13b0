import { describe, expect, test } from 'vitest'
import type { DecisionRecord } from '../../src/family/model/decision-record.ts'
import { isRefusal } from '../../src/family/plan/plan.ts'
import {
  commitMarkerOf,
  hasRoomForRecord,
  type RecordSteps,
  recordDecision,
  recordDone,
} from '../../src/family/recovery/record.ts'
import { decided, image, manyTags, noon, region, w, x, y } from './images.ts'
import { brief } from './planning.ts'
import { runFor } from './requests.ts'

const ours = runFor('rollback')
const theirs = runFor('rollback', { workflowRun: '17230000' })
const key = 'image-family:decision'
const reasonKey = 'image-family:reason'

const back = { state: 'planned', mode: 'rollback', run: ours.key, target: 'm-w', previous: 'm-y', at: noon } as const
const forth = { ...back, mode: 'promote' } as const
const subject = { region, withdraw: [x, y], target: w, reason: undefined, isRecordOptional: false }
const noted = (...given: Parameters<typeof recordDecision>): RecordSteps => {
  const notes = recordDecision(...given)
  if (isRefusal(notes)) throw new Error(notes.reason)
  return notes
}
const full = <T extends { tags: object }>(of: T, count = 20) => ({ ...of, tags: manyTags(count) })

describe('the keystone', () => {
  test('is what the family serves, or what is promoted', () => {
    expect(commitMarkerOf({ ...back, replaces: undefined } satisfies DecisionRecord)).toBe('m-y')
    expect(commitMarkerOf({ ...forth, replaces: undefined } satisfies DecisionRecord)).toBe('m-w')
  })

  test.each([
    ['a rollback', back, 'tag m-w,m-x,m-y'],
    ['a promotion', forth, 'tag m-x,m-y,m-w'],
  ])('is the last of the images that %s marks in one step', (_, decision, step) => {
    expect(noted(decision, subject).planned.map(brief)).toEqual([step])
  })

  test.each([
    ['what it replaces', { withdraw: [{ ...x, tags: decided(theirs, 'promote') }, y] }],
    ['what it replaces on the last', { withdraw: [x, { ...y, tags: decided(theirs, 'promote') }] }],
    ['the reason', { reason: 'bad' }],
  ])('is in the last step where the marks differ by %s', (_, given) => {
    const { planned } = noted(back, { ...subject, ...given })
    expect(planned.length).toBeGreaterThan(1)
    expect(planned.map(brief).at(-1)).toMatch(/m-y$/)
  })

  test('of more than fifty images is in the last request: it is the last of its step', () => {
    const many = Array.from({ length: 120 }, (_, index) => image(`m-${index}`, 2))
    const [step] = noted(back, { ...subject, withdraw: [...many, y] }).planned
    expect(step?.action === 'tag' && step.ids).toHaveLength(122)
    expect(step?.action === 'tag' && step.ids.at(-1)).toBe('m-y')
  })

  test('is marked where nothing is fallen back to', () => {
    const emptying = { ...back, target: undefined }
    expect(noted(emptying, { ...subject, withdraw: [y], target: undefined }).planned.map(brief)).toEqual(['tag m-y'])
  })
})

describe('the reason', () => {
  const old = { ...y, tags: { [reasonKey]: 'old' } }

  test('stands on what is withdrawn, not on the target', () => {
    const tags = noted(back, { ...subject, reason: 'bad' }).planned.map((step) =>
      step.action === 'tag' ? [step.ids, step.tags[reasonKey]] : [],
    )
    expect(tags).toEqual([
      [['m-w'], undefined],
      [['m-x', 'm-y'], 'bad'],
    ])
  })

  test('of an earlier decision is removed before the marks are written, where this one has none', () => {
    const { planned } = noted(back, { ...subject, withdraw: [x, old] })
    expect(planned.map(brief)).toEqual(['untag m-y', 'tag m-w,m-x,m-y'])
    expect(planned[0]).toMatchObject({ keys: [reasonKey] })
  })

  test('of an earlier decision is written over by that of this one, and removed from the target', () => {
    const target = { ...w, tags: { [reasonKey]: 'old' } }
    const { planned } = noted(back, { ...subject, withdraw: [old], target, reason: 'bad' })
    expect(planned.map(brief)).toEqual(['untag m-w', 'tag m-w', 'tag m-y'])
  })

  test('that finds no room is left out, with a warning', () => {
    const notes = noted(back, { ...subject, withdraw: [x, full(y, 19)], reason: 'bad' })
    expect(JSON.stringify(notes.planned)).not.toContain(reasonKey)
    expect(notes.notices).toEqual([
      { level: 'warning', persistent: 'once-begun', text: expect.stringContaining('reason') },
    ])
  })

  test('needs no room on the target', () => {
    expect(noted(back, { ...subject, target: full(w, 19), reason: 'bad' }).notices).toEqual([])
  })
})

describe('room', () => {
  test('is taken by the first mark only', () => {
    expect(hasRoomForRecord(full(x, 19), back)).toBe(true)
    expect(hasRoomForRecord(full(x), back)).toBe(false)
    expect(hasRoomForRecord({ ...x, tags: { ...manyTags(19), ...decided(theirs, 'promote') } }, back)).toBe(true)
  })

  test.each([
    ['to withdraw', back, { withdraw: [full(x), y] }, 'm-x'],
    ['to promote', forth, { target: full(w) }, 'm-w'],
    ['to promote with tags of the user', forth, { target: full(w, 19), targetTags: { stage: 'live' } }, 'm-w'],
  ])('is missing on an image %s: refused, and a tag to drop is named', (_, decision, given, id) => {
    expect(recordDecision(decision, { ...subject, ...given })).toMatchObject({
      code: 'no-room-for-mark',
      reason: expect.stringContaining(id),
      remedy: expect.stringContaining('team-1'),
    })
  })

  test('is missing where a re-run can do without: a warning, and the others are marked', () => {
    const notes = noted(back, { ...subject, withdraw: [full(x), y], isRecordOptional: true })
    expect(notes.planned.map(brief)).toEqual(['tag m-w,m-y'])
    expect(notes.done.map(brief)).toEqual(['tag m-w,m-y'])
    expect(notes.notices).toEqual([
      { level: 'warning', persistent: 'once-begun', text: expect.stringContaining('m-x') },
    ])
  })

  test('is missing on what is fallen back to: no matter', () => {
    const notes = noted(back, { ...subject, target: full(w) })
    expect(notes.planned.map(brief)).toEqual(['tag m-x,m-y'])
    expect(notes.notices).toEqual([])
  })
})

describe('settling', () => {
  test('is for the marks that are not settled yet', () => {
    const settled = { ...x, tags: decided(ours, 'rollback', { target: 'm-w', previous: 'm-y' }) }
    const open = { ...y, tags: decided(ours, 'rollback', { state: 'planned', target: 'm-w', previous: 'm-y' }) }
    const steps = recordDone(back, { region, images: [settled, open] })
    expect(steps.map(brief)).toEqual(['tag m-y'])
    expect(steps[0]).toMatchObject({ tags: { [key]: `done rollback ${ours.key} m-w m-y 20260401120000` } })
  })

  test('of a new decision is for all that it marks, with what they replace', () => {
    const { done } = noted(back, { ...subject, withdraw: [x, { ...y, tags: decided(theirs, 'promote') }] })
    expect(done.map((step) => step.action === 'tag' && step.tags[key])).toEqual([
      expect.stringMatching(/^done rollback .*120000$/),
      expect.stringMatching(new RegExp(`^done rollback .* ${theirs.key}$`)),
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { unmetCondition } from '../../src/family/rules/conditions.ts'
import { image } from './images.ts'

const created = Date.parse('2026-03-01T08:00:00Z')
const day = 24 * 60 * 60_000
const none = { requireTags: {}, maxAgeDays: undefined, now: created }
const tested = image('m-1', 1, { name: 'web-1', tags: { tested: 'true', stage: '2' } })

describe('required tags', () => {
  test.each([
    ['none', {}],
    ['one that it has', { tested: 'true' }],
    ['all that it has', { tested: 'true', stage: '2' }],
  ])('are met: %s', (_, requireTags) => {
    expect(unmetCondition(tested, { ...none, requireTags })).toBeUndefined()
  })

  test('refuse an image without the tag, and name it', () => {
    expect(unmetCondition(tested, { ...none, requireTags: { signed: 'yes' } })).toEqual({
      kind: 'refuse',
      code: 'condition-unmet',
      reason: 'web-1 (m-1) lacks a required tag: signed=yes (it has no tag signed).',
      remedy: expect.stringContaining('`require-tags`'),
    })
  })

  test('refuse another value, and say which it has', () => {
    const unmet = unmetCondition(tested, { ...none, requireTags: { tested: 'True', stage: '2', signed: 'yes' } })
    expect(unmet?.reason).toContain('tested=True (it has tested=true), signed=yes (it has no tag signed)')
    expect(unmet?.reason).not.toContain('stage')
  })

  test('an inherited property is no tag', () => {
    expect(unmetCondition(tested, { ...none, requireTags: { constructor: 'x' } })?.reason).toContain('constructor=x')
  })
})

describe('age', () => {
  test.each([
    ['younger', 0.5, true],
    ['exactly so old', 1, true],
    ['a second older', 1 + 1 / 86_400, false],
  ])('%s than a day', (_, days, met) => {
    const unmet = unmetCondition(tested, { ...none, maxAgeDays: 1, now: created + days * day })
    expect(unmet === undefined).toBe(met)
  })

  test('takes fractions, and says how old the image is', () => {
    const unmet = unmetCondition(tested, { ...none, maxAgeDays: 0.25, now: created + 36 * 60 * 60_000 })
    expect(unmet?.reason).toContain('2026-03-01T08:00:00Z, 1.5 days ago; `max-age-days` allows 0.25')
    expect(unmet?.remedy).toContain('Bake a fresh image')
  })

  test('no limit, any age', () => {
    expect(unmetCondition(tested, { ...none, now: created + 10_000 * day })).toBeUndefined()
  })
})

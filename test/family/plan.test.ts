import { describe, expect, test } from 'vitest'
import { describeStep as tell } from '../../src/family/plan/describe-step.ts'
import { isRefusal, refuse } from '../../src/family/plan/plan.ts'
import { isPlaceholder, isVisible, newImagePlaceholder, type Step, stepTarget } from '../../src/family/plan/steps.ts'
import { region } from './images.ts'
import { bake } from './requests.ts'

const create = { ...bake(), name: 'web-42-01234567', generation: 0 }

const rows: readonly [step: Step, target: string, sentence: string, visible: boolean][] = [
  [
    { action: 'create', region, image: newImagePlaceholder, create },
    '<new image>',
    'create image web-42-01234567 in family web from snapshot s-1',
    true,
  ],
  [{ action: 'await', region, image: 'm-1' }, 'm-1', 'wait until m-1 is available', false],
  [{ action: 'await', region, image: 'm-1', family: 'web' }, 'm-1', 'wait until m-1 is available in family web', false],
  [{ action: 'stop', region, instance: 'i-1', force: true }, 'i-1', 'stop instance i-1 by force', true],
  [{ action: 'stop', region, instance: 'i-1', force: false }, 'i-1', 'stop instance i-1', true],
  [{ action: 'start', region, instance: 'i-1' }, 'i-1', 'start instance i-1', true],
  [{ action: 'rename', region, image: 'm-1', name: 'old' }, 'm-1', 'rename failed image m-1 to old', true],
  [
    { action: 'tag', region, resource: 'image', ids: ['m-1', 'm-2'], tags: { a: '1', b: '2' } },
    'm-1,m-2',
    'tag m-1, m-2 with a, b',
    true,
  ],
  [
    {
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-1', 'm-2'],
      tags: { 'image-family:decision': 'planned rollback 1-a m-1 m-2 20260401120000' },
    },
    'm-1,m-2',
    'record the decision on m-1, m-2',
    false,
  ],
  [
    {
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-2'],
      tags: {
        'image-family:decision': 'planned rollback 1-a m-1 m-2 20260401120000',
        'image-family:reason': 'CVE',
      },
    },
    'm-2',
    'record the decision and its reason on m-2',
    false,
  ],
  [
    {
      action: 'tag',
      region,
      resource: 'image',
      ids: ['m-1'],
      tags: { 'image-family:decision': 'done rollback 1-a m-1 m-2 20260401120000' },
    },
    'm-1',
    'mark the decision as done on m-1',
    false,
  ],
  [
    {
      action: 'tag',
      region,
      resource: 'instance',
      ids: ['i-1'],
      tags: { 'image-family:stopped': '1-a 20260401120000' },
    },
    'i-1',
    'record on i-1 that this run stops it',
    false,
  ],
  [{ action: 'untag', region, resource: 'instance', ids: ['i-1'], keys: ['a'] }, 'i-1', 'remove a from i-1', false],
  [
    { action: 'confirm', region, family: 'web', image: 'm-1' },
    'web',
    'make sure that web still resolves to m-1',
    false,
  ],
  [{ action: 'join-family', region, image: 'm-1', family: 'web' }, 'm-1', 'put m-1 into family web', true],
  [{ action: 'restore', region, image: 'm-1' }, 'm-1', 'restore m-1', true],
  [
    { action: 'unshare', region, image: 'm-1', accounts: ['1', '2'] },
    'm-1',
    'stop sharing m-1 with 2 accounts (1, 2)',
    true,
  ],
  [{ action: 'deprecate', region, image: 'm-1' }, 'm-1', 'deprecate m-1', true],
  [{ action: 'quarantine', region, image: 'm-1', family: 'q' }, 'm-1', 'move m-1 into family q', true],
]

describe('a step', () => {
  test.each(rows)('%j works on %s', (step, target, sentence, visible) => {
    expect(stepTarget(step)).toBe(target)
    expect(tell(step)).toBe(sentence)
    expect(isVisible(step)).toBe(visible)
  })

  test('is told without its full stop, and never with the values of tags', () => {
    for (const [step] of rows) expect(tell(step)).not.toMatch(/\.$/)
  })
})

describe('a reference', () => {
  test('to an image still to be made is told from an ID', () => {
    expect(isPlaceholder(newImagePlaceholder)).toBe(true)
    expect(isPlaceholder('m-1')).toBe(false)
  })
})

describe('a refusal', () => {
  test('is a value that says what is so and what to do', () => {
    const refusal = refuse('would-empty', 'It is so.', 'Do this.')
    expect(refusal).toEqual({ kind: 'refuse', code: 'would-empty', reason: 'It is so.', remedy: 'Do this.' })
    expect(isRefusal(refusal)).toBe(true)
    expect(isRefusal({ kind: 'nothing' })).toBe(false)
    expect(isRefusal({})).toBe(false)
  })
})

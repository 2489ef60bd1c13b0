import { describe, expect, test } from 'vitest'
import { shareLimit } from '../../src/family/model/limits.ts'
import { isRefusal } from '../../src/family/plan/plan.ts'
import { accountsLeftBehind, planSharing } from '../../src/family/rules/sharing.ts'
import { there } from './fake-ecs.ts'
import { region, x, y } from './images.ts'
import { brief, concludeIn } from './planning.ts'

const accounts = (count: number, first = 1000) => Array.from({ length: count }, (_, index) => `${first + index}`)
const planned = (
  shareWith: readonly string[],
  shared: readonly string[] = [],
  what: Parameters<typeof planSharing>[1] = x,
) => {
  const { result, questions } = concludeIn(planSharing({ region, shareWith }, what), there(x).sharing('m-x', ...shared))
  return isRefusal(result)
    ? { refused: result, asked: questions.length }
    : { steps: result.steps.map(brief), told: result.notices.length, asked: questions.length }
}

describe('sharing', () => {
  test.each<[string, readonly string[], readonly string[], object]>([
    ['with nobody: nothing is asked', [], ['1'], { steps: [], told: 0, asked: 0 }],
    ['with somebody', ['1', '2'], [], { steps: ['share m-x 1,2'], told: 1, asked: 1 }],
    [
      'what is shared already is not shared again',
      ['1', '2'],
      ['2', '3'],
      { steps: ['share m-x 1'], told: 1, asked: 1 },
    ],
    ['all is shared: the notice stays', ['1'], ['1'], { steps: [], told: 1, asked: 1 }],
    ['as many as ECS takes', accounts(shareLimit), [], { told: 1 }],
    ['up to what ECS takes', accounts(30), accounts(20, 2000), { told: 1 }],
    ['all of them are shared already', accounts(50), accounts(50), { steps: [] }],
  ])('%s', (_, shareWith, shared, result) => {
    expect(planned(shareWith, shared)).toMatchObject(result)
  })

  test('one more than ECS takes: refused with the numbers', () => {
    const { refused } = planned(accounts(31), accounts(20, 2000))
    expect(refused).toMatchObject({
      code: 'too-many-shares',
      reason: expect.stringMatching(/20 accounts\. 31 more would make 51/),
    })
  })

  test('an image still to be made has no shares to be asked about', () => {
    expect(planned(['1'], [], '<new image>')).toEqual({ steps: ['share <new image> 1'], told: 1, asked: 0 })
    expect(planned(accounts(51), [], '<new image>').refused).toMatchObject({ code: 'too-many-shares' })
  })

  test('no image: nothing', () => {
    const { result } = concludeIn(planSharing({ region, shareWith: ['1'] }, undefined), there())
    expect(result).toEqual({ steps: [], notices: [] })
  })
})

describe('who is left behind', () => {
  const shared = [
    { thing: x, answer: ['1', '2'] },
    { thing: y, answer: ['2', '3'] },
  ]
  test.each<[string, string | undefined, string[], RegExp | undefined]>([
    ['all see the target', 'm-w', ['1', '2', '3'], undefined],
    ['some do not: each is named once', 'm-w', ['1'], /^2, 3 cannot see m-w/],
    ['the family is emptied', undefined, [], /^For 1, 2, 3, the family may resolve to nothing/],
  ])('%s', (_, target, seenBy, text) => {
    const notices = accountsLeftBehind(shared, { target, seenBy })
    expect(notices.map((notice) => notice.level)).toEqual(text ? ['warning'] : [])
    if (text) expect(notices[0]?.text).toMatch(text)
  })

  test('nothing is shared: nobody', () => {
    expect(accountsLeftBehind([{ thing: x, answer: [] }], { target: 'm-w', seenBy: [] })).toEqual([])
  })
})

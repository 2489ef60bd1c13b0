import { array, assert, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refuseForbidden } from '../../src/family/rules/permission.ts'
import { planWithdrawal, withdrawalOrder } from '../../src/family/rules/withdrawal.ts'
import { there } from './fake-ecs.ts'
import { image, region, w, x, y } from './images.ts'
import { brief, concludeIn } from './planning.ts'
import { answersAlong } from './walk.ts'

const plain = { region, family: 'web', unshare: false, quarantineFamily: undefined, shareWith: [] }

describe('the order in which images leave', () => {
  test('is oldest first and the current one last, whatever its age', () => {
    expect(withdrawalOrder([y, w, x], 'm-y')).toEqual([w, x, y])
    expect(withdrawalOrder([y, w, x], 'm-w')).toEqual([x, y, w])
    expect(withdrawalOrder([y, w, x], undefined)).toEqual([w, x, y])
    expect(withdrawalOrder([x, w], 'm-y')).toEqual([w, x])
  })

  test('changes the answer of the family once, for any number of images', () => {
    assert(
      property(array(integer({ min: 2, max: 28 }), { minLength: 1, maxLength: 8 }), (days) => {
        const images = [...new Set(days)].map((day) => image(`m-${day}`, day))
        const situation = there(image('m-1', 1), ...images)
        const current = situation.current('web')?.id
        const steps = withdrawalOrder(images, current).map(
          ({ id }) => ({ action: 'deprecate', region, image: id }) as const,
        )
        expect(answersAlong(steps, situation)).toEqual([current, 'm-1'])
      }),
    )
  })
})

describe('withdrawing nothing', () => {
  test('asks nothing, and refuses nothing', () => {
    const situation = there(w, image('m-live', 1, { family: 'bad' }))
    const planning = planWithdrawal(
      { ...plain, quarantineFamily: 'bad', shareWith: [] },
      { images: [], target: w, quarantined: [w] },
    )
    expect(concludeIn(planning, situation)).toEqual({ result: { steps: [], notices: [] }, questions: [] })
  })
})

describe('shares', () => {
  const shared = there(w, x, y).sharing('m-x', '1001').sharing('m-y', '1001', '1002')
  const plan = (request: object, target: typeof w | undefined = w) =>
    concludeIn(planWithdrawal({ ...plain, ...request }, { images: [x, y], target, quarantined: [] }), shared)

  test('all shared images are named in one refusal', () => {
    const { result } = plan({})
    expect(result).toMatchObject({
      code: 'already-shared',
      reason: expect.stringMatching(/m-x.*1001.*m-y.*1001, 1002/),
    })
  })

  test('each is taken back directly before its image is deprecated', () => {
    const { result } = plan({ unshare: true, shareWith: [] })
    expect('steps' in result && result.steps.map(brief)).toEqual([
      'unshare m-x 1001',
      'deprecate m-x',
      'unshare m-y 1001,1002',
      'deprecate m-y',
    ])
  })

  test('each account is named once in the warning', () => {
    const { result } = plan({ unshare: true, shareWith: [] })
    expect('notices' in result && result.notices).toHaveLength(1)
    expect('notices' in result && result.notices[0]?.text.match(/1001/g)).toHaveLength(1)
  })

  test('with nothing to fall back to: the accounts are named as well', () => {
    const { result } = concludeIn(
      planWithdrawal({ ...plain, unshare: true, shareWith: [] }, { images: [y], target: undefined, quarantined: [] }),
      shared,
    )
    expect('notices' in result && result.notices).toEqual([
      { level: 'warning', persistent: 'once-begun', text: expect.stringContaining('1002') },
    ])
  })

  test('of the target are asked for only where something is lost', () => {
    const { questions } = concludeIn(planWithdrawal(plain, { images: [x], target: w, quarantined: [] }), there(w, x))
    expect(questions).toEqual([{ ask: 'shares', region, image: 'm-x' }])
  })
})

describe('permissions', () => {
  const deprecate = { action: 'deprecate', region, image: 'm-y' } as const

  test('steps that only mark or look are not asked about', () => {
    const steps = [
      { action: 'tag', region, resource: 'image', ids: ['m-y'], tags: {} },
      { action: 'await', region, image: 'm-x' },
      { action: 'confirm', region, family: 'web', image: 'm-y' },
      deprecate,
    ] as const
    const { result, questions } = concludeIn(refuseForbidden(steps), there(y))
    expect(result).toBeUndefined()
    expect(questions).toEqual([{ ask: 'permitted', step: deprecate }])
  })

  test('a shared image that nothing unshares is a denial', () => {
    const { result } = concludeIn(refuseForbidden([deprecate]), there(y).sharing('m-y', '1001'))
    expect(result).toMatchObject({ code: 'not-permitted' })
  })
})

import { describe, expect, test } from 'vitest'
import { EcsError } from '../../src/ecs/errors.ts'
import { describeAnswer, describeError, errorData, explainError, stepError } from '../../src/engine/action-error.ts'
import { Cancelled, TimeLimit } from '../../src/engine/clock.ts'

const refused = (given: { readonly ecsCode?: string; readonly requestId?: string; readonly reason: string }) =>
  new EcsError({ operation: 'CreateImage', region: 'cn-hangzhou', status: 403, remedy: 'Look at it.', ...given })

describe('an error as plain data', () => {
  test.each([
    [new Cancelled('The step was cancelled.'), 'cancelled'],
    [new TimeLimit('The time limit is over.'), 'time-limit'],
    [stepError('It is gone.', 'Look for it.'), 'step'],
    [refused({ ecsCode: 'Forbidden.RAM', reason: 'No.' }), 'ecs'],
    [refused({ ecsCode: 'ImageQuotaFull.ImageFamily', reason: 'No.' }), 'family-full'],
    [new TypeError('x is not a function'), 'internal'],
    ['a text', 'internal'],
  ])('%s has a code and a remedy, and survives JSON', (error, code) => {
    const data = errorData(error)
    expect(data).toMatchObject({ code, reason: expect.stringMatching(/./), remedy: expect.stringMatching(/\.$/) })
    expect(JSON.parse(JSON.stringify(data))).toEqual(data)
  })

  test('of a request has the details of the answer', () => {
    const { request } = errorData(refused({ ecsCode: 'Forbidden.RAM', requestId: 'R-1', reason: 'No.' }))
    expect(request).toEqual({
      operation: 'CreateImage',
      region: 'cn-hangzhou',
      effect: 'none',
      ecsCode: 'Forbidden.RAM',
      status: 403,
      requestId: 'R-1',
    })
  })

  test.each([
    ['CreateImage', 'Forbidden.RAM', 'none'],
    ['CreateImage', undefined, 'unknown'],
    ['DescribeImages', 'Forbidden.RAM', 'read'],
    ['ListTagResources', 'Forbidden.RAM', 'read'],
    ['DescribeImages', undefined, 'unknown'],
  ])('%s, answered by %s, has the effect %s', (operation, ecsCode, effect) => {
    const error = new EcsError({ operation, region: 'cn-hangzhou', status: 403, ecsCode, reason: 'No.' })
    expect(errorData(error).request?.effect).toBe(effect)
  })

  test('of the action itself has the stack', () => {
    expect(errorData(new TypeError('x is not a function')).details).toContain('action-error.test')
    expect(errorData(undefined)).toMatchObject({ reason: 'undefined' })
  })
})

describe('in words', () => {
  test.each([
    [
      refused({ ecsCode: 'Forbidden.RAM', requestId: 'R-1', reason: 'No' }),
      'CreateImage in cn-hangzhou: ECS answered Forbidden.RAM (HTTP 403, request ID R-1): No.',
    ],
    [
      refused({ ecsCode: 'SignatureDoesNotMatch', reason: 'SignatureDoesNotMatch' }),
      'CreateImage in cn-hangzhou: ECS answered SignatureDoesNotMatch (HTTP 403, request ID unknown).',
    ],
    [refused({ reason: 'the connection was reset' }), 'CreateImage in cn-hangzhou: the connection was reset.'],
    [stepError('It is gone', 'Look for it.'), 'It is gone.'],
  ])('%s', (error, words) => {
    expect(describeError(errorData(error))).toBe(words)
    expect(explainError(errorData(error))).toBe(`${words} ${error.remedy}`)
  })

  test('what ECS answered stands alone where the step is named before it', () => {
    const error = errorData(refused({ ecsCode: 'ImageUseShared', requestId: 'R-1', reason: 'It is shared.' }))
    expect(describeAnswer(error)).toBe('ImageUseShared (HTTP 403, request ID R-1): It is shared.')
  })
})

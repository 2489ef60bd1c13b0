import { describe, expect, test } from 'vitest'
import { verify } from '../../src/family/plan/verify.ts'
import { type FakeEcs, there } from './fake-ecs.ts'
import { decided, image, region } from './images.ts'
import { concludeIn } from './planning.ts'
import { runFor } from './requests.ts'

const [w, x, y] = [image('m-w', 1), image('m-x', 2), image('m-y', 3)]
const deprecated = { status: 'Deprecated' } as const

/** As the modes plan it. */
const overtakenIn = { bake: 'warns', promote: 'fails', rollback: 'fails-if-withdrawn-is-back' } as const

const verdictOn = (
  expected: { image: string | undefined; withdrawn?: string[] },
  mode: 'bake' | 'promote' | 'rollback',
  situation: FakeEcs,
) => concludeIn(verify({ region, family: 'web', withdrawn: [], overtaken: overtakenIn[mode], ...expected }), situation)

describe('as expected', () => {
  test('one request is enough', () => {
    const { result, questions } = verdictOn({ image: 'm-x' }, 'promote', there(w, x))
    expect(result).toMatchObject({ kind: 'ok', current: { id: 'm-x' } })
    expect(questions).toEqual([{ ask: 'current', region, family: 'web' }])
  })

  test('nothing, where the family was emptied', () => {
    const { result } = verdictOn({ image: undefined, withdrawn: ['m-x'] }, 'rollback', there({ ...x, ...deprecated }))
    expect(result).toEqual({ region, kind: 'ok', current: undefined })
  })
})

describe('overtaken by a newer image of somebody else', () => {
  const overtaken = there(x, y)

  test.each([
    ['bake', false],
    ['rollback', false],
    ['promote', true],
  ] as const)('%s fails: %s', (mode, fails) => {
    expect(verdictOn({ image: 'm-x' }, mode, overtaken).result).toMatchObject({ kind: 'overtaken', fails })
  })

  test('names the image and who has made it', () => {
    const by = (tags: Record<string, string>) => verdictOn({ image: 'm-x' }, 'bake', there(x, { ...y, tags })).result
    const run = runFor('bake', { workflowRun: '17230009' })
    expect(by({ 'image-family:run': run.key })).toMatchObject({ reason: expect.stringMatching(/m-y.*run 17230009/) })
    expect(by(decided(run, 'promote', { target: 'm-y' }))).toMatchObject({
      reason: expect.stringMatching(/m-y.*run 17230009.*promote/),
    })
    expect(by({})).toMatchObject({ reason: expect.stringContaining('which this action did not create') })
  })

  test('a rollback fails if what it was to withdraw still stands', () => {
    const withZ = there(w, x, y, image('m-z', 4))
    expect(verdictOn({ image: 'm-w', withdrawn: ['m-x'] }, 'rollback', withZ).result).toMatchObject({ fails: true })
    const gone = withZ.changing('m-x', deprecated)
    expect(verdictOn({ image: 'm-w', withdrawn: ['m-x'] }, 'rollback', gone).result).toMatchObject({ fails: false })
  })

  test('an emptied family that serves something new', () => {
    const situation = there({ ...x, ...deprecated }, y)
    expect(verdictOn({ image: undefined, withdrawn: ['m-x'] }, 'rollback', situation).result).toMatchObject({
      kind: 'overtaken',
      fails: false,
    })
  })
})

describe('overtaken by an image of the same second, which waiting does not change', () => {
  test.each([
    ['bake', false],
    ['rollback', true],
    ['promote', true],
  ] as const)('%s fails: %s', (mode, fails) => {
    const { result } = verdictOn({ image: 'm-y' }, mode, there(y, image('m-z', 3)).serving('web', 'm-z'))
    expect(result).toMatchObject({
      kind: 'overtaken',
      current: { id: 'm-z' },
      fails,
      reason: expect.stringMatching(/m-z.*m-y.*same second/),
    })
  })
})

describe('not confirmed: ECS may still be catching up', () => {
  test.each([
    ['the answer is an image that was withdrawn', { image: 'm-x', withdrawn: ['m-y'] }, there(x, y)],
    [
      'the answer is an image that is deprecated by now',
      { image: 'm-x' },
      there(x, { ...y, ...deprecated }).serving('web', 'm-y'),
    ],
    ['the answer is an image that has left', { image: 'm-x' }, there(x, { ...y, family: 'q' }).serving('web', 'm-y')],
    ['the answer is older than the image', { image: 'm-y' }, there(x, y).serving('web', 'm-x')],
    ['the answer is nothing', { image: 'm-x' }, there(x).serving('web', undefined)],
    ['the image is not in the family', { image: 'm-n' }, there(x, image('m-n', 9, { family: 'api' }))],
    ['nothing is expected, and the withdrawn image is served', { image: undefined, withdrawn: ['m-x'] }, there(x)],
  ])('%s', (_, expected, situation) => {
    for (const mode of ['bake', 'promote', 'rollback'] as const) {
      expect(verdictOn(expected, mode, situation).result.kind).toBe('unconfirmed')
    }
  })

  test('says what ECS answers and what was expected', () => {
    expect(verdictOn({ image: 'm-y' }, 'bake', there(x, y).serving('web', 'm-x')).result).toMatchObject({
      reason: expect.stringMatching(/web serves .*m-x.*, not m-y/),
    })
  })
})

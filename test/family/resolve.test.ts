import { describe, expect, test } from 'vitest'
import { there } from './fake-ecs.ts'
import { image, minute, noon, region } from './images.ts'
import { nothingOf, planOf, refusalOf } from './planning.ts'
import { resolve } from './requests.ts'

const [x, y] = [image('m-x', 1), image('m-y', 2, { tags: { tested: 'true' } })]
const web = there(x, y)
const requestsOf = (questions: readonly { ask: string }[]) => questions.filter(({ ask }) => ask !== 'time')

describe('a family', () => {
  test('resolves to what ECS says, with exactly one request', () => {
    const { plan, questions } = planOf(resolve(), web)
    expect(requestsOf(questions)).toEqual([{ ask: 'current', region, family: 'web' }])
    expect(plan).toMatchObject({ kind: 'nothing', image: 'm-y', changedBefore: false, withdrawn: [], pending: [] })
  })

  test('is not sorted again', () => {
    expect(nothingOf(resolve(), web.serving('web', 'm-x')).image).toBe('m-x')
  })

  test('that resolves to nothing is an error that says how to make it none', () => {
    const refusal = refusalOf(resolve(), there())
    expect(refusal).toMatchObject({
      code: 'not-found',
      reason: expect.stringContaining(`web resolves to nothing in ${region}`),
    })
    expect(refusal.remedy).toContain('`if-missing: ignore`')
  })

  test('that resolves to nothing is no error with if-missing: ignore', () => {
    expect(nothingOf(resolve({ ifMissing: 'ignore' }), there())).toMatchObject({ image: undefined })
  })

  test('of this account that resolves to nothing is not asked about twice', () => {
    expect(requestsOf(planOf(resolve({ ifMissing: 'ignore' }), there()).questions)).toHaveLength(1)
  })

  test('is asked about once in a dry run too', () => {
    expect(requestsOf(planOf(resolve({ dryRun: true }), web).questions)).toHaveLength(1)
  })
})

describe('a family of another account, or a public one', () => {
  const family = 'acs:1234567890123456:web'
  const request = resolve({ subject: { kind: 'family', family } })
  const shared = image('m-s', 2, { family, ownerAlias: 'others' })
  const older = image('m-r', 1, { family, ownerAlias: 'others' })

  test('resolves with one request where ECS answers', () => {
    const { plan, questions } = planOf(request, there(shared, older))
    expect(plan).toMatchObject({ image: 'm-s' })
    expect(requestsOf(questions)).toHaveLength(1)
  })

  test('an empty answer is checked once against the list of images', () => {
    const { plan, questions } = planOf(request, there(shared, older).serving(family, undefined))
    expect(plan).toMatchObject({ image: 'm-s' })
    expect(requestsOf(questions).map(({ ask }) => ask)).toEqual(['current', 'visible'])
  })

  test('resolves to nothing where both say so', () => {
    expect(refusalOf(request, there()).code).toBe('not-found')
  })

  test('two newest images of one second in the list: both are named and none is taken', () => {
    const twin = image('m-t', 2, { family, ownerAlias: 'others' })
    const refusal = refusalOf(request, there(shared, twin).serving(family, undefined))
    expect(refusal.code).toBe('ambiguous-order')
  })
})

describe('an image', () => {
  const byId = (id: string) => resolve({ subject: { kind: 'image', image: id } })

  test('is found in any status, with a second request for what its family serves', () => {
    const { plan, questions } = planOf(byId('m-x'), web.changing('m-x', { status: 'Deprecated' }))
    expect(plan).toMatchObject({ kind: 'nothing', image: 'm-x' })
    expect(requestsOf(questions)).toEqual([
      { ask: 'image', region, image: 'm-x' },
      { ask: 'current', region, family: 'web' },
    ])
  })

  test('without a family needs one request', () => {
    expect(requestsOf(planOf(byId('m-n'), there(image('m-n', 1, { family: '' }))).questions)).toHaveLength(1)
  })

  test('that does not exist is an error, unless it is to be ignored', () => {
    expect(refusalOf(byId('m-none'), web)).toMatchObject({
      code: 'not-found',
      reason: expect.stringContaining('m-none'),
    })
    expect(nothingOf({ ...byId('m-none'), ifMissing: 'ignore' }, web).image).toBeUndefined()
  })
})

describe('conditions', () => {
  test('that are met change nothing', () => {
    expect(nothingOf(resolve({ requireTags: { tested: 'true' }, maxAgeDays: 40 }), web).image).toBe('m-y')
  })

  test('if-missing: ignore covers a missing image only, not an unmet condition', () => {
    const request = resolve({ requireTags: { tested: 'false' }, ifMissing: 'ignore' })
    expect(refusalOf(request, web).code).toBe('condition-unmet')
  })

  test('age goes by the clock of ECS', () => {
    const request = resolve({ maxAgeDays: 30 })
    const created = Date.parse(y.creationTime)
    expect(nothingOf(request, web.at(created + 30 * 24 * 60 * minute)).image).toBe('m-y')
    expect(refusalOf(request, web.at(created + 30 * 24 * 60 * minute + 1000)).code).toBe('condition-unmet')
    expect(refusalOf(request, web.at(noon)).reason).toContain('`max-age-days` allows 30')
  })

  test('hold for an image by ID too', () => {
    const request = resolve({ subject: { kind: 'image', image: 'm-x' }, requireTags: { tested: 'true' } })
    expect(refusalOf(request, web).code).toBe('condition-unmet')
  })
})

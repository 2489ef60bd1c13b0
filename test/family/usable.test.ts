/**
 * ECS may call an image available before instances can be launched from it. A promotion waits until it is usable, and a
 * rollback prefers an image that is usable now.
 */
import { describe, expect, test } from 'vitest'
import { findFallback } from '../../src/family/rules/pruning.ts'
import { there } from './fake-ecs.ts'
import { copyOf, deprecated, image, region, shanghai, w, x, y } from './images.ts'
import { changeOf, lanesIn, nothingOf, outcomeOf, refusalOf, regionsOf } from './planning.ts'
import { promote, rollback } from './requests.ts'
import { servedIn, walk } from './walk.ts'

const unusable = { usable: false } as const

describe('promote', () => {
  const tested = image('m-t', 9, { family: '', ...unusable })
  const web = there(w, x, tested)
  const [named, from] = [promote({ image: 'm-t' }), promote({ fromFamily: 'candidate' })]

  test.each([
    ['by image-id', named, web],
    ['by from-family', from, web.changing('m-t', { family: 'candidate' })],
    ['in the family already', named, web.changing('m-t', { family: 'web' }).serving('web', 'm-x')],
    [
      'before newer images that are withdrawn',
      promote({ image: 'm-t', deprecateNewer: true }),
      web.with(image('m-z', 10)),
    ],
  ])('waits for an image that is not usable yet, and then plans again: %s', (_, request, ecs) => {
    expect(lanesIn(request, ecs)[0]).toBe(`${region} copy: await m-t`)
    const { seen, situation } = walk(request, ecs)
    expect(servedIn(situation)[0]).toBe('m-t')
    const early = seen.filter((each) => each.current('web')?.id === 'm-t' && each.of('m-t').usable === false)
    expect(early).toEqual([])
  })

  test('waits in all regions before one of them is switched', () => {
    const copy = copyOf(tested, shanghai, 'm-ts', 9, unusable)
    const request = promote({ image: 'm-t', replicas: [shanghai] })
    const ecs = web.with(copyOf(x, shanghai, 'm-xs', 2), copy)
    expect(lanesIn(request, ecs).filter((lane) => lane.includes('copy:'))).toEqual([
      `${region} copy: await m-t`,
      `${shanghai} copy: await m-ts`,
    ])
    const { seen } = walk(request, ecs)
    for (const [where, id] of [
      [region, 'm-t'],
      [shanghai, 'm-ts'],
    ] as const) {
      const early = seen.filter((each) => each.current('web', where)?.id === id && each.of(id).usable === false)
      expect(early).toEqual([])
    }
  })

  test.each([
    ['usable', { usable: true }],
    ['of which ECS says nothing', { usable: undefined }],
    // It cannot be used before it is restored.
    ['deprecated', { ...deprecated, ...unusable }],
  ])('does not wait for an image %s', (_, given) => {
    expect(lanesIn(named, web.changing('m-t', given)).filter((lane) => lane.includes('copy:'))).toEqual([])
  })

  test('is refused first, without a wait', () => {
    expect(outcomeOf(promote({ image: 'm-t' }), web.with(image('m-z', 10)))).toBe('newer-images')
  })

  test('has nothing to wait for where the family serves it already', () => {
    expect(nothingOf(promote({ image: 'm-y' }), there(x, { ...y, ...unusable })).image).toBe('m-y')
  })
})

describe('rollback', () => {
  const web = there(w, { ...x, ...unusable }, y)

  test('falls back to the newest usable image, and withdraws what stands before it', () => {
    const plan = changeOf(rollback(), web)
    expect(plan).toMatchObject({ image: 'm-w', previous: 'm-y', withdrawn: ['m-x', 'm-y'] })
    expect(plan.notices).toContainEqual({
      level: 'notice',
      text: 'name-of-m-x (m-x) is newer than name-of-m-w (m-w), but not usable yet: the family falls back to name-of-m-w (m-w). To wait for another one, set `to-image-id`.',
    })
  })

  test('takes the newest one, and waits for it, where none is usable', () => {
    const plan = changeOf(rollback(), web.changing('m-w', unusable))
    expect(plan).toMatchObject({ image: 'm-x', withdrawn: ['m-y'] })
    expect(plan.steps.find(({ action }) => action === 'await')).toMatchObject({ image: 'm-x', family: 'web' })
    expect(plan.notices).toEqual([])
  })

  test('waits for the image that is named', () => {
    expect(changeOf(rollback({ toImage: 'm-x' }), web)).toMatchObject({ image: 'm-x', withdrawn: ['m-y'] })
  })

  test('goes to the same image in every region, whatever is usable there', () => {
    const replicas = [w, x, y].map((each) =>
      copyOf(each, shanghai, `${each.id}s`, Number(each.creationTime.slice(8, 10))),
    )
    const plans = (ecs: typeof web) => regionsOf(rollback({ replicas: [shanghai] }), ecs).map((plan) => plan.image)
    expect(plans(web.with(...replicas))).toEqual(['m-w', 'm-ws'])
    expect(plans(there(w, x, y, ...replicas).changing('m-xs', unusable))).toEqual(['m-x', 'm-xs'])
  })

  test('prefers the usable one of two copies', () => {
    const copies = [copyOf(x, shanghai, 'm-xs1', 2), copyOf(x, shanghai, 'm-xs2', 3, unusable)]
    const ecs = there(w, x, y, ...copies, copyOf(y, shanghai, 'm-ys', 4))
    expect(regionsOf(rollback({ replicas: [shanghai] }), ecs).map(({ image: id }) => id)).toEqual(['m-x', 'm-xs1'])
  })

  test('an image of the same second is ambiguous, usable or not', () => {
    const tied = image('m-tie', 1, unusable)
    expect(refusalOf(rollback(), web.with(tied)).code).toBe('ambiguous-order')
  })
})

describe('keep', () => {
  test('leaves what a rollback would fall back to now, and the newer one that is not usable yet', () => {
    expect(findFallback(y, [w, { ...x, ...unusable }, y])?.id).toBe('m-w')
    expect(findFallback(y, [{ ...w, ...unusable }, { ...x, ...unusable }, y])?.id).toBe('m-x')
    const own = { tags: { 'image-family:run': '17200000-0000000000' } }
    const all = [1, 2, 3, 4, 5].map((day) => image(`m-${day}`, day, own))
    const ecs = there(...all).with(
      image('m-5', 5, { ...own, ...unusable }),
      image('m-6', 6, { ...own, ...deprecated }),
      image('m-7', 7, own),
    )
    const tidy = promote({ image: 'm-7', keep: 2 })
    expect(
      regionsOf(tidy, ecs)[0]
        ?.retention?.filter((each) => !each.delete)
        .map((each) => each.image.id),
    ).toEqual(['m-7', 'm-6', 'm-5', 'm-4'])
  })
})

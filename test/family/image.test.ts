import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  availableNewestFirst,
  createdInSameSecond,
  imageStatuses,
  isAvailable,
  isFailed,
  isNewer,
  isPending,
  isReady,
  label,
  listLabels,
  newestFirst,
  oldestFirst,
} from '../../src/family/model/image.ts'
import { image } from './images.ts'

describe('status', () => {
  test.each([
    ['Waiting', { available: false, pending: true, failed: false }],
    ['Creating', { available: false, pending: true, failed: false }],
    ['Available', { available: true, pending: false, failed: false }],
    ['UnAvailable', { available: false, pending: false, failed: true }],
    ['CreateFailed', { available: false, pending: false, failed: true }],
    ['Deprecated', { available: false, pending: false, failed: false }],
  ] as const)('%s', (status, expected) => {
    const it = image('m-1', 1, { status })
    expect({ available: isAvailable(it), pending: isPending(it), failed: isFailed(it) }).toEqual(expected)
  })

  test('knows the six statuses of ECS', () => {
    expect([...imageStatuses].sort()).toEqual(
      ['Available', 'CreateFailed', 'Creating', 'Deprecated', 'UnAvailable', 'Waiting'].sort(),
    )
  })

  test.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])('an available image whose Usable is %s is ready: %s', (usable, ready) => {
    expect(isReady(image('m-1', 1, { usable }))).toBe(ready)
  })

  test('an image being created is not ready, however usable', () => {
    expect(isReady(image('m-1', 1, { status: 'Creating', usable: true }))).toBe(false)
  })
})

describe('order', () => {
  const [old, young] = [image('m-9', 1), image('m-1', 2)]

  test('goes by creation time, not by ID, name or version', () => {
    expect(isNewer(young, old)).toBe(true)
    expect(isNewer(old, young)).toBe(false)
    expect(newestFirst([old, young])).toEqual([young, old])
    expect(oldestFirst([young, old])).toEqual([old, young])
  })

  test('neither of two images of the same second is newer', () => {
    const twin = image('m-2', 2)
    expect(createdInSameSecond(young, twin)).toBe(true)
    expect(isNewer(young, twin) || isNewer(twin, young)).toBe(false)
  })

  test('an image is not a twin of itself', () => {
    expect(createdInSameSecond(young, young)).toBe(false)
  })

  test('only available images are in the contest', () => {
    const others = imageStatuses.filter((status) => status !== 'Available')
    const images = others.map((status, index) => image(`m-${index}`, 10 + index, { status }))
    expect(availableNewestFirst([...images, old, young])).toEqual([young, old])
  })

  test('sorting loses nothing, repeats nothing, and does not touch what it was given', () => {
    const some = array(record({ id: integer({ min: 0, max: 9 }), day: integer({ min: 1, max: 5 }) }))
    assert(
      property(some, constantFrom(newestFirst, oldestFirst), (given, sort) => {
        const images = given.map(({ id, day }, index) => image(`m-${id}-${index}`, day))
        const before = [...images]
        const sorted = sort(images)
        expect(images).toEqual(before)
        expect(new Set(sorted)).toEqual(new Set(images))
        expect(sorted).toHaveLength(images.length)
        expect(sort([...images].reverse())).toEqual(sorted)
      }),
    )
  })
})

describe('naming for people', () => {
  test('gives name and ID, and the ID once where the image has no name of its own', () => {
    expect(label(image('m-1', 1, { name: 'web-7' }))).toBe('web-7 (m-1)')
    expect(label(image('m-1', 1, { name: 'm-1' }))).toBe('m-1')
    expect(label(image('m-1', 1, { name: '' }))).toBe('m-1')
    expect(listLabels([image('m-1', 1, { name: 'a' }), image('m-2', 1, { name: '' })])).toBe('a (m-1), m-2')
  })
})

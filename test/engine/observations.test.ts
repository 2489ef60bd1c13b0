import { describe, expect, test } from 'vitest'
import {
  currentIn,
  knowsCurrent,
  membersIn,
  nothingSeen,
  type Observations,
  originIn,
  type Sighting,
  withSightings,
} from '../../src/engine/observations.ts'
import type { Image } from '../../src/family/model/image.ts'
import { image, region, w, x } from '../family/images.ts'

const web = { region, family: 'web' }
const current = (answer: Image | undefined): Sighting => ({ kind: 'answer', query: { ask: 'current', ...web }, answer })
const members = (...answer: Image[]): Sighting => ({ kind: 'answer', query: { ask: 'members', ...web }, answer })
const gone = (id: string): Sighting => ({ kind: 'gone', image: id })
const outdated: Sighting = { kind: 'outdated', family: web }

const seenAfter = (...sightings: Sighting[]): Observations => withSightings(nothingSeen, sightings)

describe('what has been seen', () => {
  test('is the last answer about each', () => {
    const seen = seenAfter(current(w), members(w), current(x), members(w, x))
    expect(currentIn(seen, web)?.id).toBe('m-x')
    expect(membersIn(seen, web)?.map(({ id }) => id)).toEqual(['m-w', 'm-x'])
    expect(Object.keys(seen.images)).toEqual(['m-w', 'm-x'])
  })

  test('tells a family that resolves to nothing from one that was not looked at', () => {
    expect([seenAfter(current(undefined)), seenAfter(members(w))].map((seen) => knowsCurrent(seen, web))).toEqual([
      true,
      false,
    ])
    expect(currentIn(seenAfter(current(undefined)), web)).toBeUndefined()
    expect(membersIn(seenAfter(current(w)), web)).toBeUndefined()
  })

  test('an image that is gone is not known, a family that is outdated neither, and a later answer counts again', () => {
    expect(seenAfter(members(w, x), gone('m-w')).images).not.toHaveProperty('m-w')
    expect(knowsCurrent(seenAfter(current(w), outdated), web)).toBe(false)
    expect(seenAfter(members(w), gone('m-w'), current(w)).images).toHaveProperty('m-w')
  })

  test('what one answer leaves out, an earlier one has told: whether it is usable, and what it is a copy of', () => {
    const copy = image('m-c', 4, {
      usable: false,
      isCopied: true,
      tags: { 'image-family:origin': 'cn-beijing/m-1' },
    })
    const bare = image('m-c', 4)
    const seen = seenAfter(members(copy), current(bare))
    expect(seen.images['m-c']?.usable).toBe(false)
    expect(originIn(seen, 'm-c')).toBe('cn-beijing/m-1')
  })

  test('added at once or one by one, and without a change to what was known before', () => {
    const sightings = [current(w), members(w, x), gone('m-w'), outdated, current(x)]
    const known = seenAfter(...sightings.slice(0, 2))
    const before = structuredClone(known)
    const oneByOne = sightings.slice(2).reduce((seen, each) => withSightings(seen, [each]), known)
    expect(oneByOne).toEqual(seenAfter(...sightings))
    expect(known).toEqual(before)
  })
})

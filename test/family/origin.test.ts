import { describe, expect, test } from 'vitest'
import { haveSameOrigin, originOf } from '../../src/family/model/origin.ts'
import { beijing, copyOf, image, shanghai, x, y } from './images.ts'

const xS = copyOf(x, shanghai, 'm-xs', 4)

describe('the origin', () => {
  test.each([
    ['of an image without the tag is itself', x, 'cn-hangzhou/m-x'],
    ['of a copy is the first image', xS, 'cn-hangzhou/m-x'],
    ['of a copy of a copy is the first image still', copyOf(xS, beijing, 'm-xb', 5), 'cn-hangzhou/m-x'],
    ['of a copy without the tag is itself', { ...xS, tags: {} }, 'cn-shanghai/m-xs'],
    [
      'of an image that ECS does not call a copy is itself, whatever the tag says',
      { ...xS, isCopied: false },
      'cn-shanghai/m-xs',
    ],
    ['of a public image is its ID, the same in every region', { ...x, ownerAlias: 'system' }, 'm-x'],
  ])('%s', (_, one, origin) => {
    expect(originOf(one)).toBe(origin)
  })

  test.each([
    ['a copy and its original', xS, x, true],
    ['two copies', xS, copyOf(x, beijing, 'm-xb', 9), true],
    ['the original, when it is asked from the region of the copy', x, xS, true],
    ['copies of two images', xS, copyOf(y, shanghai, 'm-ys', 4), false],
    ['images of one name', x, { ...x, id: 'm-x2' }, false],
    ['an image and one that only carries the tag of a copy', x, { ...xS, isCopied: false }, false],
    ['one ID in two regions', x, image('m-x', 2, { region: shanghai }), false],
    [
      'a public image in two regions',
      { ...x, ownerAlias: 'system' },
      image('m-x', 2, { region: shanghai, ownerAlias: 'system' }),
      true,
    ],
  ])('%s are the same image: %#', (_, one, other, isSame) => {
    expect(haveSameOrigin(one, other)).toBe(isSame)
    expect(haveSameOrigin(other, one)).toBe(isSame)
  })
})

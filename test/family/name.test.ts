import { assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkFamilyName,
  checkImageName,
  checkReadableFamilyName,
  isForeignFamily,
} from '../../src/family/model/name.ts'

const kindOf = (judge: typeof checkFamilyName, name: string) => judge(name).kind
const reason = (name: string): string => {
  const judgement = checkFamilyName(name)
  return judgement.kind === 'good' ? '' : judgement.reason
}

describe('a family that images are put into', () => {
  test.each([
    ['letters', 'web'],
    ['the shortest, two characters', 'ab'],
    ['the longest, 128 characters', 'a'.repeat(128)],
    ['digits, colon, underscore and hyphen', 'Web_2:blue-green'],
    ['Chinese characters', '网站'],
    ['a Chinese character first, the rest ASCII', '网-1'],
    ['128 Chinese characters, which are 384 bytes', '网'.repeat(128)],
    ['128 characters beyond the basic plane, which are 256 UTF-16 units', '𠀀'.repeat(128)],
    ['a word that only contains acs', 'web-acs:1'],
    ['a word that only contains aliyun', 'my-aliyun'],
  ])('takes %s', (_, name) => {
    expect(checkFamilyName(name)).toEqual({ kind: 'good' })
  })

  test.each([
    ['one character', 'a', /2 to 128 characters, not 1$/],
    ['nothing', '', /2 to 128 characters, not 0$/],
    ['129 characters', 'a'.repeat(129), /2 to 128 characters, not 129$/],
    ['129 characters beyond the basic plane', '𠀀'.repeat(129), /not 129$/],
    ['a digit first', '1web', /must start with a letter/],
    ['a hyphen first', '-web', /must start with a letter/],
    ['a dot first', '.web', /must start with a letter/],
    ['a blank within', 'web app', /' ' \(U\+0020\)/],
    ['a slash', 'web/app', /'\/' \(U\+002F\)/],
    ['a line break', 'web\napp', /U\+000A/],
    ['a picture', 'web🚀', /U\+1F680/],
    ['a zero-width blank', 'we\u200bb', /U\+200B/],
    ['the prefix acs:', 'acs:web', /'acs:'/],
    ['the prefix acs: in other letters', 'ACS:web', /'acs:'/],
    ['the prefix aliyun', 'aliyun-web', /'aliyun'/],
    ['the prefix aliyun in other letters', 'Aliyun', /'aliyun'/],
    ['http:// in the middle', 'web-http://x', /'http:\/\/'/],
    ['https:// at the start', 'https://web', /'https:\/\/'/],
  ])('refuses %s and says why', (_, name, why) => {
    expect(kindOf(checkFamilyName, name)).toBe('bad')
    expect(reason(name)).toMatch(why)
  })

  test.each([
    ['acs without the colon', 'acsweb'],
    ['acs alone', 'acs'],
    ['a dot', 'web-1.2'],
  ])('allows %s with a warning: documents disagree', (_, name) => {
    expect(kindOf(checkFamilyName, name)).toBe('doubtful')
    expect(reason(name)).toMatch(/document/)
  })

  test('judges any text at all', () => {
    assert(
      property(
        oneof(string({ unit: 'binary' }), string({ unit: 'grapheme', minLength: 100, maxLength: 200 })),
        (name) => {
          const { kind } = checkFamilyName(name)
          expect(['good', 'doubtful', 'bad']).toContain(kind)
          if (kind === 'bad') expect(reason(name)).not.toBe('')
        },
      ),
    )
  })

  test('takes no name that the rule of the contract does not', () => {
    const rule = /^(?!acs:|aliyun)(?!.*https?:\/\/)[A-Za-z\p{Script=Han}][A-Za-z0-9\p{Script=Han}.:_-]{1,127}$/u
    const unit = constantFrom(...'aZ9.:_- /网é', 'acs:', 'aliyun', 'http://', 'https://')
    assert(
      property(string({ unit, maxLength: 130 }), (name) => {
        expect(checkFamilyName(name).kind !== 'bad', name).toBe(rule.test(name))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a family that is only read', () => {
  test.each([
    ['one of this account', 'web', 'good'],
    ['a public one', 'acs:ubuntu_24_04_x64', 'good'],
    ['a public one with a long name', 'acs:ubuntu_24_04_x64_with_nvidia_gpu_driver_and_cuda', 'good'],
    ['one of another account', 'acs:1234567890123456:web', 'good'],
    ['one of another account, as long as can be', `acs:1234567890123456:${'a'.repeat(128)}`, 'good'],
    ['the prefix alone', 'acs:', 'bad'],
    ['a blank', 'acs:ubuntu 24', 'bad'],
    ['a slash', 'acs:1/2', 'bad'],
    ['what would be bad for this account', 'aliyun-web', 'bad'],
    ['what would be doubtful for this account', 'web.1', 'doubtful'],
  ])('%s: %s is %s', (_, name, kind) => {
    expect(kindOf(checkReadableFamilyName, name)).toBe(kind)
  })

  test('is foreign by its prefix', () => {
    expect(isForeignFamily('acs:ubuntu_24_04_x64')).toBe(true)
    expect(isForeignFamily('acsweb')).toBe(false)
    expect(isForeignFamily('web')).toBe(false)
  })
})

describe('an image name', () => {
  test.each([
    ['a dot, without a warning', 'web-1.2', 'good'],
    ['acs without the colon, without a warning', 'acsweb', 'good'],
    ['the prefix acs:', 'acs:web', 'bad'],
    ['the prefix aliyun', 'aliyunweb', 'bad'],
    ['http://', 'http://web', 'bad'],
    ['one character', 'w', 'bad'],
  ])('%s: %s is %s', (_, name, kind) => {
    expect(kindOf(checkImageName, name)).toBe(kind)
  })
})

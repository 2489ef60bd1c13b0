import { array, assert, constantFrom, property, string, uniqueArray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAccounts, parseKeys, parseRegions, regionForm } from '../../src/inputs/lists.ts'

const [shanghai, beijing] = ['cn-shanghai', 'cn-beijing']
const regions = ['cn-shanghai', 'cn-beijing', 'ap-southeast-1', 'eu-central-1', 'us-west-1']

describe('regions', () => {
  test('of any order and number, however they are separated', () => {
    const separator = constantFrom(',', '\n', ', ', '\r\n', ' ,\n', ',,')
    assert(
      property(uniqueArray(constantFrom(...regions)), separator, (values, between) => {
        expect(parseRegions(values.join(between))).toEqual({ value: values, errors: [] })
      }),
    )
  })

  test.each(['cn', 'cn_shanghai', 'cn-shanghai.', 'cn/x-y', 'cn-shanghai:80', 'cn-shanghai\tx', 'cn--x', ''])(
    '%o is none',
    (text) => {
      expect(text).not.toMatch(regionForm)
    },
  )

  test('each error is told once, all of them', () => {
    expect(parseRegions(`x,x,${shanghai},${shanghai},${shanghai}`).errors).toEqual([
      "expected region IDs such as cn-shanghai, comma or newline separated, not 'x'.",
      'x is listed twice: remove one.',
      'cn-shanghai is listed twice: remove one.',
    ])
  })

  test('an empty entry is none', () => {
    expect(parseRegions(`${shanghai},`)).toEqual({ value: [shanghai], errors: [] })
  })
})

describe('accounts', () => {
  test.each(['12345', '1234567890123456', '1'.repeat(20)])('%s', (account) => {
    expect(parseAccounts(account)).toEqual({ value: [account], errors: [] })
  })

  test('named twice are one, and keep their order', () => {
    expect(parseAccounts('22222\n11111,22222, 33333 ,11111')).toEqual({
      value: ['22222', '11111', '33333'],
      errors: [],
    })
  })

  test('each that is none is told', () => {
    expect(parseAccounts('1,web,12345').errors).toEqual([
      expect.stringContaining("not '1'."),
      expect.stringContaining("not 'web'."),
    ])
  })

  test.each(['1.23456789012346E+15', '1E+15'])('%s was a number', (account) => {
    expect(parseAccounts(account).errors).toEqual([expect.stringContaining('quotes')])
  })
})

describe('keys', () => {
  test.each([
    ['nothing', '', {}],
    ['one line', 'cn-shanghai=k-1', { [shanghai]: 'k-1' }],
    [
      'blanks and empty lines',
      '\r\n cn-shanghai = k-1 \r\n\r\ncn-beijing=k-2',
      { [shanghai]: 'k-1', [beijing]: 'k-2' },
    ],
    ['the same key for both', 'cn-shanghai=k\ncn-beijing=k', { [shanghai]: 'k', [beijing]: 'k' }],
    [
      'a full name',
      'cn-shanghai=acs:kms:cn-shanghai:1234567890123456:alias/web',
      {
        [shanghai]: 'acs:kms:cn-shanghai:1234567890123456:alias/web',
      },
    ],
  ])('%s', (_, text, keys) => {
    expect(parseKeys(text)).toEqual({ value: keys, errors: [] })
  })

  test.each([
    ['no key', 'cn-shanghai='],
    ['no region', '=k'],
    ['a region alone', 'cn-shanghai'],
    ['a blank in the key', 'cn-shanghai=my key'],
    ['two on a line', 'cn-shanghai=a,cn-beijing=b'],
    ['two on a line, with a blank', 'cn-shanghai=a, cn-beijing=b'],
    ['a comma at the end', 'cn-shanghai=a,'],
    ['YAML', 'cn-shanghai: a'],
  ])('%s is an error that quotes the line', (_, line) => {
    expect(parseKeys(line).errors).toEqual([
      `expected one \`region=key\` per line, the key without spaces or commas, not '${line}'.`,
    ])
  })

  test('a region has one key', () => {
    expect(parseKeys('cn-shanghai=a\ncn-shanghai=a\ncn-hangzhou=b\ncn-hangzhou=c').errors).toEqual([
      'cn-shanghai is listed twice: remove one.',
      'cn-hangzhou is listed twice: remove one.',
    ])
  })

  test('a name that every object has is a region like any other', () => {
    expect(Object.entries(parseKeys('__proto__=k').value)).toEqual([['__proto__', 'k']])
  })
})

test('any text at all gives values of the right form, or errors', () => {
  const unit = constantFrom(...'ac1-=, \n\r\t:_.')
  assert(
    property(array(string({ unit })), (parts) => {
      const text = parts.join('\n')
      const found = parseRegions(text)
      if (found.errors.length === 0) expect(found.value.filter((value) => !regionForm.test(value))).toEqual([])
      const accounts = parseAccounts(text)
      if (accounts.errors.length === 0) expect(accounts.value.join('')).toMatch(/^\d*$/)
      const keys = parseKeys(text)
      for (const key of Object.values(keys.value)) expect(key).toMatch(/^[^\s,=]+$/)
      for (const error of [found, accounts, keys].flatMap(({ errors }) => errors)) expect(error).toMatch(/\S.*[.]$/s)
    }),
    { numRuns: 1000 },
  )
})

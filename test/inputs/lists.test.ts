import { array, assert, constantFrom, property, string, uniqueArray } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRegionId, parseAccounts, parseKeys, parseReplicas } from '../../src/inputs/lists.ts'

const home = 'cn-hangzhou'
const [shanghai, beijing] = ['cn-shanghai', 'cn-beijing']
const regions = ['cn-shanghai', 'cn-beijing', 'ap-southeast-1', 'eu-central-1', 'us-west-1']

describe('regions', () => {
  test('of any order and number, however they are separated', () => {
    const separator = constantFrom(',', '\n', ', ', '\r\n', ' ,\n', ',,')
    assert(
      property(uniqueArray(constantFrom(...regions)), separator, (values, between) => {
        expect(parseReplicas(values.join(between), home)).toEqual({ values, faults: [] })
      }),
    )
  })

  test.each(['cn', 'cn_shanghai', 'cn-shanghai.', 'cn/x-y', 'cn-shanghai:80', 'cn-shanghai\tx', 'cn--x', ''])(
    '%o is none',
    (text) => {
      expect(isRegionId(text)).toBe(false)
    },
  )

  test('each fault is told once, all of them', () => {
    expect(parseReplicas(`x,x,${home},${shanghai},${shanghai},${shanghai}`, home).faults).toEqual([
      "expected region IDs such as cn-shanghai, comma or newline separated, not 'x'.",
      'x stands there twice: leave one out.',
      'cn-shanghai stands there twice: leave one out.',
      'cn-hangzhou is the home region already: leave it out.',
    ])
  })

  test('an unknown home region excludes none', () => {
    expect(parseReplicas(`${shanghai},`, '').faults).toEqual([])
  })
})

describe('accounts', () => {
  test.each(['12345', '1234567890123456', '1'.repeat(20)])('%s', (account) => {
    expect(parseAccounts(account)).toEqual({ values: [account], faults: [] })
  })

  test('named twice are one, and keep their order', () => {
    expect(parseAccounts('22222\n11111,22222, 33333 ,11111')).toEqual({
      values: ['22222', '11111', '33333'],
      faults: [],
    })
  })

  test('each that is none is told', () => {
    expect(parseAccounts('1,web,12345').faults).toEqual([
      expect.stringContaining("not '1'."),
      expect.stringContaining("not 'web'."),
    ])
  })

  test.each(['1.23456789012346E+15', '1E+15'])('%s was a number', (account) => {
    expect(parseAccounts(account).faults).toEqual([expect.stringContaining('quotes')])
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
    expect(parseKeys(text, [shanghai, beijing])).toEqual({ keys, faults: [] })
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
  ])('%s is a fault that quotes the line', (_, line) => {
    expect(parseKeys(line, [shanghai, beijing]).faults).toEqual([
      `expected \`region=key\`, one a line, the key without blanks and commas, not '${line}'.`,
    ])
  })

  test('a region has one key, and is a replica', () => {
    expect(parseKeys('cn-shanghai=a\ncn-shanghai=a\ncn-hangzhou=b\ncn-hangzhou=c', [shanghai]).faults).toEqual([
      'cn-shanghai stands there twice: leave one out.',
      'cn-hangzhou stands there twice: leave one out.',
      'cn-hangzhou is none of `replica-region-ids`: add it there, or leave its key out.',
    ])
  })

  test('a name that every object has is a region like any other', () => {
    expect(parseKeys('__proto__=k', []).faults).toHaveLength(1)
    expect(Object.entries(parseKeys('__proto__=k', []).keys)).toEqual([['__proto__', 'k']])
  })
})

test('any text at all gives values of the right form, or faults', () => {
  const unit = constantFrom(...'ac1-=, \n\r\t:_.')
  assert(
    property(array(string({ unit })), (parts) => {
      const text = parts.join('\n')
      const replicas = parseReplicas(text, home)
      if (replicas.faults.length === 0) expect(replicas.values.filter((value) => !isRegionId(value))).toEqual([])
      const accounts = parseAccounts(text)
      if (accounts.faults.length === 0) expect(accounts.values.join('')).toMatch(/^\d*$/)
      const { keys, faults } = parseKeys(text, replicas.values)
      for (const key of Object.values(keys)) expect(key).toMatch(/^[^\s,=]+$/)
      for (const fault of [...replicas.faults, ...accounts.faults, ...faults]) expect(fault).toMatch(/\S.*[.]$/s)
    }),
    { numRuns: 1000 },
  )
})

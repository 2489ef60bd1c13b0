import { assert, constantFrom, dictionary, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTags, parseUserTags } from '../../src/inputs/tags.ts'

const good = (text: string) => {
  const { value, errors } = parseTags(text)
  expect(errors).toEqual([])
  return value
}
const errorsOf = (text: string) => parseTags(text).errors

describe('what people write', () => {
  test.each([
    ['nothing', '', {}],
    ['lines', 'team=core\nstage=live', { team: 'core', stage: 'live' }],
    [
      'lines with blank ones, blanks around, and carriage returns',
      '\r\n  team = core \r\n\r\nstage=live\r\n',
      { team: 'core', stage: 'live' },
    ],
    ['an equals sign in the value', 'query=a=b=c', { query: 'a=b=c' }],
    ['a value with a colon', 'note=see: this', { note: 'see: this' }],
    ['a key with a colon', 'image-family:protect=yes', { 'image-family:protect': 'yes' }],
    ['an empty value', 'team=', { team: '' }],
    ['quotes are part of a value in a line', 'team="core"', { team: '"core"' }],
    ['a YAML map', 'team: core\nstage: live', { team: 'core', stage: 'live' }],
    ['a YAML map with quotes and an equals sign', 'query: "a=b"', { query: 'a=b' }],
    ['a YAML map in which an equals sign stands in every value', 'a: x=1\nb: y=2', { a: 'x=1', b: 'y=2' }],
    ['a YAML map in braces', '{team: core, stage: live}', { team: 'core', stage: 'live' }],
    ['a JSON map', '{"team": "core", "n": 1, "b": true, "z": null}', { team: 'core', n: '1', b: 'true', z: 'null' }],
    ['a JSON map with an equals sign', '{"query": "a=b"}', { query: 'a=b' }],
    ['a JSON map over several lines', '{\n  "team": "core",\n  "query": "a=b"\n}', { team: 'core', query: 'a=b' }],
  ])('%s', (_, text, tags) => {
    expect(good(text)).toEqual(tags)
  })

  test.each([
    '1.10',
    '0x10',
    '0o17',
    '1_000',
    'yes',
    'no',
    'on',
    'true',
    'null',
    '~',
    '2026-01-01',
    '.inf',
    '1e3',
    '+1',
    '007',
  ])('%s stays text in all three forms', (value) => {
    expect(good(`version=${value}`)).toEqual({ version: value })
    expect(good(`version: ${value}`)).toEqual({ version: value })
    expect(good(`{"version": ${JSON.stringify(value)}}`)).toEqual({ version: value })
    expect(good(`${value}: key`)).toEqual({ [value]: 'key' })
  })

  test('a key that every object has is a key like any other', () => {
    expect(Object.entries(good('__proto__=x\nconstructor=y'))).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(Object.entries(good('{"__proto__": "x"}'))).toEqual([['__proto__', 'x']])
  })
})

describe('errors', () => {
  test.each([
    ['a word', 'team', /key=value/],
    ['a list', '- team', /YAML or JSON map/],
    ['a line that is none among lines', 'team=core\nstage', /key=value/],
    ['broken JSON', '{"team": ', /as YAML/],
    ['a value that is a list', 'team: [a, b]', /the value of 'team' should be text/],
    ['a value that is a map', '{"team": {"a": 1}}', /the value of 'team' should be text/],
    ['a key twice in lines', 'team=a\nteam=b', /^the key 'team' is given twice\.$/],
    ['a key twice in a map', 'team: a\nteam: b', /unique/],
    ['a key twice in JSON', '{"team": "a", "team": "b"}', /unique/],
    ['a key of 129 characters', `${'k'.repeat(129)}=x`, /1 to 128/],
    ['an empty key', '{"": "x"}', /1 to 128/],
    ['a key that starts with aliyun', 'Aliyun-x=1', /'aliyun' or 'acs:'/],
    ['a key that starts with acs:', 'acs:x=1', /'aliyun' or 'acs:'/],
    ['a key with an address', '{"x-http://y": "1"}', /http/],
    ['a value of 129 characters', `team=${'v'.repeat(129)}`, /129 characters/],
    ['a value that starts with acs:', 'team=acs:x', /'acs:'/],
    ['a value with an address', 'team=see https://x', /https/],
  ])('%s', (_, text, why) => {
    expect(errorsOf(text).join('\n')).toMatch(why)
  })

  test.each([
    ['a key of 128 characters', `${'k'.repeat(128)}=x`],
    ['a value of 128 characters beyond the basic plane', `team=${'𠀀'.repeat(128)}`],
    ['a value that starts with aliyun', 'team=aliyun'],
    ['a value with acs: within', 'team=x acs:y'],
  ])('%s is none', (_, text) => {
    expect(errorsOf(text)).toEqual([])
  })

  test('are told all at once', () => {
    expect(errorsOf(`aliyun=1\nteam=acs:x\nx=${'v'.repeat(200)}`)).toHaveLength(3)
  })
})

test('a user’s tags keep out of the action’s own keys, apart from those that people may set', () => {
  const { value, errors } = parseUserTags('team=core\nimage-family:protect=yes\ngithub:sha=x\nimage-family:run=y')
  expect(Object.keys(value)).toEqual(['team', 'image-family:protect', 'github:sha', 'image-family:run'])
  expect(errors).toEqual([
    "the key 'github:sha' is reserved for this action.",
    "the key 'image-family:run' is reserved for this action.",
  ])
})

describe('no value is lost or interpreted', () => {
  const word = oneof(
    string({ unit: constantFrom(...'aZ09.:_-+/ ~%*&!?|>@#{}[],"\'='), minLength: 1, maxLength: 20 }),
    constantFrom('1.10', '0x10', 'yes', 'no', '2026-01-01', 'null', 'true', '~', '1e3', '.5'),
  ).filter((text) => text === text.trim() && !/^(aliyun|acs:)|https?:\/\//i.test(text))
  const key = word.filter((text) => !/[=:{}[\]]|^[-?!&*|>@%#"',]/.test(text))

  test('in lines', () => {
    assert(
      property(dictionary(key, word, { minKeys: 1, maxKeys: 5 }), (tags) => {
        const text = Object.entries(tags)
          .map(([name, value]) => `${name}=${value}`)
          .join('\n')
        expect(parseTags(text)).toEqual({ value: { ...tags }, errors: [] })
      }),
      { numRuns: 1000 },
    )
  })

  test('in JSON', () => {
    assert(
      property(dictionary(key, word, { minKeys: 1, maxKeys: 5 }), (tags) => {
        for (const text of [JSON.stringify(tags), JSON.stringify(tags, undefined, 2)]) {
          expect(parseTags(text)).toEqual({ value: { ...tags }, errors: [] })
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('in YAML, quoted', () => {
    assert(
      property(dictionary(key, word, { minKeys: 1, maxKeys: 5 }), (tags) => {
        const text = Object.entries(tags)
          .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
          .join('\n')
        expect(parseTags(text)).toEqual({ value: { ...tags }, errors: [] })
      }),
      { numRuns: 1000 },
    )
  })

  test('an unquoted YAML value that begins with an exclamation mark', () => {
    const { value, errors } = parseTags('priority: !high')
    expect(errors.length > 0 || value.priority === '!high').toBe(true)
  })

  test('any text at all gives text or errors', () => {
    const unit = constantFrom(...'a=:{}[]"\'\n -#|>@`,')
    assert(
      property(string({ unit, minLength: 1 }), (given) => {
        const text = given.trim()
        const { value: tags, errors } = parseTags(text)
        for (const value of Object.values(tags)) expect(typeof value).toBe('string')
        for (const error of errors) expect(error).toMatch(/\S/)
        if (/^[^=:#\n]+$/.test(text) && !/^[{]/.test(text)) expect(errors).not.toEqual([])
      }),
      { numRuns: 2000 },
    )
  })
})

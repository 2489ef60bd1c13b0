import { describe, expect, test } from 'vitest'
import { parseSettings } from '../../src/inputs/parse.ts'
import { accepted, errorsOf, given, type Inputs, least, promoteOf, resolveOf } from './parsed.ts'

describe('credentials', () => {
  const keys: Inputs = { 'access-key-id': 'the-key-id', 'access-key-secret': 'the-secret' }

  test('a key, with and without a token', () => {
    expect(accepted({ ...least.resolve, ...keys }).settings.keys).toEqual({
      accessKeyId: 'the-key-id',
      accessKeySecret: 'the-secret',
      securityToken: undefined,
    })
    expect(accepted({ ...least.resolve, ...keys, 'security-token': 'the-token' }).settings.keys).toMatchObject({
      securityToken: 'the-token',
    })
  })

  test.each([
    ['the ID alone', { 'access-key-id': 'the-key-id' }, ['access-key-secret']],
    ['the secret alone', { 'access-key-secret': 'the-secret' }, ['access-key-id']],
    ['the token alone', { 'security-token': 'the-token' }, ['access-key-id', 'access-key-secret']],
    ['ID and token', { 'access-key-id': 'the-key-id', 'security-token': 'the-token' }, ['access-key-secret']],
    ['secret and token', { 'access-key-secret': 'the-secret', 'security-token': 'the-token' }, ['access-key-id']],
    ['a secret that is blank', { 'access-key-id': 'the-key-id', 'access-key-secret': '  ' }, ['access-key-secret']],
  ])('%s is incomplete: names what is missing', (_, inputs, missing) => {
    const [error, ...others] = errorsOf({ ...least.resolve, ...inputs })
    expect(others).toEqual([])
    expect(error).toMatch(/^Incomplete credentials: .* (is|are) empty \(.*\)\.$/)
    for (const name of ['access-key-id', 'access-key-secret']) {
      expect(error?.includes(`\`${name}\``), name).toBe(missing.includes(name))
    }
  })

  test('are never echoed, whatever else is wrong', () => {
    const found = errorsOf({
      mode: 'nonsense',
      'access-key-id': 'the-key-id',
      'security-token': 'the-token',
      'github-token': 'the-github-token',
      endpoint: 'https://user:the-password@example.com',
    })
    expect(found.length).toBeGreaterThan(2)
    expect(found.join('\n')).not.toMatch(/the-key-id|the-token|the-github-token|the-password/)
    const half = errorsOf({ ...least.bake, 'access-key-secret': 'the-secret' })
    expect(half.join('\n')).not.toContain('the-secret')
  })

  test('are all that the post step reads, with endpoint and waiting', () => {
    expect(parseSettings(given({ ...keys, endpoint: 'http://localhost:1' }))).toEqual({
      ok: true,
      warnings: [],
      value: expect.objectContaining({ endpoint: 'http://localhost:1', interval: 5000 }),
    })
    expect(parseSettings(given({ 'access-key-id': 'x' }))).toMatchObject({ ok: false })
  })
})

describe('endpoint', () => {
  test.each(['ecs.example.com', 'http://127.0.0.1:1', 'https://ecs.{region}.example.com'])('%s', (endpoint) => {
    expect(accepted({ ...least.resolve, endpoint }).settings.endpoint).toBe(endpoint)
  })

  test.each(['ftp://x', 'https://x/path', 'http://a b', '{zone}.x', 'http://u:p@x'])('%s is none', (endpoint) => {
    expect(errorsOf({ ...least.resolve, endpoint })).toEqual([expect.stringContaining('`endpoint`')])
  })
})

describe('numbers', () => {
  test.each([
    ['0.5', 30_000],
    ['1', 60_000],
    ['120', 7_200_000],
    ['.01', 600],
  ])('%s minutes', (text, limit) => {
    expect(accepted({ ...least.resolve, 'wait-timeout-minutes': text }).settings.limit).toBe(limit)
  })

  test.each(['0', '-1', 'NaN', 'Infinity', '5s', '1,5', 'five', '1e3', '0x10', '5.'])('%s is none', (text) => {
    for (const name of ['wait-timeout-minutes', 'poll-interval-seconds', 'max-age-days'] as const) {
      const found = errorsOf({ ...least.resolve, [name]: text })
      expect(found).toEqual([expect.stringContaining(`\`${name}\` should be a number above 0, not '${text}'`)])
    }
  })

  test('days may be parts of one', () => {
    expect(resolveOf({ 'max-age-days': '0.25' }).maxAgeDays).toBe(0.25)
    expect(promoteOf({ 'max-age-days': '30' }).maxAgeDays).toBe(30)
  })
})

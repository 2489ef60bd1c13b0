import { describe, expect, test } from 'vitest'
import { modes } from '../../src/family/model/request.ts'
import { type InputName, inputNames, inputRows } from '../../src/inputs/schema.ts'
import { errorsOf, least, parse } from './parsed.ts'

describe('errors', () => {
  test('are told all at once', () => {
    const found = errorsOf({
      mode: 'bake',
      family: 'aliyun-web',
      'instance-id': 'x',
      'stop-instance': 'perhaps',
      'image-version': '版本',
      'access-key-id': 'id',
      tags: 'image-family:run=1',
      'wait-timeout-minutes': 'long',
      endpoint: 'ftp://x',
    })
    const about = ['region-id', 'family', 'instance-id', 'stop-instance', 'image-version', 'access-key-secret', 'tags']
    for (const input of [...about, 'wait-timeout-minutes', 'endpoint']) {
      expect(
        found.filter((error) => error.includes(`\`${input}\``)),
        input,
      ).toHaveLength(1)
    }
    expect(found).toHaveLength(9)
  })

  test('are plain data', () => {
    const parsed = parse({ mode: 'bake', family: '1' })
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed)
    expect(Object.keys(parsed)).toEqual(['ok', 'errors'])
  })

  test('are sentences', () => {
    const found = errorsOf({ mode: 'bake', family: '1', keep: '1', wait: 'x', 'to-image-id': 'm-1' })
    expect(found.length).toBeGreaterThan(4)
    for (const error of found) expect(error).toMatch(/^[A-Z`].*[.]$/)
  })
})

describe('mode', () => {
  test.each([
    ['nothing', ''],
    ['another word', 'deploy'],
    ['other letters', 'Bake'],
  ])('%s: refused once, naming all four', (_, mode) => {
    const found = errorsOf({ ...least.rollback, mode }).filter((error) => error.includes('`mode`'))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain('bake, promote, rollback, resolve')
  })

  test('none or a wrong one does not make the other inputs wrong', () => {
    expect(errorsOf({ ...least.bake, mode: 'bak' })).toHaveLength(1)
    expect(errorsOf({ ...least.bake, mode: '' })).toHaveLength(1)
  })
})

describe('an input that the mode does not use', () => {
  /** Something that is not the default, for every input. */
  const set = (name: InputName): string => {
    const standard = inputRows[name].default
    if (standard === 'false') return 'true'
    if (standard === 'true') return 'false'
    return name === 'if-missing' ? 'ignore' : 'm-1'
  }
  const rows = modes.flatMap((mode) =>
    inputNames
      .filter((name) => !inputRows[name].unsupported && !inputRows[name].modes.includes(mode))
      .map((name) => [mode, name] as const),
  )

  test.each(rows)('%s: %s is an error that names the modes which use it', (mode, name) => {
    const found = errorsOf({ ...least[mode], [name]: set(name) }).filter((error) => error.startsWith(`\`${name}\``))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(
      new RegExp(`is not used by mode ${mode} \\(only by ${inputRows[name].modes.join('(, | and )')}\\)[.]$`),
    )
  })

  test.each(rows)('%s: %s empty or at its default is none', (mode, name) => {
    expect(errorsOf({ ...least[mode], [name]: '' })).toEqual([])
    expect(errorsOf({ ...least[mode], [name]: inputRows[name].default ?? '' })).toEqual([])
  })
})

describe('an input that is not supported yet', () => {
  const unsupported = inputNames.filter((name) => inputRows[name].unsupported)

  test.each(unsupported)('%s is an error in every mode, and nothing else', (name) => {
    for (const mode of modes) {
      expect(errorsOf({ ...least[mode], [name]: 'x' })).toEqual([
        `\`${name}\` is not supported by this version yet: leave it out.`,
      ])
    }
  })
})

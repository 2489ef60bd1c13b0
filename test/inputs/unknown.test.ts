/** Inputs that do not exist: what is misspelt is refused, and the rest is told. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readGivenInputs } from '../../src/github/given-inputs.ts'
import { parseInputs } from '../../src/inputs/parse.ts'
import { type InputName, inputNames } from '../../src/inputs/schema.ts'
import { findUnknown } from '../../src/inputs/unknown.ts'
import { context, given, least } from './parsed.ts'

const unknown = (...names: readonly string[]) => findUnknown(new Map(names.map((name) => [name, 'x'])))

/** The inputs that the one error advises to use. */
function meantBy(name: string): readonly string[] {
  const { errors, warnings } = unknown(name)
  expect([errors.length, warnings]).toEqual([1, []])
  const [, advice = ''] = (errors[0] ?? '').split(': use ')
  return [...advice.matchAll(/`(.+?)`/g)].map(([, input = '']) => input)
}

describe('a misspelt input is an error that names the one meant', () => {
  test.each<[name: string, ...meant: InputName[]]>([
    // But for `_` and `-`.
    ['dry_run', 'dry-run'],
    ['dryrun', 'dry-run'],
    ['replica_region_ids', 'replica-region-ids'],
    ['replicaregionids', 'replica-region-ids'],
    ['copykmskeyids', 'copy-kms-key-ids'],
    ['re-gion_id', 'region-id'],
    // One edit, or two.
    ['replica-regions-ids', 'replica-region-ids'],
    ['replica_regions_ids', 'replica-region-ids'],
    ['replica-regions-id', 'replica-region-ids'],
    ['dry-runs', 'dry-run'],
    ['dyr-run', 'dry-run'],
    ['tag', 'tags'],
    ['familly', 'family'],
    ['faimly', 'family'],
    ['mod', 'mode'],
    ['image-ids', 'image-id'],
    ['region-ids', 'region-id'],
    ['un-shared', 'unshare'],
    // Without its last word, or words.
    ['to-image', 'to-image-id'],
    ['to_image', 'to-image-id'],
    ['to', 'to-image-id'],
    ['replica-region', 'replica-region-ids'],
    ['wait-timeout', 'wait-timeout-minutes'],
    ['share', 'share-with'],
    ['dry', 'dry-run'],
    ['image', 'image-id', 'image-name', 'image-version'],
    ['access-key', 'access-key-id', 'access-key-secret'],
  ])('%s', (name, ...meant) => {
    expect(meantBy(name)).toEqual(meant)
  })

  test('any one or two letters that are wrong', () => {
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz-_')
    const edit = fc.record({ at: fc.nat(30), kind: fc.constantFrom('insert', 'delete', 'replace'), letter })
    const misspelt = fc
      .tuple(fc.constantFrom(...inputNames), fc.array(edit, { minLength: 1, maxLength: 2 }))
      .map(([name, edits]) =>
        edits.reduce((text, { at, kind, letter: typed }) => {
          const place = at % (text.length + 1)
          const rest = text.slice(kind === 'insert' ? place : place + 1)
          return text.slice(0, place) + (kind === 'delete' ? '' : typed) + rest
        }, name as string),
      )
      .filter((name) => !inputNames.some((known) => known === name))
    fc.assert(fc.property(misspelt, (name) => meantBy(name).length > 0))
  })

  test('in one sentence, with the variable that somebody may have set', () => {
    expect(unknown('to-image').errors).toEqual([
      '`to-image` (variable INPUT_TO-IMAGE) is not an input of this action: use `to-image-id`.',
    ])
    expect(unknown('image').errors).toEqual([
      '`image` (variable INPUT_IMAGE) is not an input of this action: use `image-id`, `image-name` or `image-version`.',
    ])
  })
})

describe('an input that is like none is a warning', () => {
  test.each(['colour', 'cron', 'timeout-minutes', 'kms-key-ids', 'version', 'ami-id', 'githubtokens-of-all', 'x'])(
    '%s',
    (name) => {
      expect(unknown(name)).toEqual({
        errors: [],
        warnings: [
          `\`${name}\` (variable INPUT_${name.toUpperCase()}) is not an input of this action, and has no effect.`,
        ],
      })
    },
  )
})

describe('an input that exists', () => {
  test('is never misspelt, however like another', () => {
    expect(unknown(...inputNames)).toEqual({ errors: [], warnings: [] })
  })
})

describe('with the other inputs', () => {
  const parse = (inputs: Readonly<Record<string, string>>) => parseInputs(given(inputs), context)

  test('all faults are told at once', () => {
    const { 'region-id': region = '', ...regionless } = least.rollback
    const parsed = parse({ ...regionless, region, dry_run: 'true', keep: '5', colour: 'blue' })
    expect(parsed).toEqual({
      ok: false,
      errors: [
        expect.stringContaining('`region-id`.'),
        expect.stringContaining('`dry-run`.'),
        expect.stringContaining('`keep` is not used'),
        expect.stringContaining('`region-id` is required'),
      ],
    })
  })

  test('also where the mode itself is misspelt', () => {
    expect(parse({ mod: 'rollback', family: 'web' })).toMatchObject({
      errors: [expect.stringContaining('use `mode`.'), expect.stringContaining('`mode` is required')],
    })
  })

  test('also where it is empty: the next time it may not be', () => {
    expect(parse({ ...least.rollback, 'to-image': '' })).toMatchObject({
      errors: [expect.stringContaining('to-image-id')],
    })
  })

  test('its value is not told: it may be a secret', () => {
    expect(JSON.stringify(parse({ ...least.resolve, 'acces-key-secret': 'the-secret' }))).not.toContain('the-secret')
  })

  test('a warning stops nothing', () => {
    expect(parse({ ...least.resolve, colour: 'blue' })).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining('`colour`')],
    })
  })
})

describe('what was given', () => {
  test('are the variables of the runner, in small letters', () => {
    const environment = { 'INPUT_DRY-RUN': 'true', INPUT_FAMILY: ' web ', PATH: '/bin', INPUTRC: 'x', MY_INPUT_X: 'x' }
    expect([...readGivenInputs(environment)].toSorted()).toEqual([
      ['dry-run', 'true'],
      ['family', ' web '],
    ])
  })

  test('may be in other letters, where a person sets them', () => {
    expect(readGivenInputs({ 'INPUT_dry-run': 'true' }).get('dry-run')).toBe('true')
    const both = { INPUT_mode: 'rollback', INPUT_MODE: 'resolve', INPUT_Mode: 'bake' }
    expect(readGivenInputs(both).get('mode')).toBe('resolve')
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAction } from '@actions/workflow-parser/actions/action-parser'
import { NoOperationTraceWriter } from '@actions/workflow-parser/templates/trace-writer'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { inputNames, inputRows } from '../src/inputs/schema.ts'
import { describeModes } from './readme.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

// ── action.yml ───────────────────────────────────────────────────────────────

interface Metadata {
  readonly name: string
  readonly description: string
  readonly inputs: Readonly<Record<string, { description: string; required?: boolean; default?: string }>>
  readonly outputs: Readonly<Record<string, { description: string }>>
  readonly runs: Readonly<Record<string, string>>
}

const content = read('action.yml')
const action = parse(content) as Metadata

const outputs = [
  ...['image-id', 'current-image-id', 'current-image-ids', 'family', 'previous-image-id', 'image-ids'],
  ...['deprecated-image-ids', 'pending-image-ids', 'changed', 'found', 'in-sync', 'is-current'],
  ...['affected-instance-ids', 'image-name', 'image-version', 'image-status', 'creation-time', 'architecture'],
  ...['os-name', 'image', 'plan'],
]

describe('action.yml', () => {
  const errorsOf = (text: string): string[] =>
    parseAction({ name: 'action.yml', content: text }, new NoOperationTraceWriter())
      .context.errors.getErrors()
      .map(({ message }) => message)

  test('is valid', () => {
    expect(errorsOf(content)).toEqual([])
  })

  test('would be found out if it were not', () => {
    expect(errorsOf(content.replace('using: node24', 'using: node26'))).not.toEqual([])
    expect(errorsOf(content.replace('icon: layers', 'icon: onions'))).not.toEqual([])
  })

  test('runs on Node 24, with files that exist', () => {
    const { using, ...paths } = action.runs
    expect(using).toBe('node24')
    expect(Object.keys(paths).sort()).toEqual(['main', 'post'])
    for (const path of Object.values(paths)) expect(existsSync(join(root, path)), path).toBe(true)
  })

  test('has exactly the inputs of the schema, in their order', () => {
    expect(Object.keys(action.inputs)).toEqual(inputNames)
  })

  test('has exactly the promised outputs, in their order', () => {
    expect(Object.keys(action.outputs)).toEqual(outputs)
  })

  test.each(inputNames)('input %s: modes, default and support as in the schema', (name) => {
    const { modes, default: standard, unsupported = false } = inputRows[name]
    const { description, default: given, required = false } = action.inputs[name] ?? { description: '' }
    if (name !== 'mode') expect(description.startsWith(`${describeModes(modes)}. `), description).toBe(true)
    expect(given?.startsWith('${{') ? undefined : given).toBe(standard)
    expect(required).toBe(name === 'mode')
    expect(description.includes('Not supported by this version yet')).toBe(unsupported)
  })

  test('the runner tells the legs of a matrix apart, and lends its token', () => {
    expect(action.inputs.matrix?.default).toBe(`${'$'}{{ toJSON(matrix) }}`)
    expect(action.inputs['github-token']?.default).toBe(`${'$'}{{ github.token }}`)
  })

  test('mode names all four', () => {
    for (const mode of ['bake', 'promote', 'rollback', 'resolve']) {
      expect(action.inputs.mode?.description).toContain(`\`${mode}\``)
    }
  })

  test('defaults are text: a runner gives nothing else', () => {
    for (const [name, input] of Object.entries(action.inputs)) {
      if ('default' in input) expect(typeof input.default, name).toBe('string')
    }
  })

  test('descriptions are whole sentences', () => {
    for (const [name, { description }] of [...Object.entries(action.inputs), ...Object.entries(action.outputs)]) {
      expect(description, name).toMatch(/[.]$/)
      expect(description.trim(), name).toBe(description)
    }
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAction } from '@actions/workflow-parser/actions/action-parser'
import { NoOperationTraceWriter } from '@actions/workflow-parser/templates/trace-writer'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { inputNames, inputRows } from '../src/inputs/schema.ts'
import { describeModes } from './readme.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

// ── Rooms ────────────────────────────────────────────────────────────────────

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => `src/${path}`)
  .sort()

interface Import {
  readonly from: string
  /** A file of ours, or a package. */
  readonly to: string
  /** Gone when the program runs. */
  readonly isType: boolean
}

/** Every import and re-export of a file, static and dynamic. */
function importsOf(path: string): Import[] {
  const text = read(path).replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const statics = text.matchAll(/^(?:import|export)\s+(type\s)?([^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const dynamics = text.matchAll(/import\(\s*'([^']+)'\s*\)/g)
  const onlyTypes = (names: string): boolean => {
    const braced = /^\{([^}]*)\}\s+from\s+$/.exec(names)?.[1]
    const each = braced?.split(',').filter((name) => name.trim() !== '')
    return each !== undefined && each.length > 0 && each.every((name) => /^\s*type\s/.test(name))
  }
  const resolve = (to: string): string => (to.startsWith('.') ? relative(root, join(root, dirname(path), to)) : to)
  return [
    ...[...statics].map(([, type, names = '', to = '']) => ({
      from: path,
      to: resolve(to),
      isType: type !== undefined || onlyTypes(names),
    })),
    ...[...dynamics].map(([, to = '']) => ({ from: path, to: resolve(to), isType: false })),
  ]
}

const imports = files.flatMap(importsOf)
const told = ({ from, to }: Import): string => `${from} → ${to}`
const offending = (is: (one: Import) => boolean, may: (from: string) => boolean): string[] =>
  imports.filter((one) => is(one) && !may(one.from)).map(told)

describe('import directions', () => {
  test('the files and their imports are found at all', () => {
    expect(files.length).toBeGreaterThan(30)
    expect(imports.map(told)).toContain('src/main.ts → src/run.ts')
    expect(imports.map(told)).toContain('src/post.ts → src/start-again.ts')
    const [values, types] = ['src/family/image.ts', 'src/family/question.ts']
    expect(imports.filter(({ from, to }) => from === 'src/family/mark.ts' && to === values)).not.toEqual([])
    expect(imports.filter(({ from, to }) => from === 'src/family/mark.ts' && to === types)).toEqual([
      { from: 'src/family/mark.ts', to: types, isType: true },
    ])
  })

  test('what is imported by path exists', () => {
    const missing = imports.filter(({ to }) => to.startsWith('src/') && !files.includes(to))
    expect(missing.map(told)).toEqual([])
  })

  test('the domain imports nothing outside of itself', () => {
    expect(
      offending(
        ({ from }) => from.startsWith('src/family/'),
        () => false,
      ).filter((line) => !/→ src\/family\//.test(line)),
    ).toEqual([])
  })

  test('only the adapter of ECS knows the SDK', () => {
    expect(
      offending(
        ({ to }) => /^@(alicloud|darabonba)\//.test(to),
        (from) => from.startsWith('src/ecs/'),
      ),
    ).toEqual([])
  })

  test('only the adapter of GitHub and the ends of the line know the runner', () => {
    const ends = ['src/main.ts', 'src/post.ts', 'src/start-again.ts', 'src/connect.ts']
    const may = (from: string) => from.startsWith('src/github/') || ends.includes(from)
    expect(offending(({ to }) => to.startsWith('@actions/'), may)).toEqual([])
  })

  test('the adapters do not know each other, nor the line', () => {
    const outside = (room: string, allowed: RegExp) =>
      imports.filter(
        ({ from, to }) => from.startsWith(room) && to.startsWith('src/') && !to.startsWith(room) && !allowed.test(to),
      )
    const common = /^src\/(family\/|ports\.ts|pace\.ts)/
    expect(outside('src/ecs/', common).map(told)).toEqual([])
    expect(
      outside('src/github/', common)
        .filter(({ isType }) => !isType)
        .map(told),
    ).toEqual([])
  })

  test('nothing imports the two ends', () => {
    expect(imports.filter(({ to }) => /^src\/(main|post)\.ts$/.test(to)).map(told)).toEqual([])
  })

  test('packages are those that package.json names, or Node’s own by their prefix', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const strange = imports.filter(({ to }) => {
      if (to.startsWith('src/') || to.startsWith('node:')) return false
      const name = to
        .split('/')
        .slice(0, to.startsWith('@') ? 2 : 1)
        .join('/')
      return !(name in dependencies)
    })
    expect(strange.map(told)).toEqual([])
  })

  test('there are no cycles at run time', () => {
    const next = (path: string) => imports.filter(({ from, isType }) => from === path && !isType).map(({ to }) => to)
    const cycles: string[] = []
    const done = new Set<string>()
    const walk = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' → '))
      if (way.includes(path) || done.has(path)) return
      for (const to of next(path)) walk(to, [...way, path])
      done.add(path)
    }
    for (const path of files) walk(path, [])
    expect(cycles).toEqual([])
  })
})

describe('the top level', () => {
  /** First lines of statements that are not declarations. */
  const effectsOf = (path: string): string[] =>
    read(path)
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .replaceAll(/`(?:[^`\\]|\\.)*`/g, '``')
      .split('\n')
      .filter((line) => /^[^\s/})\]>]/.test(line))
      .filter(
        (line) => !/^(import|export|const|function|async function|class|interface|type|declare|abstract)\b/.test(line),
      )

  const acting = ['src/main.ts', 'src/post.ts', 'src/require-node.ts']

  test.each(files.filter((path) => !acting.includes(path)))('of %s only declares', (path) => {
    expect(effectsOf(path)).toEqual([])
  })

  test.each(acting)('of %s does something', (path) => {
    expect(effectsOf(path).length).toBeGreaterThan(0)
  })

  test('of the main step asks for the version of Node before it loads anything else', () => {
    const importedBy = (path: string): string[] => imports.filter(({ from }) => from === path).map(({ to }) => to)
    expect(importedBy('src/main.ts')[0]).toBe('src/require-node.ts')
    expect(importedBy('src/require-node.ts')).toEqual(['src/node-version.ts'])
    expect(importedBy('src/node-version.ts')).toEqual([])
  })

  test.each(files.filter((path) => path.startsWith('src/family/')))('of %s can be loaded for nothing', async (path) => {
    await expect(import(join(root, path))).resolves.toBeDefined()
  })

  test('the domain reads neither clock, chance, environment nor log', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bconsole\.|\bperformance\.|\bsetTimeout\b|\bfetch\(/
    expect(files.filter((path) => path.startsWith('src/family/') && impure.test(read(path)))).toEqual([])
  })
})

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

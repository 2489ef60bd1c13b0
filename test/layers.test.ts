/** Who may import whom: as the table of layers in docs/development/architecture.md says. There is no other list. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { files, type Import, imports, read } from './imports.ts'

const told = ({ from, to }: Import): string => `${from} → ${to}`

interface Layer {
  readonly name: string
  /** Folders and files. `src/` stands for the files directly in it. */
  readonly paths: readonly string[]
  /** Names of the layers that it imports from, beside itself. */
  readonly others: readonly string[]
}

function readLayers(page: string): Layer[] {
  const section = page.split('\n## The layers\n')[1]?.split('\n## ')[0] ?? ''
  const [, ...rows] = section.matchAll(/^\| (\w+) \| (.*) \| (.*) \|$/gm)
  return rows.map(([, name = '', holds = '', others = '']) => ({
    name,
    paths: [...holds.matchAll(/`(src\/[^`]*)`/g)].map(([, path = '']) => path),
    others: others === 'nothing' ? [] : others.split(', '),
  }))
}

const layers = readLayers(read('docs/development/architecture.md'))
const places = layers.flatMap((layer) => layer.paths.map((path) => ({ path, layer })))

const isIn = (path: string, file: string): boolean =>
  path === 'src/' ? /^src\/[^/]+$/.test(file) : path.endsWith('/') ? file.startsWith(path) : file === path

/** Where several paths fit, the longest counts. */
const layerOf = (file: string): Layer | undefined =>
  places.filter(({ path }) => isIn(path, file)).sort((a, b) => b.path.length - a.path.length)[0]?.layer

/** Imports of another layer that the table does not name, types included. */
const wrongIn = (some: readonly Import[]): string[] =>
  some
    .filter(({ from, to }) => {
      const [own, other] = [layerOf(from), layerOf(to)]
      return other !== undefined && own !== other && !own?.others.includes(other.name)
    })
    .map(told)

describe('the layers', () => {
  test('are found', () => {
    expect(layers.length).toBe(12)
    expect(layers.filter(({ paths, others }) => paths.length === 0 || others.length === 0)).toEqual([
      { name: 'model', paths: ['src/family/model/'], others: [] },
    ])
  })

  test('have all files', () => {
    expect(files.length).toBeGreaterThan(90)
    expect(files.filter((path) => layerOf(path) === undefined)).toEqual([])
    expect(layers.filter((layer) => !files.some((path) => layerOf(path) === layer))).toEqual([])
  })

  test('do not have others', () => {
    expect(['src/new/file.ts', 'src/family/file.ts', 'test/file.ts'].map(layerOf)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(layerOf('src/engine/ports.ts')?.name).toBe('ports')
    expect(layerOf('src/engine/new.ts')?.name).toBe('engine')
    expect(layerOf('src/new.ts')?.name).toBe('ends')
  })

  test('import what they may, types included', () => {
    expect(wrongIn(imports)).toEqual([])
  })

  test('that import something else would be found out', () => {
    const forbidden = { from: 'src/family/model/image.ts', to: 'src/ecs/client.ts', isType: true }
    expect(wrongIn([forbidden])).toEqual([told(forbidden)])
  })

  test.each(layers)('use all that the table lets $name import', ({ name, others }) => {
    const used = new Set(imports.filter(({ from }) => layerOf(from)?.name === name).map(({ to }) => layerOf(to)?.name))
    expect(others.filter((other) => !used.has(other))).toEqual([])
  })

  test('may only be imported by what comes after them', () => {
    const names = layers.map(({ name }) => name)
    expect(layers.filter(({ others }, row) => others.some((other) => !names.slice(0, row).includes(other)))).toEqual([])
  })

  test('have no circles, types included', () => {
    const next = (path: string) => imports.filter(({ from }) => from === path).map(({ to }) => to)
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

describe('imports', () => {
  test('are found at all', () => {
    expect(imports.map(told)).toContain('src/main.ts → src/engine/run.ts')
    expect(imports.map(told)).toContain('src/post.ts → src/restart-instance.ts')
    expect(imports.map(told)).toContain('src/family/plan/query.ts → src/family/model/instance.ts')
  })

  test('by path are of files that exist', () => {
    const missing = imports.filter(({ to }) => to.startsWith('src/') && !files.includes(to))
    expect(missing.map(told)).toEqual([])
  })

  test('of the SDK are in the adapter of ECS alone', () => {
    const wrong = imports.filter(({ from, to }) => /^@(alicloud|darabonba)\//.test(to) && !from.startsWith('src/ecs/'))
    expect(wrong.map(told)).toEqual([])
  })

  test('of the runner are in the adapter of GitHub and in the ends alone', () => {
    const may = (from: string) => ['github', 'ends'].includes(layerOf(from)?.name ?? '')
    expect(imports.filter(({ from, to }) => to.startsWith('@actions/') && !may(from)).map(told)).toEqual([])
  })

  test('of packages are of those that package.json names, or Node’s own by their prefix', () => {
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

  test('are never of main.ts and post.ts', () => {
    expect(imports.filter(({ to }) => /^src\/(main|post)\.ts$/.test(to)).map(told)).toEqual([])
  })
})

describe('a file', () => {
  /** A longer one is hard to take in. The head of a file may give the reason for more: `Longer than most, because …`. */
  const mostLines = 260

  test.each(files)('%s is short, and says first what it is for', (path) => {
    const text = read(path)
    expect(text).toMatch(/^\/(\*\*|\/) ?\S?/)
    const isExplained = /Longer than most, because/.test(text.slice(0, 600))
    expect(isExplained || text.split('\n').length <= mostLines, `${text.split('\n').length} lines`).toBe(true)
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
    await expect(import(join(import.meta.dirname, '..', path))).resolves.toBeDefined()
  })

  test('the domain reads neither clock, chance, environment nor log', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bconsole\.|\bperformance\.|\bsetTimeout\b|\bfetch\(/
    expect(files.filter((path) => path.startsWith('src/family/') && impure.test(read(path)))).toEqual([])
  })
})

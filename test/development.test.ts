/**
 * The documents for developers, held to the code: files, words, commands, the stranger's path, drawings. The table of
 * layers is read by layers.test.ts.
 */
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { imports, read } from './imports.ts'

const root = join(import.meta.dirname, '..')
const findFiles = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
    .sort()

const folder = 'docs/development/'
const pages = ['CONTRIBUTING.md', ...findFiles(folder, '.md')].map((path) => ({ path, text: read(path) }))
const decisions = pages.filter(({ path }) => path.startsWith(`${folder}decisions/`))
const architecture = read(`${folder}architecture.md`)
const glossary = read(`${folder}glossary.md`)

const findAll = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found)
const sectionOf = (text: string, title: string): string => text.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
/** What is in code font in a sentence or a table. */
const wordsIn = (text: string): string[] => findAll(text.replaceAll(/^```.*?^```$/gms, ''), /`([^`\n]+)`/g)
const linksIn = (text: string): string[] => findAll(text, /\]\((?!https:|#)([^)#]+)(?:#[^)]*)?\)/g)

// ── Files, words, commands ───────────────────────────────────────────────────

/** From the root of the repository. */
const isPath = (word: string): boolean => /^[\w.-]+(\/[\w.-]+)*(\/|\.(ts|js|md|yml|json))$|^\.[\w-]+$/.test(word)
/** The build makes it, and git ignores it. */
const isIgnored = (path: string): boolean => path.startsWith('lib/')
const isCommand = (word: string): boolean => /^(?:[A-Z_]+=\S+ )?np[mx](?! run$)\b/.test(word)

const missingPaths = (text: string): string[] =>
  wordsIn(text).filter((word) => isPath(word) && !isIgnored(word) && !existsSync(join(root, word)))

const missingLinks = (path: string, text: string): string[] =>
  linksIn(text).filter((link) => !existsSync(join(root, dirname(path), link)))

const occursIn = (code: string, word: string): boolean =>
  new RegExp(`(?<![\\w-])${word.replaceAll(/\W/g, '\\$&')}(?![\\w-])`).test(code)

const unknownWords = (text: string, code: string): string[] =>
  wordsIn(text).filter((word) => !isPath(word) && !isCommand(word) && !occursIn(code, word))

const source = findFiles('src', '.ts').map(read).join('\n')
const configuration = ['package.json', 'action.yml', 'tsconfig.build.json', 'vitest.config.ts'].map(read).join('\n')

describe('the documents', () => {
  test('are found', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(7)
    expect(pages.length).toBe(decisions.length + 3)
    expect(pages.flatMap(({ text }) => wordsIn(text)).filter(isPath).length).toBeGreaterThan(60)
  })

  test.each(pages)('$path names only files that exist', ({ path, text }) => {
    expect([...missingPaths(text), ...missingLinks(path, text)]).toEqual([])
  })

  test('other files would be found out', () => {
    const text = '`src/engine/line.ts`, `src/engine/run.ts`, `src/rooms/`, `src/`, `.nodeversion`, `lib/main.js`'
    expect(missingPaths(text)).toEqual(['src/engine/line.ts', 'src/rooms/', '.nodeversion'])
    expect(missingLinks(`${folder}glossary.md`, '[a](line.md) [b](architecture.md#the-line)')).toEqual(['line.md'])
  })

  test('the README leads to them, and the architecture to every decision', () => {
    expect(linksIn(read('README.md'))).toContain('CONTRIBUTING.md')
    expect(linksIn(read('CONTRIBUTING.md'))).toContain(`${folder}architecture.md`)
    const linked = linksIn(sectionOf(architecture, 'Decisions')).map((link) => folder + link)
    expect(decisions.filter(({ path }) => !linked.includes(path))).toEqual([])
  })

  test('the words of the glossary occur in the code', () => {
    expect(wordsIn(glossary).length).toBeGreaterThan(80)
    expect(unknownWords(glossary, source)).toEqual([])
  })

  test('the words of the other pages occur there, or in the configuration', () => {
    const others = pages.filter(({ path }) => !path.endsWith('glossary.md'))
    expect(others.flatMap(({ text }) => unknownWords(text, source + configuration))).toEqual([])
  })

  test('other words would be found out', () => {
    expect(unknownWords('`planFor`, `planFo`, `npm run build`, `Keepsake`', source)).toEqual(['planFo', 'Keepsake'])
  })

  test('an idea has one row in the glossary', () => {
    const ideas = findAll(glossary, /^\| ([^|]+?) \|/gm).filter((idea) => !['word', '---'].includes(idea))
    expect(ideas.length).toBeGreaterThan(50)
    expect(ideas.filter((idea, index) => ideas.indexOf(idea) !== index)).toEqual([])
  })

  test('the commands are those of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }
    const commands = pages.flatMap(({ text }) =>
      wordsIn(text).flatMap((word) => findAll(word, /^(?:[A-Z_]+=\S+ )?npm (?:run )?(\S+)$/g)),
    )
    expect(commands.length).toBeGreaterThan(8)
    const others = ['ci', 'run', 'test:fast']
    expect(commands.filter((command) => !others.includes(command) && !(command in scripts))).toEqual([])
  })

  test('lines are not too long to read in an editor, tables aside', () => {
    const long = pages.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line) => (line.length > 150 && !line.startsWith('|') ? [`${path}: ${line}`] : [])),
    )
    expect(long).toEqual([])
  })
})

// ── The stranger's path ──────────────────────────────────────────────────────

describe('the way of a rollback', () => {
  const rows = sectionOf(architecture, "A stranger's path").matchAll(/^\d+\. `(src\/\S+\.ts)` (.*)$/gm)
  const path = [...rows].map(([, file = '', sentence = '']) => ({ file, sentence }))

  const loaded = new Set(['src/main.ts'])
  for (const file of loaded) for (const { from, to, isType } of imports) if (from === file && !isType) loaded.add(to)

  test('has ten files and starts at src/main.ts', () => {
    expect(path[0]?.file).toBe('src/main.ts')
    expect(new Set(path.map(({ file }) => file)).size).toBe(10)
  })

  test.each(path)('$file is loaded by src/main.ts, and has what its sentence names', ({ file, sentence }) => {
    expect([...loaded]).toContain(file)
    expect(unknownWords(sentence, read(file))).toEqual([])
  })

  test('a file that only the post step loads would be found out', () => {
    expect([...loaded]).not.toContain('src/restart-instance.ts')
  })
})

// ── Drawings ─────────────────────────────────────────────────────────────────

interface Drawing {
  readonly header: string
  readonly lines: readonly string[]
}

function toDrawing(text: string): Drawing {
  const [header = '', ...lines] = text.trim().split('\n')
  return { header, lines: lines.map((line) => line.trim()) }
}

const drawings = findAll(architecture, /^```mermaid\n(.*?)^```$/gms).map(toDrawing)

const node = String.raw`(\w+)(?:\["[^"\]]+"\])?`
const grammars: Readonly<Record<string, RegExp>> = {
  'flowchart TB': new RegExp(String.raw`^${node} -->(?:\|[^|"]+\|)? ${node}$`),
  'stateDiagram-v2': /^(\[\*\]|\w+) --> (\[\*\]|\w+): [^:"]+$/,
}

/** Lines that mermaid could not draw, and nodes of a flowchart that would show their ID. */
function problemsIn({ header, lines }: Drawing): string[] {
  const grammar = grammars[header]
  if (!grammar) return [header]
  const labelled = lines.flatMap((line) => findAll(line, /(\w+)\["/g))
  const nodes = lines.flatMap((line) => grammar.exec(line)?.slice(1) ?? [])
  const unlabelled = header === 'flowchart TB' ? nodes.filter((id) => !labelled.includes(id)) : []
  return [...lines.filter((line) => !grammar.test(line)), ...unlabelled]
}

describe('the drawings', () => {
  test('are found', () => {
    expect(drawings.map(({ header }) => header)).toEqual(['flowchart TB', 'stateDiagram-v2'])
  })

  test.each(drawings)('$header can be drawn', (drawing) => {
    expect(drawing.lines.length).toBeGreaterThan(5)
    expect(problemsIn(drawing)).toEqual([])
  })

  test.each([
    ['flowchart LR\n a["A"] --> b["B"]', ['flowchart LR']],
    ['flowchart TB\n a["A"] --> b["B"]\n b --> c', ['c']],
    ['flowchart TB\n a["A"] -> b["B"]', ['a["A"] -> b["B"]']],
    ['stateDiagram-v2\n [*] --> a: "begins"', ['[*] --> a: "begins"']],
  ])('%j would be found out', (text, problems) => {
    expect(problemsIn(toDrawing(text))).toEqual(problems)
  })

  test('the states of a decision are words of the code', () => {
    const lines = drawings.find(({ header }) => header === 'stateDiagram-v2')?.lines ?? []
    const states = new Set(lines.flatMap((line) => [line.split(' ')[0] ?? '', findAll(line, /--> (\S+):/g)[0] ?? '']))
    for (const state of ['planned', 'done', 'resumed', 'superseded']) expect([...states]).toContain(state)
    expect([...states].filter((state) => state !== '[*]' && !occursIn(source, state))).toEqual([])
  })
})

// ── Decisions ────────────────────────────────────────────────────────────────

test.each(decisions)('$path is short, and has context, decision and consequences', ({ text }) => {
  expect(findAll(text, /^## (.*)$/gm)).toEqual(['Context', 'Decision', 'Consequences'])
  expect(text.split('\n').length).toBeLessThanOrEqual(41)
})

/** The tables of the README, made of action.yml. `node test/readme.ts` writes them; a test holds the two equal. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { actionFile } from './action/runner.ts'

const path = join(import.meta.dirname, '../README.md')
export const readme = readFileSync(path, 'utf8')

interface Described {
  readonly description: string
  readonly default?: string
}

/** `All modes. Image family name.` → who uses it, and what it is. */
function split({ description }: Described): readonly [string, string] {
  const [, modes = '', rest = ''] = /^(.*?)\. (.*)$/s.exec(description) ?? []
  return /^(All modes|bake|promote|rollback|resolve)/.test(modes) ? [modes, rest] : ['All modes', description]
}

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

const inputs = (): string[] => [
  row(['input', 'modes', 'meaning']),
  row(['---', '---', '---']),
  ...Object.entries(actionFile.inputs).map(([name, input]) => {
    const [modes, meaning] = split(input)
    const standard = input.default && !input.default.startsWith('${{') ? ` Default: \`${input.default}\`.` : ''
    return row([`\`${name}\``, modes.replace('All modes', 'all'), meaning + standard])
  }),
]

const outputs = (): string[] => [
  row(['output', 'modes', 'meaning']),
  row(['---', '---', '---']),
  ...Object.entries(actionFile.outputs).map(([name, output]) => {
    const [modes, meaning] = split(output)
    return row([`\`${name}\``, modes.replace('All modes', 'all'), meaning])
  }),
]

const between = (text: string, marker: string, lines: readonly string[]): string =>
  text.replace(
    new RegExp(`(<!-- ${marker} -->\n)[^]*?(<!-- /${marker} -->)`),
    (_, open, close) => `${open}\n${lines.join('\n')}\n\n${close}`,
  )

export const withTables = (text: string): string => between(between(text, 'inputs', inputs()), 'outputs', outputs())

if (import.meta.main) writeFileSync(path, withTables(readme))

/** The tables of the README: what inputs mean from action.yml, the rest from their schema. `node test/readme.ts` writes them; a test holds the two equal. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mode, modes } from '../src/family/model/request.ts'
import { inputNames, inputRows } from '../src/inputs/schema.ts'
import { actionFile } from './action/runner.ts'

const path = join(import.meta.dirname, '../README.md')
export const readme = readFileSync(path, 'utf8')

/** `All modes. Image family name.` → who uses it, and what it is. */
function split({ description }: { readonly description: string }): readonly [string, string] {
  const [, modes = '', rest = ''] = /^(.*?)\. (.*)$/s.exec(description) ?? []
  return /^(All modes|bake|promote|rollback|resolve)/.test(modes) ? [modes, rest] : ['All modes', description]
}

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** As action.yml names them at the start of a description. */
export const describeModes = (used: readonly Mode[]): string =>
  used.length === modes.length ? 'All modes' : used.join(', ')

const inputs = (): string[] => [
  row(['input', 'modes', 'meaning']),
  row(['---', '---', '---']),
  ...inputNames.map((name) => {
    const { modes: used, default: standard } = inputRows[name]
    const description = actionFile.inputs[name]?.description ?? ''
    const meaning = description.replace(`${describeModes(used)}. `, '')
    return row([
      `\`${name}\``,
      describeModes(used).replace('All modes', 'all'),
      meaning + (standard === undefined ? '' : ` Default: \`${standard}\`.`),
    ])
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

/** Lists as people write them: regions and accounts, comma or newline separated, and keys, one `region=key` a line. */
import { shareLimit } from '../family/model/limits.ts'
import type { Checked } from './parsers.ts'

/** It becomes part of a host name. */
export const regionForm = /^[a-z0-9]+(-[a-z0-9]+)+$/

/** Empty entries are ignored: a variable that is not set leaves one behind. */
const splitEntries = (text: string, separator: RegExp): string[] =>
  text
    .split(separator)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const distinct = (entries: readonly string[]): string[] => [...new Set(entries)]
const repeated = (entries: readonly string[]): string[] =>
  distinct(entries.filter((entry, index) => entries.indexOf(entry) !== index))

/** `replica-region-ids`. */
export function parseRegions(text: string): Checked<readonly string[]> {
  const value = splitEntries(text, /[,\n]/)
  const errors = [
    ...distinct(value)
      .filter((region) => !regionForm.test(region))
      .map((region) => `expected region IDs such as cn-shanghai, comma or newline separated, not '${region}'.`),
    ...repeated(value).map((region) => `${region} is listed twice: remove one.`),
  ]
  return { value, errors }
}

/** `share-with`. An account named twice is shared with once. */
export function parseAccounts(text: string): Checked<readonly string[]> {
  const value = distinct(splitEntries(text, /[,\n]/))
  const errors = [
    ...value
      .filter((account) => !/^\d{5,20}$/.test(account))
      .map(
        (account) =>
          `expected account IDs such as 1234567890123456, comma or newline separated, not '${account}'${hint(account)}.`,
      ),
    ...(value.length > shareLimit
      ? [`it lists ${value.length} accounts, but ECS shares an image with at most ${shareLimit}.`]
      : []),
  ]
  return { value, errors }
}

/** A runner writes a number of sixteen digits as 1.23456789012346E+15. */
const hint = (account: string): string =>
  /^\d(\.\d+)?E\+\d+$/.test(account) ? ': put it in quotes, or YAML reads it as a number and rounds it' : ''

/** `copy-kms-key-ids`: keys by region. */
export function parseKeys(text: string): Checked<Readonly<Record<string, string>>> {
  const lines = splitEntries(text, /\n/)
  // Neither key IDs nor aliases have commas or equals signs: they would be further entries on the line.
  const entries = lines.flatMap((line) => {
    const [, region = '', key = ''] = /^([^\s,=]+)\s*=\s*([^\s,=]+)$/.exec(line) ?? []
    return region === '' ? [] : [{ line, region, key }]
  })
  const malformed = distinct(lines).filter((line) => entries.every((entry) => entry.line !== line))
  const errors = [
    ...malformed.map(
      (line) => `expected one \`region=key\` per line, the key without spaces or commas, not '${line}'.`,
    ),
    ...repeated(entries.map(({ region }) => region)).map((region) => `${region} is listed twice: remove one.`),
  ]
  return { value: Object.fromEntries(entries.map(({ region, key }) => [region, key])), errors }
}

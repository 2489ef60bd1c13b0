/** Lists as people write them: regions and accounts, comma or newline separated, and keys, one `region=key` a line. */
import { shareLimit } from '../family/rules/sharing.ts'

interface ParsedList {
  readonly values: readonly string[]
  readonly faults: readonly string[]
}

interface ParsedKeys {
  /** By region. */
  readonly keys: Readonly<Record<string, string>>
  readonly faults: readonly string[]
}

/** It becomes part of a host name. */
export const isRegionId = (text: string): boolean => /^[a-z0-9]+(-[a-z0-9]+)+$/.test(text)

/** Empty entries are ignored: a variable that is not set leaves one behind. */
const entriesOf = (text: string, separator: RegExp): string[] =>
  text
    .split(separator)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const once = (entries: readonly string[]): string[] => [...new Set(entries)]
const twice = (entries: readonly string[]): string[] =>
  once(entries.filter((entry, index) => entries.indexOf(entry) !== index))

/** `replica-region-ids`. */
export function parseReplicas(text: string, home: string): ParsedList {
  const values = entriesOf(text, /[,\n]/)
  const faults = [
    ...once(values)
      .filter((region) => !isRegionId(region))
      .map((region) => `expected region IDs such as cn-shanghai, comma or newline separated, not '${region}'.`),
    ...twice(values).map((region) => `${region} stands there twice: leave one out.`),
    ...(values.includes(home) ? [`${home} is the home region already: leave it out.`] : []),
  ]
  return { values, faults }
}

/** `share-with`. An account named twice is shared with once. */
export function parseAccounts(text: string): ParsedList {
  const values = once(entriesOf(text, /[,\n]/))
  const faults = [
    ...values
      .filter((account) => !/^\d{5,20}$/.test(account))
      .map(
        (account) =>
          `expected account IDs such as 1234567890123456, comma or newline separated, not '${account}'${hint(account)}.`,
      ),
    ...(values.length > shareLimit
      ? [`it names ${values.length} accounts; ECS shares an image with ${shareLimit} at most: leave some out.`]
      : []),
  ]
  return { values, faults }
}

/** A runner writes a number of sixteen digits as 1.23456789012346E+15. */
const hint = (account: string): string =>
  /^\d(\.\d+)?E\+\d+$/.test(account) ? ': put it in quotes, without them it is read as a number and rounded' : ''

/** `copy-kms-key-ids`. */
export function parseKeys(text: string, replicas: readonly string[]): ParsedKeys {
  const lines = entriesOf(text, /\n/)
  // Neither key IDs nor aliases have commas or equals signs: they would be further entries on the line.
  const entries = lines.flatMap((line) => {
    const [, region = '', key = ''] = /^([^\s,=]+)\s*=\s*([^\s,=]+)$/.exec(line) ?? []
    return region === '' ? [] : [{ line, region, key }]
  })
  const odd = once(lines).filter((line) => entries.every((entry) => entry.line !== line))
  const regions = entries.map(({ region }) => region)
  const faults = [
    ...odd.map((line) => `expected \`region=key\`, one a line, the key without blanks and commas, not '${line}'.`),
    ...twice(regions).map((region) => `${region} stands there twice: leave one out.`),
    ...once(regions)
      .filter((region) => !replicas.includes(region))
      .map((region) => `${region} is none of \`replica-region-ids\`: add it there, or leave its key out.`),
  ]
  return { keys: Object.fromEntries(entries.map(({ region, key }) => [region, key])), faults }
}

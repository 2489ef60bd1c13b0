/** Tags as people write them: `key=value` lines, or a YAML or JSON map; always text, never numbers or dates. */
import { type Tags, tag } from '../family/model/tags.ts'
import type { Checked } from './parsers.ts'
import { parseYaml } from './yaml.ts'

type TagEntry = readonly [key: string, value: string]

/** `a=b`, unless a `: ` before it makes it a line of YAML. */
const isAssignment = (line: string): boolean => /^[^=]+=/.test(line) && !/^[^=]*?:(\s|$)/.test(line)

export function parseTags(text: string): Checked<Tags> {
  if (text === '') return { value: {}, errors: [] }
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (!text.startsWith('{') && lines.every(isAssignment)) {
    return checkTags(lines.map(splitAssignment))
  }
  const parsed = parseYaml(text)
  if (!parsed.ok) return { value: {}, errors: [`${expected}; as YAML: ${parsed.reason}`] }
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { value: {}, errors: [`${expected}.`] }
  const entries = Object.entries(value)
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  if (texts.length === entries.length) return checkTags(texts)
  const errors = entries.flatMap(([key, value]) =>
    typeof value === 'string' ? [] : [`the value of '${key}' should be text.`],
  )
  return { value: {}, errors }
}

function splitAssignment(line: string): TagEntry {
  const at = line.indexOf('=')
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
}

const expected = 'expected lines of `key=value`, or a YAML or JSON map'

function checkTags(entries: readonly TagEntry[]): Checked<Tags> {
  const keys = entries.map(([key]) => key)
  const repeated = keys.filter((key, index) => keys.indexOf(key) !== index)
  const errors = [
    ...repeated.map((key) => `the key '${key}' is given twice.`),
    ...entries.flatMap(([key, value]) => [checkKey(key), checkValue(key, value)]),
  ]
  return { value: Object.fromEntries(entries), errors: errors.filter((error) => error !== undefined) }
}

/** Tags of the action's own namespace that people may set by hand, so also here. */
const settable: readonly string[] = [tag.protect, tag.origin]

/** `tags`: those that the user gives an image, next to the action's own. */
export function parseUserTags(text: string): Checked<Tags> {
  const { value, errors } = parseTags(text)
  const reserved = Object.keys(value).filter((key) => /^(image-family|github):/.test(key) && !settable.includes(key))
  return { value, errors: [...errors, ...reserved.map((key) => `the key '${key}' is reserved for this action.`)] }
}

/** ECS's rules for tags (CreateImage, TagResources). */
function checkKey(key: string): string | undefined {
  if (key === '' || [...key].length > 128)
    return `the key '${key}' has ${[...key].length} characters, but must have 1 to 128.`
  if (/^(aliyun|acs:)/i.test(key)) return `the key '${key}' must not start with 'aliyun' or 'acs:'.`
  return /https?:\/\//i.test(key) ? `the key '${key}' must not contain 'http://' or 'https://'.` : undefined
}

function checkValue(key: string, value: string): string | undefined {
  if ([...value].length > 128)
    return `the value of '${key}' has ${[...value].length} characters, but ECS allows at most 128.`
  if (/^acs:/i.test(value)) return `the value of '${key}' must not start with 'acs:'.`
  return /https?:\/\//i.test(value) ? `the value of '${key}' must not contain 'http://' or 'https://'.` : undefined
}

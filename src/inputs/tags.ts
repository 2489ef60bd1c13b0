/** Tags as people write them: `key=value` lines, or a YAML or JSON map; always text, never numbers or dates. */
import type { Tags } from '../family/model/tags.ts'
import { parseYaml } from './yaml.ts'

export interface ParsedTags {
  readonly tags: Tags
  readonly faults: readonly string[]
}

/** `a=b`, unless a `: ` before it makes it a line of YAML. */
const isAssignment = (line: string): boolean => /^[^=]+=/.test(line) && !/^[^=]*?:(\s|$)/.test(line)

export function parseTags(text: string): ParsedTags {
  if (text === '') return { tags: {}, faults: [] }
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (!text.startsWith('{') && lines.every(isAssignment)) {
    return judged(
      lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()]),
    )
  }
  const parsed = parseYaml(text)
  if (!parsed.ok) return { tags: {}, faults: [`${expected}; as YAML: ${parsed.reason}`] }
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { tags: {}, faults: [`${expected}.`] }
  const entries = Object.entries(value)
  const odd = entries.filter((entry) => typeof entry[1] !== 'string').map(([key]) => key)
  if (odd.length > 0) return { tags: {}, faults: odd.map((key) => `the value of '${key}' should be text.`) }
  return judged(entries)
}

const expected = 'expected lines of `key=value`, or a YAML or JSON map'

function judged(entries: readonly (readonly [string, string] | readonly string[])[]): ParsedTags {
  const keys = entries.map(([key = '']) => key)
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index)
  const faults = [
    ...twice.map((key) => `the key '${key}' stands there twice.`),
    ...entries.flatMap(([key = '', value = '']) => [keyFault(key), valueFault(key, value)]),
  ]
  return {
    tags: Object.fromEntries(entries.map(([key = '', value = '']) => [key, value])),
    faults: faults.filter((fault) => fault !== undefined),
  }
}

/** ECS's rules for tags (CreateImage, TagResources). */
function keyFault(key: string): string | undefined {
  if (key === '' || [...key].length > 128)
    return `a key should have 1 to 128 characters; '${key}' has ${[...key].length}.`
  if (/^(aliyun|acs:)/i.test(key)) return `the key '${key}' must not start with 'aliyun' or 'acs:'.`
  return /https?:\/\//i.test(key) ? `the key '${key}' must not contain 'http://' or 'https://'.` : undefined
}

function valueFault(key: string, value: string): string | undefined {
  if ([...value].length > 128) return `the value of '${key}' has ${[...value].length} characters; ECS allows 128.`
  if (/^acs:/i.test(value)) return `the value of '${key}' must not start with 'acs:'.`
  return /https?:\/\//i.test(value) ? `the value of '${key}' must not contain 'http://' or 'https://'.` : undefined
}

/** YAML (and so JSON) in an input, with every value left as the text that it is. */
import { parseDocument } from 'yaml'

export type ParsedYaml =
  | { readonly ok: true; readonly value: unknown }
  /** The first line of what the parser found wrong, a doubtful tag such as `!high` included. */
  | { readonly ok: false; readonly reason: string }

export function parseYaml(text: string): ParsedYaml {
  const document = parseDocument(text, { schema: 'failsafe', logLevel: 'silent' })
  const wrong = [...document.errors, ...document.warnings][0]
  if (wrong) return { ok: false, reason: wrong.message.split('\n')[0] ?? '' }
  try {
    return { ok: true, value: document.toJS() }
  } catch (error) {
    // Aliases that blow up are found only when they are expanded.
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Writes GitHub-flavoured Markdown. Text from ECS or from people is escaped, so that it never becomes markup. */

/** Text without markup, in a table or a line. */
export const plain = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_~${}[\]|#]/g, '\\$&')
    .replaceAll(/\s+/g, ' ')

export const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll(/[`|\s]+/g, ' ')}\``)

/** Text whose only markup is code spans. */
export function prose(text: string): string {
  const parts = text.split('`')
  if (parts.length % 2 === 0) return plain(text)
  return parts.map((part, index) => (index % 2 === 0 ? plain(part) : code(part))).join('')
}

export const bullets = (texts: readonly string[]): string => texts.map((text) => `- ${prose(text)}`).join('\n')

export const alert = (kind: 'CAUTION' | 'WARNING' | 'NOTE', text: string): string => `> [!${kind}]\n> ${prose(text)}`

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** A table. If it is longer than a screen, it is folded. */
export function folded(what: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length <= 20) return rows.length === 0 ? '' : table(head, rows)
  return `<details><summary>${rows.length} ${what}</summary>\n\n${table(head, rows)}\n\n</details>`
}

/** Joins the parts that are not empty, with a blank line between them. */
export const page = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`

/** Splits a list for requests that take only so many items. @param size items per part, at most */
export const splitIntoParts = (items: readonly string[], size: number): string[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, part) => items.slice(part * size, (part + 1) * size))

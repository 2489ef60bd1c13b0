/** What ECS takes only so many of in one request, request by request. */
export const splitIntoParts = (items: readonly string[], size: number): string[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, part) => items.slice(part * size, (part + 1) * size))

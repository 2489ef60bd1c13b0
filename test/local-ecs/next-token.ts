import { EcsError } from './errors.ts'

/** A page of a listing that goes on with NextToken; the token of the last page is empty. */
export function tokenPage<T>(options: { rows: readonly T[]; size: number; token: string | undefined }) {
  const { rows, size, token } = options
  const from = token
    ? Number(
        Buffer.from(token, 'base64url')
          .toString('utf8')
          .replace(/^from /, ''),
      )
    : 0
  if (!Number.isInteger(from) || from < 0 || from > rows.length) {
    throw new EcsError(403, 'Invalid.NextToken', 'The specified NextToken is invalid.')
  }
  const end = from + size
  const next = end < rows.length ? Buffer.from(`from ${end}`).toString('base64url') : ''
  return { rows: rows.slice(from, end), NextToken: next }
}

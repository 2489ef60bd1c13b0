/** The tags that this action writes and reads. They are its only state. */
import { tagLimit, tagValueLimit } from './limits.ts'

export type Tags = Readonly<Record<string, string>>

export const tag = {
  run: 'image-family:run',
  origin: 'image-family:origin',
  source: 'image-family:source',
  /** On a snapshot that is about to be deleted: its own ID. */
  snapshot: 'image-family:snapshot',
  decision: 'image-family:decision',
  reason: 'image-family:reason',
  stopped: 'image-family:stopped',
  protect: 'image-family:protect',
} as const

/** @param present the tags of a resource */
export const hasRoomForTags = (present: Tags, more: Tags): boolean =>
  new Set([...Object.keys(present), ...Object.keys(more)]).size <= tagLimit

/** A time as a tag value, UTC, to the second: `20260401083000`. @param at milliseconds */
export const formatTime = (at: number): string => new Date(at).toISOString().replace(/\.\d+/, '').replaceAll(/\D/g, '')
export const parseTime = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z'))

/** A reason as a valid tag value: at most 128 UTF-16 units (the stricter count), no `://`, no `acs:` at the start. */
export function reasonTag(reason: string): Tags {
  const plain = reason
    .replaceAll(/:\/{2,}/g, ':')
    .replaceAll(/\s+/g, ' ')
    .replace(/^acs:/i, 'acs-')
  // A character must not be cut in half.
  return { [tag.reason]: plain.slice(0, tagValueLimit).replace(/[\uD800-\uDBFF]$/, '') }
}

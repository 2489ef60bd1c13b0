/**
 * A message to people, as data: log, annotation and page show the same facts, each in its own form. Here is what all
 * messages have in common.
 */

import type { Outcome } from '../engine/outcome.ts'
import { familyOf } from '../family/model/request.ts'

export interface Message {
  /** Short, without a full stop: `Rollback of web failed in cn-shanghai`. */
  readonly title: string
  /** What went wrong, each a sentence or more, the most important one first. */
  readonly reasons: readonly string[]
  /** What each region serves now; empty where no family was switched. */
  readonly regions: readonly RegionState[]
  /** What else is so now: what was changed, what is still under way, an instance that is stopped. */
  readonly facts: readonly string[]
  /** What to do, the first thing first. */
  readonly todo: readonly string[]
  /** For a closer look, and for support. */
  readonly details: readonly string[]
}

export interface RegionState {
  readonly region: string
  /** `serves web-v2 (m-…)` */
  readonly state: string
}

export const nothingSaid: Omit<Message, 'title'> = { reasons: [], regions: [], facts: [], todo: [], details: [] }

/** GitHub's own name of the button. */
export const rerun = 'press "Re-run failed jobs"'

const kindOfRun = { bake: 'Bake of', promote: 'Promotion to', rollback: 'Rollback of', resolve: 'Lookup of' } as const

export function nameOf({ request }: Outcome): string {
  const subject =
    request.mode === 'resolve' && request.subject.kind === 'image' ? request.subject.image : familyOf(request)
  return `${kindOfRun[request.mode]} ${subject}`
}

export const pastOf = { bake: 'baked', promote: 'promoted', rollback: 'rolled back', resolve: 'resolved' } as const

export const distinctTexts = (texts: readonly string[]): string[] => [...new Set(texts)]
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/**
 * A message to people, as data. Log, annotation and page show the same facts, each in its own form. This file holds what
 * all messages have in common.
 */

import type { Outcome } from '../engine/outcome.ts'
import { familyOf } from '../family/model/request.ts'

export interface Message {
  /** Short, without a full stop: `Rollback of web failed in cn-shanghai`. */
  readonly title: string
  /** What went wrong, the most important reason first. Each is one or more sentences. */
  readonly reasons: readonly string[]
  /** What each region serves now. Empty if no family was switched. */
  readonly regions: readonly RegionState[]
  /** The rest of the present state: what was changed, what ECS is still doing, an instance that is stopped. */
  readonly facts: readonly string[]
  /** What to do, in this order. */
  readonly todo: readonly string[]
  /** What support asks for. */
  readonly details: readonly string[]
}

export interface RegionState {
  readonly region: string
  /** `serves web-v2 (m-…)` */
  readonly state: string
}

export const emptyMessage: Omit<Message, 'title'> = { reasons: [], regions: [], facts: [], todo: [], details: [] }

/** In quotes: the button on GitHub's page. */
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

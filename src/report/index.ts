/** A run as people and later steps read it. Pure: what is made here is only printed and written elsewhere. */

import type { Outcome } from '../engine/outcome.ts'
import type { Notice } from '../family/plan/plan.ts'
import { noticesOf } from './annotations.ts'
import { headlineOf } from './log.ts'
import type { Message } from './message.ts'
import { failureMessage } from './messages.ts'
import { outputsOf } from './outputs.ts'
import { failurePage, pageOf } from './page.ts'

export interface Report {
  /** Every output that the mode has; the others stay unset. */
  readonly outputs: Readonly<Record<string, string>>
  readonly notices: readonly Notice[]
  readonly failure: Message | undefined
  /** The last line of log when all is well. */
  readonly headline: string
  /** GitHub-flavoured Markdown. */
  readonly summary: string
}

export function report(outcome: Outcome): Report {
  const failure = failureMessage(outcome)
  const told = { outputs: outputsOf(outcome), notices: noticesOf(outcome), failure, headline: headlineOf(outcome) }
  return { ...told, summary: pageOf(outcome, told) }
}

/** Of a failure that has no outcome. */
export const reportFailure = (failure: Message): Report & { readonly failure: Message } => ({
  outputs: {},
  notices: [],
  failure,
  headline: failure.title,
  summary: failurePage(failure),
})

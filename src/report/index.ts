/** Turns an outcome into what people and later steps read. Pure: `main.ts` prints and writes the result. */

import type { Outcome } from '../engine/outcome.ts'
import type { Notice } from '../family/plan/plan.ts'
import { noticesOf } from './annotations.ts'
import { headlineOf } from './log.ts'
import type { Message } from './message.ts'
import { failureMessage } from './messages.ts'
import { outputsOf } from './outputs.ts'
import { failurePage, pageOf } from './page.ts'

export interface Report {
  /** All outputs of the mode. The other outputs stay unset. */
  readonly outputs: Readonly<Record<string, string>>
  readonly notices: readonly Notice[]
  readonly failure: Message | undefined
  /** The last line of the log if the run succeeded. */
  readonly headline: string
  /** GitHub-flavoured Markdown. */
  readonly summary: string
}

export function report(outcome: Outcome): Report {
  const failure = failureMessage(outcome)
  const parts = { outputs: outputsOf(outcome), notices: noticesOf(outcome), failure, headline: headlineOf(outcome) }
  return { ...parts, summary: pageOf(outcome, parts) }
}

/** A report for a failure without an outcome. */
export const reportFailure = (failure: Message): Report & { readonly failure: Message } => ({
  outputs: {},
  notices: [],
  failure,
  headline: failure.title,
  summary: failurePage(failure),
})

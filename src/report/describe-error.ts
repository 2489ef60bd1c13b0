/** An error as parts of a message: a reason for everybody, and details for support. */

import { describeRequest, type ErrorCode, type ErrorData, quoteAnswer, sentence } from '../engine/action-error.ts'

/** The run was cancelled or is out of time. */
export const endsRun = ({ code }: ErrorData): boolean => code === 'cancelled' || code === 'time-limit'

/** The reason of such an error is complete: it does not need what was being done. */
const withCompleteReason: readonly ErrorCode[] = ['step', 'credentials', 'cancelled', 'time-limit']

/** What went wrong. @param doing what failed: `Could not deprecate m-1` */
export const describeFailure = (error: ErrorData, doing: string): string =>
  withCompleteReason.includes(error.code) ? sentence(error.reason) : `${doing}: ${quoteAnswer(error, 'short')}`

/** Everything that support asks for. */
export function detailsOf({ request, details }: ErrorData): string[] {
  if (request) return [describeRequest(request)]
  return details === undefined ? [] : [details]
}

/** An error in words: the reason for everybody, the details for support. */

import { type ErrorCode, type ErrorData, sentence } from '../engine/action-error.ts'

/** It ends the run from outside, whatever was going on. */
export const endsRun = ({ code }: ErrorData): boolean => code === 'cancelled' || code === 'time-limit'

/** What these say needs no word of what was being done. */
const standAlone: readonly ErrorCode[] = ['step', 'credentials', 'cancelled', 'time-limit']

/** What went wrong; @param what goes before ECS's answer */
export function describeFailure(error: ErrorData, what: string): string {
  if (standAlone.includes(error.code)) return sentence(error.reason)
  return `${what}: ${describeEcsAnswer(error)}`
}

/** What ECS answered, or why there is no answer. */
function describeEcsAnswer({ reason, request }: ErrorData): string {
  const ecsCode = request?.ecsCode
  if (ecsCode === undefined) return sentence(reason)
  return sentence(`ECS answered ${reason === ecsCode ? ecsCode : `${ecsCode}: ${reason}`}`)
}

/** Everything that support asks for. */
export function detailsOf({ request, details }: ErrorData): string[] {
  if (!request) return details === undefined ? [] : [details]
  const { operation, region, ecsCode, status, requestId } = request
  const answer =
    ecsCode === undefined
      ? 'no answer from ECS'
      : `ECS answered ${ecsCode} (HTTP ${status}, request ID ${requestId ?? 'unknown'})`
  return [`${operation} in ${region}: ${answer}.`]
}

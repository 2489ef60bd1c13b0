/** Everything that can go wrong in a run, as one kind of error with a reason and a remedy. */

/**
 * `cancelled` and `time-limit` end a run from outside. `credentials`: no request was made. `ecs`: ECS refused a request
 * or did not answer it. `family-full`: ECS answered that there is no room for another image. `step`: ECS accepted a
 * request, but the step failed later. `internal`: a bug in the action.
 */
export type ErrorCode = 'cancelled' | 'time-limit' | 'credentials' | 'ecs' | 'family-full' | 'step' | 'internal'

/**
 * What a failed request has changed in ECS. `none`: ECS refused the change. `unknown`: ECS did not answer. `read`: ECS
 * refused a request that only reads. In a step, such a request follows what the step changes.
 */
export type RequestEffect = 'none' | 'unknown' | 'read'

/** The request that failed. */
export interface FailedRequest {
  readonly operation: string
  /** Where the request went; for a copy, also where the copy is to be. */
  readonly region: string
  readonly effect: RequestEffect
  /** Absent if ECS did not answer. */
  readonly ecsCode?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** An error as plain data: it can be compared, and stored as JSON. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly reason: string
  readonly remedy: string
  readonly request?: FailedRequest
  /** The stack of an internal error. */
  readonly details?: string
}

export interface ActionErrorOptions {
  readonly code: ErrorCode
  /** What went wrong: one or more sentences, safe to print. */
  readonly reason: string
  /** What to do first: one or more sentences in the imperative. */
  readonly remedy: string
  readonly cause?: unknown
}

export class ActionError extends Error {
  override readonly name: string = 'ActionError'
  readonly code: ErrorCode
  readonly remedy: string

  constructor({ code, reason, remedy, cause }: ActionErrorOptions) {
    super(reason, cause === undefined ? undefined : { cause })
    this.code = code
    this.remedy = remedy
  }

  get reason(): string {
    return this.message
  }

  toJSON(): ErrorData {
    return { code: this.code, reason: this.reason, remedy: this.remedy }
  }
}

/** ECS accepted a step, and its later answers show that the step failed. */
export const stepError = (reason: string, remedy: string): ActionError =>
  new ActionError({ code: 'step', reason, remedy })

/** Turns whatever was thrown into plain data. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof ActionError) return error.toJSON()
  const stack = error instanceof Error ? error.stack : undefined
  return {
    code: 'internal',
    reason: String(error),
    remedy: 'This is a fault of the action itself: open an issue with this text.',
    ...(stack === undefined ? {} : { details: stack }),
  }
}

/** What went wrong and what to do, in one line. */
export const explainError = (error: ErrorData): string => `${describeError(error)} ${error.remedy}`

/** What went wrong, in one line; for a request, with everything that support asks for. */
export const describeError = (error: ErrorData): string =>
  error.request ? `${describePlace(error.request)}: ${quoteAnswer(error)}` : sentence(error.reason)

/** A request that failed, with everything that support asks for, but without ECS's message. */
export const describeRequest = (request: FailedRequest): string =>
  `${describePlace(request)}: ${request.ecsCode === undefined ? 'no answer from ECS' : `ECS answered ${describeCode(request)}`}.`

/** `full` adds to ECS's code what support asks for. */
type AnswerForm = 'full' | 'short'

/** The answer as part of a text that does not speak of ECS yet. */
export const quoteAnswer = (error: ErrorData, form?: AnswerForm): string =>
  `${error.request?.ecsCode === undefined ? '' : 'ECS answered '}${describeAnswer(error, form)}`

/** ECS's code and message, or why there is no answer. If the message cannot be shown, the reason is the code itself. */
export function describeAnswer({ request, reason }: ErrorData, form: AnswerForm = 'full'): string {
  if (request?.ecsCode === undefined) return sentence(reason)
  const code = form === 'full' ? describeCode(request) : request.ecsCode
  return sentence(reason === request.ecsCode ? code : `${code}: ${reason}`)
}

const describePlace = ({ operation, region }: FailedRequest): string => `${operation} in ${region}`

const describeCode = ({ ecsCode, status, requestId }: FailedRequest): string =>
  `${ecsCode} (HTTP ${status}, request ID ${requestId ?? 'unknown'})`

/** Ends a text with a full stop, unless it already ends a sentence. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

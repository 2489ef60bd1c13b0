/** Everything that can go wrong in a run, as one kind of error: what is so, and what to do about it. */

/**
 * `cancelled` and `time-limit` end a run from outside; `credentials` means that no request was made; `ecs` is an answer
 * of ECS, or none (`EcsError` has the details); `family-full` is ECS's answer that there is no room for another image;
 * `step` is a step that ECS accepted and that did not lead to what was wanted; `internal` is a fault of the action.
 */
export type ErrorCode = 'cancelled' | 'time-limit' | 'credentials' | 'ecs' | 'family-full' | 'step' | 'internal'

export interface ActionErrorOptions {
  readonly code: ErrorCode
  /** What is so: one or more sentences, safe to print. */
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
}

/** What an answer of ECS, or the lack of one, tells about a failed request. */
export interface EcsAnswer {
  /** The API's name: `ModifyImageAttribute`. */
  readonly operation: string
  /** Where the request went; for a copy, also where the copy is to be. */
  readonly region: string
  /** ECS's own code; absent where there was no answer of ECS. */
  readonly ecsCode?: string
  /** HTTP */
  readonly status?: number
  readonly requestId?: string
}

/** An error as plain data. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly reason: string
  readonly remedy: string
  /** With `ecs` and `family-full`. */
  readonly ecs?: EcsAnswer
}

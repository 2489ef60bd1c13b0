/** The shape of advice, and sentences that several areas share. */

/**
 * What the caller does about an answer. `retry`: the trouble passes, the same request may be sent again at once (with
 * backoff). `poll`: the state of something is in the way and changes by itself, ask again within the time limit.
 * `fail`: nobody gains by asking again.
 */
export type Reaction = 'retry' | 'poll' | 'fail'

/** A reaction for the program, and one sentence for the person who reads the log after the step has failed. */
export interface Advice {
  readonly reaction: Reaction
  readonly remedy: string
}

export const fail = (remedy: string): Advice => ({ reaction: 'fail', remedy })
export const retry = (remedy: string): Advice => ({ reaction: 'retry', remedy })
/** By the time anybody reads this the time limit has passed, so it says what to look for and how to allow more. */
export const pollUntil = (state: string): Advice => ({
  reaction: 'poll',
  remedy: `Wait until ${state}, then run the step again, or raise \`wait-timeout-minutes\`.`,
})

/** No input sets these parameters: only the maintainers can correct them. */
export const reportBug = fail(
  "Report this, with the request ID, in the action's repository: no input of yours causes it.",
)
export const allowKms = fail(
  'Let ECS use KMS: create the role AliyunECSDiskEncryptDefaultRole (RAM console), then run the step again.',
)

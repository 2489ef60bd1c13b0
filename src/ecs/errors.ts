/** What went wrong in a request, classified once. Nothing reads the wording of a message. */

import { ActionError, type ErrorData } from '../engine/action-error.ts'
import type { Reaction } from './advice/advice.ts'
import { adviceFor } from './advice/index.ts'

/** What ECS answered, or in its place the reason why there is no answer. */
interface EcsAnswer {
  readonly ecsCode?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  /** Milliseconds that ECS asks to wait before the next request. */
  readonly retryAfter?: number | undefined
  /** In words, for people. */
  readonly reason: string
}

export interface EcsErrorOptions extends EcsAnswer {
  readonly operation: string
  /** Where the request went; for a copy, also where the copy is to be. */
  readonly region: string
  /** Replaces the advice on the code. */
  readonly remedy?: string
}

/**
 * A request that ECS refused, or that had no usable answer. It is safe to print: it never contains the SDK's own error,
 * not even as its cause, because that can contain the whole signed request.
 */
export class EcsError extends ActionError {
  override readonly name = 'EcsError'
  readonly operation: string
  readonly region: string
  readonly ecsCode: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly retryAfter: number
  readonly reaction: Reaction

  constructor({ operation, region, ecsCode, status, requestId, retryAfter = 0, reason, ...given }: EcsErrorOptions) {
    const { reaction, remedy } = adviceFor(operation, ecsCode, status)
    const code = ecsCode !== undefined && noRoom.includes(ecsCode) ? 'family-full' : 'ecs'
    super({ code, reason, remedy: given.remedy ?? remedy })
    this.operation = operation
    this.region = region
    this.ecsCode = ecsCode
    this.status = status
    this.requestId = requestId
    this.retryAfter = retryAfter
    this.reaction = reaction
  }

  override toJSON(): ErrorData {
    const { operation, region, ecsCode, status, requestId } = this
    const effect = ecsCode === undefined ? 'unknown' : readsOnly.test(operation) ? 'read' : 'none'
    return { ...super.toJSON(), request: { operation, region, effect, ecsCode, status, requestId } }
  }
}

/** ECS names the APIs so that change nothing. */
const readsOnly = /^(Describe|List)/

/** ECS takes no further image into the family, which two APIs spell each its own way, or into the region. */
const noRoom: readonly string[] = ['ImageQuotaExceed.ImageFamily', 'ImageQuotaFull.ImageFamily', 'QuotaExceed.Image']

export const isCode = (error: unknown, ...codes: readonly string[]): error is EcsError =>
  error instanceof EcsError && error.ecsCode !== undefined && codes.includes(error.ecsCode)

/** ECS calls it an error that the resource is gone, which is what was wanted. */
export async function unlessGone(code: string, request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isCode(error, code)) throw error
  }
}

/** Credentials could not be had: no request was made. */
export const credentialsError = (reason: string, remedy: string): ActionError =>
  new ActionError({ code: 'credentials', reason, remedy })

/** The SDK puts the word 'undefined' where the answer had nothing. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value !== 'undefined' ? value : undefined
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** These messages repeat the request that was signed, security token included. */
const repeatsRequest = (ecsCode: string, message: string): boolean =>
  /Signature|Nonce|AccessKey|SecurityToken/i.test(ecsCode) ||
  /x-acs-|:\/\/\S+\?/i.test(message) ||
  message.length > 1000

/** ECS's own message where it is safe, the permission that is missing where ECS names it, else the code. */
function reasonIn(error: Readonly<Record<string, unknown>>, ecsCode: string): string {
  const data = record(error.data)
  const message = text(data.Message) ?? text(data.message)
  const action = text(record(error.accessDeniedDetail).AuthAction)
  const safe = message === undefined || repeatsRequest(ecsCode, message) ? undefined : message
  const missing = action && `missing permission: ${action}`
  if (safe === undefined) return missing ?? ecsCode
  return missing ? `${safe} (${missing})` : safe
}

/** Node's codes for a connection that could not be made or did not hold. */
const networkErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EPIPE: 'the connection was closed',
  EPROTO: 'the other side does not speak TLS',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
}

const unreadable = 'the response did not come from ECS (a proxy or gateway may have sent it)'

function read(error: Readonly<Record<string, unknown>>): EcsAnswer {
  const ecsCode = text(error.code)
  const status = typeof error.statusCode === 'number' ? error.statusCode : undefined
  if (error.name === 'RequestTimeoutError') return { reason: 'there was no answer in time' }
  if (ecsCode !== undefined && status === undefined) {
    return { reason: networkErrors[ecsCode] ?? `the connection failed (${ecsCode})` }
  }
  if (ecsCode === undefined) return { reason: unreadable, status }
  return {
    ecsCode,
    status,
    requestId: text(error.requestId),
    reason: reasonIn(error, ecsCode),
    retryAfter: typeof error.retryAfter === 'number' ? error.retryAfter : undefined,
  }
}

const maskSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)

/**
 * The SDK's error, made safe and clear.
 * @param secrets masked in whatever ECS answered
 */
export function toEcsError(
  error: unknown,
  { operation, region, secrets = [] }: { operation: string; region: string; secrets?: readonly string[] },
): ActionError {
  if (error instanceof ActionError) return error
  const fields = record(error)
  if (fields.code === 'ERR_INVALID_CHAR') {
    return credentialsError(
      'The credentials contain a character that cannot be sent in a request (a line break or a typographic dash?).',
      'Paste the keys again, without spaces or line breaks around them.',
    )
  }
  const answer = read(fields)
  return new EcsError({ ...answer, reason: maskSecrets(answer.reason, secrets), operation, region })
}

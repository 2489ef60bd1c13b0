/** What went wrong in a request, classified once. Nothing reads the wording of a message. */
import { Cancelled, TimeLimit } from '../engine/clock.ts'
import { adviceFor, type Course } from './advice.ts'

/**
 * A request that ECS refused, or that had no usable answer.
 * The message is safe to print: it never holds what the SDK says itself, because that can hold the whole signed request.
 */
export class EcsError extends Error {
  override readonly name = 'EcsFault'
  readonly action: string
  /** Where the request went; for a copy, also where the copy is to be. */
  readonly region: string
  readonly code: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly course: Course
  readonly remedy: string
  /** Milliseconds that ECS asks to wait before the next request. */
  readonly retryAfter: number

  constructor(answer: Answer & { readonly action: string; readonly region: string }) {
    const { action, region, code, status, requestId, said } = answer
    super(said)
    this.action = action
    this.region = region
    this.code = code
    this.status = status
    this.requestId = requestId
    this.retryAfter = answer.retryAfter ?? 0
    const { course, remedy } = adviceFor(action, code, status)
    this.course = course
    this.remedy = answer.remedy ?? remedy
  }
}

interface Answer {
  readonly code?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  /** In words, for people. */
  readonly said: string
  readonly remedy?: string
  readonly retryAfter?: number | undefined
}

/** Credentials could not be had: no request was made. */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault'
  readonly remedy: string
  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}

/** The SDK puts the word 'undefined' where the answer had nothing. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value !== 'undefined' ? value : undefined
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** These messages repeat the request that was signed, security token included. */
const repeatsRequest = (code: string, said: string): boolean =>
  /Signature|Nonce|AccessKey|SecurityToken/i.test(code) || /x-acs-|:\/\/\S+\?/i.test(said) || said.length > 1000

function messageOf(code: string, error: Readonly<Record<string, unknown>>): string {
  const data = record(error.data)
  const said = text(data.Message) ?? text(data.message)
  const missing = text(record(error.accessDeniedDetail).AuthAction)
  const safe = !said || repeatsRequest(code, said) ? code : said
  return missing ? `${safe} (the right in question: ${missing})` : safe
}

/** Node's codes for a connection that could not be made or did not hold. */
const networkFaults: Readonly<Record<string, string>> = {
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

const unreadable = 'the answer was not one of ECS (a gateway between may have sent it)'

function read(error: Readonly<Record<string, unknown>>): Answer {
  const code = text(error.code)
  const status = typeof error.statusCode === 'number' ? error.statusCode : undefined
  if (error.name === 'RequestTimeoutError') return { said: 'there was no answer in time' }
  if (code !== undefined && status === undefined) {
    return { said: networkFaults[code] ?? `the connection failed (${code})` }
  }
  if (code === undefined) return { said: unreadable, status }
  return {
    code,
    status,
    requestId: text(error.requestId),
    said: messageOf(code, error),
    retryAfter: typeof error.retryAfter === 'number' ? error.retryAfter : undefined,
  }
}

const cut = (said: string, secrets: readonly string[]): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), said)

/**
 * What the SDK threw, made safe and clear.
 * @param secrets cut out of whatever ECS said
 */
export function toEcsError(
  error: unknown,
  { action, region, secrets = [] }: { action: string; region: string; secrets?: readonly string[] },
): Error {
  const ours = [CredentialFault, EcsError, Cancelled, TimeLimit]
  if (ours.some((kind) => error instanceof kind)) return error as Error
  const fields = record(error)
  if (fields.code === 'ERR_INVALID_CHAR') {
    return new CredentialFault(
      'The credentials hold a character that no request can carry (a line break, perhaps, or a typographic dash).',
      'Paste the keys anew, without blanks or line breaks around them.',
    )
  }
  const answer = read(fields)
  return new EcsError({ ...answer, said: cut(answer.said, secrets), action, region })
}

export const isCode = (error: unknown, ...codes: readonly string[]): error is EcsError =>
  error instanceof EcsError && error.code !== undefined && codes.includes(error.code)

/** ECS takes no further image into the family, which two APIs spell each its own way, or into the region. */
export const isFull = (error: unknown): error is EcsError =>
  isCode(error, 'ImageQuotaExceed.ImageFamily', 'ImageQuotaFull.ImageFamily', 'QuotaExceed.Image')

/** What went wrong and what to do, where it is told in passing. */
export const explainError = (error: unknown): string =>
  error instanceof EcsError ? `${describeEcsError(error)} ${error.remedy}` : String(error)

/** One sentence with everything that support asks for. */
export function describeEcsError({ action, region, code, status, requestId, message }: EcsError): string {
  const answered = code ? `ECS answered ${code} (HTTP ${status}, request ID ${requestId ?? 'unknown'}): ` : ''
  return `${action} in ${region}: ${answered}${/[.!?]$/.test(message) ? message : `${message}.`}`
}

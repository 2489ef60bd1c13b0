/** What went wrong in a request, classified once. Nothing reads the wording of a message. */
import { adviceFor, type Course } from './advice.ts'

/**
 * A request that ECS refused, or that had no usable answer.
 * The message is safe to print: it never holds what the SDK says itself, because that can hold the whole signed request.
 */
export class EcsFault extends Error {
  override readonly name = 'EcsFault'
  readonly action: string
  readonly region: string
  readonly code: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly course: Course
  readonly todo: string
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
    const { course, todo } = adviceFor(action, code, status)
    this.course = course
    this.todo = answer.todo ?? todo
  }
}

interface Answer {
  readonly code?: string | undefined
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  /** In words, for people. */
  readonly said: string
  readonly todo?: string
  readonly retryAfter?: number | undefined
}

/** Credentials could not be had: no request was made. */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault'
  readonly todo: string
  constructor(message: string, todo: string) {
    super(message)
    this.todo = todo
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** These messages repeat the request that was signed, security token included. */
const repeatsRequest = (code: string): boolean => /Signature|Nonce|AccessKey|SecurityToken/i.test(code)

function messageOf(code: string, data: Readonly<Record<string, unknown>>): string {
  const said = text(data.Message) ?? text(data.message)
  if (!said || repeatsRequest(code) || said.length > 1000 || /x-acs-/i.test(said)) return code
  return said
}

/** RAM denials say which right is missing. */
function deniedRight(error: Readonly<Record<string, unknown>>): { todo: string } | object {
  const right = text(record(error.accessDeniedDetail).AuthAction)
  return right ? { todo: `Grant ${right} to the identity of these credentials in a RAM policy.` } : {}
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

function read(error: Readonly<Record<string, unknown>>): Answer {
  const code = text(error.code)
  const status = typeof error.statusCode === 'number' ? error.statusCode : undefined
  if (error.name === 'RequestTimeoutError') return { said: 'there was no answer in time' }
  if (code && status === undefined) return { said: networkFaults[code] ?? `the connection failed (${code})` }
  if (code === undefined) {
    const unreadable = 'the answer was not one of ECS (a gateway between may have sent it)'
    return { said: error.name === 'SyntaxError' || status ? unreadable : 'the answer could not be read', status }
  }
  return {
    code,
    status,
    requestId: text(error.requestId),
    said: messageOf(code, record(error.data)),
    retryAfter: typeof error.retryAfter === 'number' ? error.retryAfter : undefined,
    ...deniedRight(error),
  }
}

/** Errors of our own, and of the language, are bugs or decisions, never ECS's: they pass as they are. */
export function toFault(error: unknown, { action, region }: { action: string; region: string }): Error {
  if (error instanceof CredentialFault || error instanceof EcsFault) return error
  if (error instanceof TypeError || error instanceof RangeError) return error
  return new EcsFault({ ...read(record(error)), action, region })
}

export const isCode = (error: unknown, ...codes: readonly string[]): error is EcsFault =>
  error instanceof EcsFault && error.code !== undefined && codes.includes(error.code)

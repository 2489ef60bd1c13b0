/** A client on a local ECS, and a gateway to put between the two. */
import { createServer, type IncomingHttpHeaders, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EcsClient } from '../../src/ecs/client.ts'
import { type Credentials, type StaticKeys, staticCredentials } from '../../src/ecs/credentials.ts'
import { EcsError } from '../../src/ecs/errors.ts'
import { Clock } from '../../src/engine/clock.ts'
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'

export const region = 'cn-hangzhou'

/** Milliseconds. Short, so that what waits in multiples of it is soon done. */
export const interval = 0.1

export interface ConnectionOptions {
  readonly keys?: Omit<StaticKeys, 'securityToken'> & { readonly securityToken?: string | undefined }
  readonly credentials?: Credentials
  readonly endpoint?: string
  /** Milliseconds. */
  readonly interval?: number
  /** Milliseconds. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface Retry {
  readonly error: EcsError
  readonly failures: number
}

/** A client that signs with the key of the server's own account, and keeps account of what it repeats. */
export function connectTo(
  ecs: Pick<LocalEcs, 'url' | 'account'>,
  options: ConnectionOptions = {},
): { client: EcsClient; retries: Retry[] } {
  const keys = { securityToken: undefined, ...(options.keys ?? ecs.account) }
  return connectWith(options.credentials ?? staticCredentials(keys), { endpoint: ecs.url, ...options })
}

export function connectWith(
  credentials: Credentials,
  options: Omit<ConnectionOptions, 'keys' | 'credentials'>,
): { client: EcsClient; retries: Retry[] } {
  const retries: Retry[] = []
  const client = new EcsClient({
    credentials,
    endpoint: options.endpoint,
    userAgent: 'test',
    clock: new Clock({
      interval: options.interval ?? interval,
      limit: options.limit ?? 20_000,
      signal: options.signal ?? new AbortController().signal,
    }),
    onRetry: (error, failures) => retries.push({ error, failures }),
  })
  return { client, retries }
}

/** What a request fails with; a request that succeeds fails the test. */
export async function failureOf(request: Promise<unknown>): Promise<Error> {
  try {
    await request
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('The request should have failed.')
}

export async function ecsErrorOf(request: Promise<unknown>): Promise<EcsError> {
  const failure = await failureOf(request)
  if (failure instanceof EcsError) return failure
  throw new Error('The request should have failed with an EcsError.', { cause: failure })
}

/** Milliseconds that something takes. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Of the requests so far, as they came. */
export const actionsOf = (ecs: LocalEcs, action?: string): string[] =>
  ecs.requests.map((request) => request.action).filter((one) => action === undefined || one === action)

/** Holds the requests of an action until so many of them are under way at once. */
export function holdUntil(ecs: LocalEcs, action: string, count: number): void {
  let together = 0
  const all = Promise.withResolvers<void>()
  ecs.intercept = async (phase, request) => {
    if (phase !== 'before' || request.action !== action) return
    if (++together === count) all.resolve()
    await all.promise
  }
}

export function requestIdOf(request: RequestRecord | undefined): string {
  const id = (request?.answer as { RequestId?: string } | undefined)?.RequestId
  if (!id) throw new Error('This request was not answered.')
  return id
}

export interface Passed {
  readonly action: string
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly body: string
}

export interface Answered {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** What stands between many a runner and ECS: passes everything on, and may put another answer in place of ECS's. */
export interface Gateway {
  readonly url: string
  readonly passed: Passed[]
  replace: ((answer: Answered, passed: Passed) => Partial<Answered> | undefined) | undefined
  /** Answers break off halfway. */
  cut: boolean
  close(): Promise<void>
}

/** @param port any free one unless told otherwise */
export async function startGateway(ecs: LocalEcs, port = 0): Promise<Gateway> {
  const passed: Passed[] = []
  const gateway = createServer(async (message, response) => {
    const body = Buffer.concat(await message.toArray())
    const url = new URL(message.url ?? '/', ecs.url)
    const one: Passed = {
      action: String(message.headers['x-acs-action']),
      method: message.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: message.headers,
      body: body.toString('utf8'),
    }
    passed.push(one)
    // The host header stays as it came: it is signed.
    const { method, headers } = message
    const onward = send(new URL(message.url ?? '/', ecs.url), { method, headers }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString('utf8')
      const truth = { status: answer.statusCode ?? 0, type: String(answer.headers['content-type']), text }
      const { status, type, text: said } = { ...truth, ...self.replace?.(truth, one) }
      response.writeHead(status, { ...answer.headers, 'content-type': type, 'content-length': Buffer.byteLength(said) })
      if (self.cut) response.write(said.slice(0, said.length / 2), () => response.destroy())
      else response.end(said)
    })
    onward.on('error', () => response.destroy())
    onward.end(body)
  })
  await new Promise<void>((resolve) => gateway.listen(port, '127.0.0.1', resolve))
  const self: Gateway = {
    url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    passed,
    replace: undefined,
    cut: false,
    close: () =>
      new Promise((resolve) => {
        gateway.close(() => resolve())
        gateway.closeAllConnections()
      }),
  }
  return self
}

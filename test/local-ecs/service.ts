import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { APIS, isWrite, regionOf, serviceOf, versionOf } from './apis.ts'
import { authenticate } from './authenticate.ts'
import type { Answer } from './call.ts'
import { EcsError } from './errors.ts'
import { type Fault, FaultPlan, takesEffect } from './faults.ts'
import { releaseDueInstances } from './instance.ts'
import { type Action, checkParameters, flag, isAction } from './parameters.ts'
import { encodeJson, encodeXml, errorBody, readRequest, type WireRequest } from './protocol.ts'
import { faultError, type Reply, spoil } from './replies.ts'
import { assumeRoleWithOidc } from './sts.ts'
import type { Key, World } from './world.ts'

/** One request as it came and as it was answered. */
export interface RequestRecord {
  /** Counted from 0. */
  readonly index: number
  readonly action: string
  region: string
  readonly parameters: Readonly<Record<string, string>>
  /** Its signature was right, or it needs none. */
  verified: boolean
  readonly signature: 'ACS3-HMAC-SHA256' | 'HMAC-SHA1' | 'none'
  /** UID. */
  account?: string
  readonly dryRun: boolean
  readonly write: boolean
  /** 0 for as long as, and if, there was no answer. */
  status: number
  code?: string
  fault?: Fault['kind']
  /** The body ECS answered, also where a fault kept it from arriving. */
  answer: unknown
  readonly headers: Readonly<Record<string, string>>
}

export type Intercept = (phase: 'before' | 'after', request: RequestRecord) => void | Promise<void>

interface Exchange {
  readonly request: WireRequest
  readonly record: RequestRecord
  readonly requestId: string
}

/** Takes one request after the other from the wire, and puts its answer there. */
export class Service {
  readonly world: World
  readonly faults = new FaultPlan()
  readonly requests: RequestRecord[] = []
  intercept: Intercept | undefined
  private readonly usedNonces = new Set<string>()

  constructor(world: World) {
    this.world = world
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message)
    this.world.clock.requestArrived()
    releaseDueInstances(this.world)
    const exchange = { request, record: this.record(request), requestId: this.world.newRequestId() }
    this.send(exchange, response, await this.reply(exchange))
  }

  private record(request: WireRequest): RequestRecord {
    const record: RequestRecord = {
      index: this.requests.length,
      action: request.action,
      region: request.parameters.RegionId ?? '',
      parameters: request.parameters,
      verified: false,
      signature: request.scheme,
      dryRun: flag(request.parameters, 'DryRun'),
      write: isWrite(request.action),
      status: 0,
      answer: undefined,
      headers: request.headers,
    }
    this.requests.push(record)
    return record
  }

  private async reply(exchange: Exchange): Promise<Reply> {
    try {
      const { action, key } = this.admit(exchange)
      await this.intercept?.('before', exchange.record)
      const fault = this.faults.next(action)
      if (fault) exchange.record.fault = fault.kind
      const reply = fault ? await this.faultyReply(exchange, fault, action, key) : this.trueReply(exchange, action, key)
      await this.intercept?.('after', exchange.record)
      return reply
    } catch (error) {
      return this.errorReply(exchange, error)
    }
  }

  /** Signature first, then action and version. */
  private admit({ request, record }: Exchange): { action: Action; key: Key | undefined } {
    const { action, version } = request
    const needsNone = action === 'AssumeRoleWithOIDC' && request.scheme === 'none'
    const key = needsNone ? undefined : authenticate(this.world, request, this.usedNonces)
    record.verified = true
    if (key) record.account = key.account.uid
    if (!isAction(action) || request.path !== '/' || !['GET', 'POST'].includes(request.method)) {
      throw new EcsError(404, 'InvalidAction.NotFound', 'Specified api is not found, please check your url and method.')
    }
    if (version !== versionOf(action)) {
      throw new EcsError(400, 'InvalidVersion', 'Specified parameter Version is not valid.')
    }
    return { action, key }
  }

  private trueReply(exchange: Exchange, action: Action, key: Key | undefined): Reply {
    try {
      return this.encode(exchange, 200, { ...this.carryOut(exchange, action, key), RequestId: exchange.requestId })
    } catch (error) {
      return this.errorReply(exchange, error)
    }
  }

  private carryOut({ request, record }: Exchange, action: Action, key: Key | undefined): Answer {
    const { parameters } = request
    checkParameters(action, parameters)
    if (action === 'AssumeRoleWithOIDC') return assumeRoleWithOidc(this.world, parameters)
    if (!key) throw new EcsError(400, 'IncompleteSignature', 'The request is not signed.')
    const region = regionOf(this.world, key.account, action, parameters)
    record.region = region.id
    const { account } = key
    const { dryRun } = record
    return APIS[action]({
      action,
      world: this.world,
      account,
      key,
      region,
      parameters,
      dryRun,
      now: this.world.clock.now(),
    })
  }

  private async faultyReply(exchange: Exchange, fault: Fault, action: Action, key: Key | undefined): Promise<Reply> {
    const truth = takesEffect(fault) ? this.trueReply(exchange, action, key) : undefined
    const { answer } = exchange.record
    if (fault.kind === 'slow') await setTimeout((fault.seconds ?? 1) * 1000, undefined, { ref: false })
    const error = faultError(fault, exchange.request)
    const reply = error ? this.errorReply(exchange, error) : (truth ?? this.encode(exchange, 200, {}))
    if (truth) exchange.record.answer = answer
    return spoil(fault, reply)
  }

  private errorReply(exchange: Exchange, error: unknown): Reply {
    const refusal =
      error instanceof EcsError ? error : new EcsError(500, 'InternalError', `Local ECS: ${(error as Error).stack}`)
    const { record, requestId } = exchange
    const region = this.world.regions.has(record.region) ? record.region : ''
    record.code = refusal.code
    return this.encode(
      exchange,
      refusal.status,
      errorBody(refusal, { requestId, service: serviceOf(record.action), region }),
    )
  }

  private encode({ request, record }: Exchange, status: number, body: Answer): Reply {
    record.answer = body
    const { type, text } = request.format === 'xml' ? encodeXml(request.action, body, status >= 400) : encodeJson(body)
    return { kind: 'answer', status, type, text, headers: {} }
  }

  private send({ record, requestId }: Exchange, response: ServerResponse, reply: Reply): void {
    if (reply.kind === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    record.status = reply.status
    response.writeHead(reply.status, {
      'content-type': reply.type,
      'content-length': Buffer.byteLength(reply.text),
      date: new Date(this.world.clock.now()).toUTCString(),
      'x-acs-request-id': requestId,
      ...reply.headers,
    })
    response.end(reply.text)
  }
}

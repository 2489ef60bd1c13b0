import { createHash, randomBytes } from 'node:crypto'
import EcsModule from '@alicloud/ecs20140526'
import { $OpenApiUtil } from '@alicloud/openapi-core'
import * as $dara from '@darabonba/typescript'
import type { LocalEcs } from './server.ts'
import { acs3Signature, canonicalRequest } from './signature.ts'

interface Keys {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken?: string
}

/** The official SDK, speaking to a local ECS. */
export function sdkClient(ecs: LocalEcs, options: { keys?: Keys; signatureAlgorithm?: string; timeout?: number } = {}) {
  const { timeout = 20_000, signatureAlgorithm } = options
  const config = new $OpenApiUtil.Config({
    ...(options.keys ?? ecs.account),
    endpoint: new URL(ecs.url).host,
    protocol: 'http',
    regionId: 'cn-hangzhou',
    readTimeout: timeout,
    connectTimeout: timeout,
    ...(signatureAlgorithm && { signatureAlgorithm }),
  })
  return new EcsModule.default(config)
}

type Fields = Record<string, unknown>

/** Calls an API through the SDK by its name; answers the body, or throws what the SDK throws. */
export async function sdkCall(client: InstanceType<typeof EcsModule.default>, action: string, fields: Fields = {}) {
  const Request = Reflect.get(EcsModule, `${action}Request`)
  const method = `${action[0]?.toLowerCase()}${action.slice(1)}WithOptions`
  const request = new Request({ regionId: 'cn-hangzhou', ...fields })
  const { body } = await Reflect.get(client, method).call(client, request, new $dara.RuntimeOptions({}))
  return body
}

interface Sent {
  readonly keys?: Keys
  readonly version?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Written over the headers after signing. */
  readonly forged?: Record<string, string>
}

/** A bare ACS3 request, for what the SDK would not send; answers status, headers and decoded body. */
export async function rawCall(ecs: LocalEcs, action: string, parameters: Record<string, string>, sent: Sent = {}) {
  const keys: Keys = sent.keys ?? ecs.account
  const { version = '2014-05-26', method = 'POST' } = sent
  const payloadHash = createHash('sha256').update('').digest('hex')
  const headers: Record<string, string> = {
    host: new URL(ecs.url).host,
    'x-acs-action': action,
    'x-acs-version': version,
    'x-acs-date': new Date().toISOString().replace(/\.\d+/, ''),
    'x-acs-signature-nonce': randomBytes(16).toString('hex'),
    'x-acs-content-sha256': payloadHash,
    ...(keys.securityToken && { 'x-acs-security-token': keys.securityToken }),
    ...sent.headers,
  }
  const signedHeaders = Object.keys(headers).sort()
  const query = Object.entries(parameters)
  const canonical = canonicalRequest({ method, path: '/', query, headers, signedHeaders, payloadHash })
  const signature = acs3Signature(canonical, keys.accessKeySecret)
  const authorization = `ACS3-HMAC-SHA256 Credential=${keys.accessKeyId},SignedHeaders=${signedHeaders.join(';')},Signature=${signature}`
  const { host: _, ...rest } = headers
  const url = `${ecs.url}/?${new URLSearchParams(parameters)}`
  const response = await fetch(url, { method, headers: { ...rest, authorization, ...sent.forged } })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

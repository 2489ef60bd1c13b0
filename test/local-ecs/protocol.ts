import type { IncomingMessage } from 'node:http'
import type { EcsError } from './errors.ts'
import type { Pairs } from './signature.ts'

/** A request as it came over the wire, decoded but not yet believed. */
export interface WireRequest {
  method: string
  path: string
  headers: Record<string, string>
  query: Pairs
  form: Pairs
  body: Buffer
  action: string
  version: string
  scheme: 'ACS3-HMAC-SHA256' | 'HMAC-SHA1' | 'none'
  /** The API's own parameters, without those of the protocol. */
  parameters: Record<string, string>
  format: 'json' | 'xml'
}

const PROTOCOL_PARAMETERS = new Set([
  'Action',
  'Version',
  'Format',
  'AccessKeyId',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureNonce',
  'SignatureType',
  'Signature',
  'Timestamp',
  'SecurityToken',
])

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function schemeOf(headers: Record<string, string>, pairs: ReadonlyMap<string, string>): WireRequest['scheme'] {
  if (headers.authorization?.startsWith('ACS3-HMAC-SHA256')) return 'ACS3-HMAC-SHA256'
  return pairs.has('Signature') ? 'HMAC-SHA1' : 'none'
}

export async function readRequest(message: IncomingMessage): Promise<WireRequest> {
  const body = await readBody(message)
  const url = new URL(message.url ?? '/', 'http://ecs.invalid')
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  const query = [...url.searchParams]
  const form = isForm ? [...new URLSearchParams(body.toString('utf8'))] : []
  const all = new Map([...query, ...form])
  const scheme = schemeOf(headers, all)
  // Only the old protocol has answers in XML, and has them unless it asks for JSON.
  const old = scheme === 'HMAC-SHA1' || headers['x-acs-action'] === undefined
  const xml = old && (all.get('Format') ?? 'XML').toUpperCase() !== 'JSON'
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    headers,
    query,
    form,
    body,
    action: headers['x-acs-action'] ?? all.get('Action') ?? '',
    version: headers['x-acs-version'] ?? all.get('Version') ?? '',
    scheme,
    parameters: Object.fromEntries([...all].filter(([name]) => !PROTOCOL_PARAMETERS.has(name))),
    format: xml ? 'xml' : 'json',
  }
}

function hostId(service: 'ecs' | 'sts', region: string): string {
  if (service === 'sts') return 'sts.aliyuncs.com'
  return region ? `ecs.${region}.aliyuncs.com` : 'ecs.aliyuncs.com'
}

export function errorBody(error: EcsError, of: { requestId: string; service: 'ecs' | 'sts'; region: string }) {
  const product = of.service === 'sts' ? 'Sts' : 'Ecs'
  return {
    RequestId: of.requestId,
    HostId: hostId(of.service, of.region),
    Code: error.code,
    Message: error.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${error.code}&product=${product}&requestId=${of.requestId}`,
    ...error.extra,
  }
}

export function encodeJson(body: unknown): { type: string; text: string } {
  return { type: 'application/json;charset=utf-8', text: JSON.stringify(body) }
}

function element(name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('')
  if (typeof value !== 'object') {
    const text = String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    return `<${name}>${text}</${name}>`
  }
  const members = Object.entries(value).map(([member, inner]) => element(member, inner))
  return `<${name}>${members.join('')}</${name}>`
}

/** Lists are wrapped twice in JSON because they come from XML, where the inner name is the repeated element. */
export function encodeXml(action: string, body: unknown, failed: boolean): { type: string; text: string } {
  const root = failed ? 'Error' : `${action}Response`
  return { type: 'text/xml;charset=utf-8', text: `<?xml version="1.0" encoding="UTF-8"?>${element(root, body)}` }
}

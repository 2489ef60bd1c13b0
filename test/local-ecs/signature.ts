import { createHash, createHmac } from 'node:crypto'

/** Name and value pairs, decoded, in the order they came. */
export type Pairs = readonly (readonly [string, string])[]

export function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex')
}

/** RFC 3986, stricter than `encodeURIComponent`, which leaves `! ' ( ) *` bare. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * Sorted by raw name and encoded anew: what is on the wire cannot be signed as it is, since Node's querystring, with
 * which the SDK writes the URL, does not encode what the signature encodes.
 */
function canonicalQuery(pairs: Pairs): string {
  return [...pairs]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
}

export interface SignedRequest {
  method: string
  path: string
  query: Pairs
  headers: Readonly<Record<string, string>>
  signedHeaders: readonly string[]
  payloadHash: string
}

export function canonicalRequest(request: SignedRequest): string {
  const headers = request.signedHeaders.map((name) => `${name}:${(request.headers[name] ?? '').trim()}\n`).join('')
  return [
    request.method,
    request.path,
    canonicalQuery(request.query),
    headers,
    request.signedHeaders.join(';'),
    request.payloadHash,
  ].join('\n')
}

/** ACS3-HMAC-SHA256: the key is the AccessKey secret as it is, without derivation or scope. */
export function acs3Signature(canonical: string, secret: string): string {
  return createHmac('sha256', secret)
    .update(`ACS3-HMAC-SHA256\n${sha256(canonical)}`)
    .digest('hex')
}

/** HMAC-SHA1 of old SDKs and the aliyun CLI: over all parameters, wherever they stand, but `Signature`. */
export function legacySignature(method: string, parameters: Pairs, secret: string): string {
  const signed = parameters.filter(([name]) => name !== 'Signature')
  const text = `${method}&${encode('/')}&${encode(canonicalQuery(signed))}`
  return createHmac('sha1', `${secret}&`).update(text).digest('base64')
}

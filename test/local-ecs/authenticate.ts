import { EcsError } from './errors.ts'
import type { WireRequest } from './protocol.ts'
import { acs3Signature, canonicalRequest, legacySignature, type SignedRequest, sha256 } from './signature.ts'
import type { Key, World } from './world.ts'

const FIFTEEN_MINUTES = 15 * 60 * 1000

/** What a signed request claims, whichever of the two schemes it is signed by. */
interface Claim {
  readonly accessKeyId: string
  readonly securityToken: string | undefined
  readonly nonce: string
  readonly date: string
  readonly signature: string
  readonly sign: (secret: string) => string
  /** What the error about a wrong signature repeats. */
  readonly signed: string
}

function incomplete(): EcsError {
  const message = 'The request signature does not conform to Aliyun standards.'
  return new EcsError(400, 'IncompleteSignature', message)
}

/** ECS repeats the canonical request, security token and all, in the message. */
export function signatureDoesNotMatch(signed: string): EcsError {
  const message = `Specified signature does not match our calculation. server string to sign is:${signed}`
  return new EcsError(400, 'SignatureDoesNotMatch', message)
}

export function toSign(request: WireRequest, signedHeaders: readonly string[]): SignedRequest {
  const { method, path, query, headers } = request
  return { method, path, query, headers, signedHeaders, payloadHash: headers['x-acs-content-sha256'] ?? '' }
}

/** Which headers a client must sign: the host and every x-acs header it sends. */
export function headersToSign(request: WireRequest): string[] {
  const names = Object.keys(request.headers).filter((name) => name.startsWith('x-acs-') || name === 'content-type')
  return ['host', ...names].sort()
}

function readAcs3(request: WireRequest): Claim {
  const authorization = request.headers.authorization ?? ''
  const shape = /^ACS3-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/
  const [, accessKeyId, names, signature] = shape.exec(authorization) ?? []
  const { headers } = request
  const nonce = headers['x-acs-signature-nonce']
  const date = headers['x-acs-date']
  if (!accessKeyId || !names || !signature || !nonce || !date) throw incomplete()
  const signedHeaders = names.split(';')
  const unsigned = headersToSign(request).filter((name) => name !== 'content-type' && !signedHeaders.includes(name))
  if (unsigned.length > 0) throw incomplete()
  const canonical = canonicalRequest(toSign(request, signedHeaders))
  if (headers['x-acs-content-sha256'] !== sha256(request.body)) throw signatureDoesNotMatch(canonical)
  const sign = (secret: string) => acs3Signature(canonical, secret)
  return {
    accessKeyId,
    securityToken: headers['x-acs-security-token'],
    nonce,
    date,
    signature,
    sign,
    signed: canonical,
  }
}

function readLegacy(request: WireRequest): Claim {
  const pairs = [...request.query, ...request.form]
  const all = Object.fromEntries(pairs)
  const { AccessKeyId, Signature, SignatureNonce, Timestamp, SecurityToken } = all
  const known = all.SignatureMethod === 'HMAC-SHA1' && all.SignatureVersion === '1.0'
  if (!AccessKeyId || !Signature || !SignatureNonce || !Timestamp || !known) throw incomplete()
  return {
    accessKeyId: AccessKeyId,
    securityToken: SecurityToken,
    nonce: SignatureNonce,
    date: Timestamp,
    signature: Signature,
    sign: (secret) => legacySignature(request.method, pairs, secret),
    signed: pairs.map(([name, value]) => `${name}=${value}`).join('&'),
  }
}

/** Against the machine's clock, by which clients date their requests, however far the simulated one is from it. */
function checkDate(world: World, date: string): void {
  const time = Date.parse(date)
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
  if (!shape.test(date))
    throw new EcsError(400, 'InvalidTimeStamp.Format', 'Specified time stamp or date value is not well formatted.')
  const now = Date.now() + world.switches.clockSkewSeconds * 1000
  if (Math.abs(now - time) > FIFTEEN_MINUTES) {
    throw new EcsError(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.')
  }
}

function findKey(world: World, claim: Claim): Key {
  const key = world.keys.get(claim.accessKeyId)
  if (!key) throw new EcsError(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.')
  const { session } = key
  const token = claim.securityToken || undefined
  if (token && !token.startsWith('CAIS')) {
    throw new EcsError(400, 'InvalidSecurityToken.Malformed', 'Specified SecurityToken is malformed.')
  }
  // A plain key with a token, or session keys without the token they came with.
  if (token !== session?.token) {
    const message = 'Specified SecurityToken mismatch with the AccessKey.'
    throw new EcsError(400, 'InvalidSecurityToken.MismatchWithAccessKey', message)
  }
  if (session && session.expiresAt <= world.clock.now()) {
    throw new EcsError(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.')
  }
  return key
}

export function authenticate(world: World, request: WireRequest, usedNonces: Set<string>): Key {
  if (request.scheme === 'none') throw incomplete()
  const claim = request.scheme === 'ACS3-HMAC-SHA256' ? readAcs3(request) : readLegacy(request)
  checkDate(world, claim.date)
  const key = findKey(world, claim)
  if (claim.sign(key.secret) !== claim.signature) throw signatureDoesNotMatch(claim.signed)
  const nonce = `${claim.accessKeyId} ${claim.nonce}`
  if (usedNonces.has(nonce)) {
    throw new EcsError(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.')
  }
  usedNonces.add(nonce)
  return key
}

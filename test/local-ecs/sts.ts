import type { Answer, Call } from './call.ts'
import { toSecond } from './clock.ts'
import { EcsError } from './errors.ts'
import type { World } from './world.ts'

interface Claims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat?: number
}

function refuse(status: number, code: string, message: string): EcsError {
  return new EcsError(status, code, message)
}

/** Only read, not verified: there is nobody here whose key could sign it. */
function readToken(token: string): Claims {
  try {
    const parts = token.split('.')
    const claims = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'))
    const whole = parts.length === 3 && typeof claims.iss === 'string' && typeof claims.exp === 'number' && claims.aud
    if (whole && typeof claims.sub === 'string') return claims
  } catch {}
  throw refuse(400, 'AuthenticationFail.OIDCToken.Invalid', 'The OIDC token is invalid.')
}

function noPermission(): EcsError {
  const AccessDeniedDetail = {
    AuthAction: 'sts:AssumeRoleWithOIDC',
    AuthPrincipalType: 'Federated',
    PolicyType: 'AssumeRolePolicy',
    NoPermissionType: 'ImplicitDeny',
  }
  return new EcsError(
    403,
    'AuthenticationFail.NoPermission',
    'This operator is not in the trust policy of the role, or the role does not exist.',
    { AccessDeniedDetail },
  )
}

function checkToken(world: World, token: string): Claims {
  const claims = readToken(token)
  // Issued by somebody who lives by the machine's clock, so judged by it.
  if (claims.exp * 1000 < Date.now() + world.switches.clockSkewSeconds * 1000) {
    throw refuse(400, 'AuthenticationFail.OIDCToken.Expired', 'The OIDC token is expired.')
  }
  const { oidcAudience } = world.switches
  if (oidcAudience !== '' && ![claims.aud].flat().includes(oidcAudience)) throw noPermission()
  return claims
}

function checkDuration(world: World, given: string | undefined): number {
  const seconds = Number(given ?? Math.min(3600, world.quotas.sessionSeconds))
  if (seconds < 900 || seconds > world.quotas.sessionSeconds) {
    const longest = world.quotas.sessionSeconds
    const message = `The DurationSeconds is out of range: 900 to ${longest} (MaxSessionDuration of the role).`
    throw refuse(400, 'InvalidParameter.DurationSeconds', message)
  }
  return seconds
}

/** Unsigned: the identity token is all the proof. Every role of a known account exists and trusts the audience. */
export function assumeRoleWithOidc(world: World, parameters: Readonly<Record<string, string>>): Answer {
  const { RoleArn = '', OIDCProviderArn = '', RoleSessionName = '', OIDCToken = '' } = parameters
  const [, uid, role] = /^acs:ram::(\d+):role\/([\w.-]+)$/.exec(RoleArn) ?? []
  const [, providerUid] = /^acs:ram::(\d+):oidc-provider\/([\w.-]+)$/.exec(OIDCProviderArn) ?? []
  if (!uid) throw refuse(400, 'InvalidParameter.RoleArn', 'The parameter RoleArn is wrongly formed.')
  if (!providerUid)
    throw refuse(400, 'InvalidParameter.OIDCProviderArn', 'The parameter OIDCProviderArn is wrongly formed.')
  if (!/^[\w.@-]{2,64}$/.test(RoleSessionName)) {
    throw refuse(400, 'InvalidParameter.RoleSessionName', 'The parameter RoleSessionName is wrongly formed.')
  }
  const seconds = checkDuration(world, parameters.DurationSeconds)
  const claims = checkToken(world, OIDCToken)
  const account = world.accounts.get(uid)
  if (!account || providerUid !== uid) throw noPermission()
  const arn = `acs:ram::${uid}:role/${role}/${RoleSessionName}`
  const session = world.addSession(account, { expiresAt: world.clock.now() + seconds * 1000, roleArn: arn })
  return {
    OIDCTokenInfo: {
      Subject: claims.sub,
      Issuer: claims.iss,
      ClientIds: [claims.aud].flat().join(','),
      ExpirationTime: toSecond(claims.exp * 1000),
      IssuanceTime: toSecond((claims.iat ?? claims.exp) * 1000),
      VerificationInfo: 'Success',
    },
    AssumedRoleUser: { AssumedRoleId: `33157${uid.slice(5)}:${RoleSessionName}`, Arn: arn },
    Credentials: {
      AccessKeyId: session.accessKeyId,
      AccessKeySecret: session.accessKeySecret,
      SecurityToken: session.securityToken,
      // Clients compare this with their own clock, as they date their requests by it; the session itself ends on
      // the clock of this server.
      Expiration: toSecond(Date.now() + seconds * 1000),
    },
  }
}

export function getCallerIdentity(call: Call): Answer {
  const { uid } = call.account
  const roleArn = call.key?.session?.roleArn
  if (!roleArn) {
    return { AccountId: uid, UserId: uid, PrincipalId: uid, Arn: `acs:ram::${uid}:root`, IdentityType: 'Account' }
  }
  const roleId = `33157${uid.slice(5)}`
  const sessionName = roleArn.split('/').at(-1)
  return {
    AccountId: uid,
    UserId: `${roleId}:${sessionName}`,
    RoleId: roleId,
    PrincipalId: `${roleId}:${sessionName}`,
    Arn: roleArn.replace(':role/', ':assumed-role/'),
    IdentityType: 'AssumedRoleUser',
  }
}

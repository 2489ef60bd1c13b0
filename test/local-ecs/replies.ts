import { headersToSign, signatureDoesNotMatch, toSign } from './authenticate.ts'
import { EcsError } from './errors.ts'
import type { Fault } from './faults.ts'
import type { WireRequest } from './protocol.ts'
import { canonicalRequest } from './signature.ts'

/** What leaves the server: an answer, or the end of the connection. */
export type Reply =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly type: string
      readonly text: string
      readonly headers: Record<string, string>
    }
  | { readonly kind: 'reset' }

function throttled(fault: Fault): EcsError {
  const code = fault.code ?? 'Throttling.User'
  const status = fault.status ?? (code === 'Throttling.Resource' ? 429 : 400)
  return new EcsError(status, code, 'Request was denied due to user flow control.')
}

/** A denial names the permission that is missing. */
function denial(action: string): Record<string, unknown> {
  return {
    AccessDeniedDetail: {
      AuthAction: `ecs:${action}`,
      AuthPrincipalType: 'SubUser',
      AuthPrincipalOwnerId: '1234567890123456',
      AuthPrincipalDisplayName: '200000000000000001',
      PolicyType: 'AccountLevelIdentityBasedPolicy',
      NoPermissionType: 'ImplicitDeny',
      EncodedDiagnosticMessage: 'AQFnLocalEcsDiagnosticMessage',
    },
  }
}

function custom(fault: Fault, action: string): EcsError {
  const code = fault.code ?? 'InternalError'
  const isDenial = /^(Forbidden|Forbbiden|NoPermission)/.test(code)
  const status = fault.status ?? (isDenial ? 403 : code === 'InternalError' ? 500 : 400)
  const extra = fault.body ?? (isDenial ? denial(action) : {})
  return new EcsError(status, code, fault.message ?? 'The request is refused.', extra)
}

/** The error a fault answers in place of the truth, for the kinds that are error answers of ECS. */
export function faultError(fault: Fault, request: WireRequest): EcsError | undefined {
  switch (fault.kind) {
    case 'throttling':
    case 'throttling-retry-after':
      return throttled(fault)
    case 'internal-error':
      return new EcsError(500, 'InternalError', 'The request processing has failed due to some unknown error.')
    case 'unavailable':
      return new EcsError(503, 'ServiceUnavailable', 'The request has failed due to a temporary failure of the server.')
    case 'error':
      return custom(fault, request.action)
    case 'signature-echo':
      return signatureDoesNotMatch(canonicalRequest(toSign(request, headersToSign(request))))
    default:
      return undefined
  }
}

/** Spoils the answer itself, for the kinds that are no answers of ECS. */
export function spoil(fault: Fault, reply: Reply): Reply {
  if (reply.kind === 'reset' || fault.kind === 'reset-before' || fault.kind === 'reset-after') return { kind: 'reset' }
  switch (fault.kind) {
    case 'html':
      return { ...reply, status: 502, type: 'text/html', text: '<html><body><h1>502 Bad Gateway</h1></body></html>' }
    case 'broken-json':
      return { ...reply, text: reply.text.slice(0, Math.floor(reply.text.length / 2)) }
    case 'empty':
      return { ...reply, status: 200, text: '' }
    case 'throttling-retry-after':
      return { ...reply, headers: { 'x-acs-retry-after': String(fault.retryAfter ?? 1000) } }
    default:
      return reply
  }
}

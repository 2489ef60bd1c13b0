/** Who the action is to ECS, and what it may do. */
import { type Advice, fail } from './advice.ts'

export const checkKeys = fail(
  'Check that both parts of the access key are complete and belong together (RAM console, AccessKey).',
)
export const renewToken = fail(
  "Get new temporary credentials in this job that last as long as the step: raise `role-session-expiration` where they are issued, up to the role's maximum.",
)

export const credentials = {
  'InvalidAccessKeyId.NotFound': fail(
    'Check `access-key-id`: no such key exists on this site (China or international); it may have been deleted.',
  ),
  'InvalidSecurityToken.Malformed': fail(
    'Check `security-token`: pass it complete, with the key that it was issued with; leave it out for a permanent key.',
  ),
  'InvalidSecurityToken.MismatchWithAccessKey': fail(
    'Pass `security-token` and `access-key-id` from the same STS response.',
  ),
  'InvalidAliUid.IsNull': fail(
    'Use credentials of an Alibaba Cloud account or RAM role: ECS finds no account behind these.',
  ),
  // The SDK's own code, before any request: no provider of the chain had credentials.
  InvalidCredentials: fail(
    'Give the step credentials: `access-key-id` with its key, those from an earlier step, or a RAM role on the runner.',
  ),
} satisfies Record<string, Advice>

/** Where a grant has to reach, for the operations where that is easily got wrong; each API's own page says so. */
const grantedOn: ReadonlyMap<string, string> = new Map([
  ['CreateImage', 'image/* and the source (instance/* or snapshot/*)'],
  ['CopyImage', 'image/* of both regions'],
  // What a policy grants on images does not cover these.
  ['DescribeSnapshots', 'snapshot/*'],
  ['DeleteSnapshot', 'snapshot/*'],
  ['TagResources', 'image/*, instance/* and snapshot/*'],
  // These two know no resource: a grant on image/* looks right and does nothing.
  ['DescribeImageFromFamily', '* (nothing narrower works)'],
  ['ListTagResources', '* (nothing narrower works)'],
])

export function grant(operation: string): Advice {
  const resources = grantedOn.get(operation)
  const where = resources === undefined ? '' : ` on ${resources}`
  return fail(
    `Grant \`ecs:${operation}\`${where} to the identity of this step (RAM console), and look for a policy that denies it.`,
  )
}

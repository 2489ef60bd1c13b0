/** The inputs of action.yml: which modes use them, and their defaults there (a test holds the two equal). */
import { type Mode, modes } from '../family/model/request.ts'

interface Input {
  readonly modes: readonly Mode[]
  readonly default: string
  /** Known, but not supported by this version: setting it is an error. */
  readonly later: boolean
}

const used = (...of: readonly Mode[]): Input => ({ modes: of, default: '', later: false })
const usedBy = (standard: string, ...of: readonly Mode[]): Input => ({ ...used(...of), default: standard })
const later = (standard: string, ...of: readonly Mode[]): Input => ({ ...usedBy(standard, ...of), later: true })

export const inputTable = {
  mode: used(...modes),
  'region-id': used(...modes),
  'replica-region-ids': used(...modes),
  family: used(...modes),
  'image-id': used('promote', 'resolve'),
  'from-family': used('promote'),
  'to-image-id': used('rollback'),
  'expected-image-id': used('promote', 'rollback'),
  'instance-id': used('bake'),
  'snapshot-id': used('bake'),
  'disk-device-mappings': used('bake'),
  'image-name': used('bake'),
  'image-version': used('bake'),
  description: used('bake'),
  platform: used('bake'),
  architecture: used('bake'),
  'boot-mode': used('bake'),
  'detection-strategy': used('bake'),
  'imds-support': used('bake'),
  'resource-group-id': used('bake', 'promote'),
  'copy-kms-key-ids': used('bake', 'promote'),
  tags: used('bake', 'promote'),
  'stop-instance': usedBy('false', 'bake'),
  'force-stop': usedBy('false', 'bake'),
  wait: usedBy('true', 'bake'),
  keep: used('bake', 'promote'),
  'share-with': used('bake', 'promote', 'rollback'),
  unshare: usedBy('false', 'bake', 'promote', 'rollback'),
  'quarantine-family': used('promote', 'rollback'),
  'withdraw-pending': usedBy('false', 'rollback'),
  reason: used('promote', 'rollback'),
  'deprecate-newer': usedBy('false', 'promote'),
  'allow-empty': usedBy('false', 'rollback'),
  'if-missing': usedBy('error', 'resolve'),
  'require-tags': used('promote', 'resolve'),
  'max-age-days': used('promote', 'resolve'),
  'dry-run': usedBy('false', ...modes),
  'wait-timeout-minutes': usedBy('120', ...modes),
  'poll-interval-seconds': usedBy('5', ...modes),
  'idempotency-key': used(...modes),
  'account-id': later('', ...modes),
  'access-key-id': used(...modes),
  'access-key-secret': used(...modes),
  'security-token': used(...modes),
  'role-to-assume': later('', ...modes),
  'oidc-provider-arn': later('', ...modes),
  'role-session-name': later('github-action-session', ...modes),
  'role-session-expiration': later('1800', ...modes),
  audience: later('sts.aliyuncs.com', ...modes),
  endpoint: used(...modes),
  'sts-endpoint': later('', ...modes),
  'github-token': used(...modes),
  matrix: used(...modes),
} as const satisfies Readonly<Record<string, Input>>

export type InputName = keyof typeof inputTable

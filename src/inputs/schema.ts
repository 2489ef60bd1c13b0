/**
 * The inputs, one row each, in the order of action.yml. From the rows follow the parser, the types of the values, the
 * fields of the request and the README's table; a test holds names, modes and defaults equal to those of action.yml,
 * where the words are.
 *
 * To add an input: a row here, its description in action.yml (then `npm run readme`), and the code that uses it. If that
 * code belongs to the domain, the request gets a field for it: the domain imports nothing from here, so the compiler
 * holds rows and fields equal instead.
 */
import { type Mode, modes, type Request } from '../family/model/request.ts'
import { parseDisks } from './disks.ts'
import * as form from './forms.ts'
import { parseAccounts, parseKeys, parseRegions } from './lists.ts'
import {
  amount,
  anyText,
  byMode,
  choice,
  emptyOr,
  flag,
  named,
  none,
  optional,
  type Parser,
  required,
  unlessNone,
  wholeNumber,
} from './parsers.ts'
import { parseTags, parseUserTags } from './tags.ts'

type KeysOf<R> = R extends R ? keyof R : never

export interface InputRow {
  /** Setting it in any other mode is an error. */
  readonly modes: readonly Mode[]
  /** As in action.yml; expressions are evaluated by the runner, and no default here. `(none)`: emptiness is told apart. */
  readonly default?: string
  readonly parse: Parser<unknown>
  /** The field of the request that takes the value as it is. Without it, other code makes something of the value. */
  readonly field?: KeysOf<Request>
  /** Known, but not supported by this version: setting it is an error. */
  readonly unsupported?: true
}

const optionalImageId = optional(form.ownImageId)
const readableFamily = byMode({ resolve: emptyOr(form.anyFamily), others: required(form.ownFamily) })
const readableImageId = byMode({ resolve: unlessNone(form.anyImageId), others: unlessNone(form.ownImageId) })
const unlessInEnvironment = ', unless the environment variable ALIBABA_CLOUD_REGION_ID is set'
const leastKept = { least: 2, why: 'the current image and one to fall back to' }

export const schema = {
  mode: { modes, parse: required(choice(...modes), `: ${modes.join(', ')}`) },
  'region-id': { modes, parse: required(form.regionId, unlessInEnvironment), field: 'region' },
  'replica-region-ids': { modes, parse: named(parseRegions), field: 'replicas' },
  family: { modes, parse: readableFamily },
  'image-id': { modes: ['promote', 'resolve'], default: none, parse: readableImageId },
  'from-family': { modes: ['promote'], parse: optional(form.ownFamily), field: 'fromFamily' },
  'to-image-id': { modes: ['rollback'], parse: optionalImageId, field: 'toImage' },
  'expected-image-id': { modes: ['promote', 'rollback'], parse: optionalImageId, field: 'expectedImage' },
  'instance-id': { modes: ['bake'], parse: optional(form.instanceId) },
  'snapshot-id': { modes: ['bake'], parse: optional(form.snapshotId) },
  'disk-device-mappings': { modes: ['bake'], parse: named(parseDisks) },
  'image-name': { modes: ['bake'], parse: optional(form.imageName), field: 'imageName' },
  'image-version': { modes: ['bake'], parse: optional(form.imageVersion), field: 'imageVersion' },
  description: { modes: ['bake'], parse: optional(form.description) },
  platform: { modes: ['bake'], parse: anyText, field: 'platform' },
  architecture: { modes: ['bake'], parse: optional(choice('i386', 'x86_64', 'arm64')), field: 'architecture' },
  'boot-mode': { modes: ['bake'], parse: optional(choice('BIOS', 'UEFI', 'UEFI-Preferred')), field: 'bootMode' },
  'detection-strategy': { modes: ['bake'], parse: optional(choice('Standard')), field: 'detectionStrategy' },
  'imds-support': { modes: ['bake'], parse: optional(choice('v1', 'v2')), field: 'imdsSupport' },
  'resource-group-id': {
    modes: ['bake', 'promote'],
    parse: optional(form.resourceGroupId),
    field: 'resourceGroupId',
  },
  'copy-kms-key-ids': { modes: ['bake', 'promote'], parse: named(parseKeys), field: 'copyKmsKeyIds' },
  tags: { modes: ['bake', 'promote'], parse: named(parseUserTags), field: 'tags' },
  'stop-instance': { modes: ['bake'], default: 'false', parse: flag },
  'force-stop': { modes: ['bake'], default: 'false', parse: flag },
  wait: { modes: ['bake'], default: 'true', parse: flag, field: 'wait' },
  keep: { modes: ['bake', 'promote'], parse: optional(wholeNumber(leastKept)), field: 'keep' },
  'share-with': { modes: ['bake', 'promote', 'rollback'], parse: named(parseAccounts), field: 'shareWith' },
  unshare: { modes: ['bake', 'promote', 'rollback'], default: 'false', parse: flag, field: 'unshare' },
  'quarantine-family': {
    modes: ['promote', 'rollback'],
    parse: optional(form.ownFamily),
    field: 'quarantineFamily',
  },
  'withdraw-pending': { modes: ['rollback'], default: 'false', parse: flag, field: 'withdrawPending' },
  reason: { modes: ['promote', 'rollback'], parse: anyText, field: 'reason' },
  'deprecate-newer': { modes: ['promote'], default: 'false', parse: flag, field: 'deprecateNewer' },
  'allow-empty': { modes: ['rollback'], default: 'false', parse: flag, field: 'allowEmpty' },
  'if-missing': { modes: ['resolve'], default: 'error', parse: choice('error', 'ignore'), field: 'ifMissing' },
  'require-tags': { modes: ['promote', 'resolve'], parse: named(parseTags), field: 'requireTags' },
  'max-age-days': { modes: ['promote', 'resolve'], parse: optional(amount), field: 'maxAgeDays' },
  'dry-run': { modes, default: 'false', parse: flag, field: 'dryRun' },
  'wait-timeout-minutes': { modes, default: '120', parse: amount },
  'poll-interval-seconds': { modes, default: '5', parse: amount },
  'idempotency-key': { modes, parse: anyText },
  'account-id': { modes, parse: anyText, unsupported: true },
  'access-key-id': { modes, parse: optional(form.credential) },
  'access-key-secret': { modes, parse: optional(form.credential) },
  'security-token': { modes, parse: optional(form.credential) },
  'role-to-assume': { modes, parse: anyText, unsupported: true },
  'oidc-provider-arn': { modes, parse: anyText, unsupported: true },
  'role-session-name': { modes, default: 'github-action-session', parse: anyText, unsupported: true },
  'role-session-expiration': { modes, default: '1800', parse: anyText, unsupported: true },
  audience: { modes, default: 'sts.aliyuncs.com', parse: anyText, unsupported: true },
  endpoint: { modes, parse: optional(form.endpointTemplate) },
  'sts-endpoint': { modes, parse: anyText, unsupported: true },
  'github-token': { modes, parse: anyText },
  matrix: { modes, parse: anyText },
} as const satisfies Readonly<Record<string, InputRow>>

type Schema = typeof schema

export type InputName = keyof Schema

/** The same rows by their common shape, for code that is about any of them. */
export const inputRows: Readonly<Record<InputName, InputRow>> = schema
export const inputNames = Object.keys(schema) as readonly InputName[]

/** What each input's parser makes of it. */
export type Values = { readonly [K in InputName]: ReturnType<Schema[K]['parse']>['value'] }

/** The inputs that the mode uses; of several modes: those that all of them use. */
export type InputOf<M extends Mode> = {
  [K in InputName]: [M] extends [Schema[K]['modes'][number]] ? K : never
}[InputName]

export const inputsOf = <M extends Mode>(mode: M): readonly InputOf<M>[] =>
  inputNames.filter((name): name is InputOf<M> => inputRows[name].modes.includes(mode))

/** What a request has of its inputs as they are. */
export type Fields<M extends Mode> = {
  readonly [K in InputOf<M> as Schema[K] extends { readonly field: infer F extends string } ? F : never]: Values[K]
}

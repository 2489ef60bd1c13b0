/**
 * The step's inputs, once and for all: every fault is found here, all at once, before the first request. What comes
 * out is typed and complete. Values are data: nothing in them is executed, expanded or guessed at.
 */

import type { StaticKeys } from '../ecs/credentials.ts'
import { endpointError } from '../ecs/endpoint.ts'
import { judgeFamily, judgeImageName, judgeReadableFamily } from '../family/model/name.ts'
import { describeSource, type Mode, modes, type Request, type Source } from '../family/model/request.ts'
import { type Run, runOf } from '../family/model/run.ts'
import { type Tags, tag, tagLimit } from '../family/model/tags.ts'
import { parseDisks } from './disks.ts'
import { isRegionId, parseAccounts, parseKeys, parseReplicas } from './lists.ts'
import { Reader, type ReadInput } from './reader.ts'
import { type InputName, inputTable } from './schema.ts'

/** Who and where this is, as the runner tells it. */
export interface RunContext {
  readonly repositoryId: string
  /** `owner/name`; empty where there is no GitHub. */
  readonly repository: string
  readonly sha: string
  readonly workflowRun: string
  readonly job: string
  readonly step: string
  readonly attempt: number
  readonly number: number
  /** `ALIBABA_CLOUD_REGION_ID` */
  readonly regionId: string
  readonly sha256: (text: string) => string
}

/** How to reach ECS, and how long to wait for it. */
export interface Settings {
  /** Undefined: the SDK's default chain. */
  readonly keys: StaticKeys | undefined
  readonly endpoint: string | undefined
  /** Milliseconds. */
  readonly interval: number
  /** Milliseconds. */
  readonly limit: number
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly doubts: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] }

const ids = {
  image: { form: /^m-[A-Za-z0-9-]+$/, example: 'm-bp146shijn7hujku9oo9' },
  /** Public images have names for IDs. */
  anyImage: { form: /^[A-Za-z0-9][A-Za-z0-9_.-]+$/, example: 'm-bp146shijn7hujku9oo9' },
  instance: { form: /^i-[A-Za-z0-9-]+$/, example: 'i-bp1g6zv0ce8oghu7k4e5' },
  snapshot: { form: /^s-[A-Za-z0-9-]+$/, example: 's-bp67acfmxazb4p8vk3h5' },
  resourceGroup: { form: /^rg-[A-Za-z0-9-]+$/, example: 'rg-bp67acfmxazb4p' },
} as const

/** Settings alone: the post step needs no more. */
export function parseSettings(read: ReadInput): Parsed<Settings> {
  const reader = new Reader(read)
  const settings = settingsOf(reader)
  return reader.faults.length > 0 ? { ok: false, faults: reader.faults } : { ok: true, value: settings, doubts: [] }
}

export function parseInputs(
  read: ReadInput,
  context: RunContext,
): Parsed<{ readonly request: Request; readonly settings: Settings }> {
  const reader = new Reader(read)
  const mode = reader.oneOf('mode', modes)
  if (reader.text('mode') === '') reader.fault(`\`mode\` is required: ${modes.join(', ')}.`)
  refuseUnused(reader, mode)
  const settings = settingsOf(reader)
  const request = mode && requestOf(mode, reader, context)
  if (reader.faults.length > 0 || request === undefined) return { ok: false, faults: reader.faults }
  return { ok: true, value: { request, settings }, doubts: reader.doubts }
}

/** An input that does nothing here would mislead whoever has set it. */
function refuseUnused(reader: Reader, mode: Mode | undefined): void {
  for (const [name, { modes: usedIn, later }] of Object.entries(inputTable) as [
    InputName,
    (typeof inputTable)[InputName],
  ][]) {
    if (!reader.isSet(name)) continue
    if (later) reader.fault(`\`${name}\` is not supported by this version yet: leave it out.`)
    else if (mode && !usedIn.includes(mode)) {
      reader.fault(`\`${name}\` means nothing in mode ${mode}: it belongs to ${usedIn.join(', ')}.`)
    }
  }
}

function settingsOf(reader: Reader): Settings {
  const endpoint = reader.optional('endpoint')
  const endpointSays = endpoint === undefined ? undefined : endpointError(endpoint)
  if (endpointSays !== undefined) reader.fault(`\`endpoint\`: ${endpointSays}`)
  return {
    keys: keysOf(reader),
    endpoint,
    interval: reader.amount('poll-interval-seconds') * 1000,
    limit: reader.amount('wait-timeout-minutes') * 60_000,
  }
}

function keysOf(reader: Reader): StaticKeys | undefined {
  const [accessKeyId, accessKeySecret, securityToken] = [
    reader.optional('access-key-id'),
    reader.optional('access-key-secret'),
    reader.optional('security-token'),
  ]
  for (const name of ['access-key-id', 'access-key-secret', 'security-token'] as const) {
    if (!/^[\x21-\x7e]*$/.test(reader.text(name))) {
      reader.fault(
        `\`${name}\` holds a character that no key has (a blank or line break within, perhaps): paste it anew.`,
      )
    }
  }
  if (accessKeyId && accessKeySecret) return { accessKeyId, accessKeySecret, securityToken }
  if (accessKeyId || accessKeySecret || securityToken) {
    const missing = [accessKeyId ? '' : '`access-key-id`', accessKeySecret ? '' : '`access-key-secret`']
    reader.fault(
      `Half a credential: ${missing.filter((name) => name !== '').join(' and ')} ${missing.includes('') ? 'is' : 'are'} empty (an unset secret, perhaps). Set ${missing.includes('') ? 'it' : 'them'}, or none of the three.`,
    )
  }
  return undefined
}

function regionOf(reader: Reader, context: RunContext): string {
  const region = reader.text('region-id') || context.regionId
  if (region === '')
    reader.fault('`region-id` is required, unless the environment variable ALIBABA_CLOUD_REGION_ID is set.')
  else if (!isRegionId(region)) {
    reader.fault(`\`region-id\` should be a region ID such as cn-hangzhou, not '${region}'.`)
  }
  return region
}

function replicasOf(reader: Reader, home: string): readonly string[] {
  const { values, faults } = parseReplicas(reader.text('replica-region-ids'), home)
  reader.blame('replica-region-ids', faults)
  return values
}

function requestOf(mode: Mode, reader: Reader, context: RunContext): Request {
  const region = regionOf(reader, context)
  const replicas = replicasOf(reader, region)
  const dryRun = reader.flag('dry-run')
  const common: Common = (family, source = '') => ({
    region,
    replicas,
    dryRun,
    run: identify(reader, context, { mode, region, family, source }),
  })
  switch (mode) {
    case 'bake':
      return bakeOf(reader, context, common)
    case 'promote':
      return promoteOf(reader, context, common)
    case 'rollback':
      return rollbackOf(reader, common)
    case 'resolve':
      return resolveOf(reader, common)
  }
}

type Common = (
  family: string,
  source?: string,
) => { region: string; replicas: readonly string[]; dryRun: boolean; run: Run }

function identify(
  reader: Reader,
  context: RunContext,
  { mode, region, family, source }: { mode: Mode; region: string; family: string; source: string },
): Run {
  const key = reader.optional('idempotency-key')
  const scope =
    key === undefined ? [context.job, context.step, reader.text('matrix'), source] : ['idempotency-key', key]
  const { repositoryId, workflowRun, attempt, number, sha256 } = context
  return runOf({ repositoryId, workflowRun, scope, mode, region, family }, { attempt, number, sha256 })
}

const familyOf = (reader: Reader): string =>
  reader.judged('family', judgeFamily, reader.required('family') || undefined) ?? ''

function sourceOf(reader: Reader): Source {
  reader.exactlyOne(['instance-id', 'snapshot-id', 'disk-device-mappings'])
  const instance = reader.id('instance-id', ids.instance)
  if (instance !== undefined) return { kind: 'instance', instance }
  const snapshot = reader.id('snapshot-id', ids.snapshot)
  if (snapshot !== undefined) return { kind: 'snapshot', snapshot }
  const { disks, faults } = parseDisks(reader.text('disk-device-mappings'))
  reader.blame('disk-device-mappings', faults)
  return { kind: 'disks', disks }
}

function bakeOf(reader: Reader, context: RunContext, common: Common): Request {
  const family = familyOf(reader)
  const source = sourceOf(reader)
  const wait = reader.flag('wait')
  const stop = reader.flag('stop-instance')
  const force = reader.flag('force-stop')
  if (force && !stop) reader.fault('`force-stop` says how to stop the instance: set `stop-instance: true` as well.')
  if (stop && source.kind !== 'instance')
    reader.fault('`stop-instance` needs `instance-id`: there is nothing else to stop.')
  const base = common(family, JSON.stringify(source))
  const release = releasing(reader, base.replicas)
  if (!wait) refuseUnwaited(reader, { ...base, ...release, stop })
  if (reader.isSet('unshare') && !reader.isSet('keep')) {
    reader.fault('`unshare` is for images that `keep` deletes when baking: set `keep` as well, or leave it out.')
  }
  return {
    ...base,
    ...release,
    mode: 'bake',
    family,
    source,
    imageName: reader.judged('image-name', judgeImageName),
    imageVersion: imageVersionOf(reader),
    description: descriptionOf(reader) ?? defaultDescription(source, context, base.run),
    platform: reader.optional('platform'),
    architecture: reader.oneOf('architecture', ['i386', 'x86_64', 'arm64']),
    bootMode: reader.oneOf('boot-mode', ['BIOS', 'UEFI', 'UEFI-Preferred']),
    detectionStrategy: reader.oneOf('detection-strategy', ['Standard']),
    imdsSupport: reader.oneOf('imds-support', ['v1', 'v2']),
    tags: bakeTags(reader, { context, source, ...base }),
    stopInstance: stop ? (force ? 'by-force' : 'orderly') : 'no',
    wait,
    unshare: reader.flag('unshare'),
  }
}

/** What can be done only with an image that is made. */
function refuseUnwaited(
  reader: Reader,
  given: { stop: boolean; replicas: readonly string[]; shareWith: readonly string[]; keep: number | undefined },
): void {
  const needs: readonly (readonly [isGiven: boolean, name: InputName, reason: string])[] = [
    [given.stop, 'stop-instance', 'the instance starts again only after its image is made'],
    [given.replicas.length > 0, 'replica-region-ids', 'an image is copied only after it is made'],
    [given.shareWith.length > 0, 'share-with', 'an image is shared only after it is made'],
    [given.keep !== undefined, 'keep', 'older images are deleted only after the new one is made'],
  ]
  for (const [isGiven, name, reason] of needs) {
    if (isGiven) reader.fault(`\`${name}\` does not go with \`wait: false\`: ${reason}.`)
  }
}

/** How copies are made, and what is done with the image and its copies. */
function releasing(reader: Reader, replicas: readonly string[]) {
  const { keys, faults } = parseKeys(reader.text('copy-kms-key-ids'), replicas)
  reader.blame('copy-kms-key-ids', faults)
  return {
    resourceGroupId: reader.id('resource-group-id', ids.resourceGroup),
    copyKmsKeyIds: keys,
    shareWith: accountsOf(reader),
    keep: reader.count('keep', { least: 2, why: 'the current image and one to fall back to' }),
  }
}

function accountsOf(reader: Reader): readonly string[] {
  const { values, faults } = parseAccounts(reader.text('share-with'))
  reader.blame('share-with', faults)
  return values
}

function imageVersionOf(reader: Reader): string | undefined {
  const version = reader.optional('image-version')
  if (version !== undefined && !/^[\x20-\x7e]{1,40}$/.test(version)) {
    reader.fault(`\`image-version\` should be 1 to 40 ASCII characters; '${version}' is not.`)
  }
  return version
}

function descriptionOf(reader: Reader): string | undefined {
  const description = reader.optional('description')
  if (description === undefined) return undefined
  const length = [...description].length
  if (length < 2 || length > 256) reader.fault(`\`description\` should have 2 to 256 characters; it has ${length}.`)
  if (/^https?:\/\//i.test(description)) reader.fault('`description` must not start with http:// or https://.')
  return description
}

const defaultDescription = (source: Source, { repository }: RunContext, run: Run): string =>
  [`Baked from ${describeSource(source)}`, ...(repository ? [`by ${repository} run ${run.number}`] : [])]
    .join(' ')
    .slice(0, 256)

/** What an image or a copy says of the run that made it, a function of inputs and run alone. */
const provenance = ({ repository, sha, workflowRun }: RunContext, run: Run): Tags => ({
  [tag.run]: run.key,
  ...(repository ? { 'github:repository': repository, 'github:sha': sha, 'github:run': workflowRun } : {}),
})

/** A copy has its origin where the image has its source: there is as much room on both. */
function bakeTags(
  reader: Reader,
  { context, source, run, replicas }: { context: RunContext; source: Source; run: Run; replicas: readonly string[] },
): Tags {
  const own = { [tag.source]: source.kind, ...provenance(context, run) }
  return { ...userTags(reader, { own: Object.keys(own).length, replicas }), ...own }
}

/** Room that promote and rollback will need: the decision and its reason. */
const laterTags = 2

/** Tags that a person may set by hand, so also here. */
const settable: readonly string[] = [tag.protect, tag.origin]

/** @param own how many tags the action puts on the image or its copy itself */
function userTags(reader: Reader, { own, replicas }: { own: number; replicas: readonly string[] }): Tags {
  const tags = reader.tags('tags')
  for (const key of Object.keys(tags)) {
    if (/^(image-family|github):/.test(key) && !settable.includes(key)) {
      reader.fault(`\`tags\`: the key '${key}' belongs to this action.`)
    }
  }
  if (tag.origin in tags && replicas.length > 0) {
    reader.fault(`\`tags\`: the key '${tag.origin}' is set by this action on copies in other regions: leave it out.`)
  }
  const room = tagLimit - own - laterTags
  const count = Object.keys(tags).length
  if (count > room) {
    reader.fault(
      `\`tags\` has ${count} tags and there is room for ${room}: ECS allows ${tagLimit}, of which the action needs the others.`,
    )
  }
  return tags
}

function withdrawing(reader: Reader, family: string) {
  const quarantineFamily = reader.judged('quarantine-family', judgeFamily)
  if (quarantineFamily !== undefined && quarantineFamily === family) {
    reader.fault('`quarantine-family` must be another family than `family`.')
  }
  reader.not('unshare', 'quarantine-family', 'an image moved there keeps its shares; choose one of the two')
  return {
    expectedImage: reader.id('expected-image-id', ids.image),
    unshare: reader.flag('unshare'),
    quarantineFamily,
    reason: reader.optional('reason'),
  }
}

const conditions = (reader: Reader) => ({
  requireTags: reader.tags('require-tags'),
  maxAgeDays: reader.isSet('max-age-days') ? reader.amount('max-age-days') : undefined,
})

function promoteOf(reader: Reader, context: RunContext, common: Common): Request {
  const family = familyOf(reader)
  const image = reader.id('image-id', ids.image)
  const fromFamily = reader.judged('from-family', judgeFamily)
  if (image === undefined && fromFamily === undefined)
    reader.fault('`image-id` or `from-family` is required: which image is to be promoted?')
  if (fromFamily !== undefined && fromFamily === family)
    reader.fault('`from-family` must be another family than `family`.')
  reader.not('deprecate-newer', 'from-family', 'an image older than the current one is not promoted from a family')
  const base = common(family)
  const { replicas } = base
  if (reader.isSet('resource-group-id') && replicas.length === 0) {
    reader.fault(
      '`resource-group-id` is for copies in other regions when promoting: set `replica-region-ids` as well, or leave it out.',
    )
  }
  const copyTags = provenance(context, base.run)
  // A copy has its origin besides; the promoted image gets none of them.
  const own = replicas.length > 0 ? Object.keys(copyTags).length + 1 : 0
  return {
    ...base,
    ...releasing(reader, replicas),
    mode: 'promote',
    family,
    image,
    fromFamily,
    deprecateNewer: reader.flag('deprecate-newer'),
    tags: userTags(reader, { own, replicas }),
    copyTags,
    ...withdrawing(reader, family),
    ...conditions(reader),
  }
}

function rollbackOf(reader: Reader, common: Common): Request {
  const family = familyOf(reader)
  reader.not('allow-empty', 'to-image-id', 'there is an image to fall back to')
  return {
    ...common(family),
    mode: 'rollback',
    family,
    toImage: reader.id('to-image-id', ids.image),
    allowEmpty: reader.flag('allow-empty'),
    withdrawPending: reader.flag('withdraw-pending'),
    shareWith: accountsOf(reader),
    ...withdrawing(reader, family),
  }
}

function resolveOf(reader: Reader, common: Common): Request {
  reader.exactlyOne(['family', 'image-id'])
  const family = reader.judged('family', judgeReadableFamily)
  const image = reader.id('image-id', ids.anyImage)
  const base = common(family ?? image ?? '')
  if (family === undefined && image !== undefined && base.replicas.length > 0) {
    reader.fault(
      '`image-id` names an image of the home region: leave `replica-region-ids` out, or give `family` instead.',
    )
  }
  return {
    ...base,
    mode: 'resolve',
    of: family !== undefined ? { kind: 'family', family } : { kind: 'image', image: image ?? '' },
    ifMissing: reader.oneOf('if-missing', ['error', 'ignore']) ?? 'error',
    ...conditions(reader),
  }
}

/**
 * The step's inputs, once and for all: every fault is found here, all at once, before the first request. What comes
 * out is typed and complete. Values are data: nothing in them is executed, expanded or guessed at.
 */
import { parseDisks } from './disks.ts'
import type { StaticKeys } from './ecs/credentials.ts'
import { endpointFault } from './ecs/endpoint.ts'
import type { Tags } from './family/image.ts'
import { tag, tagLimit } from './family/mark.ts'
import { type Judgement, judgeFamily, judgeImageName, judgeReadableFamily } from './family/name.ts'
import { describeSource, type Mode, modes, type Request, type Source } from './family/request.ts'
import { type Run, runOf } from './family/run-key.ts'
import { type InputName, inputTable } from './input-table.ts'
import { parseTags } from './tags.ts'

/** Who and where this is, as the runner tells it. */
export interface Surroundings {
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

export type ReadInput = (name: InputName) => string

/** Reads inputs and collects what is wrong with them; what it returns for a faulty one is never used. */
class Reader {
  readonly faults: string[] = []
  readonly doubts: string[] = []
  readonly #read: ReadInput

  constructor(read: ReadInput) {
    this.#read = read
  }

  /** Set: neither empty nor its default. */
  isSet(name: InputName): boolean {
    const [text, standard] = [this.text(name), inputTable[name].default]
    const isFlag = standard === 'true' || standard === 'false'
    return text !== '' && (isFlag ? text.toLowerCase() : text) !== standard
  }

  fault(text: string): void {
    this.faults.push(text)
  }

  text(name: InputName): string {
    return this.#read(name).trim()
  }

  optional(name: InputName): string | undefined {
    return this.text(name) || undefined
  }

  required(name: InputName, hint = ''): string {
    const text = this.text(name)
    if (text === '') this.fault(`\`${name}\` is required${hint}.`)
    return text
  }

  flag(name: InputName): boolean {
    const text = this.text(name) || inputTable[name].default
    if (!/^(true|false)$/i.test(text)) this.fault(`\`${name}\` should be true or false, not '${text}'.`)
    return /^true$/i.test(text)
  }

  /** A positive number; fractions are allowed. */
  amount(name: InputName): number {
    const text = this.text(name) || inputTable[name].default
    const amount = /^\d*\.?\d+$/.test(text) ? Number(text) : 0
    if (amount <= 0) {
      this.fault(`\`${name}\` should be a number above 0, not '${text}'.`)
    }
    return amount
  }

  oneOf<const T extends string>(name: InputName, allowed: readonly T[]): T | undefined {
    const text = this.text(name) || inputTable[name].default
    const found = allowed.find((value) => value === text)
    if (text !== '' && found === undefined) {
      this.fault(`\`${name}\` should be one of ${allowed.join(', ')}, not '${text}'.`)
    }
    return found
  }

  id(name: InputName, { form, example }: { form: RegExp; example: string }): string | undefined {
    const text = this.optional(name)
    if (text !== undefined && !form.test(text))
      this.fault(`\`${name}\` should be an ID such as ${example}, not '${text}'.`)
    return text
  }

  /** Judges a name by ECS's rules; a doubtful one is allowed with a warning. */
  judged(name: InputName, judge: (text: string) => Judgement, text = this.optional(name)): string | undefined {
    if (text === undefined) return undefined
    const judgement = judge(text)
    if (judgement.kind === 'bad')
      this.fault(`\`${name}\`: '${text}' is not a name that ECS takes: ${judgement.because}.`)
    if (judgement.kind === 'doubtful')
      this.doubts.push(`\`${name}\`: '${text}' may be refused by ECS: ${judgement.because}.`)
    return text
  }

  tags(name: InputName): Tags {
    const parsed = parseTags(this.text(name))
    for (const fault of parsed.faults) this.fault(`\`${name}\`: ${fault}`)
    return parsed.tags
  }

  /** The two inputs exclude each other. */
  not(first: InputName, second: InputName, because: string): void {
    if (this.isSet(first) && this.isSet(second)) this.fault(`\`${first}\` does not go with \`${second}\`: ${because}.`)
  }

  exactlyOne(names: readonly InputName[]): void {
    const given = names.filter((name) => this.isSet(name))
    if (given.length === 1) return
    const all = names.map((name) => `\`${name}\``).join(', ')
    this.fault(
      given.length === 0
        ? `Exactly one of ${all} is required.`
        : `Only one of ${all} may be set, not ${given.map((name) => `\`${name}\``).join(' and ')}.`,
    )
  }
}

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
  around: Surroundings,
): Parsed<{ readonly request: Request; readonly settings: Settings }> {
  const reader = new Reader(read)
  const mode = reader.oneOf('mode', modes)
  if (reader.text('mode') === '') reader.fault(`\`mode\` is required: ${modes.join(', ')}.`)
  refuseUnused(reader, mode)
  const settings = settingsOf(reader)
  const request = mode && requestOf(mode, reader, around)
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
  const endpointSays = endpoint === undefined ? undefined : endpointFault(endpoint)
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

function regionOf(reader: Reader, around: Surroundings): string {
  const region = reader.text('region-id') || around.regionId
  if (region === '')
    reader.fault('`region-id` is required, unless the environment variable ALIBABA_CLOUD_REGION_ID is set.')
  // It becomes part of a host name.
  else if (!/^[a-z0-9]+(-[a-z0-9]+)+$/.test(region)) {
    reader.fault(`\`region-id\` should be a region ID such as cn-hangzhou, not '${region}'.`)
  }
  return region
}

function requestOf(mode: Mode, reader: Reader, around: Surroundings): Request {
  const region = regionOf(reader, around)
  const dryRun = reader.flag('dry-run')
  const common = (family: string, source = ''): { region: string; dryRun: boolean; run: Run } => ({
    region,
    dryRun,
    run: identify(reader, around, { mode, region, family, source }),
  })
  switch (mode) {
    case 'bake':
      return bakeOf(reader, around, common)
    case 'promote':
      return promoteOf(reader, common)
    case 'rollback':
      return rollbackOf(reader, common)
    case 'resolve':
      return resolveOf(reader, common)
  }
}

type Common = (family: string, source?: string) => { region: string; dryRun: boolean; run: Run }

function identify(
  reader: Reader,
  around: Surroundings,
  { mode, region, family, source }: { mode: Mode; region: string; family: string; source: string },
): Run {
  const key = reader.optional('idempotency-key')
  const scope = key === undefined ? [around.job, around.step, reader.text('matrix'), source] : ['idempotency-key', key]
  const { repositoryId, workflowRun, attempt, number, sha256 } = around
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
  for (const fault of faults) reader.fault(`\`disk-device-mappings\`: ${fault}`)
  return { kind: 'disks', disks }
}

function bakeOf(reader: Reader, around: Surroundings, common: Common): Request {
  const family = familyOf(reader)
  const source = sourceOf(reader)
  const wait = reader.flag('wait')
  const stop = reader.flag('stop-instance')
  const force = reader.flag('force-stop')
  if (force && !stop) reader.fault('`force-stop` says how to stop the instance: set `stop-instance: true` as well.')
  if (stop && source.kind !== 'instance')
    reader.fault('`stop-instance` needs `instance-id`: there is nothing else to stop.')
  if (stop && !wait) {
    reader.fault(
      '`stop-instance` does not go with `wait: false`: the instance starts again only after its image is made.',
    )
  }
  const base = common(family, JSON.stringify(source))
  return {
    ...base,
    mode: 'bake',
    family,
    source,
    imageName: reader.judged('image-name', judgeImageName),
    imageVersion: imageVersionOf(reader),
    description: descriptionOf(reader) ?? defaultDescription(source, around, base.run),
    platform: reader.optional('platform'),
    architecture: reader.oneOf('architecture', ['i386', 'x86_64', 'arm64']),
    bootMode: reader.oneOf('boot-mode', ['BIOS', 'UEFI', 'UEFI-Preferred']),
    detectionStrategy: reader.oneOf('detection-strategy', ['Standard']),
    imdsSupport: reader.oneOf('imds-support', ['v1', 'v2']),
    resourceGroupId: reader.id('resource-group-id', ids.resourceGroup),
    tags: bakeTags(reader, { around, source, run: base.run }),
    stopInstance: stop ? (force ? 'by-force' : 'orderly') : 'no',
    wait,
  }
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

const defaultDescription = (source: Source, { repository }: Surroundings, run: Run): string =>
  [`Baked from ${describeSource(source)}`, ...(repository ? [`by ${repository} run ${run.number}`] : [])]
    .join(' ')
    .slice(0, 256)

/** The action's own tags on an image, a function of inputs and run alone. */
function bakeTags(reader: Reader, { around, source, run }: { around: Surroundings; source: Source; run: Run }): Tags {
  const github = around.repository
    ? { 'github:repository': around.repository, 'github:sha': around.sha, 'github:run': around.workflowRun }
    : {}
  const own = { [tag.run]: run.key, [tag.source]: source.kind, ...github }
  const given = userTags(reader, Object.keys(own).length)
  return { ...given, ...own }
}

/** Room that promote and rollback will need: the decision and its reason. */
const laterTags = 2

/** Tags that a person may set by hand, so also here. */
const settable: readonly string[] = [tag.protect, tag.origin]

/** @param own how many tags the action puts on the image itself */
function userTags(reader: Reader, own: number): Tags {
  const tags = reader.tags('tags')
  for (const key of Object.keys(tags)) {
    if (/^(image-family|github):/.test(key) && !settable.includes(key)) {
      reader.fault(`\`tags\`: the key '${key}' belongs to this action.`)
    }
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

function promoteOf(reader: Reader, common: Common): Request {
  const family = familyOf(reader)
  const image = reader.id('image-id', ids.image)
  const fromFamily = reader.judged('from-family', judgeFamily)
  if (image === undefined && fromFamily === undefined)
    reader.fault('`image-id` or `from-family` is required: which image is to be promoted?')
  if (fromFamily !== undefined && fromFamily === family)
    reader.fault('`from-family` must be another family than `family`.')
  reader.not('deprecate-newer', 'from-family', 'an image older than the current one is not promoted from a family')
  if (reader.isSet('resource-group-id')) {
    reader.fault(
      '`resource-group-id` is for copies in other regions when promoting, and those are not supported by this version yet: leave it out.',
    )
  }
  return {
    ...common(family),
    mode: 'promote',
    family,
    image,
    fromFamily,
    deprecateNewer: reader.flag('deprecate-newer'),
    tags: userTags(reader, 0),
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
    ...withdrawing(reader, family),
  }
}

function resolveOf(reader: Reader, common: Common): Request {
  reader.exactlyOne(['family', 'image-id'])
  const family = reader.judged('family', judgeReadableFamily)
  const image = reader.id('image-id', ids.anyImage)
  return {
    ...common(family ?? image ?? ''),
    mode: 'resolve',
    of: family !== undefined ? { kind: 'family', family } : { kind: 'image', image: image ?? '' },
    ifMissing: reader.oneOf('if-missing', ['error', 'ignore']) ?? 'error',
    ...conditions(reader),
  }
}

/**
 * A region as a value: which images there are and what ECS says of them. It answers the questions of a planner, and
 * steps can be carried out in it, under ECS's own rules; both give a new value and leave the old one as it was.
 */

import { createHash } from 'node:crypto'
import { type Arbitrary, array, constant, constantFrom, integer, oneof, option, record, tuple } from 'fast-check'
import type { Image } from '../../src/family/model/image.ts'
import type { Instance } from '../../src/family/model/instance.ts'
import type {
  BakeRequest,
  Mode,
  PromoteRequest,
  Request,
  ResolveRequest,
  RollbackRequest,
} from '../../src/family/model/request.ts'
import { type Run, runOf } from '../../src/family/model/run.ts'
import type { Tags } from '../../src/family/model/tags.ts'
import { planFor } from '../../src/family/modes/index.ts'
import {
  type Expectation,
  lanesOf,
  type Phase,
  type Plan,
  type Refusal,
  type RegionOutcome,
  type RegionPlan,
} from '../../src/family/plan/plan.ts'
import type { Permission, Query, QueryGenerator } from '../../src/family/plan/query.ts'
import type { Step } from '../../src/family/plan/steps.ts'

export const region = 'cn-hangzhou'
/** Where the family is kept as well. */
export const [shanghai, beijing] = ['cn-shanghai', 'cn-beijing'] as const
export const minute = 60_000
/** ECS's time, unless a situation says otherwise. */
export const noon = Date.parse('2026-04-01T12:00:00Z')

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

// ── Things ───────────────────────────────────────────────────────────────────

/** @param march day of March 2026 on which it was created, at eight: the same day is the same second */
export const image = (id: string, march: number, given: Partial<Image> = {}): Image => ({
  id,
  region,
  name: `name-of-${id}`,
  family: 'web',
  version: '',
  description: '',
  status: 'Available',
  creationTime: new Date(Date.UTC(2026, 2, march, 8)).toISOString().replace('.000', ''),
  progress: 100,
  usable: undefined,
  ownerAlias: 'self',
  architecture: 'x86_64',
  osName: 'Alibaba Cloud Linux',
  isCopied: false,
  snapshots: [],
  tags: {},
  ...given,
})

/** Three of one family, each newer than the one before. */
export const [w, x, y] = [image('m-w', 1), image('m-x', 2), image('m-y', 3)] as const
export const deprecated = { status: 'Deprecated' } as const

/** A copy by CopyImage, with the tag that says of what; hand-made where nothing says by which run. */
export const copyOf = (
  original: Image,
  where: string,
  id: string,
  march: number,
  { tags = {}, ...given }: Partial<Image> = {},
): Image => {
  const origin = original.tags['image-family:origin'] ?? `${original.region}/${original.id}`
  const isCopied = { isCopied: true, tags: { ...tags, 'image-family:origin': origin } }
  return image(id, march, { family: original.family, ...given, region: where, ...isCopied })
}

export const instance = (id: string, given: Partial<Instance> = {}): Instance => ({
  id,
  status: 'Running',
  locks: [],
  tags: {},
  startedAt: noon - 60 * minute,
  ...given,
})

/** As many tags as that, none of them the action's. */
export const manyTags = (count: number): Tags =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`team-${index + 1}`, 'x']))

/** The value of `image-family:decision`, written out: `done rollback <key> <target> <previous> <time>`. */
export const decided = (
  run: Run,
  mode: 'promote' | 'rollback',
  { state = 'done', target = '-', previous = '-', at = noon - 60 * minute, replaces = '' } = {},
): Tags => {
  const time = new Date(at)
    .toISOString()
    .replaceAll(/\D|\.\d+/g, '')
    .slice(0, 14)
  const value = `${state} ${mode} ${run.key} ${target} ${previous} ${time}${replaces && ` ${replaces}`}`
  return { 'image-family:decision': value }
}

// ── Requests ─────────────────────────────────────────────────────────────────

interface Who {
  readonly workflowRun?: string
  readonly step?: string
  readonly attempt?: number
}

export const runFor = (mode: Mode, { workflowRun = '17230001', step = 'step', attempt = 1 }: Who = {}): Run =>
  runOf(
    { repositoryId: '4711', workflowRun, scope: ['deploy', step, 'null', ''], mode, region, family: 'web' },
    { attempt, number: 42, sha256 },
  )

type Asked<R> = Partial<Omit<R, 'mode' | 'run'>> & Who

const withRun = <R extends Request>(base: Omit<R, 'run'>, { workflowRun, step, attempt, ...given }: Asked<R>): R =>
  ({
    ...base,
    ...given,
    run: runFor(base.mode, {
      ...(workflowRun === undefined ? {} : { workflowRun }),
      ...(step === undefined ? {} : { step }),
      ...(attempt === undefined ? {} : { attempt }),
    }),
  }) as unknown as R

export const bake = (given: Asked<BakeRequest> = {}): BakeRequest => {
  const request = withRun<BakeRequest>(
    {
      mode: 'bake',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      source: { kind: 'snapshot', snapshot: 's-1' },
      imageName: undefined,
      imageVersion: undefined,
      description: 'Baked from snapshot s-1',
      platform: undefined,
      architecture: undefined,
      bootMode: undefined,
      detectionStrategy: undefined,
      imdsSupport: undefined,
      resourceGroupId: undefined,
      tags: {},
      stopInstance: 'no',
      wait: true,
      unshare: false,
      copyKmsKeyIds: {},
      shareWith: [],
      keep: undefined,
    },
    given,
  )
  return { ...request, tags: { ...request.tags, 'image-family:run': request.run.key } }
}

export const promote = (given: Asked<PromoteRequest> = {}): PromoteRequest =>
  withRun<PromoteRequest>(
    {
      mode: 'promote',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      image: undefined,
      fromFamily: undefined,
      deprecateNewer: false,
      tags: {},
      expectedImage: undefined,
      unshare: false,
      quarantineFamily: undefined,
      reason: undefined,
      requireTags: {},
      maxAgeDays: undefined,
      copyTags: {},
      copyKmsKeyIds: {},
      resourceGroupId: undefined,
      shareWith: [],
      keep: undefined,
    },
    given,
  )

export const rollback = (given: Asked<RollbackRequest> = {}): RollbackRequest =>
  withRun<RollbackRequest>(
    {
      mode: 'rollback',
      region,
      replicas: [],
      dryRun: false,
      family: 'web',
      toImage: undefined,
      allowEmpty: false,
      withdrawPending: false,
      shareWith: [],
      expectedImage: undefined,
      unshare: false,
      quarantineFamily: undefined,
      reason: undefined,
    },
    given,
  )

export const resolve = (given: Asked<ResolveRequest> = {}): ResolveRequest =>
  withRun<ResolveRequest>(
    {
      mode: 'resolve',
      region,
      replicas: [],
      dryRun: false,
      of: { kind: 'family', family: 'web' },
      ifMissing: 'error',
      requireTags: {},
      maxAgeDays: undefined,
    },
    given,
  )

/** The same run, later. */
export const again = <R extends Request>(request: R, attempt = 2): R => ({
  ...request,
  run: { ...request.run, attempt },
})

// ── The situation ────────────────────────────────────────────────────────────

interface State {
  readonly images: readonly Image[]
  readonly serving: Readonly<Record<string, string | undefined>>
  readonly shares: Readonly<Record<string, readonly string[]>>
  readonly instances: readonly Instance[]
  /** IDs of images that instances use. */
  readonly used: readonly string[]
  /** IDs of snapshots that were noted for deletion, and are there still. */
  readonly leftovers: readonly string[]
  readonly denied: readonly {
    readonly action: string
    readonly about: 'identity' | 'request'
    readonly where: string | undefined
  }[]
  readonly now: number
  /** IDs of what steps have made last, by its label in the plan. */
  readonly made: Readonly<Record<string, string>>
  /** What reads show until the time that they lag is waited out. */
  readonly shown: Situation | undefined
  /** What there is once an image being created has been waited for. */
  readonly later: Situation | undefined
}

const without = (tags: Tags, keys: readonly string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)))

export class Situation {
  readonly state: State

  constructor(state: Partial<State> = {}) {
    this.state = {
      images: [],
      serving: {},
      shares: {},
      instances: [],
      used: [],
      leftovers: [],
      denied: [],
      now: noon,
      made: {},
      shown: undefined,
      later: undefined,
      ...state,
    }
  }

  #but(change: Partial<State>): Situation {
    return new Situation({ ...this.state, ...change })
  }

  /** Adds images, or replaces those of the same ID. */
  with(...images: readonly Image[]): Situation {
    const ids = new Set(images.map(({ id }) => id))
    return this.#but({ images: [...this.state.images.filter(({ id }) => !ids.has(id)), ...images] })
  }

  without(id: string): Situation {
    return this.#but({ images: this.state.images.filter((each) => each.id !== id) })
  }

  /** Somebody changes an image outside of the action. */
  changing(id: string, change: Partial<Image>): Situation {
    return this.with({ ...this.of(id), ...change })
  }

  /** What ECS answers for a family, where that is not the newest available image. */
  serving(family: string, id: string | undefined, where = region): Situation {
    return this.#but({ serving: { ...this.state.serving, [`${where} ${family}`]: id } })
  }

  sharing(id: string, ...accounts: readonly string[]): Situation {
    return this.#but({ shares: { ...this.state.shares, [id]: accounts } })
  }

  running(...instances: readonly Instance[]): Situation {
    return this.#but({ instances })
  }

  /** Instances use these images. */
  using(...ids: readonly string[]): Situation {
    return this.#but({ used: [...this.state.used, ...ids] })
  }

  leaving(...snapshots: readonly string[]): Situation {
    return this.#but({ leftovers: snapshots })
  }

  /** ECS would not carry this out, because of who asks or because of what is asked for. */
  denying(action: Step['action'], about: 'identity' | 'request' = 'identity', where?: string): Situation {
    return this.#but({ denied: [...this.state.denied, { action, about, where }] })
  }

  at(now: number): Situation {
    return this.#but({ now })
  }

  /** Reads lag: they show this until the planner has waited it out. */
  readAs(shown: Situation): Situation {
    return this.#but({ shown })
  }

  /** Reads lag as far as tags are concerned. */
  readWithoutTags(): Situation {
    return this.readAs(this.with(...this.state.images.map((each) => ({ ...each, tags: {} }))))
  }

  /** What there is when the planner has waited for an image. */
  onceWaited(later: Situation): Situation {
    return this.#but({ later })
  }

  of(id: string): Image {
    const found = this.state.images.find((each) => each.id === id)
    if (!found) throw new Error(`There is no image ${id}.`)
    return found
  }

  sharesOf(id: string): readonly string[] {
    return this.state.shares[id] ?? []
  }

  /** The image that a family resolves to. */
  current(family: string, where = region): Image | undefined {
    const key = `${where} ${family}`
    if (key in this.state.serving) {
      const id = this.state.serving[key]
      return id === undefined ? undefined : this.of(id)
    }
    return this.#in(where)
      .filter((each) => each.family === family && each.status === 'Available')
      .sort((a, b) => b.creationTime.localeCompare(a.creationTime) || b.id.localeCompare(a.id))[0]
  }

  #in(where: string): readonly Image[] {
    return this.state.images.filter((each) => each.region === where)
  }

  answer(question: Query): unknown {
    const { instances, now, used, leftovers } = this.state
    const images = 'region' in question ? this.#in(question.region) : []
    const own = images.filter(({ ownerAlias }) => ownerAlias === 'self')
    switch (question.ask) {
      case 'current':
        return this.current(question.family, question.region)
      case 'members':
        return own.filter(({ family }) => family === question.family)
      case 'visible':
        return images.filter(({ family, status }) => family === question.family && status === 'Available')
      case 'image':
      case 'settled':
        return images.find(({ id }) => id === question.image)
      case 'named':
        return own.filter(({ name }) => name === question.name)
      case 'made':
        return images.filter(({ tags }) => tags['image-family:run'] === question.run)
      case 'copies':
        return own.filter(({ tags }) => tags['image-family:origin'] === question.origin)
      case 'used':
        return own.filter(({ id, family }) => family === question.family && used.includes(id)).map(({ id }) => id)
      case 'leftovers':
        return leftovers
      case 'own':
        return own
      case 'shares':
        return this.sharesOf(question.image)
      case 'instance':
        return instances.find(({ id }) => id === question.instance)
      case 'permitted':
        return this.#permission(question.step)
      case 'time':
        return now
      case 'lag':
        return undefined
    }
  }

  #permission(step: Step): Permission {
    const denial = this.state.denied.find(
      ({ action, where }) => action === step.action && (where === undefined || where === step.region),
    )
    if (denial) {
      const code = denial.about === 'identity' ? 'Forbidden.RAM' : 'OperationDenied'
      return { granted: false, obstacle: denial.about, reason: `${code}: that is not allowed` }
    }
    const isShared = step.action === 'deprecate' && this.sharesOf(step.image).length > 0
    return isShared ? { granted: false, obstacle: 'shared', reason: 'the image is shared' } : { granted: true }
  }

  // ── Carrying steps out ─────────────────────────────────────────────────────

  /** What there is after these steps. @throws where ECS would answer with an error */
  after(steps: readonly Step[]): Situation {
    return steps.reduce<Situation>((situation, step) => situation.#carryOut(step), this.#but({ serving: {} }))
  }

  #carryOut(step: Step): Situation {
    const must = (so: boolean, what: string): void => {
      if (!so) throw new Error(`${what}: ${JSON.stringify(step)}`)
    }
    switch (step.action) {
      case 'create': {
        const { name, family, tags } = step.create
        must(!this.state.images.some((each) => each.name === name), 'InvalidImageName.Duplicated')
        const creationTime = new Date(this.state.now).toISOString().replace('.000', '')
        const given = {
          name,
          family: family ?? '',
          tags,
          creationTime,
          region: step.region,
          status: 'Creating',
        } as const
        return this.#making(step.image, image(`m-made-by-${name}`, 1, given))
      }
      case 'copy': {
        const { name, from, tags } = step.copy
        const source = this.of(this.#idOf(from.image))
        must(source.status === 'Available' && source.region === from.region, 'IncorrectImageStatus')
        must(!this.#in(step.region).some((each) => each.name === name), 'InvalidImageName.Duplicated')
        const creationTime = new Date(this.state.now).toISOString().replace('.000', '')
        const copied = Object.entries(tags).map(([key, value]) => [key, value.replace(from.image, source.id)])
        const given = {
          name,
          family: '',
          creationTime,
          region: step.region,
          status: 'Creating',
          isCopied: true,
        } as const
        // About as long as those of ECS: two of them have to fit into a tag.
        const base = `${source.id}-in-${step.region.slice(3)}`
        const times = this.#in(step.region).filter((each) => each.id.startsWith(base)).length
        const id = `${base}${times === 0 ? '' : `-${times + 1}`}`
        return this.#making(step.image, image(id, 1, { ...given, tags: Object.fromEntries(copied) }))
      }
      case 'await': {
        const id = this.#idOf(step.image)
        const seen = this.of(id)
        const waits = ['Creating', 'Waiting'].includes(seen.status)
        must(waits || seen.status === 'Available' || step.mayFail === true, 'the image never becomes available')
        must(step.family === undefined || seen.family === step.family, 'the image is never seen in the family')
        return waits || seen.usable === false ? this.changing(id, { status: 'Available', usable: undefined }) : this
      }
      case 'confirm':
        must(this.current(step.family, step.region)?.id === step.image, 'not confirmed')
        return this
      case 'share':
        must(this.of(this.#idOf(step.image)).status !== 'Deprecated', 'OperationDenied.InvalidImageStatus')
        return this.sharing(this.#idOf(step.image), ...this.sharesOf(this.#idOf(step.image)), ...step.accounts)
      case 'delete':
        return this.without(step.image)
      case 'delete-snapshots':
        return this.leaving()
      case 'tag':
        if (step.resource === 'snapshot') return this
        return step.resource === 'image'
          ? this.#tag(
              step.ids.map((id) => this.#idOf(id)),
              step.tags,
              must,
            )
          : this.#tagInstances(step.ids, step.tags)
      case 'untag':
        return step.resource === 'image' ? this.#untag(step.ids, step.keys) : this.#untagInstances(step.ids, step.keys)
      case 'join-family':
      case 'quarantine':
        return this.changing(this.#idOf(step.image), { family: step.family })
      case 'restore':
        must(this.of(step.image).status === 'Deprecated', 'ImageStatus.NotDeprecated')
        return this.changing(step.image, { status: 'Available' })
      case 'deprecate':
        must(this.of(step.image).status === 'Available', 'ImageStatus.NotAvailable')
        must(this.sharesOf(step.image).length === 0, 'ImageUseShared')
        return this.changing(step.image, { status: 'Deprecated' })
      case 'unshare':
        return this.sharing(step.image, ...this.sharesOf(step.image).filter((id) => !step.accounts.includes(id)))
      case 'rename':
        must(!this.state.images.some((each) => each.name === step.name), 'InvalidImageName.Duplicated')
        return this.changing(step.image, { name: step.name })
      case 'stop':
      case 'start':
        return this.#turn(step.instance, step.action === 'stop' ? 'Stopped' : 'Running')
    }
  }

  #making(label: string, made: Image): Situation {
    return this.with(made).#but({ made: { ...this.state.made, [label]: made.id } })
  }

  #idOf(ref: string): string {
    if (!ref.startsWith('<')) return ref
    const made = this.state.made[ref]
    if (made === undefined) throw new Error(`Nothing has made ${ref}.`)
    return made
  }

  #tag(ids: readonly string[], tags: Tags, must: (so: boolean, what: string) => void): Situation {
    for (const value of Object.values(tags)) {
      must([...value].length <= 128 && !/^acs:|https?:\/\//i.test(value), 'InvalidTagValue.Malformed')
    }
    return ids.reduce<Situation>((situation, id) => {
      const all = { ...situation.of(id).tags, ...tags }
      must(Object.keys(all).length <= 20, 'QuotaExceed.Tags')
      return situation.changing(id, { tags: all })
    }, this)
  }

  #changingInstance(id: string, change: (instance: Instance) => Partial<Instance>): Situation {
    return this.running(...this.state.instances.map((each) => (each.id === id ? { ...each, ...change(each) } : each)))
  }

  #tagInstances(ids: readonly string[], tags: Tags): Situation {
    return ids.reduce<Situation>(
      (situation, id) => situation.#changingInstance(id, (each) => ({ tags: { ...each.tags, ...tags } })),
      this,
    )
  }

  #untag(ids: readonly string[], keys: readonly string[]): Situation {
    return this.with(
      ...this.state.images
        .filter(({ id }) => ids.includes(id))
        .map((each) => ({ ...each, tags: without(each.tags, keys) })),
    )
  }

  #untagInstances(ids: readonly string[], keys: readonly string[]): Situation {
    return ids.reduce<Situation>(
      (situation, id) => situation.#changingInstance(id, (each) => ({ tags: without(each.tags, keys) })),
      this,
    )
  }

  #turn(id: string, status: 'Stopped' | 'Running'): Situation {
    const startedAt = Math.floor(this.state.now / minute) * minute
    return this.#changingInstance(id, () => (status === 'Running' ? { status, startedAt } : { status }))
  }
}

export const there = (...images: readonly Image[]): Situation => new Situation().with(...images)

// ── Planning in a situation ──────────────────────────────────────────────────

/** What comes of a planner in a situation, and all that it asked, in order. */
export function concludeIn<Result>(
  planning: QueryGenerator<Result>,
  situation: Situation,
): { readonly result: Result; readonly questions: readonly Query[] } {
  const questions: Query[] = []
  let seen = situation.state.shown ?? situation
  let turn = planning.next()
  while (!turn.done) {
    const asked = turn.value
    questions.push(...asked)
    if (asked.some(({ ask }) => ask === 'lag')) seen = situation
    if (asked.some(({ ask }) => ask === 'settled')) seen = situation.state.later ?? situation
    turn = planning.next(asked.map((question) => seen.answer(question)))
  }
  return { result: turn.value, questions }
}

/** A plan as it stands for its home region, its phases in one line. */
export type Told =
  | (RegionOutcome & {
      readonly kind: 'change'
      readonly steps: readonly Step[]
      readonly expect: Expectation | undefined
      readonly afterwards: readonly Step[]
    })
  | (RegionOutcome & { readonly kind: 'nothing'; readonly reason: string })
  | Refusal

const before = ['create', 'copy', 'record', 'check', 'prepare', 'activate'] as const

function told(plan: Plan): Told {
  if (plan.kind === 'refuse') return plan
  const [{ region: _, ...home }] = plan.regions
  if (home.kind === 'nothing') return home
  const { steps: does, ...rest } = home
  const steps = before.flatMap((phase) => does[phase] ?? [])
  return { ...rest, steps, afterwards: [...(does.commit ?? []), ...(does.prune ?? [])] }
}

export function planOf(
  request: Request,
  situation: Situation,
): { readonly plan: Told; readonly questions: readonly Query[] } {
  const { result, questions } = concludeIn(planFor(request), situation)
  return { plan: told(result), questions }
}

/** What is planned for every region. */
export function regionsOf(request: Request, situation: Situation): readonly RegionPlan[] {
  const { result } = concludeIn(planFor(request), situation)
  if (result.kind === 'refuse') throw new Error(`Refused: ${JSON.stringify(result)}`)
  return result.regions
}

export type Change = Extract<Told, { kind: 'change' }>

export function changeOf(request: Request, situation: Situation): Change {
  const { plan } = planOf(request, situation)
  if (plan.kind !== 'change') throw new Error(`No change is planned: ${JSON.stringify(plan)}`)
  return plan
}

export function nothingOf(request: Request, situation: Situation): Extract<Told, { kind: 'nothing' }> {
  const { plan } = planOf(request, situation)
  if (plan.kind !== 'nothing') throw new Error(`Not nothing: ${JSON.stringify(plan)}`)
  return plan
}

export function refusalOf(request: Request, situation: Situation): Refusal {
  const { plan } = planOf(request, situation)
  if (plan.kind !== 'refuse') throw new Error(`Not refused: ${JSON.stringify(plan)}`)
  return plan
}

/** The whole of what a plan does, and what there is then. */
export function carriedOut(request: Request, situation: Situation): Situation {
  const { steps, afterwards } = changeOf(request, situation)
  return situation.after([...steps, ...afterwards])
}

// ── Several regions ──────────────────────────────────────────────────────────

/** Requests as they are sent: tags go in parts, here of two images instead of fifty. */
export const inRequests = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step): Step[] =>
    step.action === 'tag' || step.action === 'untag'
      ? Array.from({ length: Math.ceil(step.ids.length / 2) }, (_, part) => ({
          ...step,
          ids: step.ids.slice(part * 2, part * 2 + 2),
        }))
      : [step],
  )

/** Where the process dies: so many phases are through, and in the next each lane has sent so many requests. */
export interface Death {
  readonly phases: number
  readonly cuts: readonly number[]
}

export interface Walked {
  /** Where the walk ended. */
  readonly situation: Situation
  /** The plan that was followed last. */
  readonly plan: Plan
  /** What there was at the beginning and after each request. */
  readonly seen: readonly Situation[]
  /** How many phases had something to do, the one of the death among them. */
  readonly phases: number
  readonly died: boolean
}

const prepares: readonly Phase[] = ['create', 'copy']
const applies: readonly Phase[] = ['create', 'record', 'check', 'prepare', 'activate', 'commit', 'prune']

/** Walks the line as a run does: lanes side by side, phase by phase; where copies are made, all is planned anew. */
export function walk(request: Request, start: Situation, death?: Death): Walked {
  const seen = [start]
  let situation = start
  let phases = 0
  for (let round = 1; ; round++) {
    const plan = concludeIn(planFor(request), situation).result
    const isCopying = lanesOf(plan, 'copy').length > 0
    if (isCopying && round === 4) throw new Error(`It copies without an end: ${JSON.stringify(plan)}`)
    for (const phase of isCopying ? prepares : applies) {
      const lanes = lanesOf(plan, phase).map((lane) => inRequests(lane.map(({ step }) => step)))
      if (lanes.length === 0) continue
      phases += 1
      const died = death !== undefined && phases > death.phases
      const steps = lanes.flatMap((lane, index) => (died ? lane.slice(0, death.cuts[index] ?? 0) : lane))
      for (const step of steps) {
        situation = situation.after([step])
        seen.push(situation)
      }
      if (died) return { situation, plan, seen, phases, died }
    }
    if (!isCopying) return { situation, plan, seen, phases, died: false }
    situation = situation.at(situation.state.now + 10 * minute)
  }
}

/** What is planned, by region and phase: `cn-shanghai switch: deprecate m-x, deprecate m-y`. */
export function lanesIn(request: Request, situation: Situation): string[] {
  const plan = concludeIn(planFor(request), situation).result
  if (plan.kind === 'refuse') throw new Error(`Refused: ${JSON.stringify(plan)}`)
  return plan.regions.flatMap(({ region: where, ...each }) =>
    each.kind === 'change'
      ? Object.entries(each.steps)
          .filter(([, steps]) => steps.length > 0)
          .map(([phase, steps]) => `${where} ${phase}: ${steps.map(brief).join(', ')}`)
      : [],
  )
}

/** What a family serves in each region. */
export const servedIn = (situation: Situation, family = 'web'): (string | undefined)[] =>
  [region, shanghai, beijing].map((where) => situation.current(family, where)?.id)

/** What becomes of a request: the refusal's code, or whether anything is changed. */
export const outcomeOf = (request: Request, situation: Situation): string => {
  const { plan } = planOf(request, situation)
  const { result } = concludeIn(planFor(request), situation)
  return plan.kind === 'refuse' ? plan.code : result.kind
}

/** Ten minutes later, as the next attempt finds it. */
export const later = (situation: Situation): Situation => situation.at(situation.state.now + 10 * minute)

/** A family served in a region before the first request and after each one, without repetitions. */
export const answersIn = (seen: readonly Situation[], where: string, family = 'web'): (string | undefined)[] =>
  seen
    .map((situation) => situation.current(family, where)?.id)
    .filter((answer, index, all) => index === 0 || answer !== all[index - 1])

const weighted = <const T>(...all: readonly (readonly [number, T])[]): Arbitrary<T> =>
  oneof(...all.map(([weight, value]) => ({ weight, arbitrary: constant(value) })))

const somewhere = record({
  day: integer({ min: 1, max: 12 }),
  status: weighted([12, 'Available'], [4, 'Deprecated'], [1, 'CreateFailed'], [1, 'Creating']),
  family: weighted([15, 'web'], [1, 'api'], [1, '']),
  tags: constantFrom<Tags[]>({}, {}, {}, {}, manyTags(3), manyTags(18)),
})
/** One image: where it was made first, and what there is of it in each region, some of it twice. */
const oneImage = record({
  born: integer({ min: 0, max: 2 }),
  standing: tuple(
    ...[0, 1, 2].map(() =>
      weighted([1, 0], [8, 1], [1, 2]).chain((times) => array(somewhere, { minLength: times, maxLength: times })),
    ),
  ),
})

/** Any family in three regions: `m-0-h1` is the first of what there is of image 0 in cn-hangzhou. */
export const anyRegions: Arbitrary<Situation> = array(oneImage, { minLength: 2, maxLength: 4 }).map((images) =>
  there(
    ...images.flatMap(({ born, standing }, index) =>
      standing.flatMap((all, where) =>
        all.map(({ day, tags, ...given }, nth): Image => {
          const [id, place] = [`m-${index}-${'hsb'[where]}${nth + 1}`, [region, shanghai, beijing][where] ?? '']
          const isOriginal = where === born && nth === 0
          const first = image(`m-${index}-${'hsb'[born]}1`, 1, { region: [region, shanghai, beijing][born] ?? '' })
          // Where there are copies, there was an image to be copied.
          const status = given.status === 'Deprecated' || standing.flat().length === 1 ? given.status : 'Available'
          if (isOriginal) return image(id, day, { ...given, status, tags, region: place })
          // CopyImage puts its image into no family.
          const family = given.status === 'Creating' ? '' : given.family
          return copyOf(first, place, id, day, { ...given, tags, family })
        }),
      ),
    ),
  ),
)

export const anyDeath: Arbitrary<Death> = record({
  phases: integer({ min: 0, max: 6 }),
  cuts: tuple(...[0, 1, 2].map(() => integer({ min: 0, max: 6 }))),
})
export const perhaps = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => option(arbitrary, { nil: undefined })

/** A step in a few words: `tag m-1,m-2`, `await m-1 in web`, `deprecate m-2`. */
export function brief(step: Step): string {
  switch (step.action) {
    case 'tag':
    case 'untag':
      return `${step.action} ${step.ids.join(',')}`
    case 'stop':
    case 'start':
      return `${step.action} ${step.instance}`
    case 'await':
      return `await ${step.image}${step.family === undefined ? '' : ` in ${step.family}`}`
    case 'join-family':
    case 'quarantine':
      return `${step.action} ${step.image} ${step.family}`
    case 'confirm':
      return `confirm ${step.family} ${step.image}`
    case 'share':
    case 'unshare':
      return `${step.action} ${step.image} ${step.accounts.join(',')}`
    case 'delete-snapshots':
      return `${step.action} ${step.snapshots.join(',')}`
    default:
      return `${step.action} ${step.image}`
  }
}

export const stepsOf = (request: Request, situation: Situation): string[] =>
  changeOf(request, situation).steps.map(brief)

/** What a family resolves to before the first step and after each one, without repetitions. */
export function answersAlong(steps: readonly Step[], situation: Situation, family = 'web'): (string | undefined)[] {
  const answers = [situation.current(family)?.id]
  let now = situation
  for (const step of steps) {
    now = now.after([step])
    const answer = now.current(family)?.id
    if (answer !== answers.at(-1)) answers.push(answer)
  }
  return answers
}

/** What a person sees: everything about the images but the action's own record. */
export const visibleIn = ({ state }: Situation): Record<string, string> =>
  Object.fromEntries(
    state.images
      .map(({ id, family, status }): [string, string] => [id, `${status} in ${family}`])
      .sort(([a], [b]) => a.localeCompare(b)),
  )

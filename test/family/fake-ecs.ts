/**
 * ECS as a value: which images there are and what ECS says of them. It answers the queries of a planner, and steps can
 * be carried out in it (carry-out.ts), under ECS's own rules; both give a new value and leave the old one as it was.
 * test/local-ecs/contract.test.ts holds it equal to the local ECS.
 */
import type { Image } from '../../src/family/model/image.ts'
import type { Instance } from '../../src/family/model/instance.ts'
import type { Obstacle, Permission, Query } from '../../src/family/plan/query.ts'
import type { Step } from '../../src/family/plan/steps.ts'
import { carryOut, refusalOfCreation } from './carry-out.ts'
import { noon, region } from './images.ts'

type Denial = Extract<Obstacle, 'identity' | 'request' | 'busy' | 'family-full'>

const codeOf: Readonly<Record<Denial, string>> = {
  identity: 'Forbidden.RAM',
  request: 'OperationDenied',
  busy: 'IncorrectDiskStatus.CreatingSnapshot',
  'family-full': 'ImageQuotaExceed.ImageFamily',
}

interface State {
  readonly images: readonly Image[]
  readonly serving: Readonly<Record<string, string | undefined>>
  readonly shares: Readonly<Record<string, readonly string[]>>
  readonly instances: readonly Instance[]
  /** IDs of images that instances use. */
  readonly used: readonly string[]
  /** IDs of snapshots that were noted for deletion, and are there still. */
  readonly leftovers: readonly string[]
  /** How many images the process has deleted before it plans again, by region. */
  readonly deleted: Readonly<Record<string, number>>
  readonly denied: readonly {
    readonly action: string
    readonly about: Denial
    readonly where: string | undefined
  }[]
  readonly now: number
  /** IDs of what steps have made last, by its label in the plan. */
  readonly made: Readonly<Record<string, string>>
  /** What reads show until the time that they lag is waited out. */
  readonly shown: FakeEcs | undefined
  /** What there is once an image being created has been waited for. */
  readonly later: FakeEcs | undefined
}

/** What ECS carries out only for an image in this status. */
const statusNeeded: Partial<Readonly<Record<Step['action'], Image['status']>>> = {
  deprecate: 'Available',
  restore: 'Deprecated',
  share: 'Available',
}

export class FakeEcs {
  readonly state: State

  constructor(state: Partial<State> = {}) {
    this.state = {
      images: [],
      serving: {},
      shares: {},
      instances: [],
      used: [],
      leftovers: [],
      deleted: {},
      denied: [],
      now: noon,
      made: {},
      shown: undefined,
      later: undefined,
      ...state,
    }
  }

  #but(change: Partial<State>): FakeEcs {
    return new FakeEcs({ ...this.state, ...change })
  }

  /** Adds images, or replaces those of the same ID. */
  with(...images: readonly Image[]): FakeEcs {
    const ids = new Set(images.map(({ id }) => id))
    return this.#but({ images: [...this.state.images.filter(({ id }) => !ids.has(id)), ...images] })
  }

  without(id: string): FakeEcs {
    return this.#but({ images: this.state.images.filter((each) => each.id !== id) })
  }

  /** Somebody changes an image outside of the action. */
  changing(id: string, change: Partial<Image>): FakeEcs {
    return this.with({ ...this.of(id), ...change })
  }

  /** What ECS answers for a family, where that is not the newest available image. */
  serving(family: string, id: string | undefined, where = region): FakeEcs {
    return this.#but({ serving: { ...this.state.serving, [`${where} ${family}`]: id } })
  }

  sharing(id: string, ...accounts: readonly string[]): FakeEcs {
    return this.#but({ shares: { ...this.state.shares, [id]: accounts } })
  }

  running(...instances: readonly Instance[]): FakeEcs {
    return this.#but({ instances })
  }

  /** Instances use these images. */
  using(...ids: readonly string[]): FakeEcs {
    return this.#but({ used: [...this.state.used, ...ids] })
  }

  leaving(...snapshots: readonly string[]): FakeEcs {
    return this.#but({ leftovers: snapshots })
  }

  /** This process has already deleted so many images, to make room. */
  havingDeleted(where: string, count: number): FakeEcs {
    return this.#but({ deleted: { ...this.state.deleted, [where]: count } })
  }

  /** ECS would not carry this out, because of who asks, of what is asked for, or of how things are. */
  denying(action: Step['action'], about: Denial = 'identity', where?: string): FakeEcs {
    return this.#but({ denied: [...this.state.denied, { action, about, where }] })
  }

  at(now: number): FakeEcs {
    return this.#but({ now })
  }

  /** Reads lag: they show this until the planner has waited it out. */
  readAs(shown: FakeEcs): FakeEcs {
    return this.#but({ shown })
  }

  /** Reads lag as far as tags are concerned. */
  readWithoutTags(): FakeEcs {
    return this.readAs(this.with(...this.state.images.map((each) => ({ ...each, tags: {} }))))
  }

  /** What there is when the planner has waited for an image. */
  onceWaited(later: FakeEcs): FakeEcs {
    return this.#but({ later })
  }

  of(id: string): Image {
    const found = this.state.images.find((each) => each.id === id)
    if (!found) throw new Error(`InvalidImageId.NotFound: there is no image ${id}.`)
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
    return this.in(where)
      .filter((each) => each.family === family && each.status === 'Available')
      .sort((a, b) => b.creationTime.localeCompare(a.creationTime) || b.id.localeCompare(a.id))[0]
  }

  /** All images of a region, in any status. */
  in(where: string): readonly Image[] {
    return this.state.images.filter((each) => each.region === where)
  }

  answer(question: Query): unknown {
    const { instances, now, used, leftovers, deleted } = this.state
    const images = 'region' in question ? this.in(question.region) : []
    const own = images.filter(({ ownerAlias }) => ownerAlias === 'self')
    switch (question.ask) {
      case 'current':
        return this.current(question.family, question.region)
      case 'members':
        return own.filter(({ family }) => family === question.family)
      case 'visible':
        return images.filter(({ family, status }) => family === question.family && status === 'Available')
      case 'image':
      case 'awaited':
        return images.find(({ id }) => id === question.image)
      case 'named':
        return own.filter(({ name }) => name === question.name)
      case 'made':
        return images.filter(({ tags }) => tags['image-family:run'] === question.run)
      case 'copies':
        return own.filter(({ tags, isCopied }) => isCopied && tags['image-family:origin'] === question.origin)
      case 'used':
        return own.filter(({ id, family }) => family === question.family && used.includes(id)).map(({ id }) => id)
      case 'leftovers':
        return leftovers
      case 'claimed':
        return question.snapshots
      case 'own':
        return own
      case 'shares':
        return this.sharesOf(question.image)
      case 'instance':
        return instances.find(({ id }) => id === question.instance)
      case 'permitted':
        return this.#permission(question.step)
      case 'deleted':
        return deleted[question.region] ?? 0
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
      return { granted: false, obstacle: denial.about, reason: `${codeOf[denial.about]}: that is not allowed` }
    }
    if (step.action === 'create') return this.#permissionToCreate(step)
    const mustBe = statusNeeded[step.action]
    const seen = 'image' in step ? this.state.images.find(({ id }) => id === step.image) : undefined
    if (seen && ['Creating', 'Waiting'].includes(seen.status)) {
      throw new Error(`ECS keeps this question until the image is created: ${JSON.stringify(step)}`)
    }
    if (seen && mustBe && seen.status !== mustBe) {
      return { granted: false, obstacle: 'request', reason: `IncorrectImageStatus: the image is ${seen.status}` }
    }
    const isShared = step.action === 'deprecate' && this.sharesOf(step.image).length > 0
    return isShared ? { granted: false, obstacle: 'shared', reason: 'the image is shared' } : { granted: true }
  }

  #permissionToCreate(step: Extract<Step, { action: 'create' }>): Permission {
    const code = refusalOfCreation(this, step)
    if (code === undefined) return { granted: true }
    const obstacle = { 'InvalidImageName.Duplicated': 'name-taken', IncorrectInstanceStatus: 'busy' } as const
    return { granted: false, obstacle: obstacle[code as keyof typeof obstacle] ?? 'request', reason: code }
  }

  /** What there is after these steps. @throws where ECS would answer with an error */
  after(steps: readonly Step[]): FakeEcs {
    return steps.reduce<FakeEcs>(carryOut, this.#but({ serving: {} }))
  }

  /** A step has created this image, which the plan knows by its label. */
  made(label: string, image: Image): FakeEcs {
    return this.with(image).#but({ made: { ...this.state.made, [label]: image.id } })
  }

  /** The ID of an image that a plan may know by a label. */
  idOf(ref: string): string {
    if (!ref.startsWith('<')) return ref
    const made = this.state.made[ref]
    if (made === undefined) throw new Error(`Nothing has made ${ref}.`)
    return made
  }
}

export const there = (...images: readonly Image[]): FakeEcs => new FakeEcs().with(...images)

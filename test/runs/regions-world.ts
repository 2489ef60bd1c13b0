/** A family kept in three regions, with late copies, a shared, a protected, a used image and a foreign one. */
import type { Inputs } from '../action/runner.ts'
import type { LocalEcs } from '../local-ecs/server.ts'
import { startEcs, timeless } from '../scenarios.ts'
import { type Deed, places, type RegionsEvent, type RegionsRun } from './regions-events.ts'

export type ImageView = ReturnType<LocalEcs['images']>[number]

export const originOf = ({ region, id, tags }: ImageView): string => tags['image-family:origin'] ?? `${region}/${id}`

export const among = <T>(things: readonly T[], pick: number): T | undefined => things[pick % Math.max(1, things.length)]

export class RegionsWorld {
  readonly ecs: LocalEcs
  /** Snapshots that a person has made. */
  readonly snapshots: readonly string[]
  readonly #instances: readonly string[]
  readonly #account: string
  /** Names by ID, of all that there ever was. */
  readonly #names = new Map<string, string>()
  #copies = 0

  private constructor(ecs: LocalEcs) {
    this.ecs = ecs
    this.#account = ecs.addAccount().uid
    this.#instances = places.map((region) => ecs.seed.instance({ region, status: 'Stopped' }).id)
    this.snapshots = places.map((region) => ecs.seed.snapshot({ region }).id)
    const [, shanghai, beijing] = places
    const [v1 = '', v2 = '', v3 = '', v4 = ''] = [1, 2, 3, 4].map((day) => this.#seed('web', day))
    this.#seed('web-candidate', 5)
    const tested = this.#seed('web-candidate', 6)
    const shared = { sharedWith: [this.#account] }
    const used = this.#copy(shanghai, v1, '2026-03-01T16:00:00Z')
    this.#copy(shanghai, v2, '2026-03-02T16:00:00Z')
    this.#copy(shanghai, v3, '2026-03-03T16:00:00Z', shared)
    this.#copy(shanghai, v4, '2026-03-04T16:00:00Z')
    this.#copy(beijing, v2, '2026-03-02T16:00:00Z')
    this.#copy(beijing, v3, '2026-03-03T16:00:00Z')
    this.#copy(beijing, v1, '2026-03-03T20:00:00Z')
    this.#copy(beijing, v4, '2026-03-04T16:00:00Z')
    ecs.seed.image({
      region: shanghai,
      name: 'by-hand',
      createdAt: '2026-03-06T16:00:00Z',
      copyOf: { region: places[0], id: tested },
    })
    ecs.seed.instance({ region: shanghai, imageId: used })
    ecs.change(v2, { tags: { ...ecs.image(v2)?.tags, 'image-family:protect': 'yes' } })
  }

  static async begin(): Promise<RegionsWorld> {
    return new RegionsWorld(await startEcs())
  }

  /** The first of a family is not of this action. */
  #seed(family: string, day: number): string {
    const tags = day === 1 ? {} : { 'image-family:run': `${day}-0123456789`, 'image-family:source': 'instance' }
    return this.ecs.seed.image({ family, name: `${family}-${day}`, createdAt: `2026-03-0${day}T10:00:00Z`, tags }).id
  }

  #copy(
    region: string,
    id: string,
    createdAt: string | undefined,
    more: { sharedWith?: string[]; family?: string } = {},
  ): string {
    const first = this.ecs.image(id)
    if (!first) throw new Error(`No image ${id}.`)
    const tags = { 'image-family:origin': originOf(first) }
    this.#copies += 1
    const name = `${first.name}-copy-${this.#copies}`
    return this.ecs.seed.image({ family: 'web', region, name, createdAt, tags, copyOf: first, ...more }).id
  }

  members(region: string): ImageView[] {
    return this.ecs.images(region).filter(({ family }) => family === 'web')
  }

  currents(): (string | undefined)[] {
    return places.map((region) => this.ecs.current('web', region))
  }

  // ── People ─────────────────────────────────────────────────────────────────

  /** @returns what was done, if there was something to do it to */
  byHand({ pick, place, deed }: Extract<RegionsEvent, { event: 'console' }>): string | undefined {
    const region = places[place] ?? places[0]
    const done = this.#deed(region, deed, pick)
    return done === undefined ? undefined : `console in ${region}: ${deed} ${done}`
  }

  #deed(region: string, deed: Deed, pick: number): string | undefined {
    const { ecs } = this
    const members = this.members(region)
    const of = (status: string) =>
      among(
        members.filter((image) => image.status === status),
        pick,
      )?.id
    const mayGo = members.filter(({ status }) => status === 'Available').length > 1
    const change = (id: string | undefined, wanted: Parameters<LocalEcs['change']>[1]) => {
      if (id !== undefined) ecs.change(id, wanted)
      return id
    }
    switch (deed) {
      case 'deprecate':
        return mayGo ? change(of('Available'), { status: 'Deprecated' }) : undefined
      case 'restore':
        return change(of('Deprecated'), { status: 'Available' })
      case 'move out': {
        const id = of('Available')
        // A bake with replicas cannot tell it from an image that never joined: stories.test.ts.
        const isBaked = id !== undefined && ecs.image(id)?.name.startsWith('web-7-')
        return mayGo && !isBaked ? change(id, { family: '' }) : undefined
      }
      case 'move in': {
        const free = ecs.images(region).filter(({ family, status }) => family === '' && status === 'Available')
        return change(among(free, pick)?.id, { family: 'web' })
      }
      case 'delete': {
        const id = among(members.slice(0, -1), pick)?.id
        const isLast = !mayGo && id === of('Available')
        if (id === undefined || isLast) return undefined
        ecs.remove(id)
        return id
      }
      case 'adopt': {
        const copy = ecs.images(region).find(({ copyOf, tags }) => copyOf && !('image-family:origin' in tags))
        const first = copy?.copyOf && ecs.image(copy.copyOf.id)
        return copy && first && change(copy.id, { tags: { ...copy.tags, 'image-family:origin': originOf(first) } })
      }
      case 'copy':
      case 'late copy': {
        const others = places.filter((each) => each !== region)
        const source = among(this.members(among(others, pick) ?? ''), pick)
        const family = deed === 'copy' ? '' : 'web'
        return source && this.#copy(region, source.id, undefined, { family })
      }
      case 'protect': {
        const image = among(members, pick)
        return image && change(image.id, { tags: { ...image.tags, 'image-family:protect': 'yes' } })
      }
    }
  }

  // ── Runs ───────────────────────────────────────────────────────────────────

  inputs({ kind, pick, home, without, keep, share, unshare }: RegionsRun): Inputs {
    const region = places[home] ?? places[0]
    const left = typeof without === 'number' ? places[without] : undefined
    const replicas = without === 'alone' ? [] : places.filter((each) => each !== region && each !== left)
    const image = among(this.members(region), pick)?.id ?? 'm-none'
    const instance = { 'instance-id': this.#instances[home] ?? '' }
    const web = {
      family: 'web',
      'region-id': region,
      ...(replicas.length > 0 ? { 'replica-region-ids': replicas.join(',') } : {}),
    }
    const sharing: Inputs = share ? { 'share-with': this.#account } : {}
    const pruning: Inputs = keep === undefined ? {} : { keep: String(keep) }
    const unsharing: Inputs = unshare ? { unshare: 'true' } : {}
    const promotion = { ...web, ...sharing, ...pruning, ...unsharing, mode: 'promote' }
    switch (kind) {
      case 'bake':
        return { ...web, ...sharing, ...pruning, mode: 'bake', ...instance }
      case 'bake-snapshot':
        return { ...web, ...sharing, ...pruning, mode: 'bake', 'snapshot-id': this.snapshots[home] ?? '' }
      case 'bake-candidate':
        return { mode: 'bake', family: 'web-candidate', 'region-id': region, ...instance }
      case 'promote-candidate':
        return { ...promotion, 'from-family': 'web-candidate' }
      case 'promote-image':
        return { ...promotion, 'image-id': image, 'deprecate-newer': 'true' }
      case 'rollback':
        return { ...web, ...sharing, ...unsharing, mode: 'rollback', reason: 'bad' }
      case 'rollback-to':
        return { ...web, ...unsharing, mode: 'rollback', 'to-image-id': image }
      case 'quarantine':
        return { ...web, mode: 'rollback', 'quarantine-family': 'web-bad' }
      case 'resolve':
        return { ...web, mode: 'resolve' }
    }
  }

  // ── What there is ──────────────────────────────────────────────────────────

  learnNames(): void {
    for (const { id, region, name } of this.ecs.images()) this.#names.set(id, `${region}/${name}`)
  }

  /** With names in place of IDs, and without times: the same in every walk. */
  named(value: unknown): unknown {
    const text = JSON.stringify(timeless(value)).replaceAll(/m-[a-z0-9]{10,}/g, (id) => this.#names.get(id) ?? id)
    return JSON.parse(text.replaceAll(/s-[a-z0-9]{12,}/g, 's'))
  }

  view(): unknown {
    const images = this.ecs.images().sort((a, b) => `${a.region}/${a.name}`.localeCompare(`${b.region}/${b.name}`))
    return this.named(
      images.map(({ region, name, family, status, tags, sharedWith }) => ({
        region,
        name,
        family,
        status,
        tags,
        sharedWith,
      })),
    )
  }

  /** For people, one line an image. */
  describe(): string[] {
    return this.ecs
      .images()
      .map(
        ({ id, region, name, family, status, creationTime, tags, sharedWith }) =>
          `${region} ${id.replace(/0{6,}/, '…')} ${name} [${family}] ${status} ${creationTime} ${JSON.stringify(tags)} ${sharedWith}`,
      )
  }
}

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, steppedClock } from './clock.ts'
import { type Change, change, find, remove } from './console.ts'
import { resolveFamily } from './families.ts'
import type { Faults } from './faults.ts'
import { liveImages } from './image.ts'
import { releaseDueInstances } from './instance.ts'
import { type Seed, seeding } from './seed.ts'
import { type Intercept, type RequestRecord, Service } from './service.ts'
import { defaultQuotas, defaultSwitches, type Quotas, type Switches } from './switches.ts'
import {
  type ImageView,
  type InstanceView,
  type SnapshotView,
  viewImage,
  viewInstance,
  viewSnapshot,
  viewWorld,
} from './views.ts'
import { type Account, type Session, World } from './world.ts'

export { realClock, steppedClock } from './clock.ts'
export type { RequestRecord } from './service.ts'
export type { Account, Session } from './world.ts'

export interface LocalEcsOptions {
  clock?: Clock | undefined
  switches?: Partial<Switches> | undefined
  quotas?: Partial<Quotas> | undefined
  /** Regions besides those it knows. */
  regions?: readonly string[] | undefined
  /** Any free one unless told otherwise. */
  port?: number | undefined
}

export interface LocalEcs {
  readonly url: string
  readonly port: number
  readonly account: Account
  addAccount(name?: string): Account
  session(account: Account, options?: { expiresAt?: number | string | Date | undefined }): Session
  readonly clock: Clock
  readonly switches: Switches
  readonly quotas: Quotas
  readonly faults: Faults
  readonly requests: RequestRecord[]
  intercept: Intercept | undefined
  readonly seed: Seed
  image(id: string): ImageView | undefined
  /** Of all regions and all accounts, unless told otherwise, in the order they came to be. */
  images(region?: string, account?: Account): ImageView[]
  instance(id: string): InstanceView | undefined
  snapshot(id: string): SnapshotView | undefined
  change(id: string, wanted: Change): void
  remove(id: string): void
  current(family: string, region?: string, account?: Account): string | undefined
  state(): ReturnType<typeof viewWorld>
  close(): Promise<void>
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Reading the world from outside; nothing here is stale. */
function reading(world: World, account: Account) {
  const seen = <K, T>(id: string, kind: K, view: (thing: never, world: World) => T): T | undefined => {
    releaseDueInstances(world)
    const found = find(world, id)
    return found?.kind === kind ? view(found.thing as never, world) : undefined
  }
  return {
    image: (id: string) => seen(id, 'image', viewImage),
    instance: (id: string) => seen(id, 'instance', viewInstance),
    snapshot: (id: string) => seen(id, 'snapshot', viewSnapshot),
    images: (region?: string, owner?: Account) =>
      (region === undefined ? [...world.regions.values()] : [world.region(region)])
        .flatMap(liveImages)
        .filter((image) => owner === undefined || image.owner === owner.uid)
        .map((image) => viewImage(image, world)),
    current: (family: string, region = 'cn-hangzhou', viewer = account) =>
      resolveFamily(world, { family, region: world.region(region), viewer: viewer.uid })?.id,
    state: () => viewWorld(world),
  }
}

export async function startLocalEcs(options: LocalEcsOptions = {}): Promise<LocalEcs> {
  const world = new World({
    clock: options.clock ?? steppedClock(),
    switches: { ...defaultSwitches, ...options.switches },
    quotas: { ...defaultQuotas, ...options.quotas },
    regions: options.regions ?? [],
  })
  const service = new Service(world)
  const account = world.addAccount()
  const server = createServer((message, response) => {
    service.serve(message, response).catch(() => response.destroy())
  })
  const port = await listen(server, options.port ?? 0)
  const { clock, switches, quotas } = world
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    account,
    clock,
    switches,
    quotas,
    faults: service.faults,
    requests: service.requests,
    seed: seeding(world, account),
    ...reading(world, account),
    addAccount: (name?: string) => world.addAccount(name),
    session: (owner: Account, { expiresAt }: { expiresAt?: number | string | Date | undefined } = {}) =>
      world.addSession(owner, {
        expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : new Date(expiresAt).getTime(),
      }),
    change: (id: string, wanted: Change) => change(world, id, wanted),
    remove: (id: string) => remove(world, id),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    get intercept() {
      return service.intercept
    },
    set intercept(hook) {
      service.intercept = hook
    },
  }
}

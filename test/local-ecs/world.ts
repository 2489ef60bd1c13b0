import { createHash } from 'node:crypto'
import type { Clock } from './clock.ts'
import { type EcsError, regionNotFound } from './errors.ts'
import type { Image } from './image.ts'
import type { Instance } from './instance.ts'
import type { Snapshot } from './snapshot.ts'
import type { Quotas, Switches } from './switches.ts'
import type { TokenTable } from './tokens.ts'

export interface Account {
  readonly uid: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export interface Session {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken: string
}

/** What an AccessKey ID stands for. */
export interface Key {
  readonly account: Account
  readonly secret: string
  readonly session?: { readonly token: string; readonly expiresAt: number; readonly roleArn: string | undefined }
}

export interface Region {
  readonly id: string
  /** The first letters of every resource ID of the region. */
  readonly code: string
  readonly images: Map<string, Image>
  readonly snapshots: Map<string, Snapshot>
  readonly instances: Map<string, Instance>
  lastCreation: number
}

const REGION_CODES: Readonly<Record<string, string>> = {
  'cn-hangzhou': 'bp1',
  'cn-shanghai': 'uf6',
  'cn-beijing': '2ze',
  'cn-shenzhen': 'wz9',
  'cn-guangzhou': '7xv',
  'cn-hongkong': 'j6c',
  'ap-southeast-1': 't4n',
  'eu-central-1': 'gw8',
  'us-west-1': 'rj9',
}

/** Everything there is: accounts and their keys, regions and what is in them. */
export class World {
  readonly clock: Clock
  readonly switches: Switches
  readonly quotas: Quotas
  readonly accounts = new Map<string, Account>()
  readonly keys = new Map<string, Key>()
  readonly regions = new Map<string, Region>()
  readonly tokens: TokenTable = new Map()
  private readonly counters = new Map<string, number>()

  constructor(options: { clock: Clock; switches: Switches; quotas: Quotas; regions: readonly string[] }) {
    this.clock = options.clock
    this.switches = options.switches
    this.quotas = options.quotas
    for (const id of new Set([...Object.keys(REGION_CODES), ...options.regions])) this.addRegion(id)
  }

  private addRegion(id: string): void {
    const code = REGION_CODES[id] ?? `x${this.count('region').toString(36).padStart(2, '0')}`
    const maps = { images: new Map(), snapshots: new Map(), instances: new Map() }
    this.regions.set(id, { id, code, ...maps, lastCreation: 0 })
  }

  count(kind: string): number {
    const next = (this.counters.get(kind) ?? 0) + 1
    this.counters.set(kind, next)
    return next
  }

  /** IDs of ECS's form, counted instead of drawn, so that two equal runs have equal IDs. */
  newId(kind: 'm' | 's' | 'i' | 'd', region: Region): string {
    const number = this.count(`${kind}-${region.code}`)
    return `${kind}-${region.code}${number.toString(36).padStart(17, '0')}`
  }

  newRequestId(): string {
    const hash = createHash('sha1')
      .update(`request ${this.count('request')}`)
      .digest('hex')
      .toUpperCase()
    return [
      hash.slice(0, 8),
      hash.slice(8, 12),
      `5${hash.slice(13, 16)}`,
      `8${hash.slice(17, 20)}`,
      hash.slice(20, 32),
    ].join('-')
  }

  region(id: string | undefined, otherwise: () => EcsError = regionNotFound): Region {
    const region = this.regions.get(id ?? '')
    if (!region) throw otherwise()
    return region
  }

  /**
   * The second in which something is made, later than that of anything made before it in the region: which of two
   * images of one second is newer is not documented, so it only happens to those who seed it.
   */
  newCreationTime(region: Region): number {
    const second = Math.floor(this.clock.now() / 1000) * 1000
    region.lastCreation = Math.max(second, region.lastCreation + 1000)
    return region.lastCreation
  }

  addAccount(name?: string): Account {
    const number = this.count('account')
    const account = {
      // Sixteen digits below 2^53, as ECS also prints the UID as a number.
      uid: String(1_234_567_890_123_455 + number),
      accessKeyId: `LTAI5t${(name ?? 'LocalEcs').replace(/[^A-Za-z0-9]/g, '')}${String(number).padStart(4, '0')}`,
      accessKeySecret: `LocalEcsSecret${String(number).padStart(16, '0')}`,
    }
    this.accounts.set(account.uid, account)
    this.keys.set(account.accessKeyId, { account, secret: account.accessKeySecret })
    return account
  }

  addSession(account: Account, options: { expiresAt: number; roleArn?: string | undefined }): Session {
    const number = String(this.count('session')).padStart(8, '0')
    const session = {
      accessKeyId: `STS.LocalEcs${number}`,
      accessKeySecret: `LocalEcsSessionSecret${number}`,
      securityToken: `CAISLocalEcsSecurityToken${number}==`,
    }
    const { expiresAt, roleArn } = options
    this.keys.set(session.accessKeyId, {
      account,
      secret: session.accessKeySecret,
      session: { token: session.securityToken, expiresAt, roleArn },
    })
    return session
  }
}

/**
 * A request by what it asks of whom, and the how manieth of its kind it is: regions go on side by side, so that its
 * place among the others differs from walk to walk.
 */
import type { LocalEcs, RequestRecord } from '../local-ecs/server.ts'
import { timeless } from '../scenarios.ts'

export interface Place {
  readonly key: string
  readonly region: string
  readonly action: string
  readonly isWrite: boolean
  readonly occurrence: number
}

/** The region that a request is about; a copy is asked for where its source is. */
const regionOf = (ecs: LocalEcs, { parameters }: RequestRecord): string => {
  const { DestinationRegionId, RegionId, SnapshotId = '' } = parameters
  return DestinationRegionId ?? RegionId ?? ecs.snapshot(SnapshotId)?.region ?? 'cn-hangzhou'
}

/** Names each request as it comes. */
export function placing(ecs: LocalEcs): (request: RequestRecord) => Place {
  const seen = new Map<string, number>()
  return (request) => {
    const { action, write, dryRun } = request
    const key = JSON.stringify([action, timeless(request.parameters)])
    const occurrence = (seen.get(key) ?? 0) + 1
    seen.set(key, occurrence)
    return { key, action, region: regionOf(ecs, request), isWrite: write && !dryRun, occurrence }
  }
}

export const isAt = (one: Place, other: Place): boolean => one.key === other.key && one.occurrence === other.occurrence

export const describePlace = ({ action, region, key, occurrence }: Place): string =>
  `${action} (${occurrence}) about ${region}, ${key.slice(0, 200)}`

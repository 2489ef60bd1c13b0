import { dryRunPassed } from './errors.ts'
import type { Action } from './parameters.ts'
import type { Account, Key, Region, World } from './world.ts'

/** One verified request on its way through an API. */
export interface Call {
  readonly action: Action
  readonly world: World
  readonly account: Account
  readonly key: Key | undefined
  readonly region: Region
  readonly parameters: Readonly<Record<string, string>>
  readonly dryRun: boolean
  readonly now: number
}

export type Answer = Record<string, unknown>

/** Stands in every API between the last check and the first effect. */
export function endDryRun(call: Call): void {
  if (call.dryRun) throw dryRunPassed()
}

/** From settings to a connection: credentials, masked before anything is logged, and the client. */
import { setSecret } from '@actions/core'
import { connectEcs } from './ecs/adapter.ts'
import { EcsClient } from './ecs/client.ts'
import { chainCredentials, describeCredentials, staticCredentials } from './ecs/credentials.ts'
import type { Clock } from './engine/clock.ts'
import type { Ecs, Log } from './engine/ports.ts'
import type { Settings } from './inputs/settings.ts'

interface Secrets {
  readonly accessKeySecret?: string | undefined
  readonly securityToken?: string | undefined
}

/** From now on the runner masks these secrets in everything that is printed. */
export function mask({ accessKeySecret, securityToken }: Secrets): void {
  for (const secret of [accessKeySecret, securityToken]) {
    if (!secret || masked.has(secret)) continue
    setSecret(secret)
    masked.add(secret)
  }
}

/** The chain is asked before every request; each secret is passed to the runner once. */
const masked = new Set<string>()

/** Logs the kind of credentials as its first line. @throws ActionError when there are none */
export async function connect({ keys, endpoint }: Settings, { clock, log }: { clock: Clock; log: Log }): Promise<Ecs> {
  // The SDK's HTTP layer uses a deprecated URL parser, which a user of this action cannot change.
  process.noDeprecation = true
  const credentials = keys ? staticCredentials(keys) : chainCredentials(mask)
  log.info(`Credentials: ${await clock.answer(describeCredentials(credentials))}`)
  const client = new EcsClient({
    credentials,
    endpoint,
    userAgent: 'ecs-image-family-action',
    clock,
    onRetry: ({ operation, region, ecsCode, status, reason }, failures) => {
      const answered = ecsCode ? `${ecsCode} (HTTP ${status})` : reason
      // A state may take long to come, in many regions.
      if (failures > 3 && failures % 12 !== 0) return
      log.info(`${operation} in ${region}: ${answered}; trying again (${failures})`)
    },
  })
  return connectEcs(client)
}

/** Connects to ECS: finds the credentials, masks them before anything is logged, and creates the client. */
import { setSecret } from '@actions/core'
import { connectEcs } from './ecs/adapter.ts'
import { EcsClient } from './ecs/client.ts'
import { chainCredentials, describeCredentials, staticCredentials } from './ecs/credentials.ts'
import type { Clock } from './engine/clock.ts'
import type { Ecs, Log } from './engine/ports.ts'
import type { GivenInputs } from './github/given-inputs.ts'
import type { Settings } from './inputs/settings.ts'

interface Secrets {
  readonly accessKeySecret?: string | undefined
  readonly securityToken?: string | undefined
}

/** Tells the runner to mask these secrets in everything that is printed from now on. */
function maskInLog({ accessKeySecret, securityToken }: Secrets): void {
  for (const secret of [accessKeySecret, securityToken]) {
    if (!secret || masked.has(secret)) continue
    setSecret(secret)
    masked.add(secret)
  }
}

/** The secrets among the inputs, before the inputs are checked. */
export const maskSecretInputs = (given: GivenInputs): void =>
  maskInLog({
    accessKeySecret: given.get('access-key-secret')?.trim(),
    securityToken: given.get('security-token')?.trim(),
  })

/** Secrets that the runner knows. The chain is asked before every request, but each secret is passed on only once. */
const masked = new Set<string>()

/** The first line that it logs is the kind of credentials. @throws ActionError when there are none */
export async function connect({ keys, endpoint }: Settings, { clock, log }: { clock: Clock; log: Log }): Promise<Ecs> {
  // The SDK's HTTP layer uses a deprecated URL parser. Users of this action cannot change that.
  process.noDeprecation = true
  const credentials = keys ? staticCredentials(keys) : chainCredentials(maskInLog)
  log.info(`Credentials: ${await clock.untilCancelled(describeCredentials(credentials))}`)
  const client = new EcsClient({
    credentials,
    endpoint,
    userAgent: 'ecs-image-family-action',
    clock,
    onRetry: ({ operation, region, ecsCode, status, reason }, failures) => {
      const answered = ecsCode ? `${ecsCode} (HTTP ${status})` : reason
      // A long wait for a state in many regions must not fill the log.
      if (failures > 3 && failures % 12 !== 0) return
      log.info(`${operation} in ${region}: ${answered}; trying again (${failures})`)
    },
  })
  return connectEcs(client)
}

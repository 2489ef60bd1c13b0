/** Who the action is to ECS: static keys from the inputs, or the SDK's default chain. */
import CredentialModule from '@alicloud/credentials'
import type { ActionError } from '../engine/action-error.ts'
import { credentialsError } from './errors.ts'

export interface StaticKeys {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken: string | undefined
}

interface Keys {
  readonly accessKeyId?: string
  readonly accessKeySecret?: string
  readonly securityToken?: string
  readonly type?: string
  readonly providerName?: string
}

/** The SDK asks for keys before every request, so that they can be renewed. */
export interface Credentials {
  getCredential(): Promise<Keys>
}

const Credential = (
  'default' in CredentialModule ? CredentialModule.default : CredentialModule
) as new () => Credentials

/** The kinds of credentials that the chain may find, for the log. */
const kinds: Readonly<Record<string, string>> = {
  env: 'keys from the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)',
  oidc_role_arn: 'a role assumed with an OIDC token file (ALIBABA_CLOUD_ROLE_ARN)',
  cli_profile: 'a profile of the Alibaba Cloud CLI',
  profile: 'the shared credentials file',
  ecs_ram_role: "the RAM role of the runner's ECS instance",
  credential_uri: 'a credentials URI',
}

const chainKind = (providerName: string): string => {
  const name = providerName.replace(/^default\//, '').split('/')[0] ?? ''
  return kinds[name] ?? 'the default credential chain'
}

export const staticCredentials = ({ accessKeyId, accessKeySecret, securityToken }: StaticKeys): Credentials => {
  const type = securityToken === undefined ? 'access_key' : 'sts'
  const providerName = securityToken === undefined ? 'static_ak' : 'static_sts'
  const keys = { accessKeyId, accessKeySecret, securityToken: securityToken ?? '', type, providerName }
  return { getCredential: async () => keys }
}

const isSet = (name: string): boolean => (process.env[name] ?? '') !== ''

/** The chain would skip an incomplete key without a word, and use whatever comes next. */
function incompleteKey(): ActionError | undefined {
  const [id, secret] = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'] as const
  if (isSet(id) === isSet(secret)) return undefined
  const [given, missing] = isSet(id) ? [id, secret] : [secret, id]
  return credentialsError(
    `Incomplete credentials: the environment variable ${given} is set, and ${missing} is empty.`,
    'Set both, or neither.',
  )
}

const noCredentials = () =>
  credentialsError(
    'There are no credentials in the inputs, and the default chain (environment, OIDC token file, CLI profile, RAM role of the runner) found none that work.',
    'Set `access-key-id` and `access-key-secret`, or run aliyun/configure-aliyun-credentials-action in an earlier step.',
  )

/**
 * Asks the chain before every request: it renews what expires. A chain that has failed once asks only its last
 * provider from then on, so each failure is followed by a new chain. It cannot be asked twice at once.
 */
export function chainCredentials(onKeys: (keys: Keys) => void): Credentials {
  let chain = new Credential()
  let asking: Promise<Keys> | undefined
  const asked = async (): Promise<Keys> => {
    try {
      const keys = await chain.getCredential()
      onKeys(keys)
      return keys
    } catch {
      chain = new Credential()
      throw noCredentials()
    } finally {
      asking = undefined
    }
  }
  return {
    async getCredential() {
      const incomplete = incompleteKey()
      if (incomplete) throw incomplete
      asking ??= asked()
      return await asking
    },
  }
}

/** Asks for the credentials once, and says in words what kind they are. */
export async function describeCredentials(credentials: Credentials): Promise<string> {
  const { providerName = '' } = await credentials.getCredential()
  if (providerName === 'static_ak') return 'the access key from the inputs'
  if (providerName === 'static_sts') return 'temporary keys (STS) from the inputs'
  return chainKind(providerName)
}

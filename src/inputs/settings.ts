/** How to reach ECS, and how long to wait for it: what the post step needs as well, and all that it needs. */
import type { StaticKeys } from '../ecs/credentials.ts'
import type { InputName, Values } from './schema.ts'

export interface Settings {
  /** Undefined: the SDK's default chain. */
  readonly keys: StaticKeys | undefined
  readonly endpoint: string | undefined
  /** Milliseconds. */
  readonly interval: number
  /** Milliseconds. */
  readonly limit: number
}

export const settingNames = [
  'access-key-id',
  'access-key-secret',
  'security-token',
  'endpoint',
  'poll-interval-seconds',
  'wait-timeout-minutes',
] as const satisfies readonly InputName[]

type SettingValues = Pick<Values, (typeof settingNames)[number]>

export const makeSettings = (values: SettingValues): Settings => ({
  keys: makeKeys(values),
  endpoint: values.endpoint,
  interval: values['poll-interval-seconds'] * 1000,
  limit: values['wait-timeout-minutes'] * 60_000,
})

function makeKeys(values: SettingValues): StaticKeys | undefined {
  const { 'access-key-id': accessKeyId, 'access-key-secret': accessKeySecret } = values
  if (accessKeyId === undefined || accessKeySecret === undefined) return undefined
  return { accessKeyId, accessKeySecret, securityToken: values['security-token'] }
}

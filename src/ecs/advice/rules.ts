/** Advice by pattern and status, for codes that are in no table. */
import { type Advice, fail, reportBug, retry } from './advice.ts'
import { checkKeys, grant, renewToken } from './credentials.ts'
import { quotaUsedUp, runAgainLater, slowDown } from './general.ts'

interface Rule {
  readonly holds: (code: string, status: number | undefined) => boolean
  readonly advice: (operation: string) => Advice
}

const startsWith =
  (...prefixes: readonly string[]) =>
  (code: string): boolean =>
    prefixes.some((prefix) => code.startsWith(prefix))

const always = (advice: Advice) => (): Advice => advice

/** The first that holds counts. */
export const rules: readonly Rule[] = [
  // ECS has a dozen spellings of this, under the statuses 400, 429 and 503.
  { holds: (code) => code.includes('Throttling'), advice: always(slowDown) },
  { holds: (_, status) => status !== undefined && status >= 500, advice: always(runAgainLater) },
  { holds: (_, status) => status === 429, advice: always(slowDown) },
  { holds: startsWith('Forbidden', 'Forbbiden', 'InvalidUser.Unauthorized'), advice: grant },
  { holds: startsWith('InvalidSecurityToken'), advice: always(renewToken) },
  {
    holds: startsWith('InvalidAccessKeyId'),
    advice: always(fail('Check `access-key-id`: the key must exist and be enabled (RAM console, AccessKey).')),
  },
  { holds: startsWith('Signature', 'IncompleteSignature'), advice: always(checkKeys) },
  {
    holds: startsWith('InvalidTimeStamp'),
    advice: always(fail("Correct the runner's clock (NTP): ECS accepts a difference of at most 15 minutes.")),
  },
  {
    holds: startsWith('HibernationConfigured'),
    advice: always(
      fail('Use an instance without hibernation as `instance-id`: ECS forbids this while hibernation is configured.'),
    ),
  },
  {
    holds: startsWith('InvalidParameter.KMSKeyId'),
    advice: always(
      fail('Check in the KMS console that the key exists in this region, is enabled, and may be used by ECS.'),
    ),
  },
  { holds: startsWith('MissingParameter'), advice: always(reportBug) },
  { holds: (code) => code.includes('Quota'), advice: always(quotaUsedUp) },
  {
    holds: startsWith('InvalidParameter', 'InvalidParamter'),
    advice: always(fail("Correct the input that ECS's message above names.")),
  },
  // ECS never answers without a code: this was a gateway's page, under whatever status, or nothing at all.
  {
    holds: (code) => code === '',
    advice: always(
      retry(
        'Check the network between runner and ECS, the region IDs, and `endpoint` if set, then run the step again.',
      ),
    ),
  },
]

/**
 * What an ECS error code means for the caller, and what a person should do about it. Codes are compared exactly as ECS
 * spells them, misspellings included; messages are never read, since several codes have two wordings and they change.
 * The lists of codes are those of https://www.alibabacloud.com/help/en/ecs/api-<name of the operation in lower case>.
 */
import { type Advice, fail } from './advice.ts'
import { copies } from './copies.ts'
import { credentials } from './credentials.ts'
import { general } from './general.ts'
import { images } from './images.ts'
import { instances } from './instances.ts'
import { rules } from './rules.ts'
import { sharing } from './sharing.ts'
import { snapshots } from './snapshots.ts'
import { tags } from './tags.ts'

export type { Advice, Reaction } from './advice.ts'

/** Keyed by code, or by `Operation/Code` where an operation means something of its own by it; that entry comes first. */
export const areas: readonly Readonly<Record<string, Advice>>[] = [
  general,
  credentials,
  images,
  snapshots,
  instances,
  copies,
  sharing,
  tags,
]

const adviceByCode: ReadonlyMap<string, Advice> = new Map(areas.flatMap((area) => Object.entries(area)))

const unknown = fail(
  "Read ECS's own message above, it says why; look the code up at https://api.aliyun.com/troubleshoot.",
)

/**
 * What to do about an answer to a request; `code` and `status` are undefined when it had none, or there was no answer.
 * A code that is in none of ECS's lists is judged by pattern and status; if none fits, it fails: nobody knows that it
 * passes.
 */
export function adviceFor(operation: string, code: string | undefined, status: number | undefined): Advice {
  const given = code ?? ''
  return (
    adviceByCode.get(`${operation}/${given}`) ??
    adviceByCode.get(given) ??
    rules.find((rule) => rule.holds(given, status))?.advice(operation) ??
    unknown
  )
}

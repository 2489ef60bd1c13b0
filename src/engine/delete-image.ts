/** Deletes an image, unless something has changed since the plan that is a reason to keep it. */

import type { Deletion } from '../family/plan/steps.ts'
import { findFallback } from '../family/rules/pruning.ts'
import { reasonToKeep } from '../family/rules/reasons-to-keep.ts'
import type { Ecs } from './ports.ts'
import type { StepContext, StepResult } from './step-result.ts'

/** Looks at the family again directly before the deletion. */
export async function deleteUnlessNeeded(step: Deletion, { ecs, record }: StepContext): Promise<StepResult> {
  const { region, image, family } = step
  const [members, current] = await Promise.all([
    ecs.look({ ask: 'members', region, family }),
    ecs.look({ ask: 'current', region, family }),
  ])
  const seen = members.find(({ id }) => id === image)
  const reason = reasonToKeep(step, {
    image: seen,
    members,
    current,
    fallback: current && findFallback(current, members),
  })
  if (reason !== undefined) return { kind: 'skipped', code: seen ? 'kept' : 'already-deleted', reason }
  // For an image in use, ECS would refuse the deletion only after its shares are taken back.
  const used = step.accounts.length > 0 ? await ecs.look({ ask: 'used', region, family }) : []
  if (used.includes(image)) return { kind: 'skipped', code: 'kept', reason: 'it is in use by an instance now' }
  const unclaimed = await findUnclaimed(step, ecs)
  if (unclaimed.length > 0) {
    return {
      kind: 'skipped',
      code: 'kept',
      reason: `the tags of ${unclaimed.join(', ')} do not say that this run deletes it`,
    }
  }
  await ecs.write(step)
  record({ kind: 'gone', image })
  return { kind: 'done' }
}

/** Without its image, a snapshot that is not claimed would be left behind, and no later attempt would find it. */
async function findUnclaimed({ region, snapshots, run }: Deletion, ecs: Ecs): Promise<readonly string[]> {
  if (snapshots.length === 0) return []
  const claimed = await ecs.look({ ask: 'claimed', region, snapshots, run })
  return snapshots.filter((id) => !claimed.includes(id))
}

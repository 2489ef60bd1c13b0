/** What is deleted with an image: the snapshots that ECS made for it. */

import type { Image } from '../model/image.ts'
import { tag } from '../model/tags.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { Deletion, Step } from '../plan/steps.ts'
import type { RetentionFacts, RetentionRequest } from './reasons-to-keep.ts'

/** An image that is to be deleted, and the accounts that it is shared with. */
interface Deletable {
  readonly image: Image
  readonly accounts: readonly string[]
}

/** Own images as they are known, the target among them. */
export const knownIn = ({ members, target }: RetentionFacts): Image[] =>
  target ? [target, ...members.filter(({ id }) => id !== target.id)] : [...members]

export function planDeletions(
  { region, family, run }: RetentionRequest,
  facts: RetentionFacts,
  going: readonly Deletable[],
): Deletion[] {
  const known = knownIn(facts)
  return going.map(({ image, accounts }, index) => {
    const before = going.slice(0, index).map((each) => each.image)
    return {
      action: 'delete',
      region,
      image: image.id,
      family,
      accounts,
      snapshots: snapshotsWith(image, { known, before }),
      decision: image.tags[tag.decision],
      run: run.key,
    }
  })
}

/** By CreateImage from an instance, or by CopyImage; all others were named by the user. */
const hasOwnSnapshots = ({ tags, isCopied }: Image): boolean =>
  tags[tag.source] === 'instance' || (isCopied && tag.origin in tags)

/** Snapshots that go with the image: of those that several images rest on, the last image takes them along. */
function snapshotsWith(
  image: Image,
  { known, before }: { known: readonly Image[]; before: readonly Image[] },
): readonly string[] {
  if (!hasOwnSnapshots(image)) return []
  const gone = [image, ...before.filter(hasOwnSnapshots)].map(({ id }) => id)
  const needed = known.filter(({ id }) => !gone.includes(id)).flatMap(({ snapshots }) => snapshots)
  return [...new Set(image.snapshots)].filter((id) => !needed.includes(id))
}

/** Before their images are gone: a later attempt finds by it which snapshots were to go with them. */
export function claimSnapshots(
  { region, run }: Pick<RetentionRequest, 'region' | 'run'>,
  deletions: readonly Deletion[],
): Step[] {
  const ids = deletions.flatMap(({ snapshots }) => snapshots)
  return ids.length === 0 ? [] : [{ action: 'tag', region, resource: 'snapshot', ids, tags: { [tag.run]: run.key } }]
}

/** Snapshots that an earlier attempt, lost in the middle of a deletion, has left without their image. */
export function* deleteLeftovers({
  region,
  run,
}: Pick<RetentionRequest, 'region' | 'run'>): QueryGenerator<readonly Step[]> {
  if (run.attempt === 1) return []
  const [snapshots] = yield* query({ ask: 'leftovers', region, run: run.key })
  return snapshots.length === 0 ? [] : [{ action: 'delete-snapshots', region, snapshots }]
}

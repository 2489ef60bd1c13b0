/** Plans deletions of images, together with the snapshots that ECS created for them. */

import type { Image } from '../model/image.ts'
import { isTaggedCopy } from '../model/origin.ts'
import { tag } from '../model/tags.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { Deletion, Step } from '../plan/steps.ts'
import type { RetentionFacts, RetentionRequest } from './reasons-to-keep.ts'

/** An image that is to be deleted, and the accounts that it is shared with. */
interface Deletable {
  readonly image: Image
  readonly accounts: readonly string[]
}

/** The members of the family, plus the target if it has not joined yet. */
export const membersWithTarget = ({ members, target }: RetentionFacts): Image[] =>
  target ? [target, ...members.filter(({ id }) => id !== target.id)] : [...members]

export function planDeletions(
  { region, family, run }: RetentionRequest,
  facts: RetentionFacts,
  images: readonly Deletable[],
): Deletion[] {
  const known = membersWithTarget(facts)
  return images.map(({ image, accounts }, index) => {
    const deletedBefore = images.slice(0, index).map((each) => each.image)
    return {
      action: 'delete',
      region,
      image: image.id,
      family,
      accounts,
      snapshots: findOwnSnapshots(image, { known, deletedBefore }),
      decision: image.tags[tag.decision],
      run: run.key,
    }
  })
}

/** CreateImage from an instance and CopyImage create snapshots; the snapshots of other images were named by the user. */
const hasOwnSnapshots = (image: Image): boolean => image.tags[tag.source] === 'instance' || isTaggedCopy(image)

/** Snapshots that are deleted with the image. A snapshot that several images use is deleted with the last of them. */
function findOwnSnapshots(
  image: Image,
  { known, deletedBefore }: { known: readonly Image[]; deletedBefore: readonly Image[] },
): readonly string[] {
  if (!hasOwnSnapshots(image)) return []
  const deleted = [image, ...deletedBefore.filter(hasOwnSnapshots)].map(({ id }) => id)
  const needed = known.filter(({ id }) => !deleted.includes(id)).flatMap(({ snapshots }) => snapshots)
  return [...new Set(image.snapshots)].filter((id) => !needed.includes(id))
}

/** Claims the snapshots before their images are deleted, so that a later attempt can find and delete them. */
export function claimSnapshots(
  { region, run }: Pick<RetentionRequest, 'region' | 'run'>,
  deletions: readonly Deletion[],
): Step[] {
  const snapshots = deletions.flatMap((deletion) => deletion.snapshots)
  return snapshots.length === 0 ? [] : [{ action: 'claim-snapshots', region, snapshots, run: run.key }]
}

/** Deletes snapshots whose image an earlier attempt deleted before it was lost. */
export function* deleteLeftovers({
  region,
  run,
}: Pick<RetentionRequest, 'region' | 'run'>): QueryGenerator<readonly Step[]> {
  if (run.attempt === 1) return []
  const [snapshots] = yield* query({ ask: 'leftovers', region, run: run.key })
  return snapshots.length === 0 ? [] : [{ action: 'delete-snapshots', region, snapshots, run: run.key }]
}

/** What stands before an image in the contest of a family, where that cannot be settled by withdrawing it. */
import { type Image, isNewer, label, list } from './image.ts'
import { type Refusal, refuse } from './plan.ts'

export const ambiguous = (family: string, images: readonly Image[]): Refusal =>
  refuse(
    'ambiguous-order',
    `${list(images)} in family ${family} were created in the same second: which of them ECS would serve is not defined.`,
    'Deprecate one of them by hand in the ECS console, then run again.',
  )

/** Only this account's images can be withdrawn: what else is served before the target stands for good. */
export function foreignBefore(
  family: string,
  { current, members, target }: { current: Image | undefined; members: readonly Image[]; target: Image },
): Refusal | undefined {
  const isOwn = !current || current.id === target.id || members.some(({ id }) => id === current.id)
  if (isOwn || !isNewer(current, target)) return undefined
  return refuse(
    'image-not-own',
    `Family ${family} serves ${label(current)} there, which is not this account's (${current.ownerAlias || 'unknown owner'}) and newer than ${label(target)}: it cannot be withdrawn.`,
    'Look at that image in the ECS console; run without this region in `replica-region-ids` meanwhile.',
  )
}

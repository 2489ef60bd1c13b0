/** Taking images out of the contest of a family, as promote and rollback both do: what stands against it, and how. */
import { type Image, label, list, oldestFirst } from './image.ts'
import { strangersIn } from './mark.ts'
import { describe, isMade, type Notice, type Refusal, refuse, type Step } from './plan.ts'
import { ask, askEach, type Planning } from './question.ts'
import { inTens, leftBehind, type Shared } from './sharing.ts'

interface Withdrawing {
  readonly region: string
  readonly family: string
  readonly unshare: boolean
  readonly quarantineFamily: string | undefined
  readonly shareWith: readonly string[]
}

export interface Withdrawal {
  readonly steps: readonly Step[]
  readonly notices: readonly Notice[]
}

/** Oldest first and the current one last, so that the family's answer changes exactly once. */
export const inWithdrawalOrder = (images: readonly Image[], currentId: string | undefined): Image[] => [
  ...oldestFirst(images.filter(({ id }) => id !== currentId)),
  ...images.filter(({ id }) => id === currentId),
]

const sharedRefusal = (shared: readonly Shared[]): Refusal =>
  refuse(
    'already-shared',
    `ECS does not deprecate a shared image, and ${shared
      .map(({ thing, answer }) => `${label(thing)} is shared with ${answer.join(', ')}`)
      .join('; ')}.`,
    'Set `unshare: true` to take the shares back (those accounts lose the image at once), or `quarantine-family: <name>` to move the image out of the family with its shares left as they are.',
  )

const strangersRefusal = (family: string, strangers: readonly Image[]): Refusal =>
  refuse(
    'bad-quarantine',
    `Family ${family} already serves ${list(strangers)}, which this action has not withdrawn: an image moved there could become what ${family} serves.`,
    'Name a family in `quarantine-family` that nothing is launched from.',
  )

/**
 * Steps that withdraw `images` (given in the order in which they are to go), or the refusal that says why not.
 * @param replaced what the family serves now, where it stays and is served no longer
 * @param quarantined members of the quarantine family, when one is named
 */
export function* planWithdrawal(
  request: Withdrawing,
  {
    images,
    target,
    targetShares: known,
    replaced,
    quarantined,
  }: {
    images: readonly Image[]
    target: Image | undefined
    /** The accounts that the target is shared with, where that is known. */
    targetShares?: readonly string[] | undefined
    replaced?: Image | undefined
    quarantined: readonly Image[]
  },
): Planning<Withdrawal | Refusal> {
  const { region, quarantineFamily } = request
  const strangers = images.length === 0 ? [] : strangersIn(quarantined)
  if (quarantineFamily !== undefined && strangers.length > 0) return strangersRefusal(quarantineFamily, strangers)

  const left = [...images, ...(replaced ? [replaced] : [])]
  const all = yield* askEach(left, ({ id }) => ({ ask: 'shares', region, image: id }))
  const withdrawn = all.filter(({ thing }) => images.includes(thing))
  const shared = all.filter(({ answer }) => answer.length > 0)
  const inTheWay = withdrawn.filter(({ answer }) => answer.length > 0)
  if (inTheWay.length > 0 && quarantineFamily === undefined && !request.unshare) return sharedRefusal(inTheWay)
  const isThere = target !== undefined && !isMade(target.id)
  const [targetShares] =
    shared.length > 0 && isThere && !known
      ? yield* ask({ ask: 'shares', region, image: target.id })
      : [known ?? ([] as readonly string[])]
  const seenBy = [...targetShares, ...request.shareWith]
  return {
    steps: withdrawn.flatMap(({ thing, answer }) => withdrawalOf(thing, answer, request)),
    notices: leftBehind(shared, { target: target && (target.name || target.id), seenBy }),
  }
}

export function withdrawalOf(
  image: Image,
  accounts: readonly string[],
  { region, quarantineFamily }: Withdrawing,
): Step[] {
  if (quarantineFamily !== undefined) {
    return [{ action: 'quarantine', region, image: image.id, family: quarantineFamily }]
  }
  const deprecate: Step = { action: 'deprecate', region, image: image.id }
  const takenBack = inTens(accounts).map(
    (some): Step => ({ action: 'unshare', region, image: image.id, accounts: some }),
  )
  return [...takenBack, deprecate]
}

/**
 * Asks ECS, by its own DryRun, whether each change would be permitted; a refusal names the first that is not. What a
 * step before makes possible (a share taken back, an image restored) cannot be asked yet, nor what is still to be made.
 */
export function* forbiddenAmong(steps: readonly Step[]): Planning<Refusal | undefined> {
  const imagesOf = (action: Step['action']) =>
    steps.flatMap((step) => (step.action === action && 'image' in step ? [step.image] : []))
  const [unshared, restored] = [imagesOf('unshare'), imagesOf('restore')]
  const asked = steps.filter(
    (step) =>
      ['deprecate', 'quarantine', 'restore', 'share', 'unshare', 'join-family'].includes(step.action) &&
      !('image' in step && isMade(step.image)) &&
      (step.action !== 'unshare' || step === steps.find((each) => isSameUnshare(each, step))),
  )
  const answers = yield* askEach(asked, (step) => ({ ask: 'permitted', step }))
  const isAfterRestore = (step: Step) => 'image' in step && restored.includes(step.image)
  for (const { thing: step, answer } of answers) {
    if (answer.granted) continue
    const comesTooEarly =
      (step.action === 'deprecate' && unshared.includes(step.image) && answer.code === 'ImageUseShared') ||
      (['share', 'join-family'].includes(step.action) && isAfterRestore(step) && answer.about === 'request') ||
      (step.action === 'join-family' && (step.room ?? []).length > 0 && answer.code === 'ImageQuotaFull.ImageFamily')
    if (!comesTooEarly) return notPermitted(step, answer.because)
  }
  return undefined
}

/** The accounts are ECS's own answer: what holds for the first ten of an image holds for all. */
const isSameUnshare = (step: Step, other: Step): boolean =>
  step.action === 'unshare' && other.action === 'unshare' && step.image === other.image

export const notPermitted = (step: Step, because: string): Refusal =>
  refuse(
    'not-permitted',
    `ECS would not ${describe(step)}: ${because}`,
    'Nothing was changed. Mend that first, then run again.',
  )

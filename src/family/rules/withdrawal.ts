/** Taking images out of the contest of a family, as promote and rollback both do: what stands against it, and how. */
import { decisionOn } from '../model/decision-record.ts'
import { type Image, isAvailable, label, list, oldestFirst } from '../model/image.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { accountsLeftBehind, type Shared, sharesPerRequest } from './sharing.ts'

export interface Withdrawing {
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
export const withdrawalOrder = (images: readonly Image[], currentId: string | undefined): Image[] => [
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
): QueryGenerator<Withdrawal | Refusal> {
  const { region, quarantineFamily } = request
  const strangers = images.length === 0 ? [] : strangersIn(quarantined)
  if (quarantineFamily !== undefined && strangers.length > 0) return strangersRefusal(quarantineFamily, strangers)

  const left = [...images, ...(replaced ? [replaced] : [])]
  const all = yield* queryEach(left, ({ id }) => ({ ask: 'shares', region, image: id }))
  const withdrawn = all.filter(({ thing }) => images.includes(thing))
  const shared = all.filter(({ answer }) => answer.length > 0)
  const inTheWay = withdrawn.filter(({ answer }) => answer.length > 0)
  if (inTheWay.length > 0 && quarantineFamily === undefined && !request.unshare) return sharedRefusal(inTheWay)
  const isThere = target !== undefined && !isPlaceholder(target.id)
  const [targetShares] =
    shared.length > 0 && isThere && !known
      ? yield* query({ ask: 'shares', region, image: target.id })
      : [known ?? ([] as readonly string[])]
  const seenBy = [...targetShares, ...request.shareWith]
  return {
    steps: withdrawn.flatMap(({ thing, answer }) => withdrawalSteps(thing, answer, request)),
    notices: accountsLeftBehind(shared, { target: target && (target.name || target.id), seenBy }),
  }
}

export function withdrawalSteps(
  image: Image,
  accounts: readonly string[],
  { region, quarantineFamily }: Withdrawing,
): Step[] {
  if (quarantineFamily !== undefined) {
    return [{ action: 'quarantine', region, image: image.id, family: quarantineFamily }]
  }
  const deprecate: Step = { action: 'deprecate', region, image: image.id }
  const takenBack = sharesPerRequest(accounts).map(
    (some): Step => ({ action: 'unshare', region, image: image.id, accounts: some }),
  )
  return [...takenBack, deprecate]
}

/** In a quarantine family only what was withdrawn may stand: anything else there is somebody's live image. */
export const isQuarantined = (image: Image): boolean => {
  const decision = decisionOn(image)
  return decision !== undefined && decision.target !== image.id
}

export const strangersIn = (quarantine: readonly Image[]): Image[] =>
  quarantine.filter((image) => isAvailable(image) && !isQuarantined(image))

/** Withdraws images from the order of a family, as promote and rollback both do, or refuses to. */
import { decisionOn } from '../model/decision-record.ts'
import { type Image, isAvailable, label, listLabels, oldestFirst } from '../model/image.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query, queryEach } from '../plan/query.ts'
import { isPlaceholder, type Step } from '../plan/steps.ts'
import { accountsLeftBehind, type SharedImage, splitAccounts } from './sharing.ts'

export interface WithdrawalRequest {
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

/** Oldest first and the current image last, so that the family's answer changes exactly once. */
export const withdrawalOrder = (images: readonly Image[], currentId: string | undefined): Image[] => [
  ...oldestFirst(images.filter(({ id }) => id !== currentId)),
  ...images.filter(({ id }) => id === currentId),
]

const refuseShared = (shared: readonly SharedImage[]): Refusal =>
  refuse(
    'already-shared',
    `ECS does not deprecate a shared image, and ${shared
      .map(({ thing, answer }) => `${label(thing)} is shared with ${answer.join(', ')}`)
      .join('; ')}.`,
    'Set `unshare: true` to take the shares back (those accounts lose the image at once), or `quarantine-family: <name>` to move the image out of the family with its shares left as they are.',
  )

const refuseStrangers = (family: string, strangers: readonly Image[]): Refusal =>
  refuse(
    'bad-quarantine',
    `Family ${family} already serves ${listLabels(strangers)}, which this action did not withdraw: an image moved there could become the current image of ${family}.`,
    'Set `quarantine-family` to a family that no instance is launched from.',
  )

/**
 * Steps that withdraw images, or the refusal that says why they cannot be withdrawn.
 * @param images in the order in which they are withdrawn
 * @param replaced the current image, if it stays in the family but is current no longer
 * @param quarantined members of the quarantine family, if one is named
 */
export function* planWithdrawal(
  request: WithdrawalRequest,
  {
    images,
    target,
    targetShares: known,
    replaced,
    quarantined,
  }: {
    images: readonly Image[]
    target: Image | undefined
    /** The accounts that the target is shared with, if that is known. */
    targetShares?: readonly string[] | undefined
    replaced?: Image | undefined
    quarantined: readonly Image[]
  },
): QueryGenerator<Withdrawal | Refusal> {
  const { region, quarantineFamily } = request
  const strangers = images.length === 0 ? [] : findStrangers(quarantined)
  if (quarantineFamily !== undefined && strangers.length > 0) return refuseStrangers(quarantineFamily, strangers)

  const formerImages = [...images, ...(replaced ? [replaced] : [])]
  const all = yield* queryEach(formerImages, ({ id }) => ({ ask: 'shares', region, image: id }))
  const withdrawn = all.filter(({ thing }) => images.includes(thing))
  const shared = all.filter(({ answer }) => answer.length > 0)
  const stillShared = withdrawn.filter(({ answer }) => answer.length > 0)
  if (stillShared.length > 0 && quarantineFamily === undefined && !request.unshare) return refuseShared(stillShared)
  const targetExists = target !== undefined && !isPlaceholder(target.id)
  const [targetShares] =
    shared.length > 0 && targetExists && !known
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
  { region, quarantineFamily }: WithdrawalRequest,
): Step[] {
  if (quarantineFamily !== undefined) {
    return [{ action: 'quarantine', region, image: image.id, family: quarantineFamily }]
  }
  const deprecate: Step = { action: 'deprecate', region, image: image.id }
  const unshare = splitAccounts(accounts).map(
    (some): Step => ({ action: 'unshare', region, image: image.id, accounts: some }),
  )
  return [...unshare, deprecate]
}

/** Whether the image is in quarantine because a decision withdrew it. Any other image there may be somebody's live image. */
export const isQuarantined = (image: Image): boolean => {
  const decision = decisionOn(image)
  return decision !== undefined && decision.target !== image.id
}

/** Available images of a quarantine family that were not withdrawn into it. */
export const findStrangers = (quarantine: readonly Image[]): Image[] =>
  quarantine.filter((image) => isAvailable(image) && !isQuarantined(image))

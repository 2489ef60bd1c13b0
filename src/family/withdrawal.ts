/** Taking images out of the contest of a family, as promote and rollback both do: what stands against it, and how. */
import { type Image, label, list, oldestFirst } from './image.ts'
import { strangersIn } from './mark.ts'
import { describe, type Notice, type Refusal, refuse, type Step } from './plan.ts'
import { ask, askEach, type Planning } from './question.ts'

interface Withdrawing {
  readonly region: string
  readonly family: string
  readonly unshare: boolean
  readonly quarantineFamily: string | undefined
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

const sharedRefusal = (shared: readonly { thing: Image; answer: readonly string[] }[]): Refusal =>
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

function lostShares(
  shared: readonly { thing: Image; answer: readonly string[] }[],
  { target, targetShares }: { target: Image | undefined; targetShares: readonly string[] },
): Notice[] {
  const accounts = [...new Set(shared.flatMap(({ answer }) => answer))].filter((id) => !targetShares.includes(id))
  if (accounts.length === 0) return []
  const text = target
    ? `${accounts.join(', ')} cannot see ${label(target)}: under this family they are left with an older image or with none. Share it with them.`
    : `${accounts.join(', ')} may be left with no image under this family.`
  return [{ level: 'warning', text }]
}

/**
 * Steps that withdraw `images` (given in the order in which they are to go), or the refusal that says why not.
 * @param quarantined members of the quarantine family, when one is named
 */
export function* planWithdrawal(
  request: Withdrawing,
  {
    images,
    target,
    quarantined,
  }: { images: readonly Image[]; target: Image | undefined; quarantined: readonly Image[] },
): Planning<Withdrawal | Refusal> {
  if (images.length === 0) return { steps: [], notices: [] }
  const { region, quarantineFamily } = request
  const strangers = strangersIn(quarantined)
  if (quarantineFamily !== undefined && strangers.length > 0) return strangersRefusal(quarantineFamily, strangers)

  const shares = yield* askEach(images, ({ id }) => ({ ask: 'shares', region, image: id }))
  const shared = shares.filter(({ answer }) => answer.length > 0)
  if (shared.length > 0 && quarantineFamily === undefined && !request.unshare) return sharedRefusal(shared)
  const [targetShares] =
    shared.length > 0 && target ? yield* ask({ ask: 'shares', region, image: target.id }) : [[] as readonly string[]]
  return {
    steps: shares.flatMap(({ thing, answer }) => withdrawalOf(thing, answer, request)),
    notices: lostShares(shared, { target, targetShares }),
  }
}

function withdrawalOf(image: Image, accounts: readonly string[], { region, quarantineFamily }: Withdrawing): Step[] {
  if (quarantineFamily !== undefined) {
    return [{ action: 'quarantine', region, image: image.id, family: quarantineFamily }]
  }
  const deprecate: Step = { action: 'deprecate', region, image: image.id }
  return accounts.length === 0 ? [deprecate] : [{ action: 'unshare', region, image: image.id, accounts }, deprecate]
}

/** Asks ECS, by its own DryRun, whether each change would be permitted; a refusal names the first that is not. */
export function* forbiddenAmong(steps: readonly Step[]): Planning<Refusal | undefined> {
  const unshared = new Set(steps.flatMap((step) => (step.action === 'unshare' ? [step.image] : [])))
  const asked = steps.filter(({ action }) =>
    ['deprecate', 'quarantine', 'restore', 'unshare', 'join-family'].includes(action),
  )
  const answers = yield* askEach(asked, (step) => ({ ask: 'permitted', step }))
  for (const { thing: step, answer } of answers) {
    // A shared image cannot be deprecated yet: the step before takes its shares back.
    const becauseShared = step.action === 'deprecate' && unshared.has(step.image)
    if (answer.granted || (becauseShared && answer.code === 'ImageUseShared')) continue
    return notPermitted(step, answer.because)
  }
  return undefined
}

export const notPermitted = (step: Step, because: string): Refusal =>
  refuse(
    'not-permitted',
    `ECS would not ${describe(step)}: ${because}`,
    'Nothing was changed. Mend that first, then run again.',
  )

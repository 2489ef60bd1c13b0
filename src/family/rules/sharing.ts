/** Sharing an image with other accounts, and who is left behind when a family goes on without them. */

import { type Image, label } from '../model/image.ts'
import { accountsPerRequest, shareLimit } from '../model/limits.ts'
import { inParts } from '../model/parts.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { ImageRef, Step } from '../plan/steps.ts'

export const sharesPerRequest = (accounts: readonly string[]): string[][] => inParts(accounts, accountsPerRequest)

export interface Sharing {
  readonly steps: readonly Step[]
  readonly notices: readonly Notice[]
  /** The accounts that it is shared with already, where that was asked. */
  readonly shares?: readonly string[]
}

/** What is already shared is not shared again. @param image a label where it is still to be made: it has no shares yet */
export function* planSharing(
  { region, shareWith }: { readonly region: string; readonly shareWith: readonly string[] },
  image: Image | ImageRef | undefined,
): QueryGenerator<Sharing | Refusal> {
  if (shareWith.length === 0 || image === undefined) return { steps: [], notices: [] }
  const [id, name] = typeof image === 'string' ? [image, 'The image'] : [image.id, label(image)]
  const [shares] = typeof image === 'string' ? [[]] : yield* query({ ask: 'shares', region, image: id })
  const accounts = shareWith.filter((account) => !shares.includes(account))
  if (shares.length + accounts.length > shareLimit) return refuseTooManyShares(name, { shares, accounts })
  return {
    shares,
    steps: sharesPerRequest(accounts).map((some) => ({ action: 'share', region, image: id, accounts: some })),
    notices: [
      {
        level: 'notice',
        text: 'ECS deprecates no shared image: to roll this one back one day, set `unshare: true` (those accounts lose it) or `quarantine-family` (they keep it).',
      },
    ],
  }
}

const refuseTooManyShares = (
  name: string,
  { shares, accounts }: { shares: readonly string[]; accounts: readonly string[] },
): Refusal =>
  refuse(
    'too-many-shares',
    `${name} is shared with ${shares.length} accounts; with ${accounts.length} more it would be ${shares.length + accounts.length}, and ECS allows ${shareLimit} an image.`,
    'Give fewer accounts in `share-with`, or take shares back by hand, in the console of ECS.',
  )

export interface Shared {
  readonly thing: Image
  readonly answer: readonly string[]
}

/**
 * Accounts that see the image which the family serves now, and not the one that it is to serve.
 * @param target its name, which the copies of a bake share: one sentence then holds for all regions. Undefined: the
 * family is emptied
 * @param seenBy the accounts that see the target
 */
export function accountsLeftBehind(
  shared: readonly Shared[],
  { target, seenBy }: { target: string | undefined; seenBy: readonly string[] },
): Notice[] {
  const accounts = [...new Set(shared.flatMap(({ answer }) => answer))].filter((id) => !seenBy.includes(id))
  if (accounts.length === 0) return []
  const text = target
    ? `${accounts.join(', ')} cannot see ${target}: under this family they are left with an older image or with none. Share it with them (\`share-with\`).`
    : `${accounts.join(', ')} may be left with no image under this family.`
  return [{ level: 'warning', text }]
}

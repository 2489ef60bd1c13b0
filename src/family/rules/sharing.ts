/** Shares an image with other accounts, and warns of accounts that cannot see the new current image. */

import { type Image, label } from '../model/image.ts'
import { accountsPerRequest, shareLimit } from '../model/limits.ts'
import { splitIntoParts } from '../model/parts.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import { type QueryGenerator, query } from '../plan/query.ts'
import type { ImageRef, Step } from '../plan/steps.ts'

export const splitAccounts = (accounts: readonly string[]): string[][] => splitIntoParts(accounts, accountsPerRequest)

export interface Sharing {
  readonly steps: readonly Step[]
  readonly notices: readonly Notice[]
  /** The accounts that the image is already shared with, if that was asked. */
  readonly shares?: readonly string[]
}

/** Skips accounts that the image is already shared with. @param image a placeholder, while the image is still to be created, has no shares */
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
    steps: splitAccounts(accounts).map((some) => ({ action: 'share', region, image: id, accounts: some })),
    notices: [
      {
        level: 'notice',
        text: 'ECS does not deprecate a shared image. A later rollback of this one needs `unshare: true` (those accounts lose it) or `quarantine-family` (they keep it).',
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
    `${name} is shared with ${shares.length} accounts. ${accounts.length} more would make ${shares.length + accounts.length}, and ECS allows ${shareLimit} per image.`,
    'Name fewer accounts in `share-with`, or take shares back by hand (ECS console).',
  )

export interface SharedImage {
  readonly thing: Image
  readonly answer: readonly string[]
}

/**
 * Warns of accounts that see the present image but not the target.
 * @param shared images that stop being current, with the accounts that they are shared with
 * @param target name of the target. All copies of a bake have the same name, so one sentence holds for all regions.
 * Undefined: the family is emptied
 * @param seenBy the accounts that see the target
 */
export function accountsLeftBehind(
  shared: readonly SharedImage[],
  { target, seenBy }: { target: string | undefined; seenBy: readonly string[] },
): Notice[] {
  const accounts = [...new Set(shared.flatMap(({ answer }) => answer))].filter((id) => !seenBy.includes(id))
  if (accounts.length === 0) return []
  const text = target
    ? `${accounts.join(', ')} cannot see ${target}: for them, the family resolves to an older image or to none. Share the image with them (\`share-with\`).`
    : `For ${accounts.join(', ')}, the family may resolve to nothing.`
  return [{ level: 'warning', persistent: 'once-begun', text }]
}

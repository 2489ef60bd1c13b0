/** Warns before a family is full. */

import type { Image } from '../model/image.ts'
import { deletionLimit, familyLimit } from '../model/limits.ts'
import type { Notice } from '../plan/plan.ts'

/** Families of this size or more get a warning. Whether a family is full is decided by ECS alone. */
const warnFrom = familyLimit - 10

export const quotaNotices = (
  { family, keep }: { readonly family: string; readonly keep?: number | undefined },
  members: readonly Image[],
): Notice[] =>
  members.length >= warnFrom
    ? [
        {
          level: 'warning',
          persistent: true,
          text: `Family ${family} has ${members.length} images; ECS allows ${familyLimit}. ${
            keep === undefined
              ? 'Set `keep` to delete the oldest ones, or delete some by hand.'
              : `\`keep\` deletes the oldest ones, at most ${deletionLimit} in one run.`
          }`,
        },
      ]
    : []

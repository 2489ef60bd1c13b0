/** Room in a family, before ECS says that there is none. */

import type { Image } from '../model/image.ts'
import { familyLimit } from '../model/limits.ts'
import type { Notice } from '../plan/plan.ts'

/** ECS's answer decides, not our count; from here on a warning. */
const warnFrom = familyLimit - 10

export const quotaNotices = ({ family }: { family: string }, members: readonly Image[]): Notice[] =>
  members.length >= warnFrom
    ? [
        {
          level: 'warning',
          persistent: true,
          text: `Family ${family} holds ${members.length} images; ECS takes ${familyLimit}. Set \`keep\` to have the oldest deleted, or delete some by hand.`,
        },
      ]
    : []

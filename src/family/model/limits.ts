/** Limits of ECS, and one of this action. */

/** Tags on one resource. */
export const tagLimit = 20

/** Characters in the value of a tag. */
export const tagValueLimit = 128

/** Accounts that an image is shared with. */
export const shareLimit = 50

/** Accounts in one request. ECS silently ignores the eleventh, so each step is one request. */
export const accountsPerRequest = 10

/** Images in a family. */
export const familyLimit = 100

/** Images that one run deletes in one region, so that a mistyped `keep` does not delete a whole family. */
export const deletionLimit = 10

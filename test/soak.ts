/** `npm run soak` looks further than `npm test`: more random histories, and every request where a part is enough. */
export const isSoak = process.env.SOAK_RUNS !== undefined

/** How often a random test goes; in a soak as often as that is told. */
export const times = (usual: number): number => (isSoak ? Number(process.env.SOAK_RUNS) : usual)

/** Milliseconds; a soak takes as long as it takes. */
export const within = (usual: number): number => (isSoak ? 14_400_000 : usual)

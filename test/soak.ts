/**
 * `npm run soak` looks further than `npm test`: more random histories, and every request where a part is enough.
 * `SOAK_RUNS=20 npm run soak` is a short one: 20 random histories, and about 20 cases of each scenario.
 */
const runs = process.env.SOAK_RUNS === undefined ? undefined : Number(process.env.SOAK_RUNS)

export const isSoak = runs !== undefined

/** How often a random test goes; in a soak as often as that is told. */
export const times = (usual: number): number => runs ?? usual

/**
 * Of the cases of a scenario as many as a soak may take, spread over all of them; another seed takes others. Outside of a
 * soak, and in one of the usual length, all.
 * @param share what one case costs, in cases: so many fewer are taken
 */
export function spread<T>(cases: readonly T[], share = 1): readonly T[] {
  const count = Math.ceil((runs ?? Number.POSITIVE_INFINITY) / share)
  if (count >= cases.length) return cases
  const seed = Number(process.env.SOAK_SEED ?? 0)
  const length = cases.length / count
  const taken = Array.from({ length: count }, (_, index) => {
    const jitter = ((seed + index * 613) % 997) / 997
    return Math.floor((index + jitter) * length)
  })
  return cases.filter((_, index) => taken.includes(index))
}

/** Milliseconds; a soak takes as long as it takes. */
export const within = (usual: number): number => (isSoak ? 14_400_000 : usual)

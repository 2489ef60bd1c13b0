/**
 * The identity of a run: one step of one workflow run, over all its attempts. Names, tokens and records are derived from
 * it, so that an attempt finds what an earlier one has done. It contains no commit, attempt or time.
 */

/** What distinguishes runs. `scope` is job, step, matrix and source, or the input `idempotency-key`. */
export interface RunIdentity {
  readonly repositoryId: string
  /** GitHub's run ID, or something random without GitHub: then each start is a run of its own. */
  readonly workflowRun: string
  readonly scope: readonly string[]
  readonly mode: string
  readonly region: string
  readonly family: string
}

export interface Run {
  /** `<workflow run>-<10 hex digits>`: written in tags, so that people can find the run. */
  readonly key: string
  readonly workflowRun: string
  /** 64 hex digits; the key contains the first ones. */
  readonly digest: string
  readonly attempt: number
  readonly number: number
}

export function createRun(
  identity: RunIdentity,
  { attempt, number, sha256 }: { attempt: number; number: number; sha256: (text: string) => string },
): Run {
  const { repositoryId, workflowRun, scope, mode, region, family } = identity
  const digest = sha256(JSON.stringify([repositoryId, workflowRun, scope, mode, region, family]))
  return { key: `${workflowRun}-${digest.slice(0, 10)}`, workflowRun, digest, attempt, number }
}

/** The workflow run that a key belongs to. */
export const workflowRunOf = (key: string): string => key.slice(0, key.lastIndexOf('-'))

/** The name of an image of the run. @param generation how many images of the run ECS has failed to create */
export function imageNameOf(run: Run, family: string, generation: number): string {
  const tail = `-${run.number}-${run.digest.slice(0, 8)}${generation === 0 ? '' : `-${generation + 1}`}`
  return [...family].slice(0, 128 - tail.length).join('') + tail
}

/**
 * The ClientToken of a request of this run: at most 64 ASCII characters, the same for the same request.
 * @param renewal how many tokens were used up: ECS remembered them for an image that no longer exists
 * @param region where a copy is made; empty for the image itself
 */
export const clientTokenOf = (run: Run, generation: number, renewal: number, region = ''): string =>
  `${run.digest.slice(0, 24)}${region && `-${region.slice(0, 33)}`}-${generation}-${renewal}`

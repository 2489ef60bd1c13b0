/**
 * The identity of a run: one step of one workflow run, over all its attempts. From it come the names, tokens and
 * marks by which an attempt finds what an earlier one has done. It knows neither commit nor attempt nor time.
 */

/** What tells one run from another. `scope` is job, step, matrix and source, or the input `idempotency-key`. */
export interface RunIdentity {
  readonly repositoryId: string
  /** GitHub's run ID, or something random where there is no GitHub run: then each start is its own run. */
  readonly workflowRun: string
  readonly scope: readonly string[]
  readonly mode: string
  readonly region: string
  readonly family: string
}

export interface Run {
  /** `<workflow run>-<10 hex digits>`: as it stands in tags, so that people can find the run. */
  readonly key: string
  readonly workflowRun: string
  /** 64 hex digits of which the key shows the first. */
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

/** The n-th image of a run (from 0; a later one replaces an image that ECS failed to create) has a name of its own. */
export function imageNameOf(run: Run, family: string, generation: number): string {
  const tail = `-${run.number}-${run.digest.slice(0, 8)}${generation === 0 ? '' : `-${generation + 1}`}`
  return [...family].slice(0, 128 - tail.length).join('') + tail
}

/**
 * ClientToken of a request of this run: at most 64 ASCII characters, the same for the same request.
 * @param renewal counts the tokens that ECS remembered for an image which is gone
 * @param region where a copy is made; undefined for the image itself
 */
export const clientTokenOf = (run: Run, generation: number, renewal: number, region = ''): string =>
  `${run.digest.slice(0, 24)}${region && `-${region.slice(0, 33)}`}-${generation}-${renewal}`

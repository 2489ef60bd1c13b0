/** Repository, workflow run, job and step, as GitHub reports them. Without GitHub, each start is a run of its own. */
import { createHash, randomBytes } from 'node:crypto'
import { context } from '@actions/github'

export interface RunContext {
  readonly repositoryId: string
  /** `owner/name`; empty without GitHub. */
  readonly repository: string
  readonly sha: string
  /** GitHub's run ID; without GitHub, `local` and something random. */
  readonly workflowRun: string
  readonly job: string
  /** ID of the step, or the name that GitHub generates for it. */
  readonly step: string
  /** From 1. */
  readonly attempt: number
  /** The number of the run within its workflow; 0 without GitHub. */
  readonly number: number
  /** The environment variable `ALIBABA_CLOUD_REGION_ID`; empty when not set. */
  readonly regionId: string
  /** 64 hex digits. */
  readonly sha256: (text: string) => string
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const integerOr = (fallback: number, number: number): number => (Number.isInteger(number) ? number : fallback)

export function readRunContext(environment: NodeJS.ProcessEnv): RunContext {
  const runId = environment.GITHUB_RUN_ID ?? ''
  return {
    repositoryId: environment.GITHUB_REPOSITORY_ID ?? '',
    repository: environment.GITHUB_REPOSITORY ?? '',
    sha: context.sha ?? '',
    workflowRun: runId === '' ? `local${randomBytes(3).toString('hex')}` : runId,
    job: context.job ?? '',
    step: context.action ?? '',
    attempt: integerOr(1, context.runAttempt),
    number: integerOr(0, context.runNumber),
    regionId: environment.ALIBABA_CLOUD_REGION_ID ?? '',
    sha256,
  }
}

/** Who and where this run is, as GitHub tells it; on a laptop each start is a run of its own. */
import { createHash, randomBytes } from 'node:crypto'
import { context } from '@actions/github'
import type { RunContext } from '../inputs/parse.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const whole = (number: number, otherwise: number): number => (Number.isInteger(number) ? number : otherwise)

export function readRunContext(environment: NodeJS.ProcessEnv): RunContext {
  const runId = environment.GITHUB_RUN_ID ?? ''
  return {
    repositoryId: environment.GITHUB_REPOSITORY_ID ?? '',
    repository: environment.GITHUB_REPOSITORY ?? '',
    sha: context.sha ?? '',
    workflowRun: runId === '' ? `local${randomBytes(3).toString('hex')}` : runId,
    job: context.job ?? '',
    step: context.action ?? '',
    attempt: whole(context.runAttempt, 1),
    number: whole(context.runNumber, 0),
    regionId: environment.ALIBABA_CLOUD_REGION_ID ?? '',
    sha256,
  }
}

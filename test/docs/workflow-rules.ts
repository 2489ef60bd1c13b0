/** What a workflow of the documents needs beyond correct names: that it runs as it stands, and is safe to copy. */
import { actionFile } from '../action/runner.ts'
import { faultsOf, isThisAction, type Job, readWorkflow, type Workflow, type WorkflowStep } from './workflow.ts'

export async function exampleFaults(text: string): Promise<string[]> {
  const faults = await faultsOf(text)
  return faults.length > 0 ? faults : ruleFaults(readWorkflow(text))
}

function ruleFaults(workflow: Workflow): string[] {
  const inJobs = Object.entries(workflow.jobs).flatMap(([id, job]) =>
    [
      ...permissionFaults(job, workflow),
      ...timeFaults(job),
      ...credentialFaults(job),
      ...groupFaults(job, workflow),
      ...job.steps.flatMap(scriptFaults),
    ].map((fault) => `${id}: ${fault}`),
  )
  // One on the workflow would hold the rollback up for as long as a bake takes.
  return workflow.concurrency === undefined ? inJobs : ['a concurrency group on the whole workflow', ...inJobs]
}

const using = ({ steps }: Job, action: string): readonly WorkflowStep[] =>
  steps.filter(({ uses }) => uses?.startsWith(`${action}@`))
const credentialsAction = 'aliyun/configure-aliyun-credentials-action'

/** GitHub gives a job what is listed and nothing else; without a list, whatever the repository's settings say. */
function permissionFaults(job: Job, workflow: Workflow): string[] {
  const given = job.permissions ?? workflow.permissions
  if (!given) return ['no permissions']
  const needed = {
    ...(using(job, 'actions/checkout').length > 0 && { contents: 'read' }),
    ...(using(job, credentialsAction).length > 0 && { 'id-token': 'write' }),
    ...(job.steps.some(isThisAction) && { actions: 'read' }),
  }
  return Object.entries(needed).flatMap(([name, right]) => (given[name] === right ? [] : [`no ${name}: ${right}`]))
}

/** The action waits no longer than the job lasts, so that it can say what it waited for; the session outlives both. */
function timeFaults(job: Job): string[] {
  const minutes = job['timeout-minutes']
  if (minutes === undefined) return ['no timeout-minutes']
  const waits = job.steps.filter(isThisAction).map((step) => numberIn(step, 'wait-timeout-minutes', standardWait))
  const sessions = using(job, credentialsAction).map((step) => numberIn(step, 'role-session-expiration', 1800))
  return [
    ...waits.filter((wait) => wait >= minutes).map((wait) => `waits for ${wait} minutes, and lasts ${minutes}`),
    ...sessions
      .filter((seconds) => seconds < minutes * 60 || seconds > longestSession)
      .map((seconds) => `a session of ${seconds} seconds for ${minutes} minutes`),
  ]
}

const standardWait = Number(actionFile.inputs['wait-timeout-minutes']?.default)
/** Seconds: no role allows more. */
const longestSession = 43_200
const numberIn = ({ with: given = {} }: WorkflowStep, name: string, otherwise: number): number =>
  Number(given[name] ?? otherwise)

function credentialFaults(job: Job): string[] {
  const signedIn = using(job, credentialsAction).map((step) => job.steps.indexOf(step))
  return job.steps.flatMap((step, index) => {
    const isOn = 'access-key-id' in (step.with ?? {}) || signedIn.some((before) => before < index)
    return isThisAction(step) && !isOn ? ['uses ./ without credentials'] : []
  })
}

const isOf =
  (...modes: readonly string[]) =>
  (step: WorkflowStep): boolean =>
    isThisAction(step) && modes.includes(String(step.with?.mode))
const isSwitching = ({ steps }: Job): boolean => steps.some(isOf('promote', 'rollback'))

/** Jobs that switch a family take turns; a job that takes longer must not stand in that queue. */
function groupFaults(job: Job, { jobs }: Workflow): string[] {
  const { concurrency } = job
  if (!concurrency) return isSwitching(job) ? ['no concurrency group around promote or rollback'] : []
  const taken = Object.values(jobs)
    .filter(isSwitching)
    .map((each) => each.concurrency?.group)
  const isLong = !isSwitching(job) || job.steps.some(isOf('bake'))
  return [
    ...(concurrency.queue === 'max' ? [] : ['waiting runs are dropped without queue: max']),
    ...(isLong && taken.includes(concurrency.group) ? ['more than promote or rollback in their group'] : []),
  ]
}

/** An expression is put into the script before the shell reads it: a text with a quote in it becomes a command. */
const scriptFaults = ({ run }: WorkflowStep, index: number, steps: readonly WorkflowStep[]): string[] => [
  ...(run?.includes('${{') ? [`an expression inside run: ${run.trim()}`] : []),
  ...(run && /(^|\s)\.\//.test(run) && !steps.slice(0, index).some(({ uses }) => uses?.startsWith('actions/checkout@'))
    ? [`a script without a checkout before: ${run.trim()}`]
    : []),
]

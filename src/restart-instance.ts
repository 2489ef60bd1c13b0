/** Starts an instance that a main step has left stopped, whatever happened to that step. */

import { getInput, setFailed } from '@actions/core'
import { connect, mask } from './connect.ts'
import { errorData, stepError } from './engine/action-error.ts'
import { Clock } from './engine/clock.ts'
import type { Ecs } from './engine/ports.ts'
import { tag } from './family/model/tags.ts'
import { runnerLog as log } from './github/log.ts'
import { writeResult } from './github/result-files.ts'
import { parseState } from './github/state.ts'
import { parseSettings } from './inputs/parse.ts'
import { errorText } from './report/annotations.ts'
import { reportFailure } from './report/index.ts'
import { notRestarted } from './report/outside-of-runs.ts'

interface Stopped {
  readonly region: string
  readonly instance: string
}

/** Fails the step, and with it the job, when ECS does not say in the end that the instance runs. */
export async function restartInstance(kept: string): Promise<void> {
  const stopped = parseState(kept)
  try {
    mask({ accessKeySecret: getInput('access-key-secret'), securityToken: getInput('security-token') })
    const settings = parseSettings(getInput)
    if (!settings.ok) throw stepError(settings.errors.join(' '), '')
    const clock = new Clock({ ...settings.value, signal: new AbortController().signal })
    await start(stopped, { ecs: await connect(settings.value, { clock, log }), clock })
  } catch (error) {
    const { failure, outputs, summary } = reportFailure(notRestarted(stopped, errorData(error)))
    setFailed(errorText(failure))
    await writeResult({ outputs, summary })
  }
}

async function start({ region, instance }: Stopped, { ecs, clock }: { ecs: Ecs; clock: Clock }): Promise<void> {
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const settled = await clock.poll(look, (seen) => !['Starting', 'Stopping'].includes(seen?.status ?? ''))
  if (!settled) {
    log.notice(`Instance ${instance} is gone: there is nothing to start.`)
    return
  }
  if (settled.status !== 'Running') {
    log.info(`Instance ${instance} is ${settled.status}; starting it again.`)
    await ecs.write({ action: 'start', region, instance })
  }
  const { seen: running, isGood } = await clock.pollUntilStable(look, (seen) =>
    seen?.status === 'Running' ? 'good' : seen?.status === 'Starting' ? 'on its way' : 'hopeless',
  )
  if (!running || !isGood) throw stepError(`ECS says that it is ${running?.status ?? 'gone'}.`, '')
  if (tag.stopped in running.tags) {
    await ecs.write({ action: 'untag', region, resource: 'instance', ids: [instance], keys: [tag.stopped] })
  }
  log.info(`Instance ${instance} is running.`)
}

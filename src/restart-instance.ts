/** Starts an instance that the main step left stopped, whatever happened to that step. */

import { setFailed } from '@actions/core'
import { connect, maskSecretInputs } from './connect.ts'
import { errorData, stepError } from './engine/action-error.ts'
import { Clock } from './engine/clock.ts'
import type { Ecs } from './engine/ports.ts'
import { awaitInstance } from './engine/switch-instance.ts'
import { tag } from './family/model/tags.ts'
import { readGivenInputs } from './github/given-inputs.ts'
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

/**
 * Fails the step, and with it the job, unless ECS reports in the end that the instance is running.
 * @param state what the main step saved
 */
export async function restartInstance(state: string): Promise<void> {
  const stopped = parseState(state)
  try {
    const given = readGivenInputs(process.env)
    maskSecretInputs(given)
    const settings = parseSettings(given)
    if (!settings.ok) {
      throw stepError(settings.errors.join(' '), 'Correct these inputs in the workflow before you run it again.')
    }
    const clock = new Clock({ ...settings.value, signal: new AbortController().signal })
    await startAndConfirm(stopped, { ecs: await connect(settings.value, { clock, log }), clock })
  } catch (error) {
    const { failure, outputs, summary } = reportFailure(notRestarted(stopped, errorData(error)))
    setFailed(errorText(failure))
    await writeResult({ outputs, summary })
  }
}

async function startAndConfirm(
  { region, instance }: Stopped,
  { ecs, clock }: { ecs: Ecs; clock: Clock },
): Promise<void> {
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const found = await clock.poll(look, (seen) => !['Starting', 'Stopping'].includes(seen?.status ?? ''))
  if (!found) {
    log.notice(`Instance ${instance} no longer exists: there is nothing to start.`)
    return
  }
  if (found.status !== 'Running') {
    log.info(`Instance ${instance} is ${found.status}; starting it again.`)
    await ecs.write({ action: 'start', region, instance })
  }
  const { tags } = await awaitInstance({ action: 'start', region, instance }, { ecs, clock })
  if (tag.stopped in tags) {
    await ecs.write({ action: 'untag', region, resource: 'instance', ids: [instance], keys: [tag.stopped] })
  }
  log.info(`Instance ${instance} is running.`)
}

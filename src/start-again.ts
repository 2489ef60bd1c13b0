/** Starts an instance that a main step has left stopped, whatever happened to that step. */
import { connect } from './connect.ts'
import { tag } from './family/mark.ts'
import { runnerLog as log } from './github/log.ts'
import { parseSettings, type ReadInput } from './inputs.ts'
import { Pace } from './pace.ts'

/** @throws when ECS does not say in the end that the instance runs */
export async function startAgain({
  region,
  instance,
  read,
}: {
  region: string
  instance: string
  read: ReadInput
}): Promise<void> {
  const settings = parseSettings(read)
  if (!settings.ok) throw new Error(settings.faults.join(' '))
  const pace = new Pace({ ...settings.value, signal: new AbortController().signal })
  const ecs = await connect(settings.value, { pace, log })
  const look = () => ecs.look({ ask: 'instance', region, instance })
  const settled = await pace.until(look, (seen) => !['Starting', 'Stopping'].includes(seen?.status ?? ''))
  if (!settled) {
    log.notice(`Instance ${instance} is gone: there is nothing to start.`)
    return
  }
  if (settled.status !== 'Running') {
    log.info(`Instance ${instance} is ${settled.status}; starting it again.`)
    await ecs.write({ action: 'start', region, instance })
  }
  const running = await pace.until(look, (seen) => seen?.status === 'Running')
  if (running?.status !== 'Running') throw new Error(`ECS says that it is ${running?.status ?? 'gone'}.`)
  if (tag.stopped in running.tags) {
    await ecs.write({ action: 'untag', region, resource: 'instance', ids: [instance], keys: [tag.stopped] })
  }
  log.info(`Instance ${instance} is running.`)
}

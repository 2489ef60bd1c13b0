/** A run in three regions, disturbed again and again and then walked to its end, in a history of its own. */
import type { RegionsEvent, RegionsRun, Trial } from './regions-events.ts'
import { RegionsHistory } from './regions-history.ts'
import type { Walk } from './walk.ts'

interface Ending {
  readonly history: RegionsHistory
  readonly walked: Walk
}

async function ending(before: readonly RegionsEvent[], event: RegionsRun, trials: readonly Trial[]): Promise<Ending> {
  const history = await RegionsHistory.begin()
  try {
    for (const each of before) await history.live(each)
    const run = history.newRun(event)
    for (const trial of trials) await history.attempt(run, trial)
    return { history, walked: await history.attempt(run, {}) }
  } finally {
    await history.end()
  }
}

/** Crashed or denied something anywhere and run again, a run ends where the undisturbed run ends. */
export async function endsTheSame(
  before: readonly RegionsEvent[],
  event: RegionsRun,
  trials: readonly Trial[],
): Promise<void> {
  const undisturbed = await ending(before, event, [])
  const disturbed = await ending(before, event, trials)
  // IDs differ from walk to walk: what is compared has names in their place.
  const [wanted = [], got = []] = [undisturbed, disturbed].map(({ history, walked }) => {
    const said = history.lasting(walked, undisturbed.walked)
    return JSON.stringify({ isWell: !walked.failure, said, there: history.world.view() }, null, 1).split('\n')
  })
  const differences = [
    ...wanted.filter((line) => !got.includes(line)).map((line) => `- ${line}`),
    ...got.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
  ]
  const isSame = wanted.join() === got.join()
  disturbed.history.hold(isSame, ['disturbed and run again, the end is another one:', ...differences].join('\n'))
}

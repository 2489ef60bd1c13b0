/** The post step: starts the instance that the main step stopped and did not come to start, and proves it. */
import { getInput, setFailed } from '@actions/core'
import { readKeepsake } from './github/keepsake.ts'

process.noDeprecation = true

async function post(region: string, instance: string): Promise<void> {
  // Loaded only when there is something to do: most post steps end here without it.
  const { startAgain } = await import(/* webpackMode: "eager" */ './start-again.ts')
  await startAgain({ region, instance, read: getInput })
}

const kept = readKeepsake()
if (kept) {
  try {
    await post(kept.region, kept.instance)
  } catch (error) {
    setFailed(
      `Instance ${kept.instance} in ${kept.region} may still be stopped: ${error instanceof Error ? error.message : error}\nStart it in the ECS console.`,
    )
  }
  process.exit()
}

/** The post step: starts the instance that the main step stopped and did not come to start, and proves it. */
import { refuseOldNode } from './node-version.ts'

/** As `getState` of @actions/core reads it; loading that, and the SDK, is for the few post steps that have work to do. */
const kept = process.env['STATE_stopped-instance']

if (kept) {
  const { region, instance } = JSON.parse(kept)
  refuseOldNode(`Instance ${instance} in ${region} may still be stopped. Start it in the ECS console.`)
  const { restartInstance } = await import(/* webpackMode: "eager" */ './restart-instance.ts')
  await restartInstance(kept)
  process.exit()
}

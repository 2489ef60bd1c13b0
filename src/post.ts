/** The post step: starts an instance that the main step stopped and could not start again, and checks that it runs. */
import { refuseOldNode } from './node-version.ts'

/** Read like `getState` of @actions/core does. That package and the SDK are loaded only if there is work to do. */
const state = process.env['STATE_stopped-instance']

if (state) {
  const { region, instance } = JSON.parse(state)
  refuseOldNode(`Instance ${instance} in ${region} may still be stopped. Start it in the ECS console.`)
  const { restartInstance } = await import(/* webpackMode: "eager" */ './restart-instance.ts')
  await restartInstance(state)
  process.exit()
}

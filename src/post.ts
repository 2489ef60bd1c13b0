/** The post step: starts the instance that the main step stopped and did not come to start, and proves it. */

/** As `getState` of @actions/core reads it; loading that, and the SDK, is for the few post steps that have work to do. */
const kept = process.env['STATE_stopped-instance']

if (kept) {
  const { restartInstance } = await import(/* webpackMode: "eager" */ './restart-instance.ts')
  await restartInstance(kept)
  process.exit()
}

/** State that the runner hands from the main step to its post step, also when the main step is killed. */
import { getState, saveState } from '@actions/core'
import type { Keepsake } from '../ports.ts'

const name = 'stopped-instance'

export const runnerKeepsake: Keepsake = {
  stopped({ region, instance }) {
    saveState(name, JSON.stringify({ region, instance }))
  },
  started() {
    saveState(name, '')
  },
}

export function readKeepsake(): { readonly region: string; readonly instance: string } | undefined {
  const state = getState(name)
  return state === '' ? undefined : (JSON.parse(state) as { region: string; instance: string })
}

/** State that the runner passes from the main step to its post step, even if the main step is killed. */
import { saveState } from '@actions/core'
import type { PostState } from '../engine/ports.ts'

/** `post.ts` reads it as `STATE_stopped-instance`. */
const name = 'stopped-instance'

export const runnerState: PostState = {
  instanceStopped({ region, instance }) {
    saveState(name, JSON.stringify({ region, instance }))
  },
  instanceStarted() {
    try {
      saveState(name, '')
    } catch {
      // The post step looks at the instance itself, and finds it running.
    }
  },
}

export const parseState = (state: string): { readonly region: string; readonly instance: string } =>
  JSON.parse(state) as { region: string; instance: string }

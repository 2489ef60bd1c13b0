/** The step's log on the runner. */
import { endGroup, error, info, notice, startGroup, warning } from '@actions/core'
import type { Log } from '../ports.ts'

export const runnerLog: Log = {
  info,
  notice,
  warning,
  error,
  async group(title, work) {
    startGroup(title)
    try {
      return await work()
    } finally {
      endGroup()
    }
  },
}

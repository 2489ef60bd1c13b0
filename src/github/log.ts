/** The step's log on the runner. */
import { endGroup, error, info, notice, startGroup, warning } from '@actions/core'
import type { Log } from '../engine/ports.ts'

/** A line break in the text, perhaps in a name from ECS, would let what follows pass for a command to the runner. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]+/g, ' ⏎ ')

export const runnerLog: Log = {
  info: (text) => info(oneLine(text)),
  notice,
  warning,
  error,
  async group(title, work) {
    startGroup(oneLine(title))
    try {
      return await work()
    } finally {
      endGroup()
    }
  },
}

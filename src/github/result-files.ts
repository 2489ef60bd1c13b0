/**
 * The files in which the runner takes the result of a step. They are written after the log has told the result: a file
 * that cannot be written must not hide what was changed.
 */
import { stat } from 'node:fs/promises'
import { setFailed, setOutput, summary } from '@actions/core'
import { runnerLog as log } from './log.ts'

/** Bytes. GitHub shows nothing of a summary that is larger. */
const summaryLimit = 1024 * 1024

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')

/** Writes an output while the step is still at work. */
export function writeEarly(name: string, value: string): void {
  try {
    setOutput(name, value)
  } catch {
    // `writeResult` fails for the same reason, and tells it when the work is done.
  }
}

interface Result {
  readonly outputs: Readonly<Record<string, string>>
  /** GitHub-flavoured Markdown. */
  readonly summary: string
}

export async function writeResult({ outputs, summary: markdown }: Result): Promise<void> {
  writeOutputs(outputs)
  await writeSummary(markdown)
}

/** Without outputs the step fails: later steps would go on with empty values. */
function writeOutputs(outputs: Result['outputs']): void {
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value)
  } catch (error) {
    setFailed(
      `The outputs could not be written: ${reasonOf(error)}.\nThe result in the log stands, but later steps do not get it. Check the disk of the runner, then re-run this job: nothing is done twice.`,
    )
  }
}

/** The page is for people, and they have the log: a warning is enough. */
async function writeSummary(markdown: string): Promise<void> {
  const path = process.env.GITHUB_STEP_SUMMARY
  if (!path) return
  try {
    const size = (await stat(path)).size + Buffer.byteLength(markdown)
    if (size > summaryLimit) throw new Error(`it has ${size} bytes, and GitHub shows at most ${summaryLimit}`)
    await summary.addRaw(markdown).write()
  } catch (error) {
    log.warning(`The job summary could not be written: ${reasonOf(error)}. The result in the log stands.`)
  }
}

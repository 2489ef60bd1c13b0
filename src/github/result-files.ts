/**
 * The files from which the runner reads the result of a step. They are written after the result was logged: a file that
 * cannot be written must not hide what was changed.
 */
import { stat } from 'node:fs/promises'
import { setFailed, setOutput, summary } from '@actions/core'
import { runnerLog as log } from './log.ts'

/** Bytes. GitHub shows nothing of a summary that is larger. */
const summaryLimit = 1024 * 1024

const describeCause = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')

/** Writes an output while the step is still running. */
export function writeEarly(name: string, value: string): void {
  try {
    setOutput(name, value)
  } catch {
    // `writeResult` fails for the same reason, and reports it at the end.
  }
}

interface ResultFiles {
  readonly outputs: Readonly<Record<string, string>>
  /** GitHub-flavoured Markdown. */
  readonly summary: string
}

export async function writeResult({ outputs, summary: markdown }: ResultFiles): Promise<void> {
  writeOutputs(outputs)
  await writeSummary(markdown)
}

/** Without outputs the step fails: later steps would otherwise continue with empty values. */
function writeOutputs(outputs: ResultFiles['outputs']): void {
  try {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value)
  } catch (error) {
    setFailed(
      `The outputs could not be written: ${describeCause(error)}.\nThe result in the log stands, but later steps do not get it. Check the disk of the runner, then re-run this job: nothing is done twice.`,
    )
  }
}

/** A warning is enough: the page is for people, who also have the log. */
async function writeSummary(markdown: string): Promise<void> {
  const path = process.env.GITHUB_STEP_SUMMARY
  if (!path) return
  try {
    const size = (await stat(path)).size + Buffer.byteLength(markdown)
    if (size > summaryLimit) throw new Error(`it has ${size} bytes, and GitHub shows at most ${summaryLimit}`)
    await summary.addRaw(markdown).write()
  } catch (error) {
    log.warning(`The job summary could not be written: ${describeCause(error)}. The result in the log stands.`)
  }
}

/** What the tests of the whole process share. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { test as inTurn } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { writesTo } from '../scene.ts'
import { runStep, type Step, type StepOptions } from './runner.ts'

/** A test is a chain of processes that wait for each other: several side by side keep every core busy. */
export const test = inTurn.concurrent

/** All that leaves the process in either stage. */
export const everythingOf = ({ post, ...main }: Step): string =>
  [main, post]
    .flatMap(({ stdout, stderr, summary, outputs, state }) => [
      stdout.replaceAll(/^::add-mask::.*$/gm, ''),
      stderr,
      summary,
      JSON.stringify(outputs),
      JSON.stringify(state),
    ])
    .join('\n')

/** A step of which only the main stage is of interest. */
export const runMain = (
  ecs: Parameters<typeof runStep>[0],
  inputs: Parameters<typeof runStep>[1],
  options: Omit<StepOptions, 'post'> = {},
): Promise<Step> => runStep(ecs, inputs, { ...options, post: false })

/**
 * Sends a signal at the nth request of an API, before it is carried out or after, and counts the writes until then. The
 * answer is held back until the process has the signal for certain.
 */
export function signalAt(
  ecs: LocalEcs,
  signal: NodeJS.Signals,
  { action, nth = 1, phase: wanted = 'after' }: { action: string; nth?: number; phase?: 'before' | 'after' },
) {
  let child: ChildProcess | undefined
  let seen = 0
  const sent = { at: 0, writesBefore: 0 }
  ecs.intercept = async (phase, request) => {
    if (phase !== wanted || request.action !== action) return
    seen += 1
    if (seen !== nth) return
    sent.at = performance.now()
    sent.writesBefore = writesTo(ecs).length
    child?.kill(signal)
    await setTimeout(50)
  }
  return { sent, onStart: (started: ChildProcess) => (child = started) }
}

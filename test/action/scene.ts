/** What the tests of the whole process share. */
import { test as inTurn } from 'vitest'
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

/** An ECS instance, as far as baking an image of it needs. */
import type { Run } from './run.ts'
import { formatTime, parseTime, type Tags, tag } from './tags.ts'

export interface Instance {
  readonly id: string
  /** Pending, Starting, Running, Stopping or Stopped. */
  readonly status: string
  /** Reasons such as `security` or `financial`. */
  readonly locks: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  /** Start of the minute in which it was started last, milliseconds; undefined when ECS does not say. */
  readonly startedAt: number | undefined
}

/** Written on an instance before this action stops it, so that whoever comes next starts it again. */
export const stoppedTag = (run: Run, at: number): Tags => ({ [tag.stopped]: `${run.key} ${formatTime(at)}` })

/** Stopped by this action and not started since (ECS tells the minute of the last start). */
export function isLeftStopped(instance: Pick<Instance, 'status' | 'tags' | 'startedAt'>): boolean {
  const [, time] = (instance.tags[tag.stopped] ?? '').split(' ')
  if (!time || !['Stopped', 'Stopping'].includes(instance.status)) return false
  return instance.startedAt === undefined || instance.startedAt <= parseTime(time)
}

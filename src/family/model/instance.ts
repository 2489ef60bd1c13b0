/** An ECS instance that an image is baked from. */
import type { Run } from './run.ts'
import { formatTime, parseTime, type Tags, tag } from './tags.ts'

export interface Instance {
  readonly id: string
  /** Pending, Starting, Running, Stopping or Stopped. */
  readonly status: string
  /** Reasons such as `security` or `financial`. */
  readonly locks: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  /** Milliseconds: the minute in which the instance was last started; undefined if ECS does not say. */
  readonly startedAt: number | undefined
}

/** The tag that is put on an instance before this action stops it, so that a later run can start it again. */
export const stoppedTag = (run: Run, at: number): Tags => ({ [tag.stopped]: `${run.key} ${formatTime(at)}` })

/** Whether this action stopped the instance and nobody has started it since. ECS reports the last start to the minute. */
export function isLeftStopped(instance: Pick<Instance, 'status' | 'tags' | 'startedAt'>): boolean {
  const [, time] = (instance.tags[tag.stopped] ?? '').split(' ')
  if (!time || !['Stopped', 'Stopping'].includes(instance.status)) return false
  return instance.startedAt === undefined || instance.startedAt <= parseTime(time)
}

/** The instance that an image is baked from: whether it can be used, and how it is stopped and started again. */
import { type Instance, isLeftStopped, stoppedTag } from '../model/instance.ts'
import type { BakeRequest } from '../model/request.ts'
import { tag } from '../model/tags.ts'
import type { RegionDecision } from '../plan/decision.ts'
import { type Notice, type Refusal, refuse } from '../plan/plan.ts'
import type { Step } from '../plan/steps.ts'

export function refuseInstance({ source }: BakeRequest, instance: Instance | undefined): Refusal | undefined {
  if (source.kind !== 'instance') return undefined
  if (!instance) {
    return refuse(
      'instance-unusable',
      `Instance ${source.instance} does not exist in this region, or is not visible to this account.`,
      'Check `instance-id` and `region-id`.',
    )
  }
  if (instance.locks.includes('security')) {
    return refuse(
      'instance-unusable',
      `Instance ${instance.id} is locked for security reasons: ECS makes no image of it.`,
      'Clear the security incident in the console, then run again.',
    )
  }
  if (['Running', 'Stopped'].includes(instance.status)) return undefined
  return refuse(
    'instance-unusable',
    `Instance ${instance.id} is ${instance.status}; an image is made of one that is Running or Stopped.`,
    'Run again when it has settled.',
  )
}

/**
 * Whatever comes of the image: an instance that a lost attempt of this run has left stopped is started again. What
 * another run has stopped may be what it is baking just now.
 */
export function keepStoppedInstance(
  decision: RegionDecision,
  { region, run }: BakeRequest,
  instance: Instance | undefined,
): RegionDecision {
  if (decision.kind === 'change' || !instance || !isLeftStopped(instance)) return decision
  if (!instance.tags[tag.stopped]?.startsWith(`${run.key} `)) return decision
  if (decision.kind === 'refuse') return { ...decision, leavesStopped: { region, instance: instance.id } }
  return { ...decision, create: restart(region, instance) }
}

/** The tag comes first: where the whole runner is lost, the next bake of the instance starts it again. */
export const stop = (
  { region, run, stopInstance }: BakeRequest,
  instance: Instance,
  { now, meanwhile }: { readonly now: number; readonly meanwhile: readonly Step[] },
): Step[] => [
  { action: 'tag', region, resource: 'instance', ids: [instance.id], tags: stoppedTag(run, now) },
  { action: 'stop', region, instance: instance.id, force: stopInstance === 'by-force' },
  ...meanwhile,
  ...start(region, instance),
]

const start = (region: string, instance: Instance): Step[] => [
  { action: 'start', region, instance: instance.id },
  ...removeTag(region, instance),
]

const removeTag = (region: string, { id }: Instance): Step[] => [
  { action: 'untag', region, resource: 'instance', ids: [id], keys: [tag.stopped] },
]

/** An instance that a lost attempt, of this run or another, has left stopped; a tag that no longer holds is only removed. */
export function restart(region: string, instance: Instance | undefined): Step[] {
  if (!instance || !(tag.stopped in instance.tags)) return []
  return isLeftStopped(instance) ? start(region, instance) : removeTag(region, instance)
}

export const noticeRunning = ({ stopInstance }: BakeRequest, instance: Instance | undefined): Notice[] =>
  instance?.status === 'Running' && stopInstance === 'no'
    ? [
        {
          level: 'warning',
          persistent: true,
          text: `Instance ${instance.id} is running: what it has not written to its disks yet is not in the image. Set \`stop-instance: true\` to have it stopped meanwhile.`,
        },
      ]
    : []

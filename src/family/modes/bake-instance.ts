/** The instance that an image is baked from: whether it can be used, and the steps that stop and restart it. */
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
      `Instance ${instance.id} is locked for security reasons, and ECS creates no image of a locked instance.`,
      'Clear the security incident in the console, then run again.',
    )
  }
  if (['Running', 'Stopped'].includes(instance.status)) return undefined
  return refuse(
    'instance-unusable',
    `Instance ${instance.id} is ${instance.status}; ECS creates an image only of an instance that is Running or Stopped.`,
    'Run again when the instance is Running or Stopped.',
  )
}

/**
 * Starts an instance that a lost attempt of this run left stopped, whatever is decided about the image. An instance
 * that another run stopped is left alone: that run may be baking it at this moment.
 */
export function restartStoppedInstance(
  decision: RegionDecision,
  { region, run }: BakeRequest,
  instance: Instance | undefined,
): RegionDecision {
  if (!instance || !isLeftStopped(instance)) return decision
  if (!instance.tags[tag.stopped]?.startsWith(`${run.key} `)) return decision
  const left = { ...decision, leavesStopped: { region, instance: instance.id } }
  return left.kind === 'nothing' ? { ...left, create: planRestart(region, instance) } : left
}

/** The tag is written before the stop: if the runner is lost, the next bake of the instance starts it again. */
export const planStop = (
  { region, run, stopInstance }: BakeRequest,
  instance: Instance,
  { now, meanwhile }: { readonly now: number; readonly meanwhile: readonly Step[] },
): Step[] => [
  { action: 'tag', region, resource: 'instance', ids: [instance.id], tags: stoppedTag(run, now) },
  { action: 'stop', region, instance: instance.id, force: stopInstance === 'by-force' },
  ...meanwhile,
  ...planStart(region, instance),
]

const planStart = (region: string, instance: Instance): Step[] => [
  { action: 'start', region, instance: instance.id },
  ...planUntag(region, instance),
]

const planUntag = (region: string, { id }: Instance): Step[] => [
  { action: 'untag', region, resource: 'instance', ids: [id], keys: [tag.stopped] },
]

/** Starts an instance that a lost attempt, of this run or another, left stopped. A tag that no longer holds is removed. */
export function planRestart(region: string, instance: Instance | undefined): Step[] {
  if (!instance || !(tag.stopped in instance.tags)) return []
  return isLeftStopped(instance) ? planStart(region, instance) : planUntag(region, instance)
}

export const runningNotices = ({ stopInstance }: BakeRequest, instance: Instance | undefined): Notice[] =>
  instance?.status === 'Running' && stopInstance === 'no'
    ? [
        {
          level: 'warning',
          persistent: true,
          text: `Instance ${instance.id} is running: data that it has not yet written to its disks will be missing from the image. Set \`stop-instance: true\` to stop it while the image is created.`,
        },
      ]
    : []

/** Instances that images are created from, and those that run them. */
import type { Instance } from '../family/model/instance.ts'
import type { EcsClient } from './client.ts'
import { isCode } from './errors.ts'
import { toTags } from './tags.ts'

export async function describeInstance(client: EcsClient, region: string, id: string): Promise<Instance | undefined> {
  const body = await client.call('DescribeInstances', region, { regionId: region, instanceIds: JSON.stringify([id]) })
  const found = body.instances?.instance?.find(({ instanceId }) => instanceId === id)
  if (!found) return undefined
  const startedAt = Date.parse(found.startTime ?? '')
  return {
    id,
    status: found.status ?? '',
    locks: (found.operationLocks?.lockReason ?? []).map(({ lockReason = '' }) => lockReason),
    tags: toTags(found.tags),
    startedAt: Number.isNaN(startedAt) ? undefined : startedAt,
  }
}

/** All instances of these images, page by page. */
export async function describeInstancesOf(
  client: EcsClient,
  region: string,
  images: readonly string[],
): Promise<readonly string[]> {
  const ids: string[] = []
  for (const imageId of images) {
    let nextToken: string | undefined
    do {
      const body = await client.call('DescribeInstances', region, {
        regionId: region,
        imageId,
        maxResults: 100,
        ...(nextToken ? { nextToken } : {}),
      })
      ids.push(...(body.instances?.instance ?? []).map(({ instanceId = '' }) => instanceId))
      nextToken = body.nextToken
    } while (nextToken)
  }
  return ids
}

const reached = {
  StopInstance: ['Stopping', 'Stopped'],
  StartInstance: ['Starting', 'Running'],
} as const

/** ECS calls it an error to stop a stopped instance, to start a running one, and either while it is changing. */
export async function switchInstance(
  client: EcsClient,
  region: string,
  { operation, instance, force }: { operation: keyof typeof reached; instance: string; force: boolean },
): Promise<void> {
  // The account's default may be to give up vCPU and memory: the instance might not start again.
  const stopping = operation === 'StopInstance' ? { forceStop: force, stoppedMode: 'KeepCharging' } : {}
  for (;;) {
    try {
      const request = { instanceId: instance, ...stopping }
      await client.call(operation, region, request, { handled: ['IncorrectInstanceStatus'] })
      return
    } catch (error) {
      if (!isCode(error, 'IncorrectInstanceStatus')) throw error
      const found = await describeInstance(client, region, instance)
      if (reached[operation].some((status) => status === found?.status)) return
      if (!found || client.clock.isOver) throw error
      await client.clock.wait(1)
    }
  }
}

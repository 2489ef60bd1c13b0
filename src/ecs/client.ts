/**
 * The only file that uses the SDK's client. Request and response models are imported by path, and sent through the
 * generic client that the SDK's own 380 methods are built on: the whole client costs three times the start-up time and
 * bytes.
 */
import { CopyImageRequest } from '@alicloud/ecs20140526/dist/models/CopyImageRequest.js'
import { CopyImageResponse } from '@alicloud/ecs20140526/dist/models/CopyImageResponse.js'
import { CreateImageRequest } from '@alicloud/ecs20140526/dist/models/CreateImageRequest.js'
import { CreateImageResponse } from '@alicloud/ecs20140526/dist/models/CreateImageResponse.js'
import { DeleteImageRequest } from '@alicloud/ecs20140526/dist/models/DeleteImageRequest.js'
import { DeleteImageResponse } from '@alicloud/ecs20140526/dist/models/DeleteImageResponse.js'
import { DeleteSnapshotRequest } from '@alicloud/ecs20140526/dist/models/DeleteSnapshotRequest.js'
import { DeleteSnapshotResponse } from '@alicloud/ecs20140526/dist/models/DeleteSnapshotResponse.js'
import { DescribeImageFromFamilyRequest } from '@alicloud/ecs20140526/dist/models/DescribeImageFromFamilyRequest.js'
import { DescribeImageFromFamilyResponse } from '@alicloud/ecs20140526/dist/models/DescribeImageFromFamilyResponse.js'
import { DescribeImageSharePermissionRequest } from '@alicloud/ecs20140526/dist/models/DescribeImageSharePermissionRequest.js'
import { DescribeImageSharePermissionResponse } from '@alicloud/ecs20140526/dist/models/DescribeImageSharePermissionResponse.js'
import { DescribeImagesRequest } from '@alicloud/ecs20140526/dist/models/DescribeImagesRequest.js'
import { DescribeImagesResponse } from '@alicloud/ecs20140526/dist/models/DescribeImagesResponse.js'
import { DescribeInstancesRequest } from '@alicloud/ecs20140526/dist/models/DescribeInstancesRequest.js'
import { DescribeInstancesResponse } from '@alicloud/ecs20140526/dist/models/DescribeInstancesResponse.js'
import { DescribeSnapshotsRequest } from '@alicloud/ecs20140526/dist/models/DescribeSnapshotsRequest.js'
import { DescribeSnapshotsResponse } from '@alicloud/ecs20140526/dist/models/DescribeSnapshotsResponse.js'
import { ListTagResourcesRequest } from '@alicloud/ecs20140526/dist/models/ListTagResourcesRequest.js'
import { ListTagResourcesResponse } from '@alicloud/ecs20140526/dist/models/ListTagResourcesResponse.js'
import { ModifyImageAttributeRequest } from '@alicloud/ecs20140526/dist/models/ModifyImageAttributeRequest.js'
import { ModifyImageAttributeResponse } from '@alicloud/ecs20140526/dist/models/ModifyImageAttributeResponse.js'
import { ModifyImageSharePermissionRequest } from '@alicloud/ecs20140526/dist/models/ModifyImageSharePermissionRequest.js'
import { ModifyImageSharePermissionResponse } from '@alicloud/ecs20140526/dist/models/ModifyImageSharePermissionResponse.js'
import { StartInstanceRequest } from '@alicloud/ecs20140526/dist/models/StartInstanceRequest.js'
import { StartInstanceResponse } from '@alicloud/ecs20140526/dist/models/StartInstanceResponse.js'
import { StopInstanceRequest } from '@alicloud/ecs20140526/dist/models/StopInstanceRequest.js'
import { StopInstanceResponse } from '@alicloud/ecs20140526/dist/models/StopInstanceResponse.js'
import { TagResourcesRequest } from '@alicloud/ecs20140526/dist/models/TagResourcesRequest.js'
import { TagResourcesResponse } from '@alicloud/ecs20140526/dist/models/TagResourcesResponse.js'
import { UntagResourcesRequest } from '@alicloud/ecs20140526/dist/models/UntagResourcesRequest.js'
import { UntagResourcesResponse } from '@alicloud/ecs20140526/dist/models/UntagResourcesResponse.js'
import OpenApi, { $OpenApiUtil, OpenApiUtil } from '@alicloud/openapi-core'
import * as $dara from '@darabonba/typescript'
import type { Clock } from '../engine/clock.ts'
import type { Credentials } from './credentials.ts'
import { endpointOf } from './endpoint.ts'
import { type EcsError, toEcsError } from './errors.ts'
import { withRetry } from './retry.ts'

/** The operations in use: a new one is one row here. */
export const operations = {
  CopyImage: [CopyImageRequest, CopyImageResponse],
  CreateImage: [CreateImageRequest, CreateImageResponse],
  DeleteImage: [DeleteImageRequest, DeleteImageResponse],
  DeleteSnapshot: [DeleteSnapshotRequest, DeleteSnapshotResponse],
  DescribeImageFromFamily: [DescribeImageFromFamilyRequest, DescribeImageFromFamilyResponse],
  DescribeImageSharePermission: [DescribeImageSharePermissionRequest, DescribeImageSharePermissionResponse],
  DescribeImages: [DescribeImagesRequest, DescribeImagesResponse],
  DescribeInstances: [DescribeInstancesRequest, DescribeInstancesResponse],
  DescribeSnapshots: [DescribeSnapshotsRequest, DescribeSnapshotsResponse],
  ListTagResources: [ListTagResourcesRequest, ListTagResourcesResponse],
  ModifyImageAttribute: [ModifyImageAttributeRequest, ModifyImageAttributeResponse],
  ModifyImageSharePermission: [ModifyImageSharePermissionRequest, ModifyImageSharePermissionResponse],
  StartInstance: [StartInstanceRequest, StartInstanceResponse],
  StopInstance: [StopInstanceRequest, StopInstanceResponse],
  TagResources: [TagResourcesRequest, TagResourcesResponse],
  UntagResources: [UntagResourcesRequest, UntagResourcesResponse],
} as const

type Operations = typeof operations
export type Operation = keyof Operations

/** The SDK's models take and give anything (`[key: string]: any`); this leaves only the fields that they declare. */
export type Known<T> = T extends string | number | boolean | bigint | null | undefined
  ? T
  : T extends (infer U)[]
    ? Known<U>[]
    : T extends object
      ? {
          [K in keyof T as string extends K
            ? never
            : number extends K
              ? never
              : T[K] extends (...a: never[]) => unknown
                ? never
                : K]: Known<T[K]>
        }
      : T

type RequestFields<O extends Operation> = Known<InstanceType<Operations[O][0]>>
type Body<O extends Operation> = NonNullable<Known<InstanceType<Operations[O][1]>>['body']>

/** ECS sometimes answers slowly, above all CreateImage. Each of the SDK's two limits ends a request on its own. */
const requestTimeout = (interval: number): number => Math.min(Math.max(10_000, 6 * interval), 60_000)

/** The default import is the class or its module, depending on the loader. */
const Client = ('default' in OpenApi ? OpenApi.default : OpenApi) as typeof OpenApi.default

export interface ClientOptions {
  readonly credentials: Credentials
  /** The input `endpoint`. */
  readonly endpoint: string | undefined
  readonly userAgent: string
  readonly clock: Clock
  readonly onRetry: (error: EcsError, failures: number) => void
}

export class EcsClient {
  readonly clock: Clock
  readonly #options: ClientOptions
  readonly #clients = new Map<string, InstanceType<typeof Client>>()
  #clockOffset = 0
  /** ECS may echo them in a message: they are masked there. */
  #secrets: readonly string[] = []

  constructor(options: ClientOptions) {
    this.#options = options
    this.clock = options.clock
  }

  /** ECS's time, from its latest answer; before the first answer, the runner's. Milliseconds. */
  now(): number {
    return Date.now() + this.#clockOffset
  }

  /**
   * One operation, retried as long as that is safe and useful.
   * @param handled codes that the caller handles itself: they are not retried
   * @throws ActionError: an EcsError, or one with the code `credentials` before any request
   */
  async call<O extends Operation>(
    operation: O,
    region: string,
    fields: RequestFields<O>,
    handled: readonly string[] = [],
  ): Promise<Body<O>> {
    const { clock, onRetry } = this.#options
    return await withRetry(() => this.#once(operation, region, fields), { clock, onRetry, handled })
  }

  async #once<O extends Operation>(operation: O, region: string, fields: RequestFields<O>): Promise<Body<O>> {
    const { clock } = this.#options
    clock.throwIfCancelled()
    const [Request, Response] = operations[operation]
    const query = OpenApiUtil.query(new Request(fields as Record<string, unknown>).toMap())
    try {
      const answer = await clock.untilCancelled(
        this.#client(region).callApi(
          rpc(operation),
          new $OpenApiUtil.OpenApiRequest({ query }),
          new $dara.RuntimeOptions({}),
        ),
      )
      this.#readClock(answer?.headers?.date)
      const { body, statusCode = 0 } = $dara.cast(normalize(operation, answer), new Response({}))
      // Every answer of ECS carries the ID of its request; a page of a proxy does not, whatever its status.
      if (!body?.requestId || statusCode >= 300) throw new SyntaxError('This response did not come from ECS.')
      return body as Body<O>
    } catch (error) {
      throw toEcsError(error, { operation, region: describeRegions(region, fields), secrets: this.#secrets })
    }
  }

  #client(region: string): InstanceType<typeof Client> {
    const known = this.#clients.get(region)
    if (known) return known
    const { credentials, endpoint, userAgent, clock } = this.#options
    const { host, protocol } = endpointOf(region, endpoint)
    const timeout = requestTimeout(clock.interval)
    const config = new $OpenApiUtil.Config({
      credential: { getCredential: () => this.#readKeys(credentials) },
      regionId: region,
      endpoint: host,
      protocol,
      userAgent,
      readTimeout: timeout,
      connectTimeout: timeout,
    })
    const client = new Client(config)
    this.#clients.set(region, client)
    return client
  }

  async #readKeys(credentials: Credentials): ReturnType<Credentials['getCredential']> {
    const keys = await credentials.getCredential()
    this.#secrets = [keys.accessKeySecret, keys.securityToken].filter(
      (secret) => secret !== undefined && secret !== '',
    ) as string[]
    return keys
  }

  #readClock(date: unknown): void {
    const time = typeof date === 'string' ? Date.parse(date) : Number.NaN
    if (!Number.isNaN(time)) this.#clockOffset = time - Date.now()
  }
}

/** For people: the request for a copy goes to the region of its source, and its answer may be about the target. */
const describeRegions = (region: string, fields: object): string =>
  'destinationRegionId' in fields ? `${region} (to ${fields.destinationRegionId})` : region

/** The locks of an instance may come as a text, as ECS's reference abbreviates them; the SDK's model takes only a list. */
function normalize<A>(operation: Operation, answer: A): A {
  const body = (answer as { body?: { Instances?: { Instance?: unknown } } } | undefined)?.body
  const instances = operation === 'DescribeInstances' ? body?.Instances?.Instance : undefined
  if (!Array.isArray(instances)) return answer
  for (const { OperationLocks: locks } of instances as { OperationLocks?: { LockReason?: unknown } }[]) {
    if (typeof locks?.LockReason === 'string') locks.LockReason = [{ LockReason: locks.LockReason }]
  }
  return answer
}

const rpc = (action: string) =>
  new $OpenApiUtil.Params({
    action,
    version: '2014-05-26',
    protocol: 'HTTPS',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  })

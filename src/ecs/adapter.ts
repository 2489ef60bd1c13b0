/** The port `Ecs`: each query and each step of the domain as requests of the API. It decides nothing. */

import { describeAnswer } from '../engine/action-error.ts'
import { consistencyIntervals } from '../engine/clock.ts'
import type { BeforeRequest, Create, CreateAnswer, Ecs, LookQuery, Write } from '../engine/ports.ts'
import { distinctImages, type Image } from '../family/model/image.ts'
import { accountsPerRequest } from '../family/model/limits.ts'
import { isTaggedCopy } from '../family/model/origin.ts'
import { tag } from '../family/model/tags.ts'
import type { Answer, Obstacle, Permission } from '../family/plan/query.ts'
import type { DryRunStep } from '../family/plan/steps.ts'
import type { EcsClient } from './client.ts'
import { deleteImage } from './deletion.ts'
import { EcsError, isCode } from './errors.ts'
import {
  copyImage,
  createImage,
  describeCurrent,
  describeImages,
  dryRunCreateImage,
  type Filter,
  type ImageAttributes,
  modifyImage,
} from './images.ts'
import { describeInstance, describeInstancesOf, switchInstance } from './instances.ts'
import { describeShares, share, unshare } from './sharing.ts'
import { claimSnapshots, deleteSnapshots, describeLeftovers, findClaimed } from './snapshots.ts'
import { tagResources, untagResources } from './tags.ts'

export function connectEcs(client: EcsClient): Ecs {
  return {
    // Each kind of query has its own type of answer; `look` answers by kind.
    look: async <const Q extends LookQuery>(query: Q) => (await look(client, query)) as Answer<Q>,
    instancesOf: (region, images) => describeInstancesOf(client, region, images),
    write: (step) => write(client, step),
    create: (step, renewal, beforeEach) => create(client, step, { renewal, beforeEach }),
    wouldPermit: (step, { once = false } = {}) => wouldPermit(client, step, once),
    now: () => client.now(),
  }
}

async function look(client: EcsClient, query: LookQuery): Promise<unknown> {
  const { region } = query
  switch (query.ask) {
    case 'current':
      return await describeCurrent(client, query)
    case 'members':
      return await describeMembers(client, query)
    case 'visible':
      return await describeVisible(client, query)
    case 'image':
      return (await describeImages(client, region, { imageId: query.image })).find(({ id }) => id === query.image)
    case 'named':
      // The filter is fuzzy.
      return (await describeImages(client, region, { imageName: query.name, imageOwnerAlias: 'self' })).filter(
        ({ name }) => name === query.name,
      )
    case 'made':
      return await describeTagged(client, region, { key: tag.run, value: query.run })
    case 'copies':
      return (await describeTagged(client, region, { key: tag.origin, value: query.origin })).filter(isTaggedCopy)
    case 'used':
      return (await describeMembers(client, query, { usage: 'instance' })).map(({ id }) => id)
    case 'leftovers':
      return await describeLeftovers(client, region, query.run)
    case 'claimed':
      return await findClaimed(client, region, query)
    case 'own':
      return await describeImages(client, region, { imageOwnerAlias: 'self' })
    case 'shares':
      return await describeShares(client, region, query.image)
    case 'instance':
      return await describeInstance(client, region, query.instance)
  }
}

/** What ECS was asked to filter by is checked on its answer: images are deleted on the strength of it. */
async function describeMembers(
  client: EcsClient,
  { region, family }: { region: string; family: string },
  filter: Filter = {},
): Promise<readonly Image[]> {
  const images = await describeImages(client, region, { imageFamily: family, imageOwnerAlias: 'self', ...filter })
  return images.filter((image) => image.family === family)
}

async function describeTagged(
  client: EcsClient,
  region: string,
  wanted: { readonly key: string; readonly value: string },
): Promise<readonly Image[]> {
  const images = await describeImages(client, region, { imageOwnerAlias: 'self', tag: [{ ...wanted }] })
  return images.filter(({ tags }) => tags[wanted.key] === wanted.value)
}

/** Shared and community images take a request each; public ones belong to the system. */
async function describeVisible(
  client: EcsClient,
  { region, family }: { region: string; family: string },
): Promise<readonly Image[]> {
  const filter = { imageFamily: family, status: 'Available' }
  if (!/^acs:\d+:/.test(family)) return await describeImages(client, region, { ...filter, imageOwnerAlias: 'system' })
  const kinds = [{ imageOwnerAlias: 'others' }, { imageOwnerAlias: 'others', isPublic: true }]
  const found = await Promise.all(kinds.map((kind) => describeImages(client, region, { ...filter, ...kind })))
  return distinctImages(found.flat())
}

type AttributeStep = Extract<Write, { action: 'deprecate' | 'restore' | 'join-family' | 'quarantine' | 'rename' }>

/** What ModifyImageAttribute is sent for a step. */
function attributesFor(step: AttributeStep): ImageAttributes {
  switch (step.action) {
    case 'deprecate':
      return { status: 'Deprecated' }
    case 'restore':
      return { status: 'Available' }
    case 'join-family':
    case 'quarantine':
      return { imageFamily: step.family }
    case 'rename':
      return { imageName: step.name }
  }
}

interface Sending {
  readonly renewal: number
  readonly beforeEach: BeforeRequest | undefined
}

const sendCreation = async (client: EcsClient, step: Create, { renewal, beforeEach }: Sending): Promise<string> =>
  step.action === 'copy'
    ? await copyImage(client, step.region, { copy: step.copy, renewal })
    : await createImage(client, step.region, { create: step.create, renewal, beforeEach })

async function create(client: EcsClient, step: Create, sending: Sending): Promise<CreateAnswer> {
  try {
    return { kind: 'accepted', image: await sendCreation(client, step, sending) }
  } catch (error) {
    if (isCode(error, 'InvalidImageName.Duplicated')) return { kind: 'name-taken', error }
    if (isCode(error, 'IdempotenceParamNotMatch', 'IdempotentParameterMismatch', 'InvalidParamter.Conflict')) {
      return { kind: 'token-used', error }
    }
    throw error
  }
}

async function write(client: EcsClient, step: Write): Promise<void> {
  const { region } = step
  switch (step.action) {
    case 'stop':
      return await switchInstance(client, region, {
        operation: 'StopInstance',
        instance: step.instance,
        force: step.force ?? false,
      })
    case 'start':
      return await switchInstance(client, region, {
        operation: 'StartInstance',
        instance: step.instance,
        force: false,
      })
    case 'tag':
      return await tagResources(client, region, step)
    case 'untag':
      return await untagResources(client, region, step)
    case 'share':
      return await share(client, region, step)
    case 'unshare':
      return await unshare(client, region, step)
    case 'delete':
      return await deleteImage(client, region, step)
    case 'claim-snapshots':
      return await claimSnapshots(client, region, step)
    case 'delete-snapshots':
      return await deleteSnapshots(client, region, { ...step, imageIsGone: false })
    case 'deprecate':
    case 'restore':
    case 'join-family':
    case 'quarantine':
    case 'rename':
      return await modifyImage(client, region, {
        image: step.image,
        change: attributesFor(step),
        hasStatus: (status) => hasStatus(client, { region, image: step.image, status }),
      })
    default:
      throw new Error(`No request for ${JSON.stringify(step satisfies never)}`)
  }
}

const hasStatus = async (
  client: EcsClient,
  { region, image, status }: { region: string; image: string; status: string },
): Promise<boolean> => {
  const look = async () => (await describeImages(client, region, { imageId: image }))[0]?.status
  return (await client.clock.poll(look, (seen) => seen === status, consistencyIntervals)) === status
}

async function wouldPermit(client: EcsClient, step: DryRunStep, once: boolean): Promise<Permission> {
  try {
    await sendDryRun(client, step, once)
    return { granted: true }
  } catch (error) {
    // A dry run never succeeds: with this code ECS answers that the real request would.
    if (isCode(error, 'DryRunOperation')) return { granted: true }
    if (!(error instanceof EcsError) || error.ecsCode === undefined) throw error
    const isAnswer = error.reaction === 'fail' || (once && error.reaction === 'poll')
    if (!isAnswer) throw error
    const reason = `${describeAnswer(error.toJSON())} ${error.remedy}`
    return { granted: false, obstacle: obstacleIn(error), reason }
  }
}

async function sendDryRun(client: EcsClient, step: DryRunStep, once: boolean): Promise<void> {
  const { region, image } = step
  if (step.action === 'create') return await dryRunCreateImage(client, region, { create: step.create, once })
  const request = { regionId: region, imageId: image, dryRun: true }
  if ('accounts' in step) {
    const accounts = step.accounts.slice(0, accountsPerRequest)
    const shares = step.action === 'share' ? { addAccount: accounts } : { removeAccount: accounts }
    await client.call('ModifyImageSharePermission', region, { ...request, ...shares }, { once })
  } else await client.call('ModifyImageAttribute', region, { ...request, ...attributesFor(step) }, { once })
}

const aboutIdentity =
  /^(Forbidden|Forbbiden|NoPermission|InvalidUser|InvalidAccessKeyId|InvalidSecurityToken|Signature)/

function obstacleIn(error: EcsError): Obstacle {
  if (aboutIdentity.test(error.ecsCode ?? '')) return 'identity'
  if (error.reaction === 'poll') return 'busy'
  if (error.ecsCode === 'ImageUseShared') return 'shared'
  if (error.ecsCode === 'InvalidImageName.Duplicated') return 'name-taken'
  return error.code === 'family-full' ? 'family-full' : 'request'
}

import { type Answer, type Call, endDryRun } from './call.ts'
import { toSecond } from './clock.ts'
import { EcsError, missingParameter } from './errors.ts'
import { attributesAt, type Image, statusOf, writeImage } from './image.ts'
import { ownImage } from './modify-image.ts'
import { list, page } from './parameters.ts'

/** ECS silently ignores the eleventh and later accounts of a list. */
const ACCOUNTS_A_CALL = 10

function checkAccounts(call: Call, uids: readonly string[]): void {
  const { accounts, switches } = call.world
  for (const uid of uids) {
    if (uid === call.account.uid) {
      throw new EcsError(404, 'InvalidAccount.Forbbiden', 'The specified account is the owner of the image.')
    }
    if (!accounts.has(uid) && (switches.unknownAccounts === 'refused' || !/^\d{16}$/.test(uid))) {
      throw new EcsError(404, 'InvalidAccount.NotFound', 'The specified account does not exist.')
    }
  }
}

function checkShareable(call: Call, image: Image): void {
  if (statusOf(image, call.now) !== 'Available') {
    throw new EcsError(403, 'OperationDenied.InvalidImageStatus', 'The status of the image does not support sharing.')
  }
  const encrypted = image.disks.some((disk) => disk.encrypted)
  if (encrypted && image.kmsKeyId === '') {
    const code = 'InvalidOperation.ServiceKeyEncryptedImageUnsupported'
    throw new EcsError(403, code, 'Images encrypted with the service key cannot be shared.')
  }
  if (encrypted && call.world.switches.encryptedSharing === 'refused') {
    throw new EcsError(403, 'OperationDeined.EncryptedSnapshot', 'Encrypted images cannot be shared.')
  }
}

function checkPublishing(call: Call, image: Image): boolean {
  const wanted = call.parameters.IsPublic?.toLowerCase()
  if (wanted === 'true' && image.attributes.isPublic) {
    throw new EcsError(403, 'Image.Public', 'The specified image is already public.')
  }
  if (wanted === 'false' && !image.attributes.isPublic) {
    throw new EcsError(403, 'Image.NotPublic', 'The specified image is not public.')
  }
  return wanted === undefined ? image.attributes.isPublic : wanted === 'true'
}

/** Adding an account that has it already, or removing one that has not, changes nothing and is no error. */
export function modifyImageSharePermission(call: Call): Answer {
  const { parameters, world, now } = call
  const added = list(parameters, 'AddAccount').slice(0, ACCOUNTS_A_CALL)
  const removed = list(parameters, 'RemoveAccount').slice(0, ACCOUNTS_A_CALL)
  if (parameters.LaunchPermission) {
    throw new EcsError(400, 'InvalidParameter', 'LaunchPermission is not available to this account.')
  }
  if (added.length + removed.length === 0 && parameters.IsPublic === undefined) {
    throw missingParameter('AddAccount, RemoveAccount or IsPublic')
  }
  const image = ownImage(call)
  const publishes = parameters.IsPublic?.toLowerCase() === 'true'
  if (added.length > 0 || publishes) checkShareable(call, image)
  checkAccounts(call, [...added, ...removed])
  const isPublic = checkPublishing(call, image)
  const sharedWith = { ...image.attributes.sharedWith }
  for (const uid of removed) delete sharedWith[uid]
  for (const uid of added) sharedWith[uid] ??= now
  if (added.length > 0 && Object.keys(sharedWith).length > world.quotas.sharesPerImage) {
    throw new EcsError(
      403,
      'QuotaExceed.ShareImageUser',
      'The number of accounts the image is shared with is exceeded.',
    )
  }
  endDryRun(call)
  writeImage(image, { sharedWith, isPublic }, now)
  return {}
}

export function describeImageSharePermission(call: Call): Answer {
  const image = ownImage(call)
  const { sharedWith } = attributesAt(image, call.now - call.world.switches.staleSeconds * 1000)
  const accounts = Object.entries(sharedWith).map(([AliyunId, time]) => ({ AliyunId, SharedTime: toSecond(time) }))
  const { rows, counts } = page(call.parameters, accounts)
  return {
    ImageId: image.id,
    RegionId: call.region.id,
    ...counts,
    Accounts: { Account: rows },
    ShareGroups: { ShareGroup: [] },
  }
}

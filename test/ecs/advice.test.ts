import { describe, expect, test } from 'vitest'
import type { Advice, Reaction } from '../../src/ecs/advice/advice.ts'
import { adviceFor, areas } from '../../src/ecs/advice/index.ts'

/** Inputs of the action that a sentence may send the reader to, and what else it may quote. */
const INPUTS = new Set([
  ...['family', 'image-name', 'image-version', 'description', 'instance-id', 'snapshot-id', 'disk-device-mappings'],
  ...['platform', 'architecture', 'boot-mode', 'detection-strategy', 'imds-support', 'resource-group-id', 'tags'],
  ...['stop-instance', 'region-id', 'replica-region-ids', 'image-id', 'from-family', 'unshare', 'quarantine-family'],
  ...['wait-timeout-minutes', 'poll-interval-seconds', 'copy-kms-key-ids', 'keep', 'share-with', 'idempotency-key'],
  ...['endpoint', 'access-key-id', 'security-token', 'role-session-expiration'],
])

/**
 * The classes of trouble: I bad input, P a person or another step comes first, Q quota, D duplicate or another token,
 * S the state of something, R retry.
 */
const REACTION = { I: 'fail', P: 'fail', Q: 'fail', D: 'fail', S: 'poll', R: 'retry' } as const satisfies Record<
  string,
  Reaction
>

type Row = readonly [status: number | undefined, code: string, kind: keyof typeof REACTION, input?: string]

/** https://www.alibabacloud.com/help/en/ecs/api-createimage, older editions included; with the input to change. */
const CREATE_IMAGE: readonly Row[] = [
  [400, 'InvalidImageName.Malformed', 'I', 'image-name'],
  [400, 'InvalidImageName.Duplicated', 'D', 'image-name'],
  [400, 'InvalidDescription.Malformed', 'I', 'description'],
  [400, 'InvalidImageVersion.Malformed', 'I', 'image-version'],
  [400, 'IncorrectInstanceStatus', 'S'],
  [400, 'InstanceLockedForSecurity', 'P'],
  [400, 'InvalidDevice.Malformed', 'I', 'disk-device-mappings'],
  [400, 'InvalidDevice.InUse', 'I', 'disk-device-mappings'],
  [400, 'MissingParameter', 'I', 'instance-id'],
  [400, 'InvalidParameter.AllEmpty', 'I', 'disk-device-mappings'],
  [400, 'InvalidSize.ValueNotSupported', 'I', 'disk-device-mappings'],
  [400, 'OperationDenied', 'I', 'disk-device-mappings'],
  [400, 'InvalidDiskCategory.CreateImage', 'P', 'disk-device-mappings'],
  [400, 'InvalidOperation.DiskCategoryUnsupported', 'P', 'disk-device-mappings'],
  [400, 'InvalidDiskType.ValueNotSupported', 'I', 'disk-device-mappings'],
  [400, 'InvalidParameter.DiskType', 'I', 'disk-device-mappings'],
  [400, 'InvalidArchitecture.Malformed', 'I', 'architecture'],
  [400, 'InvalidPlatform.Malformed', 'I', 'platform'],
  [400, 'InvalidBootMode.Malformed', 'I', 'boot-mode'],
  [400, 'InvalidBootMode.NotSupport', 'I', 'boot-mode'],
  [400, 'InvalidParameter.FeaturesImdsSupport', 'I', 'imds-support'],
  [400, 'InvalidDetectionStrategy.Malformed', 'I', 'detection-strategy'],
  [400, 'Duplicate.TagKey', 'I', 'tags'],
  [400, 'InvalidTagKey.Malformed', 'I', 'tags'],
  [400, 'InvalidTagValue.Malformed', 'I', 'tags'],
  [400, 'InvalidInstance.NotFoundSystemDisk', 'P', 'instance-id'],
  [400, 'InvalidInstanceId.ValueNotSupported', 'P', 'instance-id'],
  [400, 'InvalidImageFamily.Malformed', 'I', 'family'],
  [400, 'ImageQuotaExceed.ImageFamily', 'Q'],
  [400, 'ImageFamilyQuotaExceed', 'Q', 'family'],
  [400, 'IdempotenceParamNotMatch', 'D', 'idempotency-key'],
  [400, 'AccountForbidden.CreateOrder', 'P'],
  [403, 'InvalidParamter.Conflict', 'D', 'idempotency-key'],
  [403, 'IncorrectDiskStatus.NeverAttached', 'P'],
  [403, 'IncorrectDiskStatus.CreatingSnapshot', 'S'],
  [403, 'IncorrectDiskStatus.Transferring', 'S'],
  [403, 'IncorrectDiskStatus.Invalid', 'P'],
  [403, 'IncorrectDiskStatus', 'S'],
  [403, 'IncorrectInstanceStatus.NeedRestart', 'P'],
  [403, 'InvalidSnapshotId.NotReady', 'S'],
  [403, 'SnapshotNotReady', 'S'],
  [403, 'TooManySnapshot.Unfinished', 'S'],
  [403, 'QuotaExceed.ConcurrentSnapshotQuota', 'S'],
  [403, 'InvalidSnapshot.TooOld', 'P', 'snapshot-id'],
  [403, 'OperationDenied', 'P', 'disk-device-mappings'],
  [403, 'OperationDenied.InvalidSnapshotCategory', 'P', 'snapshot-id'],
  [403, 'InvalidSnapshotCategory.NotSupportImageCreation', 'P', 'snapshot-id'],
  [403, 'InvalidOperation.SnapshotStorageLocationUnsupported', 'P', 'snapshot-id'],
  [403, 'InvalidOperation.DefaultFreeSnapshotNotSupport', 'P', 'snapshot-id'],
  [403, 'InvalidSystemSnapshot.Missing', 'I', 'snapshot-id'],
  [403, 'UserNotInTheWhiteList', 'P', 'disk-device-mappings'],
  [403, 'QuotaExceed.Image', 'Q'],
  [403, 'QuotaExceed.Snapshot', 'Q'],
  [403, 'QuotaExceed.Tags', 'Q', 'tags'],
  [403, 'InvalidAccountStatus.NotEnoughBalance', 'P'],
  [403, 'InvalidAccountStatus.SnapshotServiceUnavailable', 'P'],
  [403, 'AccountEnterpriseStatusInvalid', 'P'],
  [403, 'InvalidParameter.KMSKeyId.CMKUnauthorized', 'P'],
  [403, 'InvalidParameter.KMSKeyId.CMKNotEnabled', 'P'],
  [403, 'InvalidParameter.KMSKeyId.KMSUnauthorized', 'P'],
  [403, 'HibernationConfigured.InstanceOperationForbidden', 'P', 'instance-id'],
  [404, 'InvalidInstanceId.NotFound', 'I', 'instance-id'],
  [400, 'InvalidInstanceId.NotFound', 'I', 'region-id'],
  [404, 'InvalidSnapshotId.NotFound', 'I', 'snapshot-id'],
  [404, 'InvalidResourceGroup.NotFound', 'I', 'resource-group-id'],
  [404, 'InvalidRegionId.NotFound', 'I', 'region-id'],
  [500, 'InternalError', 'R'],
  [undefined, 'IdempotentProcessing', 'R'],
]

/** Two names of one thing: these may share a sentence, all others may not. */
const SAME = [
  ['InvalidDiskCategory.CreateImage', 'InvalidOperation.DiskCategoryUnsupported'],
  ['IdempotenceParamNotMatch', 'InvalidParamter.Conflict'],
  ['InvalidSnapshotId.NotReady', 'SnapshotNotReady'],
  ['OperationDenied.InvalidSnapshotCategory', 'InvalidSnapshotCategory.NotSupportImageCreation'],
]

/** The other lists, by action; a code here has advice that is not the general one. */
const OTHERS: Readonly<Record<string, Readonly<Record<Reaction, string>>>> = {
  ModifyImageAttribute: {
    retry: '',
    poll: 'InvalidStatus.ImageIsCreating',
    fail: `InvalidImageName.Malformed InvalidImageName.Duplicated InvalidDescription.Malformed MissingParameter
      InvalidImageFamily.Malformed ImageQuotaFull.ImageFamily ImageFamilyQuotaFull InvalidBootMode.NotSupport
      InvalidLicenseType.NotSupported InvalidParameter.FeaturesImdsSupport ImageStatus.NotAvailable
      ImageStatus.NotDeprecated ImageUseShared OperationDeined.ImageUsingByInstance
      InvalidOperation.FeaturesImdsSupportNotMatch InvalidImageId.NotFound`,
  },
  CopyImage: {
    retry: 'InternalError',
    poll: 'OperationDenied.ImageCopyConflict OperationDenied.ImageCopying InvalidOperation.Conflict',
    fail: `SourceRegion.NotFound DestinationRegion.NotFound IncorrectImageStatus InvalidImageName.Malformed
      InvalidImageName.Duplicated InvalidDescription.Malformed InvalidSnapshotId.NotFound OperationDenied.CommunityImage
      InvalidParameter.EncryptedIllegal InvalidEncrypted.NotMatchKmsKeyId InvalidEncrypted.NotMatchEncryptAlgorithm
      InvalidEncryptAlgorithm InvalidParameter.KmsNotEnabled Account.Arrearage InvalidAliUid.IsNull QuotaExceed.Image
      QuotaExceed.Snapshot RegionNotSupportCopy IncorrectDestinationRegion InvalidSnapshot.TooOld OperationDenied
      OperationDeined.EncryptedSnapshot OperationDenied.EncryptSnapshotAcrossRegion OperationDenied.SameRegionOnly
      OperationDenied.NotPublished OperationDenied.NotAuthorized OperationDenied.NonCompliantDestinationRegion
      OperationDenied.KmsServiceUnauthorized InvalidEncrypted.NotMatchDiskDefaultEncryption
      InvalidParameter.KMSKeyId.CMKNotEnabled InvalidParameter.DataEncryptedKeyCreateFailed InvalidRegion.NotSupport
      InvalidParameter.KMSKeyId.CMKUnauthorized
      InvalidRegionId.NotSupportEncryptAlgorithm UserNotInTheWhiteList SizeExceed.Image
      InvalidOperation.VhdImageUnsupported InvalidOperation.CloudBoxImageCopyUnsupported InvalidImageId.NotFound
      InvalidParameter.KMSKeyId.NotFound InvalidResourceGroup.NotFound`,
  },
  CancelCopyImage: {
    retry: '',
    poll: '',
    fail: `ImageCreatedNotFromCopy IncorrectImageStatus CancelNotSupported InvalidRegionId.NotFound
      InvalidImageId.NotFound`,
  },
  DeleteImage: {
    retry: '',
    poll: 'OperationDenied.ImageCopying ImageIsImporting ImageIsExporting',
    fail: 'ImageUsingByInstance ImageUseShared ImageIsPublic InvalidImageId.NotFound',
  },
  ModifyImageSharePermission: {
    retry: '',
    poll: '',
    fail: `OperationDenied.InvalidImageStatus QuotaExceed.ShareImage QuotaExceed.ShareImageUser
      InvalidImageId.BidMismatch OperationDeined.EncryptedSnapshot OperationDeined.FullImage
      InvalidOperation.ServiceKeyEncryptedImageUnsupported AssumeRoleError ImageName.ContainsSensitiveWords
      ImageDescription.ContainsSensitiveWords Image.Public Image.NotPublic PublicImageAgreement.NotSigned
      CurrentRegion.NotSupportPublicImage InvalidParameter.IsPublic InvalidAccount.NotFound InvalidAccount.Forbbiden
      InvalidImageId.NotFound MissingParameter InvalidGroup.Malformed`,
  },
  DescribeInstances: {
    retry: '',
    poll: '',
    fail: `InvalidStatus.NotFound InvalidLockReason.NotFound InvalidFilterKey.NotFound InvalidNetworkType.NotFound
      InvalidInstanceChargeType.NotFound InvalidTag.Mismatch InvalidTagCount`,
  },
  StopInstance: {
    retry: 'LimitedOperation.ServiceUnavailable InternalError',
    poll: 'IncorrectInstanceStatus',
    fail: `InstanceLockedForSecurity InstanceExpiredOrInArrears HibernationConfigured.InstanceOperationForbidden
      InvalidInstanceId.NotFound DiskError InvalidParameter.Encrypted.KmsNotEnable`,
  },
  StartInstance: {
    retry: 'InternalError',
    poll: 'IncorrectInstanceStatus InstanceNotReady',
    fail: `InstanceLockedForSecurity InsufficientBalance InstanceExpired OperationDenied.NoStock
      QuotaExceed.ElasticQuota InvalidInstanceId.NotFound`,
  },
  DescribeSnapshots: {
    retry: '',
    poll: '',
    fail: 'InvalidTag.Mismatch InvalidTagCount InvalidSnapshotIds.Malformed InvalidFilterKey.NotFound',
  },
  DeleteSnapshot: {
    retry: 'InternalError',
    poll: `SnapshotCreatedImage Operation.Conflict InvalidOperation.RelatedSnapshotNotFinished
      IncorrectDiskStatus.CreatingSnapshot`,
    fail: `SnapshotCreatedDisk InvalidOperation.DeleteSharedSnapshotUnsupported
      InvalidOperation.ResourceManagedByCloudProduct MissingParameter InvalidSnapshotId.NotFound`,
  },
  TagResources: {
    retry: 'ServiceUnavailable',
    poll: '',
    fail: `NumberExceed.ResourceIds NumberExceed.Tags Duplicate.TagKey InvalidTagKey.Malformed InvalidTagValue.Malformed
      InvalidTag.Mismatch InvalidTagCount OperationDenied.QuotaExceed QuotaExceed.Tags NoPermission.Tag
      InvalidResourceId.NotSupported InvalidResourceId.NotFound InvalidResourceType.NotFound InvalidRegionId.NotFound
      MissingParameter.ResourceType TagKey.Duplication`,
  },
  ListTagResources: { retry: '', poll: '', fail: 'BothEmpty.TagsAndResources Invalid.NextToken' },
  DescribeImages: {
    retry: `Throttling Throttling.User Throttling.Api Throttling.Resource Throttling.ConcurrentLimitExceeded
      Rejected.Throttling SignatureNonceUsed LastTokenProcessing IdempotentProcessing InternalError ServiceUnavailable
      ServiceUnavailable.RegionMaintaining`,
    poll: 'OperationConflict InvalidOperation.Conflict',
    fail: `MissingParameter MissingParameter.RegionId InvalidParameter InvalidParameter.PageSize InvalidParamter
      InvalidTimeStamp.Expired SignatureDoesNotMatch IncompleteSignature IdempotentParameterMismatch DryRunOperation
      Account.Arrearage Forbidden Forbidden.RAM Forbbiden InvalidUser.Unauthorized InvalidRegionId.NotFound
      InvalidAccessKeyId.NotFound InvalidAction.NotFound InvalidSecurityToken.Expired InvalidSecurityToken.Malformed
      InvalidSecurityToken.MismatchWithAccessKey InvalidCredentials`,
  },
}

const LISTED = Object.entries(OTHERS).flatMap(([action, byReaction]) =>
  Object.entries(byReaction).flatMap(([reaction, codes]) =>
    codes.split(/\s+/).flatMap((code) => (code === '' ? [] : [{ action, code, reaction }])),
  ),
)

const unlisted = adviceFor('CreateImage', 'Unlisted', 400)

const quoted = ({ remedy }: Advice): string[] => [...remedy.matchAll(/`([^`]*)`/g)].map(([, name = '']) => name)

describe('CreateImage', () => {
  const rows = CREATE_IMAGE.map(([status, code, kind, input]) => ({ status, code, kind, input }))

  test.each(rows)('$status $code is of class $kind', ({ status, code, kind, input }) => {
    const advice = adviceFor('CreateImage', code, status)
    expect(advice.reaction).toBe(REACTION[kind])
    if (input !== undefined) expect(quoted(advice)).toContain(input)
  })

  test('each code has a sentence of its own, except two names of one thing', () => {
    const codes = [...new Set(CREATE_IMAGE.map(([, code]) => code))]
    const bySentence = Map.groupBy(codes, (code) => adviceFor('CreateImage', code, undefined).remedy)
    expect([...bySentence.values()].filter(({ length }) => length > 1)).toEqual(SAME)
  })

  test('every bad input is one that can be changed', () => {
    expect(CREATE_IMAGE.filter(([, , kind, input]) => kind === 'I' && input === undefined)).toEqual([])
  })
})

describe('the other actions', () => {
  test.each(LISTED)('$action $code: $reaction', ({ action, code, reaction }) => {
    expect(adviceFor(action, code, undefined).reaction).toBe(reaction)
  })
})

test('no code is in two areas', () => {
  const codes = areas.flatMap((area) => Object.keys(area))
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([])
})

test('no listed code falls back on what is said of unlisted ones', () => {
  const general = ['Unlisted', 'Quota.X', 'InvalidParameter.X', 'InvalidParameter.KMSKeyId.X', 'InvalidAccessKeyId.X']
    .map((code) => adviceFor('CreateImage', code, 400))
    .concat(adviceFor('CreateImage', undefined, undefined))
  const listed = [...CREATE_IMAGE.map(([, code]) => ({ action: 'CreateImage', code })), ...LISTED]
  const fallen = listed.filter(({ action, code }) => general.includes(adviceFor(action, code, undefined)))
  expect(fallen.map(({ code }) => code)).toEqual(['InvalidParameter', 'InvalidParameter.PageSize', 'InvalidParamter'])
})

describe('one code, two meanings', () => {
  test.each([
    ['InvalidImageName.Duplicated', 'CreateImage', 'CopyImage'],
    ['InvalidImageName.Duplicated', 'CreateImage', 'ModifyImageAttribute'],
    ['InvalidImageName.Duplicated', 'CopyImage', 'ModifyImageAttribute'],
    ['InvalidSnapshot.TooOld', 'CreateImage', 'CopyImage'],
    ['QuotaExceed.Snapshot', 'CreateImage', 'CopyImage'],
    ['InvalidParameter.KMSKeyId.CMKNotEnabled', 'CreateImage', 'CopyImage'],
    ['OperationDenied', 'CreateImage', 'CopyImage'],
    ['MissingParameter', 'CreateImage', 'CopyImage'],
    ['InvalidSnapshotId.NotFound', 'CreateImage', 'CopyImage'],
    ['InvalidSnapshotId.NotFound', 'CreateImage', 'DeleteSnapshot'],
    ['UserNotInTheWhiteList', 'CreateImage', 'CopyImage'],
    ['QuotaExceed.Image', 'CreateImage', 'CopyImage'],
    ['InvalidParameter.KMSKeyId.CMKUnauthorized', 'CreateImage', 'CopyImage'],
    ['IncorrectInstanceStatus', 'CreateImage', 'StartInstance'],
    ['IncorrectImageStatus', 'CopyImage', 'CancelCopyImage'],
    ['ImageUseShared', 'ModifyImageAttribute', 'DeleteImage'],
    ['OperationDenied.ImageCopying', 'CopyImage', 'DeleteImage'],
    ['OperationDeined.EncryptedSnapshot', 'CopyImage', 'ModifyImageSharePermission'],
    ['InvalidImageId.NotFound', 'ModifyImageAttribute', 'DeleteImage'],
  ])('%s of %s and of %s', (code, one, other) => {
    expect(adviceFor(one, code, 403).remedy).not.toBe(adviceFor(other, code, 403).remedy)
  })

  test('one meaning, two codes: too many families', () => {
    const modified = adviceFor('ModifyImageAttribute', 'ImageFamilyQuotaFull', 400)
    expect(modified).toEqual(adviceFor('CreateImage', 'ImageFamilyQuotaExceed', 400))
  })

  test('one meaning, two codes: a full family, of which only one can be that of the quarantine', () => {
    const created = quoted(adviceFor('CreateImage', 'ImageQuotaExceed.ImageFamily', 400))
    const modified = quoted(adviceFor('ModifyImageAttribute', 'ImageQuotaFull.ImageFamily', 400))
    expect([created, modified]).toEqual([['keep'], ['keep', 'quarantine-family']])
  })

  test('one meaning, three codes: a token that was used for something else', () => {
    const [first, ...rest] = [
      'IdempotenceParamNotMatch',
      'InvalidParamter.Conflict',
      'IdempotentParameterMismatch',
    ].map((code) => adviceFor('CopyImage', code, 400))
    expect(rest).toEqual([first, first])
  })
})

describe('families of codes', () => {
  test.each([
    ['Throttling', 400],
    ['Throttling.User', 403],
    ['Rejected.Throttling', undefined],
    ['Throttling.Resource', 429],
    ['Throttling.NeverSeen', 400],
    ['Forbidden.ThrottlingOfSomeKind', 503],
  ])('%s is throttling under the status %s', (code, status) => {
    const advice = adviceFor('DescribeImages', code, status)
    expect(advice.reaction).toBe('retry')
    expect(quoted(advice)).toContain('poll-interval-seconds')
  })

  test.each([
    [undefined, 500],
    [undefined, 502],
    ['NeverSeen', 503],
    ['NeverSeen', 599],
    [undefined, 429],
    ['NeverSeen', 429],
    [undefined, 200],
    [undefined, 301],
    [undefined, 403],
    [undefined, undefined],
    ['', undefined],
  ])('%s with the status %s is passing trouble', (code, status) => {
    expect(adviceFor('CopyImage', code, status).reaction).toBe('retry')
  })

  test.each([
    ['NeverSeen', undefined],
    ['NeverSeen', 400],
    ['NeverSeen', 404],
    ['NeverSeen', 409],
    ['NeverSeen', 499],
    ['constructor', 400],
    ['__proto__', 400],
  ])('%s with the status %s is not understood, and so not repeated', (code, status) => {
    expect(adviceFor('CopyImage', code, status)).toEqual(unlisted)
    expect(unlisted.reaction).toBe('fail')
  })

  test('a known code counts for more than its status', () => {
    expect(adviceFor('CreateImage', 'InvalidImageName.Malformed', 500).reaction).toBe('fail')
    expect(adviceFor('CreateImage', 'TooManySnapshot.Unfinished', 429).reaction).toBe('poll')
    expect(adviceFor('CreateImage', 'InvalidAccountStatus.SnapshotServiceUnavailable', 403).reaction).toBe('fail')
  })

  test.each(['Forbidden', 'Forbidden.RAM', 'Forbbiden', 'InvalidUser.Unauthorized', 'Forbidden.NeverSeen'])(
    '%s names the RAM action to grant',
    (code) => {
      for (const action of ['CreateImage', 'ModifyImageAttribute', 'StartInstance']) {
        const advice = adviceFor(action, code, 403)
        expect(advice.reaction).toBe('fail')
        expect(quoted(advice)).toEqual([`ecs:${action}`])
      }
    },
  )

  test.each(['DeleteSnapshot', 'DescribeSnapshots', 'TagResources'])('%s has to be granted on snapshots', (action) => {
    expect(adviceFor(action, 'Forbidden.RAM', 403).remedy).toContain('snapshot/*')
  })

  test.each(['DescribeImageFromFamily', 'ListTagResources'])('%s has to be granted on *', (action) => {
    expect(adviceFor(action, 'Forbidden.RAM', 403).remedy).toContain(' on * ')
  })

  test.each([
    ['InvalidSecurityToken.Malformed', 'security-token'],
    ['InvalidSecurityToken.MismatchWithAccessKey', 'access-key-id'],
    ['InvalidAccessKeyId.Inactive', 'access-key-id'],
  ])('%s points at %s', (code, input) => {
    expect(adviceFor('DescribeImages', code, 403).reaction).toBe('fail')
    expect(quoted(adviceFor('DescribeImages', code, 403))).toContain(input)
  })

  test.each([
    ['InvalidSecurityToken.Expired', 'temporary credentials'],
    ['InvalidSecurityToken.NeverSeen', 'temporary credentials'],
    ['SignatureDoesNotMatch', 'AccessKey'],
    ['IncompleteSignature', 'AccessKey'],
    ['InvalidTimeStamp.Expired', 'clock'],
    ['QuotaExceed.NeverSeen', 'Quota Center'],
    ['HibernationConfigured.NeverSeen', 'hibernation'],
    ['InvalidParameter.KMSKeyId.NeverSeen', 'KMS console'],
    ['InvalidParameter.NeverSeen', 'input'],
  ])('%s speaks of %s', (code, word) => {
    expect(adviceFor('StopInstance', code, 400).reaction).toBe('fail')
    expect(adviceFor('StopInstance', code, 400).remedy).toContain(word)
  })
})

describe('advice points at the inputs that are about', () => {
  test.each([
    ['CreateImage', 'ImageQuotaExceed.ImageFamily', 'keep'],
    ['CreateImage', 'QuotaExceed.Image', 'keep'],
    ['CopyImage', 'QuotaExceed.Image', 'keep'],
    ['CopyImage', 'DestinationRegion.NotFound', 'replica-region-ids'],
    ['CopyImage', 'RegionNotSupportCopy', 'replica-region-ids'],
    ['CopyImage', 'InvalidParameter.KMSKeyId.CMKUnauthorized', 'copy-kms-key-ids'],
    ['CopyImage', 'InvalidParameter.KMSKeyId.NotFound', 'copy-kms-key-ids'],
    ['CopyImage', 'OperationDenied.EncryptSnapshotAcrossRegion', 'copy-kms-key-ids'],
    ['DescribeImages', 'InvalidRegionId.NotFound', 'replica-region-ids'],
    ['ModifyImageSharePermission', 'InvalidAccount.Forbbiden', 'share-with'],
    ['ModifyImageSharePermission', 'QuotaExceed.ShareImageUser', 'share-with'],
    ['DeleteImage', 'ImageUseShared', 'unshare'],
    ['DeleteImage', 'ImageUsingByInstance', 'keep'],
  ])('%s %s: %s', (action, code, input) => {
    expect(quoted(adviceFor(action, code, 400))).toContain(input)
  })
})

describe('misspellings are exact', () => {
  test.each([
    ['CreateImage', 'InvalidParamter.Conflict', 'InvalidParameter.Conflict'],
    ['CreateImage', 'IdempotenceParamNotMatch', 'IdempotentParamNotMatch'],
    ['DescribeImages', 'IdempotentParameterMismatch', 'IdempotenceParameterMismatch'],
    ['ModifyImageAttribute', 'OperationDeined.ImageUsingByInstance', 'OperationDenied.ImageUsingByInstance'],
    ['CopyImage', 'OperationDeined.EncryptedSnapshot', 'OperationDenied.EncryptedSnapshot'],
    ['ModifyImageSharePermission', 'OperationDeined.FullImage', 'OperationDenied.FullImage'],
    ['ModifyImageSharePermission', 'InvalidAccount.Forbbiden', 'InvalidAccount.Forbidden'],
    ['CreateImage', 'InvalidBootMode.NotSupport', 'InvalidBootMode.NotSupported'],
    ['CreateImage', 'InvalidImageName.Malformed', 'invalidimagename.malformed'],
  ])('%s: %s, not %s', (action, code, corrected) => {
    expect(adviceFor(action, code, 400)).not.toEqual(adviceFor(action, corrected, 400))
  })
})

describe('every sentence', () => {
  const sentences = new Map(
    [
      ...CREATE_IMAGE.map(([, code]) => ['CreateImage', code] as const),
      ...LISTED.map(({ action, code }) => [action, code] as const),
      ...['Unlisted', 'Forbidden', 'InvalidAccessKeyId', 'InvalidTimeStamp', 'UnlistedQuota'].map(
        (code) => ['ModifyImageSharePermission', code] as const,
      ),
      ...['CreateImage', 'CopyImage', 'TagResources', 'DescribeImageFromFamily'].map(
        (action) => [action, 'Forbidden'] as const,
      ),
      ['CopyImage', ''] as const,
      ['CopyImage', 'InvalidParameter.KMSKeyId.Unlisted'] as const,
    ].map(([action, code]) => [`${action} ${code}`, adviceFor(action, code, undefined)]),
  )

  const offending = (isFine: (advice: Advice) => boolean) =>
    [...sentences].filter(([, advice]) => !isFine(advice)).map(([name, { remedy }]) => `${name}: ${remedy}`)

  test('is one short paragraph', () => {
    expect(offending(({ remedy }) => remedy.length <= 160 && !/\n|\s{2}/.test(remedy))).toEqual([])
  })

  test('begins with what to do and ends with a full stop', () => {
    expect(offending(({ remedy }) => /^(?!The |This |An? |It |If |No |Your? )[A-Z][a-z]+ .*\.$/.test(remedy))).toEqual(
      [],
    )
  })

  test('names only inputs that exist, and RAM actions', () => {
    const exists = (name: string) => INPUTS.has(name) || name.startsWith('ecs:')
    expect(offending((advice) => quoted(advice).every(exists))).toEqual([])
  })

  test('neither begs nor speaks of secrets', () => {
    expect(offending(({ remedy }) => !/please|secret|password/i.test(remedy))).toEqual([])
  })
})

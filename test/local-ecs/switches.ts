/**
 * What ECS does not document, or does only sometimes. A client has to hold under every setting. All can be changed
 * while the server runs; durations are read when something begins.
 */
export interface Switches {
  // Lifecycles, in seconds of the clock
  /** How long a new image or copy stays `Waiting` before it is worked on. */
  waitingSeconds: number
  /** How long an image from an instance or snapshots stays `Creating`. `Infinity`: until somebody changes it. */
  creationSeconds: number
  /** How long a copy stays `Creating`, once one of the region's places for copies is free. */
  copySeconds: number
  stoppingSeconds: number
  startingSeconds: number
  /** The next n images or copies end as `CreateFailed`; counts down. */
  failNextImages: number

  // Families
  /** DescribeImageFromFamily without a match: no `Image` at all, `"Image":null`, or `"Image":{}`. */
  emptyFamilyAnswer: 'absent' | 'null' | 'object'
  /** Which images DescribeImageFromFamily covers: every kind (current text), or own ones only (text of 2021). */
  familyCovers: 'every' | 'custom'
  /** Of images created in the same second: the one whose request came first, or last. */
  tieBreak: 'first' | 'last'
  /** Which images count for the quotas of families: of every status, or available ones only. */
  quotaCounts: 'all' | 'available'
  /** Whether the family of a deprecated image may be changed. */
  familyOfDeprecated: 'may-change' | 'refused'
  /** Whether the family of a shared image may be changed. */
  familyOfShared: 'may-change' | 'refused'
  /** Refuse also the family names that only some sources forbid: a leading `acs`, and dots. */
  strictFamilyNames: boolean

  // ClientTokens
  /** How long a ClientToken is remembered. */
  tokenMemorySeconds: number
  /** A token whose image has been deleted: answered with the ID of old, or good for a new image. */
  tokenAfterDeletion: 'answers-old-id' | 'forgotten'
  /** `by-api`: IdempotenceParamNotMatch from CreateImage, IdempotentParameterMismatch from all others. */
  tokenMismatchCode: 'by-api' | 'IdempotenceParamNotMatch' | 'InvalidParamter.Conflict' | 'IdempotentParameterMismatch'
  /** The first n answers to each token are 403 LastTokenProcessing, although the first request took effect. */
  lastTokenProcessingTimes: number

  // Images
  /** Whether an image that is still being created may be deleted. Copies never may: they are cancelled. */
  deleteCreating: 'permitted' | 'refused'
  /** DeleteImage of an image, and DeleteSnapshot of a snapshot, that does not exist. */
  deleteMissing: '404' | 'ignored'
  /** Whether names that differ only in case are the same name. */
  nameCase: 'sensitive' | 'insensitive'
  /** Order of DescribeImages. `shuffled` is by a hash of the ID: always the same, and no use. */
  order: 'newest-first' | 'oldest-first' | 'shuffled'
  /** Whether `Usable` is in the answers of DescribeImages. */
  usableReported: boolean
  /** `Usable` turns true this long after `Available`; before it, when negative. */
  usableDelaySeconds: number
  /** How DescribeImages spells progress: `"87%"`, `87`, or not at all. */
  progressSpelling: 'percent' | 'number' | 'empty'
  /** How it spells IsSelfShared of an image that is shared, and of one that is not. */
  isSelfSharedSpelling: 'True/False' | 'true/false' | 'empty'
  /** A second image of an instance whose snapshots are still in progress. */
  concurrentSnapshots: 'refused' | 'permitted'
  /** A data disk's snapshot as system disk: only accounts that ECS has listed may do that. */
  dataSnapshotAsSystemDisk: 'refused' | 'permitted'
  /** What the DryRun of CreateImage checks: all that the request itself would be refused for, or its parameters only. */
  dryRunOfCreateImage: 'everything' | 'parameters'

  // Snapshots
  /** How DescribeSnapshots takes filters by tag and by usage: as documented, as prefixes, or not at all. */
  snapshotFilters: 'exact' | 'prefix' | 'ignored'

  // Copies
  /** Whether CopyImage carries the tags of its source over. */
  copyCarriesTags: boolean
  /** What the CreationTime of a copy is. Until a copy is complete, its request's time shows either way. */
  copyCreationTime: 'request' | 'completion'
  /** What another copy in progress conflicts with: same source and same target region, or same source. */
  copyConflict: 'source-and-target' | 'source'

  // Sharing
  /** Accounts that this server does not know: ECS's 404 InvalidAccount.NotFound, or taken as they are. */
  unknownAccounts: 'refused' | 'accepted'
  /** Images encrypted with a key of the account's own. */
  encryptedSharing: 'permitted' | 'refused'

  // Instances
  /** `OperationLocks` as recorded (a list of objects) or as CreateImage's page abbreviates it. */
  operationLocksShape: 'list' | 'object'
  /** When StartInstance meets OperationDenied.NoStock. */
  startNoStock: 'never' | 'after-stop-charging' | 'always'
  /** StoppedMode of a StopInstance that names none: a setting of the account. */
  defaultStoppedMode: 'KeepCharging' | 'StopCharging'

  // Eventual consistency, in seconds of the clock
  /** A new image is not in DescribeImages for this long. */
  newImageHiddenSeconds: number
  /** DescribeImages shows the attributes (status, family, name, …) of before a write for this long. */
  staleSeconds: number
  /** DescribeImageFromFamily answers as if it were this long ago. */
  staleFamilySeconds: number
  /** Reads and tag filters show the tags of before a write for this long, those set on creation included. */
  staleTagSeconds: number
  /** A deleted image stays listed, and keeps its snapshots from being deleted, for this long. */
  staleDeleteSeconds: number

  // Credentials
  /** Added to the machine's clock before the date of a request is compared with it. */
  clockSkewSeconds: number
  /** The audience that the trust policy of every role demands of an OIDC token; empty: any. */
  oidcAudience: string
}

export const defaultSwitches: Readonly<Switches> = {
  waitingSeconds: 0,
  creationSeconds: 3,
  copySeconds: 3,
  stoppingSeconds: 2,
  startingSeconds: 2,
  failNextImages: 0,
  emptyFamilyAnswer: 'absent',
  familyCovers: 'every',
  tieBreak: 'last',
  quotaCounts: 'all',
  familyOfDeprecated: 'may-change',
  familyOfShared: 'may-change',
  strictFamilyNames: false,
  tokenMemorySeconds: Number.POSITIVE_INFINITY,
  tokenAfterDeletion: 'answers-old-id',
  tokenMismatchCode: 'by-api',
  lastTokenProcessingTimes: 0,
  deleteCreating: 'permitted',
  deleteMissing: '404',
  nameCase: 'sensitive',
  order: 'newest-first',
  usableReported: true,
  usableDelaySeconds: 0,
  progressSpelling: 'percent',
  isSelfSharedSpelling: 'True/False',
  concurrentSnapshots: 'refused',
  dataSnapshotAsSystemDisk: 'refused',
  snapshotFilters: 'exact',
  dryRunOfCreateImage: 'everything',
  copyCarriesTags: false,
  copyCreationTime: 'request',
  copyConflict: 'source-and-target',
  unknownAccounts: 'refused',
  encryptedSharing: 'permitted',
  operationLocksShape: 'list',
  startNoStock: 'never',
  defaultStoppedMode: 'KeepCharging',
  newImageHiddenSeconds: 0,
  staleSeconds: 0,
  staleFamilySeconds: 0,
  staleTagSeconds: 0,
  staleDeleteSeconds: 0,
  clockSkewSeconds: 0,
  oidcAudience: 'sts.aliyuncs.com',
}

/** ECS's limits. All but the per-image ones differ from account to account. */
export interface Quotas {
  imagesPerFamily: number
  familiesPerRegion: number
  imagesPerRegion: number
  /** Copies in progress in one target region; further ones wait. */
  copiesPerRegion: number
  sharesPerImage: number
  tagsPerResource: number
  /** Rows in one answer of ListTagResources. */
  tagRowsPerPage: number
  /** The longest session that a role permits. */
  sessionSeconds: number
}

export const defaultQuotas: Readonly<Quotas> = {
  imagesPerFamily: 100,
  familiesPerRegion: 100,
  imagesPerRegion: 200,
  copiesPerRegion: 5,
  sharesPerImage: 50,
  tagsPerResource: 20,
  tagRowsPerPage: 50,
  sessionSeconds: 3600,
}

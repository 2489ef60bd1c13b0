import { EcsError, invalidParameter, missingParameter } from './errors.ts'

/**
 * Which API takes which parameters, as Alibaba Cloud's own metadata and the SDK's request models have them.
 * `!` required · `?` boolean · `#` integer · `.N` any number from 1.
 */
const TABLES = {
  CreateImage: `RegionId! InstanceId SnapshotId DiskDeviceMapping.N.SnapshotId DiskDeviceMapping.N.Device
    DiskDeviceMapping.N.DiskType DiskDeviceMapping.N.Size# ImageName ImageFamily ImageVersion Description Platform
    Architecture BootMode DetectionStrategy Features.ImdsSupport SecureBootOptions.SecureBootSupport ResourceGroupId
    Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value ClientToken DryRun?`,
  DescribeImages: `RegionId! Status ImageId ImageFamily ImageName ImageOwnerAlias ImageOwnerId# IsPublic? Usage Usable?
    SnapshotId Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value Filter.N.Key Filter.N.Value Architecture OSType
    InstanceType ActionType IsSupportIoOptimized? IsSupportCloudinit? ResourceGroupId ShowExpired? PageNumber#
    PageSize# DryRun?`,
  DescribeImageFromFamily: 'RegionId! ImageFamily!',
  ModifyImageAttribute: `RegionId! ImageId! ImageName Description ImageFamily Status BootMode LicenseType
    Features.NvmeSupport Features.ImdsSupport DryRun?`,
  CopyImage: `RegionId! ImageId! DestinationRegionId DestinationImageName DestinationDescription Tag.N.Key Tag.N.Value
    ResourceGroupId Encrypted? KMSKeyId EncryptAlgorithm ClientToken DryRun?`,
  CancelCopyImage: 'RegionId! ImageId!',
  DeleteImage: 'RegionId! ImageId! Force? DryRun?',
  DescribeImageSharePermission: 'RegionId! ImageId! PageNumber# PageSize#',
  ModifyImageSharePermission: 'RegionId! ImageId! AddAccount.N RemoveAccount.N IsPublic? LaunchPermission DryRun?',
  DescribeInstances: `RegionId! InstanceIds ImageId Status LockReason Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
    Filter.N.Key Filter.N.Value AdditionalAttributes.N DeviceAvailable? EipAddresses HpcClusterId HttpEndpoint
    HttpPutResponseHopLimit# HttpTokens InnerIpAddresses InstanceChargeType InstanceName InstanceNetworkType
    InstanceType InstanceTypeFamily InternetChargeType IoOptimized? Ipv6Address.N KeyPairName NeedSaleCycle?
    PrivateIpAddresses PublicIpAddresses RdmaIpAddresses ResourceGroupId SecurityGroupId VSwitchId VpcId ZoneId
    MaxResults# NextToken PageNumber# PageSize# DryRun?`,
  DescribeInstanceStatus: 'RegionId! InstanceId.N ClusterId ZoneId PageNumber# PageSize#',
  StopInstance: 'RegionId InstanceId! ForceStop? StoppedMode ConfirmStop? Hibernate? DryRun?',
  StartInstance: 'RegionId InstanceId! InitLocalDisk? DryRun?',
  RunInstances: `RegionId! ImageId ImageFamily InstanceType SecurityGroupId SecurityGroupIds.N VSwitchId Amount#
    MinAmount# SystemDisk.* DataDisk.N.* NetworkInterface.N.* Arn.N.* InstanceName Description HostName HostNames.N
    AutoReleaseTime ClientToken Tag.N.Key Tag.N.Value DryRun? Affinity AutoPay? AutoRenew? AutoRenewPeriod#
    ClockOptions.* CpuOptions.* CreditSpecification DedicatedHostId DeletionProtection? DeploymentSetGroupNo#
    DeploymentSetId HibernationOptions.Configured? HpcClusterId HttpEndpoint HttpPutResponseHopLimit# HttpTokens
    ImageOptions.* InstanceChargeType InternetChargeType InternetMaxBandwidthIn# InternetMaxBandwidthOut# IoOptimized
    Ipv6Address.N Ipv6AddressCount# Isp KeyPairName LaunchTemplateId LaunchTemplateName LaunchTemplateVersion#
    ManagedHostId NetworkInterfaceQueueNumber# NetworkOptions.* Password PasswordInherit? Period# PeriodUnit
    PrivateDnsNameOptions.* PrivateIpAddress PrivatePoolOptions.* RamRoleName ResourceGroupId SchedulerOptions.*
    SecurityEnhancementStrategy SecurityOptions.* SpotDuration# SpotInterruptionBehavior SpotPriceLimit SpotStrategy
    StorageSetId StorageSetPartitionNumber# Tenancy UniqueSuffix? UserData ZoneId`,
  DeleteInstance: 'RegionId InstanceId! Force? ForceStop? TerminateSubscription? DryRun?',
  DescribeSnapshots: `RegionId! SnapshotIds InstanceId DiskId SnapshotName Status SnapshotType Usage SourceDiskType
    Encrypted? KMSKeyId Category SnapshotLinkId ResourceGroupId Tag.N.Key Tag.N.Value Tag.N.key Tag.N.value
    Filter.N.Key Filter.N.Value MaxResults# NextToken PageNumber# PageSize# DryRun?`,
  DeleteSnapshot: 'RegionId SnapshotId! Force?',
  TagResources: 'RegionId! ResourceType! ResourceId.N! Tag.N.Key! Tag.N.Value',
  UntagResources: 'RegionId! ResourceType! ResourceId.N! TagKey.N All?',
  ListTagResources: `RegionId! ResourceType! ResourceId.N Tag.N.Key Tag.N.Value TagFilter.N.TagKey
    TagFilter.N.TagValues.N NextToken`,
  DescribeRegions: 'RegionId AcceptLanguage InstanceChargeType ResourceType',
  GetCallerIdentity: 'RegionId',
  AssumeRoleWithOIDC: 'OIDCProviderArn! OIDCToken! RoleArn! RoleSessionName! DurationSeconds# Policy RegionId',
}

export type Action = keyof typeof TABLES

/** Parameters every ECS API carries from former times, without meaning here. */
const LEGACY = 'OwnerAccount OwnerId# ResourceOwnerAccount ResourceOwnerId#'

interface Rule {
  readonly name: string
  readonly pattern: RegExp
  readonly required: boolean
  readonly values: RegExp | undefined
}

const KINDS: Record<string, RegExp> = { '?': /^(true|false)$/i, '#': /^-?\d+$/ }

function toRule(entry: string): Rule {
  const [, name = '', kind = '', required] = /^([\w.*]+?)([?#]?)(!?)$/.exec(entry) ?? []
  const pattern = name.replaceAll('.', '\\.').replaceAll('*', '\\w+(\\.\\w+)*').replaceAll('\\.N', '\\.[1-9]\\d*')
  return { name, pattern: new RegExp(`^${pattern}$`), required: required === '!', values: KINDS[kind] }
}

const RULES = new Map(
  Object.entries(TABLES).map(([action, table]) => [action, `${table} ${LEGACY}`.split(/\s+/).map(toRule)]),
)

export function isAction(name: string): name is Action {
  return RULES.has(name)
}

/** The names an API takes, in the notation of the table above. */
export function parameterNames(action: Action): string[] {
  return (RULES.get(action) ?? []).map((rule) => rule.name)
}

/** The tag APIs answer a missing parameter with 404 and its name in the code; all others with 400. */
function missing(action: Action, name: string): EcsError {
  if (!action.endsWith('Resources')) return missingParameter(name)
  const short = name.replace('.N', '')
  return new EcsError(404, `MissingParameter.${short}`, `The parameter ${short} is missing.`)
}

export function checkParameters(action: Action, parameters: Readonly<Record<string, string>>): void {
  const rules = RULES.get(action) ?? []
  for (const [name, value] of Object.entries(parameters)) {
    const rule = rules.find((candidate) => candidate.pattern.test(name))
    if (!rule) throw invalidParameter(name, `is not a parameter of ${action}`)
    if (rule.values && !rule.values.test(value)) throw invalidParameter(name)
  }
  for (const rule of rules.filter((candidate) => candidate.required)) {
    // An empty string is as good as nothing for a required parameter, except inside lists, which have rules of their own.
    const given = Object.entries(parameters).some(([name, value]) => rule.pattern.test(name) && value !== '')
    if (!given) throw missing(action, rule.name)
  }
}

export function flag(parameters: Readonly<Record<string, string>>, name: string): boolean {
  return parameters[name]?.toLowerCase() === 'true'
}

/** `Name.1`, `Name.2`, … in the order of their numbers. */
export function list(parameters: Readonly<Record<string, string>>, name: string): string[] {
  return Object.entries(parameters)
    .flatMap(([key, value]) => {
      const number = key.startsWith(`${name}.`) ? Number(key.slice(name.length + 1)) : Number.NaN
      return Number.isInteger(number) ? [{ number, value }] : []
    })
    .sort((a, b) => a.number - b.number)
    .map((entry) => entry.value)
}

/** `Name.1.Field`, … as one record a number. */
export function records(parameters: Readonly<Record<string, string>>, name: string): Record<string, string>[] {
  const found = new Map<number, Record<string, string>>()
  for (const [key, value] of Object.entries(parameters)) {
    const [, number, field] = key.startsWith(`${name}.`) ? (/^(\d+)\.(.+)$/.exec(key.slice(name.length + 1)) ?? []) : []
    if (!number || !field) continue
    const record = found.get(Number(number)) ?? {}
    record[field] = value
    found.set(Number(number), record)
  }
  return [...found].sort(([a], [b]) => a - b).map(([, record]) => record)
}

/** A page of a numbered listing: PageNumber from 1, PageSize 10 unless told otherwise. */
export function page<T>(parameters: Readonly<Record<string, string>>, rows: readonly T[], largest = 100) {
  const number = Number(parameters.PageNumber ?? 1)
  const size = Number(parameters.PageSize ?? 10)
  if (number < 1) throw invalidParameter('PageNumber')
  if (size < 1 || size > largest) throw invalidParameter('PageSize')
  return {
    rows: rows.slice((number - 1) * size, number * size),
    counts: { TotalCount: rows.length, PageNumber: number, PageSize: size },
  }
}

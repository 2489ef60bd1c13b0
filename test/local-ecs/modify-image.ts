import { type Answer, type Call, endDryRun } from './call.ts'
import { EcsError, imageNotFound, invalidParameter } from './errors.ts'
import {
  type Image,
  type ImageAttributes,
  type ImageStatus,
  inUse,
  isUnfinished,
  liveImages,
  statusOf,
  writeImage,
} from './image.ts'
import { checkDescription, checkFamilyName, checkFamilyQuota, checkImageName, checkNameIsFree } from './names.ts'

export function ownImage(call: Call): Image {
  const image = liveImages(call.region).find((candidate) => candidate.id === call.parameters.ImageId)
  if (image?.owner !== call.account.uid) throw imageNotFound()
  return image
}

function isShared(image: Image): boolean {
  return Object.keys(image.attributes.sharedWith).length > 0
}

/** Neither deprecating nor restoring is idempotent: a repeat is an error. */
function checkStatus(call: Call, image: Image): void {
  const status = statusOf(image, call.now)
  const wanted = call.parameters.Status
  if (isUnfinished(image, call.now)) {
    throw new EcsError(403, 'InvalidStatus.ImageIsCreating', 'The specified image is being created.')
  }
  if (wanted === 'Deprecated' && status !== 'Available') {
    throw new EcsError(403, 'ImageStatus.NotAvailable', 'The specified image is not available.')
  }
  if (wanted === 'Available' && status !== 'Deprecated') {
    throw new EcsError(403, 'ImageStatus.NotDeprecated', 'The specified image is not deprecated.')
  }
  if (wanted === 'Deprecated' && isShared(image)) {
    throw new EcsError(403, 'ImageUseShared', 'The specified image has been shared to other users.')
  }
}

function checkFamilyChange(call: Call, image: Image): void {
  const { familyOfDeprecated, familyOfShared, quotaCounts } = call.world.switches
  const family = call.parameters.ImageFamily ?? image.attributes.family
  const changes = family !== image.attributes.family
  const restores = call.parameters.Status === 'Available' && quotaCounts === 'available'
  if (changes && familyOfDeprecated === 'refused' && statusOf(image, call.now) === 'Deprecated') {
    throw new EcsError(403, 'ImageStatus.NotAvailable', 'The family of a deprecated image cannot be changed.')
  }
  if (changes && familyOfShared === 'refused' && isShared(image)) {
    throw new EcsError(403, 'ImageUseShared', 'The family of a shared image cannot be changed.')
  }
  if (family !== '' && (changes || restores)) {
    const { region, world } = call
    checkFamilyQuota(world, { region, owner: image.owner, family, api: 'ModifyImageAttribute', except: image })
  }
}

function checkFeatures(call: Call, image: Image): void {
  const { BootMode, LicenseType } = call.parameters
  const imds = call.parameters['Features.ImdsSupport']
  if (imds === 'v1' && image.attributes.imdsSupport === 'v2') {
    throw new EcsError(403, 'InvalidOperation.FeaturesImdsSupportNotMatch', 'ImdsSupport cannot go back from v2 to v1.')
  }
  if (BootMode === 'BIOS' && image.system.architecture === 'arm64') {
    throw new EcsError(400, 'InvalidBootMode.NotSupport', 'The boot mode does not fit the architecture.')
  }
  if (BootMode && inUse(image, call.world)) {
    throw new EcsError(403, 'OperationDeined.ImageUsingByInstance', 'The specified image is used by instances.')
  }
  if (LicenseType && image.system.osType !== 'windows') {
    throw new EcsError(400, 'InvalidLicenseType.NotSupported', 'The license type is for Windows images only.')
  }
}

function checkInput(call: Call): void {
  const { Status, BootMode, LicenseType } = call.parameters
  const imds = call.parameters['Features.ImdsSupport']
  if (Status !== undefined && Status !== 'Deprecated' && Status !== 'Available') throw invalidParameter('Status')
  if (BootMode !== undefined && !['BIOS', 'UEFI', 'UEFI-Preferred'].includes(BootMode)) {
    throw new EcsError(400, 'InvalidBootMode.NotSupport', 'The specified boot mode is not supported.')
  }
  if (LicenseType !== undefined && LicenseType !== 'BYOL') {
    throw new EcsError(400, 'InvalidLicenseType.NotSupported', 'The specified license type is not supported.')
  }
  if (imds !== undefined && !['v1', 'v2'].includes(imds)) {
    throw new EcsError(400, 'InvalidParameter.FeaturesImdsSupport', 'The specified ImdsSupport is not supported.')
  }
}

/** Only what the request names changes; what is unset stays. */
function changes(call: Call, image: Image): Partial<ImageAttributes> {
  const { parameters } = call
  const old = image.attributes
  return {
    name: parameters.ImageName ?? old.name,
    description: parameters.Description ?? old.description,
    family: parameters.ImageFamily ?? old.family,
    status: (parameters.Status as ImageStatus | undefined) ?? old.status,
    bootMode: parameters.BootMode ?? old.bootMode,
    licenseType: parameters.LicenseType ?? old.licenseType,
    imdsSupport: parameters['Features.ImdsSupport'] ?? old.imdsSupport,
    nvmeSupport: parameters['Features.NvmeSupport'] ?? old.nvmeSupport,
  }
}

export function modifyImageAttribute(call: Call): Answer {
  const { world, region, account, parameters } = call
  checkInput(call)
  const image = ownImage(call)
  checkStatus(call, image)
  checkImageName(parameters.ImageName)
  // A family can be changed but never removed, so the empty name is wrongly formed like any other too short one.
  checkFamilyName(world, parameters.ImageFamily)
  checkDescription(parameters.Description)
  checkNameIsFree(world, { region, owner: account.uid, name: parameters.ImageName, except: image })
  checkFeatures(call, image)
  checkFamilyChange(call, image)
  endDryRun(call)
  writeImage(image, changes(call, image), call.now)
  return {}
}

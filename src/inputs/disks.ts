/** `disk-device-mappings`: YAML or JSON, a list of disks that make up the image. */
import type { DiskDeviceMapping } from '../family/model/request.ts'
import { parseYaml } from './yaml.ts'

export interface ParsedDisks {
  readonly disks: readonly DiskDeviceMapping[]
  readonly faults: readonly string[]
}

/** One system disk and up to sixteen data disks (CreateImage). */
const mostDisks = 17
const fields = ['snapshot-id', 'disk-type', 'device', 'size']

export function parseDisks(text: string): ParsedDisks {
  if (text === '') return { disks: [], faults: [] }
  const parsed = parseYaml(text)
  if (!parsed.ok) return { disks: [], faults: [`it is neither YAML nor JSON: ${parsed.reason}`] }
  const { value } = parsed
  if (!Array.isArray(value) || value.length === 0) {
    return { disks: [], faults: [`expected a list of disks, each with ${fields.join(', ')}.`] }
  }
  const read = value.map((disk: unknown, index) => readDisk(disk, `disk ${index + 1}`))
  const disks = read.map(({ disk }) => disk)
  return { disks, faults: [...read.flatMap(({ faults }) => faults), ...faultsOf(disks)] }
}

function readDisk(given: unknown, where: string): { disk: DiskDeviceMapping; faults: string[] } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { disk: {}, faults: [`${where} should be a map with ${fields.join(', ')}.`] }
  }
  const values = given as Readonly<Record<string, unknown>>
  if (Object.keys(values).length === 0) {
    return { disk: {}, faults: [`${where} is empty; an empty data disk needs a size or a device.`] }
  }
  const faults = Object.entries(values).flatMap(([key, value]) => {
    if (!fields.includes(key)) return [`${where} has an unknown field '${key}'; known are ${fields.join(', ')}.`]
    return typeof value === 'string' ? [] : [`${where}: ${key} should be a plain value.`]
  })
  const text = (key: string): string | undefined => {
    const value = values[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [snapshotId, diskType, device, size] = fields.map(text)
  if (snapshotId !== undefined && !/^s-[A-Za-z0-9-]+$/.test(snapshotId)) {
    faults.push(`${where}: snapshot-id should be an ID such as s-bp67acfmxazb4p8vk3h5, not '${snapshotId}'.`)
  }
  if (diskType !== undefined && diskType !== 'system' && diskType !== 'data') {
    faults.push(`${where}: disk-type should be system or data, not '${diskType}'.`)
  }
  if (size !== undefined && !(/^\d+$/.test(size) && Number(size) >= 5 && Number(size) <= 32_768)) {
    faults.push(`${where}: size should be a whole number of GiB from 5 to 32768, not '${size}'.`)
  }
  const disk = {
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(diskType === 'system' || diskType === 'data' ? ({ diskType } as const) : {}),
    ...(device === undefined ? {} : { device }),
    ...(size === undefined ? {} : { size: Number(size) }),
  }
  return { disk, faults }
}

function faultsOf(disks: readonly DiskDeviceMapping[]): string[] {
  const devices = disks.flatMap(({ device }) => (device === undefined ? [] : [device]))
  const twice = devices.filter((device, index) => devices.indexOf(device) !== index)
  return [
    ...(disks.length > mostDisks ? [`it lists ${disks.length} disks; ECS takes 1 system disk and 16 data disks.`] : []),
    ...(disks.filter(({ diskType }) => diskType === 'system').length > 1
      ? ['only one disk can be the system disk.']
      : []),
    ...(disks.every(({ snapshotId }) => snapshotId === undefined)
      ? ['at least the system disk needs a snapshot-id.']
      : []),
    ...twice.map((device) => `the device ${device} is named twice.`),
  ]
}

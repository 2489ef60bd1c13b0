/** `disk-device-mappings`: YAML or JSON, a list of disks that make up the image. */
import type { DiskDeviceMapping } from '../family/model/request.ts'
import type { Checked } from './parsers.ts'
import { parseYaml } from './yaml.ts'

/** One system disk and up to sixteen data disks (CreateImage). */
const mostDisks = 17
const fields = ['snapshot-id', 'disk-type', 'device', 'size']

export function parseDisks(text: string): Checked<readonly DiskDeviceMapping[]> {
  if (text === '') return { value: [], errors: [] }
  const parsed = parseYaml(text)
  if (!parsed.ok) return { value: [], errors: [`it is neither YAML nor JSON: ${parsed.reason}`] }
  const { value } = parsed
  if (!Array.isArray(value) || value.length === 0) {
    return { value: [], errors: [`expected a list of disks, each with ${fields.join(', ')}.`] }
  }
  const read = value.map((disk: unknown, index) => readDisk(disk, `disk ${index + 1}`))
  const disks = read.map((disk) => disk.value)
  return { value: disks, errors: [...read.flatMap(({ errors }) => errors), ...checkDisks(disks)] }
}

function readDisk(given: unknown, where: string): Checked<DiskDeviceMapping> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { value: {}, errors: [`${where} should be a map with ${fields.join(', ')}.`] }
  }
  const values = given as Readonly<Record<string, unknown>>
  if (Object.keys(values).length === 0) {
    return { value: {}, errors: [`${where} is empty; an empty data disk needs a size or a device.`] }
  }
  const errors = Object.entries(values).flatMap(([key, value]) => {
    if (!fields.includes(key)) return [`${where} has an unknown field '${key}'; the fields are ${fields.join(', ')}.`]
    return typeof value === 'string' ? [] : [`${where}: ${key} should be a plain value.`]
  })
  const text = (key: string): string | undefined => {
    const value = values[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [snapshotId, diskType, device, size] = fields.map(text)
  if (snapshotId !== undefined && !/^s-[A-Za-z0-9-]+$/.test(snapshotId)) {
    errors.push(`${where}: snapshot-id should be an ID such as s-bp67acfmxazb4p8vk3h5, not '${snapshotId}'.`)
  }
  if (diskType !== undefined && diskType !== 'system' && diskType !== 'data') {
    errors.push(`${where}: disk-type should be system or data, not '${diskType}'.`)
  }
  if (size !== undefined && !(/^\d+$/.test(size) && Number(size) >= 5 && Number(size) <= 32_768)) {
    errors.push(`${where}: size should be a whole number of GiB from 5 to 32768, not '${size}'.`)
  }
  const disk = {
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(diskType === 'system' || diskType === 'data' ? ({ diskType } as const) : {}),
    ...(device === undefined ? {} : { device }),
    ...(size === undefined ? {} : { size: Number(size) }),
  }
  return { value: disk, errors }
}

function checkDisks(disks: readonly DiskDeviceMapping[]): string[] {
  const devices = disks.flatMap(({ device }) => (device === undefined ? [] : [device]))
  const repeated = devices.filter((device, index) => devices.indexOf(device) !== index)
  return [
    ...(disks.length > mostDisks
      ? [`it lists ${disks.length} disks, but ECS takes at most 1 system disk and 16 data disks.`]
      : []),
    ...(disks.filter(({ diskType }) => diskType === 'system').length > 1
      ? ['only one disk can be the system disk.']
      : []),
    ...(disks.every(({ snapshotId }) => snapshotId === undefined)
      ? ['at least the system disk needs a snapshot-id.']
      : []),
    ...repeated.map((device) => `the device ${device} is given twice.`),
  ]
}

import { assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDisks } from '../../src/inputs/disks.ts'

const disks = [
  { snapshotId: 's-1', diskType: 'system', device: '/dev/xvda', size: 40 },
  { snapshotId: 's-2', diskType: 'data', size: 100 },
  { device: '/dev/xvdc', size: 20 },
]

describe('a list of disks', () => {
  test('in YAML', () => {
    const text = `
- snapshot-id: s-1
  disk-type: system
  device: /dev/xvda
  size: 40
- {snapshot-id: s-2, disk-type: data, size: 100}
- device: "/dev/xvdc"
  size: "20"
`.trim()
    expect(parseDisks(text)).toEqual({ value: disks, errors: [] })
  })

  test('in JSON', () => {
    const text = JSON.stringify([
      { 'snapshot-id': 's-1', 'disk-type': 'system', device: '/dev/xvda', size: 40 },
      { 'snapshot-id': 's-2', 'disk-type': 'data', size: 100 },
      { device: '/dev/xvdc', size: 20 },
    ])
    expect(parseDisks(text)).toEqual({ value: disks, errors: [] })
  })

  test('in their order', () => {
    const ids = ['s-3', 's-1', 's-2']
    expect(
      parseDisks(JSON.stringify(ids.map((id) => ({ 'snapshot-id': id })))).value.map((disk) => disk.snapshotId),
    ).toEqual(ids)
  })

  test('a field that is empty is not there', () => {
    expect(parseDisks('[{snapshot-id: s-1, device: ""}]')).toEqual({ value: [{ snapshotId: 's-1' }], errors: [] })
  })

  test('nothing is no list', () => {
    expect(parseDisks('')).toEqual({ value: [], errors: [] })
  })

  test.each([
    ['17 disks', 17, 0],
    ['18 disks', 18, 1],
  ])('%s', (_, count, errors) => {
    const text = JSON.stringify(Array.from({ length: count }, () => ({ 'snapshot-id': 's-1' })))
    expect(parseDisks(text).errors).toHaveLength(errors)
  })
})

describe('errors', () => {
  test.each([
    ['broken YAML', '[{', /neither YAML nor JSON/],
    ['a map', 'snapshot-id: s-1', /expected a list/],
    ['a word', 's-1', /expected a list/],
    ['an empty list', '[]', /expected a list/],
    ['a list of words', '[s-1]', /disk 1 should be a map/],
    ['an unknown field', '[{snapshot-id: s-1, type: system}]', /disk 1 has an unknown field 'type'.*disk-type/],
    ['the name of the API for a field', '[{SnapshotId: s-1}]', /unknown field 'SnapshotId'/],
    ['a value that is a list', '[{snapshot-id: [s-1]}]', /disk 1: snapshot-id should be a plain value/],
    ['an ID that is none', '[{snapshot-id: d-1}]', /disk 1: snapshot-id/],
    ['a type that is none', '[{snapshot-id: s-1, disk-type: root}]', /system or data, not 'root'/],
    ['a size that is none', '[{snapshot-id: s-1, size: 40G}]', /size/],
    ['a size in parts', '[{snapshot-id: s-1, size: 40.5}]', /size/],
    ['a size that is too small', '[{snapshot-id: s-1, size: 4}]', /5 to 32768/],
    ['a size that is too large', '[{snapshot-id: s-1, size: 32769}]', /5 to 32768/],
    ['a size in another base', '[{snapshot-id: s-1, size: 0x28}]', /size/],
    ['two system disks', '[{snapshot-id: s-1, disk-type: system}, {snapshot-id: s-2, disk-type: system}]', /only one/],
    ['no snapshot at all', '[{size: 40}]', /needs a snapshot-id/],
    [
      'a device twice',
      '[{snapshot-id: s-1, device: /dev/xvdb}, {size: 20, device: /dev/xvdb}]',
      /\/dev\/xvdb is given twice/,
    ],
  ])('%s', (_, text, why) => {
    expect(parseDisks(text).errors.join('\n')).toMatch(why)
  })

  test('say which disk, and all of them', () => {
    const { errors } = parseDisks('[{snapshot-id: s-1, size: 1}, {snapshot-id: x, disk-type: y}]')
    expect(errors).toHaveLength(3)
    expect(errors[0]).toContain('disk 1')
    expect(errors[1]).toContain('disk 2')
  })

  test.each([
    ['the smallest', 5],
    ['the largest', 32_768],
  ])('%s size is none', (_, size) => {
    expect(parseDisks(`[{snapshot-id: s-1, size: ${size}}]`)).toEqual({
      value: [{ snapshotId: 's-1', size }],
      errors: [],
    })
  })

  test('any text at all gives disks or errors', () => {
    assert(
      property(string({ unit: constantFrom(...'a1-:{}[]"\'\n ,#|>') }), (text) => {
        const { value, errors } = parseDisks(text)
        if (text !== '') expect(value.length + errors.length).toBeGreaterThan(0)
      }),
    )
  })
})

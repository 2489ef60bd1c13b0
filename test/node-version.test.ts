import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nodeFault } from '../src/node-version.ts'

describe('the version of Node', () => {
  test.each(['24.0.0', '24.21.0', '26.1.0', '100.0.0', '25.0.0-nightly20251120'])('%s is new enough', (version) => {
    expect(nodeFault(version)).toBeUndefined()
  })

  test.each(['20.20.2', '23.11.1', '16.20.2', '9.0.0', '2.4.0', ''])('%s is refused', (version) => {
    const fault = nodeFault(version) ?? ''
    expect(fault).toContain(`runs on Node ${version}, but this action needs Node 24 or later. No request was made.`)
    expect(fault).toContain('update the runner to version 2.327.0')
    expect(fault).toContain('PATH')
  })

  test('the one needed is the one that action.yml asks for', () => {
    const { runs } = parse(readFileSync(new URL('../action.yml', import.meta.url), 'utf8'))
    const major = Number(runs.using.replace('node', ''))
    expect(nodeFault(`${major}.0.0`)).toBeUndefined()
    expect(nodeFault(`${major - 1}.99.0`)).toContain(`needs Node ${major}`)
  })
})

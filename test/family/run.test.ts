import { assert, constantFrom, integer, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkFamilyName, checkImageName } from '../../src/family/model/name.ts'
import { clientTokenOf, createRun, imageNameOf, type RunIdentity, workflowRunOf } from '../../src/family/model/run.ts'
import { sha256 } from './requests.ts'

const identity: RunIdentity = {
  repositoryId: '4711',
  workflowRun: '17230001',
  scope: ['deploy', 'bake', '{"os":"linux"}', 's-1'],
  mode: 'bake',
  region: 'cn-hangzhou',
  family: 'web',
}
const context = { attempt: 1, number: 42, sha256 }
const run = createRun(identity, context)

describe('the key of a run', () => {
  test('shows the workflow run, so that people can find it, and ten digits of a digest', () => {
    expect(run.key).toMatch(/^17230001-[0-9a-f]{10}$/)
    expect(run.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(run.digest.startsWith(run.key.slice('17230001-'.length))).toBe(true)
    expect(workflowRunOf(run.key)).toBe('17230001')
  })

  test.each([
    ['repository', { repositoryId: '4712' }],
    ['workflow run', { workflowRun: '17230002' }],
    ['job', { scope: ['test', 'bake', '{"os":"linux"}', 's-1'] }],
    ['step', { scope: ['deploy', 'bake-2', '{"os":"linux"}', 's-1'] }],
    ['leg of a matrix', { scope: ['deploy', 'bake', '{"os":"windows"}', 's-1'] }],
    ['source', { scope: ['deploy', 'bake', '{"os":"linux"}', 's-2'] }],
    ['mode', { mode: 'promote' }],
    ['region', { region: 'cn-beijing' }],
    ['family', { family: 'web-2' }],
  ])('is another one for another %s', (_, change) => {
    expect(createRun({ ...identity, ...change }, context).key).not.toBe(run.key)
  })

  test('is the same in each attempt', () => {
    expect(createRun(identity, { ...context, attempt: 7 }).key).toBe(run.key)
    expect(createRun(identity, { ...context, attempt: 7 }).digest).toBe(run.digest)
  })

  test('tells parts apart that only run together alike', () => {
    const one = createRun({ ...identity, scope: ['a', 'bc'] }, context)
    const other = createRun({ ...identity, scope: ['ab', 'c'] }, context)
    expect(one.key).not.toBe(other.key)
  })
})

const family = string({ unit: constantFrom(...'abZ9.:_-网𠀀'), minLength: 2, maxLength: 128 }).filter(
  (name) => checkFamilyName(name).kind !== 'bad',
)

describe('a generated image name', () => {
  test('is family, run number and eight digits of the key', () => {
    expect(imageNameOf(run, 'web', 0)).toBe(`web-42-${run.key.slice(-10, -2)}`)
  })

  test('is always one that ECS takes, of at most 128 characters, and ends with its digest', () => {
    assert(
      property(family, integer({ min: 0, max: 2_000_000_000 }), integer({ min: 0, max: 12 }), (name, number, n) => {
        const imageName = imageNameOf({ ...run, number }, name, n)
        expect(checkImageName(imageName)).toEqual({ kind: 'good' })
        expect([...imageName].length).toBeLessThanOrEqual(128)
        const tail = n === 0 ? '' : `-${n + 1}`
        expect(imageName.endsWith(`-${number}-${run.digest.slice(0, 8)}${tail}`)).toBe(true)
      }),
    )
  })

  test('is another one for each image that replaces a failed one', () => {
    const names = [0, 1, 2, 3].map((generation) => imageNameOf(run, 'w'.repeat(128), generation))
    expect(new Set(names).size).toBe(4)
  })

  test('a long family does not split a character beyond the basic plane', () => {
    expect(imageNameOf(run, '𠀀'.repeat(128), 0).isWellFormed()).toBe(true)
  })
})

describe('a ClientToken', () => {
  test('is at most 64 ASCII characters', () => {
    assert(
      property(integer({ min: 0, max: 999 }), integer({ min: 0, max: 999 }), (generation, renewal) => {
        expect(clientTokenOf(run, generation, renewal)).toMatch(/^[\x21-\x7e]{1,64}$/)
      }),
    )
  })

  test('is the same for the same request, in each attempt, and another one for any other', () => {
    expect(clientTokenOf({ ...run, attempt: 3 }, 0, 0)).toBe(clientTokenOf(run, 0, 0))
    const numbers = [0, 1, 2, 11, 12]
    const tokens = numbers.flatMap((generation) => numbers.map((renewal) => clientTokenOf(run, generation, renewal)))
    expect(new Set(tokens).size).toBe(tokens.length)
    const other = createRun({ ...identity, family: 'web-2' }, context)
    expect(clientTokenOf(other, 0, 0)).not.toBe(clientTokenOf(run, 0, 0))
  })
})

import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type BakeRequest,
  modes,
  type PromoteRequest,
  type ResolveRequest,
  type RollbackRequest,
} from '../../src/family/model/request.ts'
import { type Fields, inputNames, inputRows, inputsOf, type Values } from '../../src/inputs/schema.ts'

describe('rows', () => {
  test.each(inputNames)('%s: its default is a value that its parser takes', (name) => {
    const { default: standard = '', parse } = inputRows[name]
    if (standard !== '') expect(parse(standard, { name, mode: undefined })).toMatchObject({ errors: [], warnings: [] })
  })

  test.each(modes)('of %s are some, and no two become the same field of its request', (mode) => {
    const fields = inputsOf(mode).flatMap((name) => inputRows[name].field ?? [])
    expect(fields.length).toBeGreaterThan(3)
    expect(new Set(fields).size).toBe(fields.length)
  })
})

/** The compiler checks these: that a row's value fits its field is checked where the request is built. */
describe('types', () => {
  test('the fields of a mode are fields of its request', () => {
    expectTypeOf<Exclude<keyof Fields<'bake'>, keyof BakeRequest>>().toBeNever()
    expectTypeOf<Exclude<keyof Fields<'promote'>, keyof PromoteRequest>>().toBeNever()
    expectTypeOf<Exclude<keyof Fields<'rollback'>, keyof RollbackRequest>>().toBeNever()
    expectTypeOf<Exclude<keyof Fields<'resolve'>, keyof ResolveRequest>>().toBeNever()
  })

  test('the values have the types of their parsers', () => {
    expectTypeOf<Values['keep']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Values['wait']>().toEqualTypeOf<boolean>()
    expectTypeOf<Values['if-missing']>().toEqualTypeOf<'error' | 'ignore'>()
  })
})

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readme, withTables } from './readme.ts'

test('the README lists the inputs and outputs as the schema and action.yml have them (npm run readme)', () => {
  expect(readme).toBe(withTables(readme))
})

test('the two commands of the README are those of package.json', async () => {
  const { default: packageFile } = await import('../package.json', { with: { type: 'json' } })
  for (const [, script = ''] of readme.matchAll(/npm ci && npm (?:run )?(\w+)/g)) {
    expect(Object.keys(packageFile.scripts)).toContain(script)
  }
})

test('the README explains every kind of refusal', async () => {
  const source = await readFile(new URL('../src/family/plan/plan.ts', import.meta.url), 'utf8')
  const [, union = ''] = /export type RefusalCode =([\s\S]*?)\n\n/.exec(source) ?? []
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(20)
  const explained = [...readme.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/[a-z-]+/g) ?? [],
  )
  expect(codes.filter((code) => !explained.includes(code ?? ''))).toEqual([])
})

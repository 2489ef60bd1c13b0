import { expect, test } from 'vitest'
import { readme, withTables } from './readme.ts'

test('the README lists the inputs and outputs as action.yml has them (npm run readme)', () => {
  expect(readme).toBe(withTables(readme))
})

test('the two commands of the README are those of package.json', async () => {
  const { default: packageFile } = await import('../package.json', { with: { type: 'json' } })
  for (const [, script = ''] of readme.matchAll(/npm ci && npm (?:run )?(\w+)/g)) {
    expect(Object.keys(packageFile.scripts)).toContain(script)
  }
})

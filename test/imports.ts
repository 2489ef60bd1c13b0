/** The imports of src/, for tests of the structure. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** All files of src/. */
export const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => `src/${path}`)
  .sort()

export interface Import {
  readonly from: string
  /** A file of ours, or a package. */
  readonly to: string
  /** Gone when the program runs. */
  readonly isType: boolean
}

/** Every import and re-export of a file, static and dynamic. */
function importsOf(path: string): Import[] {
  const text = read(path).replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const statics = text.matchAll(/^(?:import|export)\s+(type\s)?([^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const dynamics = text.matchAll(/import\(\s*'([^']+)'\s*\)/g)
  const onlyTypes = (names: string): boolean => {
    const braced = /^\{([^}]*)\}\s+from\s+$/.exec(names)?.[1]
    const each = braced?.split(',').filter((name) => name.trim() !== '')
    return each !== undefined && each.length > 0 && each.every((name) => /^\s*type\s/.test(name))
  }
  const resolve = (to: string): string => (to.startsWith('.') ? relative(root, join(root, dirname(path), to)) : to)
  return [
    ...[...statics].map(([, type, names = '', to = '']) => ({
      from: path,
      to: resolve(to),
      isType: type !== undefined || onlyTypes(names),
    })),
    ...[...dynamics].map(([, to = '']) => ({ from: path, to: resolve(to), isType: false })),
  ]
}

export const imports = files.flatMap(importsOf)

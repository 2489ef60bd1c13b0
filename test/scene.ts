/** What tests of whole steps share: a local ECS of one's own, and what is read off it afterwards. */
import { afterAll } from 'vitest'
import { type LocalEcs, type LocalEcsOptions, startLocalEcs } from './local-ecs/server.ts'

const open: LocalEcs[] = []
afterAll(() => Promise.all(open.map((ecs) => ecs.close())))

/** One of one's own, closed when the tests of the file are over. */
export async function localEcs(options?: LocalEcsOptions): Promise<LocalEcs> {
  const ecs = await startLocalEcs(options)
  open.push(ecs)
  return ecs
}

export type ImageView = ReturnType<LocalEcs['seed']['image']>
export type ImageSeed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>

/** Images of one family, oldest first, a day apart, with names that tell them apart. */
export function seedFamily<const N extends readonly string[]>(
  ecs: LocalEcs,
  names: N,
  { family = 'web', each = {} }: { family?: string; each?: Partial<Record<N[number], ImageSeed>> } = {},
): { [K in keyof N]: ImageView } {
  const seeds = each as Readonly<Record<string, ImageSeed>>
  return names.map((name, index) =>
    ecs.seed.image({
      family,
      name,
      createdAt: Date.parse('2026-03-01T00:00:00Z') + index * 86_400_000,
      ...seeds[name],
    }),
  ) as { [K in keyof N]: ImageView }
}

/** What the family resolves to, each time that it changes, from now on. */
export function watchFamily(ecs: LocalEcs, family = 'web'): (string | undefined)[] {
  const served = [ecs.current(family)]
  ecs.intercept = () => {
    const now = ecs.current(family)
    if (now !== served.at(-1)) served.push(now)
  }
  return served
}

/** Requests that were to change something: `Action` and, for some, what. Dry runs are none. */
export const writesTo = (ecs: LocalEcs): string[] =>
  ecs.requests
    .filter(({ write, dryRun }) => write && !dryRun)
    .map(({ action, parameters: { ImageId, Status, ImageFamily } }) =>
      action === 'ModifyImageAttribute' ? `${ImageId} ${Status ?? `in ${ImageFamily}`}` : action,
    )

/** The same without the action's own record of its decision. */
export const visibleWritesTo = (ecs: LocalEcs): string[] =>
  writesTo(ecs).filter((write) => !/^(Tag|Untag)Resources$/.test(write))

export const actionsOf = (ecs: LocalEcs): string[] => ecs.requests.map(({ action }) => action)

/** The one error of a failed step. */
export const errorOf = ({ errors }: { readonly errors: readonly string[] }): string => errors.join('\n---\n')

/** All there is in ECS, as text, without the times that stand in tags. */
export const endOf = (ecs: LocalEcs): string => JSON.stringify(ecs.state()).replaceAll(/\d{8}T?\d{6}Z?/g, '<time>')

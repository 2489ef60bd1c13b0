/** What the tests of the whole process share: a local ECS of one's own, and what is read off it afterwards. */
import { afterAll, test as inTurn } from 'vitest'
import { type LocalEcs, type LocalEcsOptions, startLocalEcs } from '../local-ecs/server.ts'
import { type Inputs, runStep, type Step, type StepOptions } from './runner.ts'

/** A test is a chain of processes that wait for each other: several side by side keep every core busy. */
export const test = inTurn.concurrent

const open: LocalEcs[] = []
afterAll(() => Promise.all(open.map((ecs) => ecs.close())))

/** One of one's own, closed when the tests of the file are over. */
export async function localEcs(options?: LocalEcsOptions): Promise<LocalEcs> {
  const ecs = await startLocalEcs(options)
  open.push(ecs)
  return ecs
}

type Seeded = ReturnType<LocalEcs['seed']['image']>
type ImageSeed = NonNullable<Parameters<LocalEcs['seed']['image']>[0]>

/** Images of one family, oldest first, a day apart, with names that tell them apart. */
export function seedFamily<const N extends readonly string[]>(
  ecs: LocalEcs,
  names: N,
  { family = 'web', each = {} }: { family?: string; each?: Partial<Record<N[number], ImageSeed>> } = {},
): { [K in keyof N]: Seeded } {
  const seeds = each as Readonly<Record<string, ImageSeed>>
  return names.map((name, index) =>
    ecs.seed.image({
      family,
      name,
      createdAt: Date.parse('2026-03-01T00:00:00Z') + index * 86_400_000,
      ...seeds[name],
    }),
  ) as { [K in keyof N]: Seeded }
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

/** The same without the action's own marks. */
export const visibleWritesTo = (ecs: LocalEcs): string[] =>
  writesTo(ecs).filter((write) => !/^(Tag|Untag)Resources$/.test(write))

export const actionsOf = (ecs: LocalEcs): string[] => ecs.requests.map(({ action }) => action)

/** All that leaves the process in either stage. */
export const everythingOf = ({ post, ...main }: Step): string =>
  [main, post]
    .flatMap(({ stdout, stderr, summary, outputs, state }) => [
      stdout.replaceAll(/^::add-mask::.*$/gm, ''),
      stderr,
      summary,
      JSON.stringify(outputs),
      JSON.stringify(state),
    ])
    .join('\n')

/** The one error of a failed step. */
export const errorOf = ({ errors }: Step): string => errors.join('\n---\n')

/** A step of which only the main stage is of interest. */
export const runMain = (
  ecs: Parameters<typeof runStep>[0],
  inputs: Inputs,
  options: Omit<StepOptions, 'post'> = {},
): Promise<Step> => runStep(ecs, inputs, { ...options, post: false })

/** All there is in ECS, as text, without the times that stand in marks. */
export const endOf = (ecs: LocalEcs): string => JSON.stringify(ecs.state()).replaceAll(/\d{8}T?\d{6}Z?/g, '<time>')

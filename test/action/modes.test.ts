/**
 * Each mode in a process of its own: what the runner is handed (exit code, output file, summary, annotations, log) is
 * what the same walk tells in this process (test/runs), where everything else about a mode is shown.
 */
import { describe, expect } from 'vitest'
import type { LocalEcs } from '../local-ecs/server.ts'
import { runMain as walkStep } from '../runs/step.ts'
import {
  bakesEverywhere,
  promotions,
  promotionsEverywhere,
  resolves,
  rollbacks,
  rollbacksEverywhere,
  type Scenario,
  startEcs,
  stoppingBake,
  timeless,
} from '../scenarios.ts'
import { seedFamily } from '../scene.ts'
import type { Inputs } from './runner.ts'
import { runMain, test } from './scene.ts'

/** What goes well, fails, is refused, warns and is only planned. */
const more: readonly Scenario[] = [
  {
    name: 'a bake of a running instance, which warns',
    arrange: (ecs) => ({ mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance().id }),
  },
  {
    name: 'a bake whose image fails',
    arrange: (ecs) => {
      ecs.switches.failNextImages = 1
      return { mode: 'bake', family: 'web', 'instance-id': ecs.seed.instance({ status: 'Stopped' }).id }
    },
  },
  {
    name: 'a rollback while a newer image is being created, with instances of the withdrawn one',
    arrange: (ecs) => {
      const [, current] = seedFamily(ecs, ['web-1', 'web-2'])
      ecs.seed.instance({ imageId: current.id })
      ecs.seed.image({ family: 'web', name: 'web-3', status: 'Creating' })
      return { mode: 'rollback', family: 'web', reason: 'login is broken' }
    },
  },
  { name: 'a rollback that is refused', arrange: () => ({ mode: 'rollback', family: 'web' }) },
  {
    name: 'a rollback that is only planned',
    arrange: (ecs) => {
      seedFamily(ecs, ['web-1', 'web-2'])
      return { mode: 'rollback', family: 'web', 'dry-run': 'true' }
    },
  },
  {
    name: 'a promotion that ECS denies',
    arrange: (ecs) => {
      ecs.faults.add({ kind: 'error', code: 'Forbidden.RAM', status: 403, action: 'TagResources', times: 9 })
      return { mode: 'promote', family: 'web', 'image-id': ecs.seed.image().id }
    },
  },
]

const scenarios = [
  resolves[0],
  stoppingBake,
  promotions[2],
  rollbacks[0],
  bakesEverywhere[0],
  promotionsEverywhere[1],
  rollbacksEverywhere[0],
].filter((scenario) => scenario !== undefined)

interface StepResult {
  readonly exitCode: number | null
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  readonly log: string
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly notices: readonly string[]
}

const sorted = (text: string): string[] => text.split('\n').filter(Boolean).toSorted()

/** Without annotations, which are compared by themselves, and what the process says of itself. */
function logOf({ log, errors, warnings, notices }: StepResult): string {
  const annotations = Object.entries({ error: errors, warning: warnings, notice: notices })
  const said = annotations.flatMap(([level, texts]) => texts.map((text) => `${level}: ${text}\n`))
  return said
    .reduce((rest, text) => rest.replace(text, ''), log)
    .replaceAll(/^(Credentials|Run): .*$/gm, '')
    .replaceAll(/ \(after \d+ s\)$/gm, '')
}

/** Regions go on side by side: what is said of one comes before or after what is said of another. */
function comparable(step: StepResult): unknown {
  const { exitCode, outputs, summary, errors, warnings, notices } = step
  const { plan = '[]', ...rest } = outputs
  const steps = (JSON.parse(plan) as unknown[]).map((each) => JSON.stringify(each)).toSorted()
  const [page, log] = [sorted(summary), sorted(logOf(step))]
  return timeless({ exitCode, outputs: rest, steps, page, log, errors, warnings, notices })
}

type Run = (ecs: LocalEcs, inputs: Inputs) => Promise<StepResult>

async function resultOf({ arrange }: Scenario, run: Run): Promise<unknown> {
  const ecs = await startEcs()
  const step = comparable(await run(ecs, arrange(ecs)))
  await ecs.close()
  return step
}

describe('a process tells what the walk tells', () => {
  test.each([...scenarios, ...more])('$name', async (scenario) => {
    expect(await resultOf(scenario, runMain)).toEqual(await resultOf(scenario, walkStep))
  })
})

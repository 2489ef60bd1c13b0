/** Carries out one step. It waits for what ECS accepted, and looks again where the step depends on an earlier look. */

import { label } from '../family/model/image.ts'
import type { Step } from '../family/plan/steps.ts'
import { stepError } from './action-error.ts'
import { createOnce } from './create-image.ts'
import { deleteUnlessNeeded } from './delete-image.ts'
import type { Ecs, Write } from './ports.ts'
import type { StepContext, StepResult } from './step-result.ts'
import { startInstance, stopInstance } from './switch-instance.ts'
import { awaitImage } from './wait-for-image.ts'

const done: StepResult = { kind: 'done' }

/** @throws ActionError when ECS refuses the step, or accepts it and it fails later */
export async function carryOut(step: Step, context: StepContext): Promise<StepResult> {
  switch (step.action) {
    case 'create':
    case 'copy':
      return { kind: 'done', seen: await createOnce(step, context) }
    case 'delete':
      return await deleteUnlessNeeded(step, context)
    case 'await':
      return await awaitImage(step, context)
    case 'confirm':
      await confirmCurrent(step, context.ecs)
      return done
    case 'stop':
      await stopInstance(step, context)
      return done
    case 'start':
      await startInstance(step, context)
      return done
    case 'tag':
      if (step.ids.length === 0) return { kind: 'skipped', code: 'nothing-to-do' }
      await context.ecs.write(step)
      return done
    default:
      await context.ecs.write(step satisfies Write)
      return done
  }
}

async function confirmCurrent(
  { region, family, image }: Extract<Step, { action: 'confirm' }>,
  ecs: Ecs,
): Promise<void> {
  const current = await ecs.look({ ask: 'current', region, family })
  if (current?.id === image) return
  throw stepError(
    `${family} now serves ${current ? label(current) : 'nothing'}, but \`expected-image-id\` says ${image}.`,
    'Check which image is current now, then start a new workflow run.',
  )
}

/** Reports at once what must be known even if the process is killed: an instance to start again, and the chosen image. */

import { isRefusal, type Plan, plannedSteps } from '../family/plan/plan.ts'
import { isPlaceholder, type Step } from '../family/plan/steps.ts'
import { regionsIn } from './outcome.ts'
import type { Ports } from './ports.ts'

export function announcePlan(plan: Plan, { postState, onImage }: Pick<Ports, 'postState' | 'onImage'>): void {
  const stopped = findLeftStopped(plan)
  if (stopped) postState.instanceStopped(stopped)
  const image = regionsIn({ plan })[0]?.image
  if (image !== undefined && !isPlaceholder(image)) onImage(image)
}

/** Finds an instance that an earlier attempt left stopped: if this attempt fails too, the post step starts it. */
function findLeftStopped(plan: Plan): { readonly region: string; readonly instance: string } | undefined {
  if (isRefusal(plan)) return plan.leavesStopped
  const steps = plannedSteps(plan).map(({ step }) => step)
  if (steps.some(({ action }) => action === 'stop')) return undefined
  return steps.find((step): step is Extract<Step, { action: 'start' }> => step.action === 'start')
}

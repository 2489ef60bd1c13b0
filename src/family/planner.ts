/** The planner of each mode: what differs between the modes, and nothing else. */
import { planBake } from './bake.ts'
import type { Plan } from './plan.ts'
import { planPromote } from './promote.ts'
import type { Planning } from './question.ts'
import type { Request } from './request.ts'
import { planResolve } from './resolve.ts'
import { planRollback } from './rollback.ts'

export function planFor(request: Request): Planning<Plan> {
  switch (request.mode) {
    case 'bake':
      return planBake(request)
    case 'promote':
      return planPromote(request)
    case 'rollback':
      return planRollback(request)
    case 'resolve':
      return planResolve(request)
  }
}

/** The planner of each mode. */

import type { Request } from '../model/request.ts'
import type { Plan } from '../plan/plan.ts'
import type { QueryGenerator } from '../plan/query.ts'
import { planBake } from './bake.ts'
import { planPromote } from './promote.ts'
import { planResolve } from './resolve.ts'
import { planRollback } from './rollback.ts'

export function planFor(request: Request): QueryGenerator<Plan> {
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

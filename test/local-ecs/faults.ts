/** What goes wrong between a client and ECS. */
export type FaultKind =
  | 'throttling'
  | 'throttling-retry-after'
  | 'internal-error'
  | 'unavailable'
  | 'html'
  | 'broken-json'
  | 'empty'
  | 'reset-before'
  | 'reset-after'
  | 'slow'
  | 'error'
  | 'signature-echo'

/** Those that pass: the same request, sent again, gets its answer. A slow answer comes by itself. */
export const passingFaults = [
  'throttling',
  'throttling-retry-after',
  'internal-error',
  'unavailable',
  'html',
  'broken-json',
  'empty',
  'reset-before',
  'reset-after',
] as const satisfies readonly FaultKind[]

export interface Fault {
  readonly kind: FaultKind
  /** Only requests of this API. */
  readonly action?: string | undefined
  /** From the nth matching request on, counted from 1 since the fault was added; unset: the next one that is free. */
  readonly nth?: number | undefined
  /** So many matching requests in a row; 1 unless told otherwise, Infinity for ever. */
  readonly times?: number | undefined
  /** `throttling` and `error`. */
  readonly code?: string | undefined
  /** `error` and `throttling`. */
  readonly status?: number | undefined
  /** `error`. */
  readonly message?: string | undefined
  /** `error`: further members of the body, such as AccessDeniedDetail. */
  readonly body?: Record<string, unknown> | undefined
  /** `throttling-retry-after`: milliseconds in x-acs-retry-after. */
  readonly retryAfter?: number | undefined
  /** `slow`: seconds of real time before the answer, which is otherwise in order. */
  readonly seconds?: number | undefined
  /** Whether the request is carried out before its answer is spoilt, for the kinds where either may be. */
  readonly takesEffect?: boolean | undefined
}

/** These spoil only the answer; all others stand in the way of the request, unless told otherwise. */
const AFTERWARDS: readonly FaultKind[] = ['broken-json', 'empty', 'reset-after', 'slow']

export function takesEffect(fault: Fault): boolean {
  if (fault.kind === 'reset-before') return false
  if (fault.kind === 'reset-after' || fault.kind === 'slow') return true
  return fault.takesEffect ?? AFTERWARDS.includes(fault.kind)
}

export interface Faults {
  add(fault: Fault): void
  clear(): void
}

interface Planned {
  readonly fault: Fault
  seen: number
  left: number
}

/** Without `nth` a fault waits its turn behind those added before it; with it, only the number counts. */
function isDue({ fault, seen, left }: Planned): boolean {
  return left > 0 && (fault.nth === undefined || seen >= fault.nth)
}

export class FaultPlan implements Faults {
  private planned: Planned[] = []

  add(fault: Fault): void {
    this.planned.push({ fault, seen: 0, left: fault.times ?? 1 })
  }

  clear(): void {
    this.planned = []
  }

  /** The fault that meets this request of an API: every planned one counts it, the first due one acts. */
  next(action: string): Fault | undefined {
    const matching = this.planned.filter(({ fault }) => fault.action === undefined || fault.action === action)
    for (const entry of matching) entry.seen += 1
    const due = matching.find(isDue)
    if (due) due.left -= 1
    return due?.fault
  }
}

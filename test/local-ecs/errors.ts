/** An error answer of ECS. Clients are to read the code; the messages are ECS's where they are known. */
export class EcsError extends Error {
  readonly status: number
  readonly code: string
  /** Further members of the error body, such as AccessDeniedDetail. */
  readonly extra: Record<string, unknown>

  constructor(status: number, code: string, message: string, extra: Record<string, unknown> = {}) {
    super(message)
    this.name = 'EcsError'
    this.status = status
    this.code = code
    this.extra = extra
  }
}

export function missingParameter(name: string): EcsError {
  return new EcsError(
    400,
    'MissingParameter',
    `The input parameter "${name}" that is mandatory for processing this request is not supplied.`,
  )
}

export function invalidParameter(name: string, why = 'is not valid'): EcsError {
  return new EcsError(400, 'InvalidParameter', `The specified parameter "${name}" ${why}.`)
}

export function regionNotFound(): EcsError {
  return new EcsError(404, 'InvalidRegionId.NotFound', 'The specified RegionId does not exist.')
}

export function imageNotFound(): EcsError {
  return new EcsError(404, 'InvalidImageId.NotFound', 'The specified ImageId does not exist.')
}

export function instanceNotFound(): EcsError {
  return new EcsError(404, 'InvalidInstanceId.NotFound', 'The specified InstanceId does not exist.')
}

export function snapshotNotFound(): EcsError {
  return new EcsError(404, 'InvalidSnapshotId.NotFound', 'The specified SnapshotId does not exist.')
}

/** A dry run never succeeds: passing all checks is itself an error answer. */
export function dryRunPassed(): EcsError {
  return new EcsError(400, 'DryRunOperation', 'Request validation has been passed with DryRun flag set.')
}

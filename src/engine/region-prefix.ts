/** Names the region of a line in the log or of a notice. */

import type { Request } from '../family/model/request.ts'

/** `cn-shanghai: ` if the run has several regions; otherwise nothing. */
export const regionPrefix = (region: string, { replicas }: Request): string =>
  replicas.length > 0 ? `${region}: ` : ''

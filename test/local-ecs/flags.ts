/** The flags of `npm run local-ecs`. */
import { parseArgs } from 'node:util'

export interface Flags {
  /** 0 stands for any free one. */
  readonly port: number
  /** How many times as fast as the machine's time passes. */
  readonly speed: number
}

/** What somebody has to type differently: a person reads the message, and nobody needs a stack trace. */
export class UsageError extends Error {
  constructor(what: string) {
    super(`${what} Usage: npm run local-ecs -- [--port 18080] [--speed 10]`)
  }
}

function given(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { port: { type: 'string', default: '18080' }, speed: { type: 'string', default: '1' } },
    }).values
  } catch (error) {
    // What Node adds after its first sentence is about positional arguments; this command takes none.
    const [what] = error instanceof Error ? error.message.split(/\.\s|\n/) : []
    throw new UsageError(`${what?.replace(/\.$/, '')}.`)
  }
}

/** @throws UsageError */
export function parseFlags(args: readonly string[]): Flags {
  const { port, speed } = given(args)
  if (!/^\d+$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port must be a whole number from 0 to 65535, not '${port}'.`)
  }
  if (!/^\d+(\.\d+)?$/.test(speed) || Number(speed) === 0) {
    throw new UsageError(`--speed must be a number above 0, not '${speed}'.`)
  }
  return { port: Number(port), speed: Number(speed) }
}

/** What to tell of a failed start; undefined for a fault of the program itself. */
export function startFault(error: unknown): string | undefined {
  if (error instanceof UsageError) return error.message
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  const another = 'Choose another one, or any free one: npm run local-ecs -- --port 0'
  if (code === 'EADDRINUSE') return `Port ${port} is in use. ${another}`
  if (code === 'EACCES') return `Port ${port} is not allowed for this user. ${another}`
  return undefined
}

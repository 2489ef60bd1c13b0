import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseFlags, startFault, UsageError } from './flags.ts'
import { startLocalEcs } from './server.ts'

const script = fileURLToPath(new URL('start.ts', import.meta.url))

/** A start that fails; one that comes up all the same is ended, and has no exit code. */
async function start(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data) => {
    said.stdout += data
    child.kill('SIGKILL')
  })
  child.stderr.on('data', (data) => {
    said.stderr += data
  })
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { ...said, exitCode }
}

const usage = 'Usage: npm run local-ecs -- [--port 18080] [--speed 10]'

test.each([
  ['a flag that does not exist', ['--prot', '1'], "Unknown option '--prot'."],
  ['a port that is no number', ['--port', 'abc'], "--port must be a whole number from 0 to 65535, not 'abc'."],
  ['a speed that is no number', ['--speed', 'x'], "--speed must be a number above 0, not 'x'."],
])('%s is one clear line', async (_, args, what) => {
  expect(await start(...args)).toEqual({ exitCode: 1, stdout: '', stderr: `${what} ${usage}\n` })
})

test('a port in use is one clear line', async () => {
  const { port, close } = await startLocalEcs()
  expect(await start('--port', String(port))).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `Port ${port} is in use. Choose another one, or any free one: npm run local-ecs -- --port 0\n`,
  })
  await close()
})

test.each([
  [[], { port: 18_080, speed: 1 }],
  [['--port', '0', '--speed', '10'], { port: 0, speed: 10 }],
  [['--port=8080', '--speed=0.5'], { port: 8080, speed: 0.5 }],
])('the flags %j are good', (args, flags) => {
  expect(parseFlags(args)).toEqual(flags)
})

test.each([
  ['what npm leaves over of a flag given without --', ['18080'], "Unexpected argument '18080'."],
  ['a flag without its value', ['--port'], "Option '--port <value>' argument missing."],
  ['a flag in place of the value', ['--port', '--speed', '2'], "Option '--port' argument is ambiguous."],
  ['a port that is too high', ['--port', '65536'], "--port must be a whole number from 0 to 65535, not '65536'."],
  ['an empty port', ['--port', ''], "--port must be a whole number from 0 to 65535, not ''."],
  ['a speed at which time stands still', ['--speed', '0'], "--speed must be a number above 0, not '0'."],
])('%s is refused', (_, args, what) => {
  expect(() => parseFlags(args)).toThrow(new UsageError(what))
})

test('a fault of the program itself keeps its stack trace', () => {
  expect(startFault(new TypeError('x is not a function'))).toBeUndefined()
})

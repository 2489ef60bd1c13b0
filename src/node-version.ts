/** Refuses a Node that is too old. It imports nothing, so it also runs on such a Node. */

/** The major version that `action.yml` names and the code is written for. */
const needed = 24

/** Why the action cannot run on this version of Node, and what to do; undefined if it can. */
export function nodeFault(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= needed) return undefined
  return [
    `This step runs on Node ${version}, but this action needs Node ${needed} or later. No request was made.`,
    `On a self-hosted runner: update the runner to version 2.327.0 or later. With act: put Node ${needed} first on PATH, because act runs the first \`node\` that it finds there.`,
  ].join('\n')
}

/** Ends the process if Node is too old. It writes the runner's command itself, because no package is sure to load. */
export function refuseOldNode(also = ''): void {
  const fault = nodeFault(process.versions.node)
  if (fault === undefined) return
  const message = also === '' ? fault : `${fault}\n${also}`
  process.stdout.write(`::error::${message.replaceAll('%', '%25').replaceAll('\n', '%0A')}\n`)
  process.exit(1)
}

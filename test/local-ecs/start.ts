import { parseFlags, startFault } from './flags.ts'
import { type LocalEcs, realClock, startLocalEcs } from './server.ts'

/** What to type to see something: the keys are this server's own and open nothing else. */
function instructions(ecs: LocalEcs, instanceId: string, snapshotId: string): string {
  const { accessKeyId, accessKeySecret, uid } = ecs.account
  const flags = `--region cn-hangzhou --endpoint 127.0.0.1:${ecs.port} --insecure`
  return `Local ECS at ${ecs.url}, all regions at one address. Account ${uid}. Ctrl-C ends it.

Instance ${instanceId} (Running) and snapshot ${snapshotId} (accomplished) are in cn-hangzhou.

For the action:
  export ALIBABA_CLOUD_ACCESS_KEY_ID=${accessKeyId}
  export ALIBABA_CLOUD_ACCESS_KEY_SECRET=${accessKeySecret}
  export ALIBABA_CLOUD_REGION_ID=cn-hangzhou
  export INPUT_ENDPOINT=${ecs.url}   # in a workflow: with: endpoint: ${ecs.url}

For the aliyun CLI, with the same variables:
  aliyun ecs CreateImage ${flags} --InstanceId ${instanceId} --ImageFamily web
  aliyun ecs DescribeImages ${flags} --ImageOwnerAlias self --Status ALL
  aliyun ecs DescribeImageFromFamily ${flags} --ImageFamily web
`
}

async function start(args: readonly string[]): Promise<void> {
  const { port, speed } = parseFlags(args)
  const ecs = await startLocalEcs({ clock: realClock({ speed }), port })
  const instance = ecs.seed.instance()
  const snapshot = ecs.seed.snapshot()
  process.stdout.write(instructions(ecs, instance.id, snapshot.id))
  process.on('SIGINT', () => ecs.close())
}

try {
  await start(process.argv.slice(2))
} catch (error) {
  const fault = startFault(error)
  if (fault === undefined) throw error
  console.error(fault)
  process.exitCode = 1
}

/**
 * The four modes against the local ECS, as a workflow would run them: what each step was given, what it logged and put
 * out, and what the family looks like after it.
 */
import { styleText } from 'node:util'
import { type Inputs, runStep } from './action/runner.ts'
import { type LocalEcs, startLocalEcs } from './local-ecs/server.ts'

const bold = (text: string) => styleText('bold', text)
const dim = (text: string) => styleText('dim', text)
const indented = (text: string) => text.trimEnd().replaceAll(/^/gm, '    ')

interface Scene {
  readonly title: string
  readonly run: number
  readonly inputs: Inputs
}

const replicas = ['cn-shanghai', 'ap-southeast-1']

const scenes = (instance: string): Scene[] => {
  const bake = { mode: 'bake', 'instance-id': instance, 'stop-instance': 'true' }
  return [
    { title: 'Bake v1 into web', run: 1, inputs: { ...bake, family: 'web', 'image-version': 'v1' } },
    {
      title: 'Bake v2 into web-candidate',
      run: 2,
      inputs: { ...bake, family: 'web-candidate', 'image-version': 'v2' },
    },
    {
      title: 'v2 has been tested: promote it into web',
      run: 2,
      inputs: { mode: 'promote', family: 'web', 'from-family': 'web-candidate' },
    },
    { title: 'What does web serve?', run: 3, inputs: { mode: 'resolve', family: 'web' } },
    {
      title: 'v2 is bad: roll back',
      run: 4,
      inputs: { mode: 'rollback', family: 'web', reason: 'v2 drops connections' },
    },
    { title: 'What does web serve now?', run: 5, inputs: { mode: 'resolve', family: 'web' } },
    {
      title: 'Bake v3, in three regions at once',
      run: 6,
      inputs: { ...bake, family: 'web', 'image-version': 'v3', 'replica-region-ids': replicas.join(', ') },
    },
    {
      title: 'Bake v4 there, and keep two images in each',
      run: 7,
      inputs: { ...bake, family: 'web', 'image-version': 'v4', 'replica-region-ids': replicas.join(', '), keep: '2' },
    },
    {
      title: 'v4 is bad: roll back in all three',
      run: 8,
      inputs: { mode: 'rollback', family: 'web', reason: 'v4 leaks', 'replica-region-ids': replicas.join(', ') },
    },
    {
      title: 'Do all regions serve the same?',
      run: 9,
      inputs: { mode: 'resolve', family: 'web', 'replica-region-ids': replicas.join(', ') },
    },
  ]
}

const shown = [
  'image-id',
  'image-version',
  'previous-image-id',
  'current-image-id',
  'deprecated-image-ids',
  'image-ids',
  'in-sync',
  'changed',
]

function familyState(ecs: LocalEcs, family: string, region = 'cn-hangzhou'): string {
  const images = ecs.images(region).filter((image) => image.family === family)
  const current = ecs.current(family, region)
  const rows = images
    .reverse()
    .map(({ id, version, status }) => `  ${id === current ? '→' : ' '} ${id}  ${version.padEnd(4)}${status}`)
  return [`family ${family} in ${region}`, ...(rows.length > 0 ? rows : ['    (no images)'])].join('\n')
}

async function play(
  { title, run, inputs }: Scene,
  { ecs, number }: { ecs: LocalEcs; number: number },
): Promise<boolean> {
  console.log(`\n${bold(`━━ ${number}. ${title} ${'━'.repeat(Math.max(0, 70 - title.length))}`)}`)
  console.log(dim('  with:'))
  console.log(
    indented(
      Object.entries(inputs)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    ),
  )
  const step = await runStep(ecs, inputs, { run: { id: run, number: run, step: `step-${number}` } })
  console.log(dim('  log:'))
  console.log(indented(step.log + step.stderr + step.post.log + step.post.stderr))
  console.log(dim('  outputs:'))
  const outputs = shown.filter((name) => step.outputs[name])
  console.log(indented(outputs.map((name) => `${name}=${step.outputs[name]}`).join('\n')))
  console.log(dim('  afterwards, in ECS:'))
  const elsewhere = inputs['replica-region-ids'] ? replicas.map((region) => familyState(ecs, 'web', region)) : []
  console.log(indented([familyState(ecs, 'web'), ...elsewhere, familyState(ecs, 'web-candidate')].join('\n')))
  return step.exitCode === 0 && step.post.exitCode === 0
}

const ecs = await startLocalEcs()
const instance = ecs.seed.instance({ status: 'Running' })
console.log(`The local ECS listens at ${ecs.url}. Instance ${instance.id} is running; no family has an image yet.`)
const good: boolean[] = []
for (const [index, scene] of scenes(instance.id).entries()) good.push(await play(scene, { ecs, number: index + 1 }))
console.log(
  `\n${bold(`Requests to ECS: ${ecs.requests.length}, every signature verified: ${ecs.requests.every((r) => r.verified)}.`)}`,
)
console.log(`Instance ${instance.id} is ${ecs.instance(instance.id)?.status}.`)
await ecs.close()
process.exitCode = good.every(Boolean) ? 0 : 1

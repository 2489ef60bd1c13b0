/** How a process finds its way to ECS: whose keys, and which address for which region. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as passOn } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { errorOf, localEcs, seedFamily } from '../scene.ts'
import { runMain, test } from './scene.ts'

test('the keys may come from the environment, and a session has its token sent along', async () => {
  const ecs = await localEcs()
  seedFamily(ecs, ['web-1'])
  const session = ecs.session(ecs.account)
  const env = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: session.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: session.accessKeySecret,
    ALIBABA_CLOUD_SECURITY_TOKEN: session.securityToken,
  }
  const inputs = { mode: 'resolve', family: 'web', 'access-key-id': '', 'access-key-secret': '' }
  const step = await runMain(ecs, inputs, { env })
  expect(step.exitCode).toBe(0)
  expect(step.log.split('\n')[0]).toMatch(/^Credentials: .*environment/)
  expect(step.masks).toEqual(expect.arrayContaining([session.accessKeySecret, session.securityToken]))
})

test('ECS is asked by the endpoint input alone', async () => {
  const ecs = await localEcs()
  const unreachable = { endpoint: 'http://127.0.0.1:1', 'wait-timeout-minutes': '0.001' }
  const step = await runMain(ecs, { mode: 'resolve', family: 'web', ...unreachable })
  expect(step.exitCode).toBe(1)
  expect(errorOf(step)).toContain('the connection was refused')
})

/** Passes requests on, and notes at which host each region was asked. What ECS verifies is the signed host. */
async function startRelay(url: string) {
  const hosts = new Map<string, string>()
  const relay = createServer((message, response) => {
    const asked = new URL(message.url ?? '', 'http://any').searchParams
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => {
      const body = Buffer.concat(chunks)
      const region = asked.get('RegionId') ?? new URLSearchParams(body.toString()).get('RegionId') ?? ''
      hosts.set(region, message.headers.host ?? '')
      const { method = 'POST', headers } = message
      passOn(url + message.url, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      }).end(body)
    })
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const { port } = relay.address() as AddressInfo
  const close = () => {
    relay.close()
    relay.closeAllConnections()
  }
  return { hosts, port, close }
}

/** The names of no DNS: with this preloaded all of them lead to the machine itself. */
function preloadNames(): { readonly env: Record<string, string>; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'names-'))
  const preload = join(folder, 'names.mjs')
  writeFileSync(
    preload,
    `import dns from 'node:dns'
     const lookup = dns.lookup
     dns.lookup = (name, ...rest) => lookup(name.endsWith('.ecs.test') ? '127.0.0.1' : name, ...rest)`,
  )
  return {
    env: { NODE_OPTIONS: `--import=${pathToFileURL(preload)}` },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

test('{region} in the endpoint stands for each region', async () => {
  const ecs = await localEcs()
  const regions = ['cn-hangzhou', 'cn-shanghai', 'cn-beijing']
  const images = Object.fromEntries(regions.map((region) => [region, ecs.seed.image({ region, family: 'web' }).id]))
  const relay = await startRelay(ecs.url)
  const names = preloadNames()
  const replicas = { 'replica-region-ids': regions.slice(1).join() }
  const endpoint = `http://{region}.ecs.test:${relay.port}`
  const step = await runMain(ecs, { mode: 'resolve', family: 'web', ...replicas, endpoint }, { env: names.env })
  names.remove()
  relay.close()
  expect(step).toMatchObject({ exitCode: 0, errors: [] })
  expect(JSON.parse(step.outputs['image-ids'] ?? '')).toEqual(images)
  expect(Object.fromEntries(relay.hosts)).toEqual(
    Object.fromEntries(regions.map((region) => [region, `${region}.ecs.test:${relay.port}`])),
  )
})

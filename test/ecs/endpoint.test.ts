import EcsModule from '@alicloud/ecs20140526'
import { $OpenApiUtil } from '@alicloud/openapi-core'
import { describe, expect, test } from 'vitest'
import { endpointError, endpointOf } from '../../src/ecs/endpoint.ts'

const clientOf = (regionId: string) =>
  new EcsModule.default(new $OpenApiUtil.Config({ regionId, accessKeyId: 'id', accessKeySecret: 'key' }))

describe('without a template, as the SDK has it', () => {
  const special = Object.keys(clientOf('cn-hangzhou')._endpointMap)

  test('the SDK still has the regions with a host of their own', () => {
    expect(special).toContain('cn-hangzhou')
    expect(special.length).toBeGreaterThan(30)
  })

  test.each([
    ...special,
    'cn-beijing',
    'cn-shanghai',
    'cn-zhangjiakou',
    'cn-wuhan-lr',
    'cn-hongkong',
    'ap-southeast-1',
    'eu-west-1',
    'us-west-1',
    'me-central-1',
    'cn-opened-tomorrow-1',
  ])('%s', (region) => {
    expect(endpointOf(region)).toEqual({ host: clientOf(region)._endpoint, protocol: 'https' })
  })

  test('a region that is named like a property of every object', () => {
    expect(endpointOf('constructor').host).toBe('ecs.constructor.aliyuncs.com')
  })
})

describe('with a template', () => {
  test.each([
    ['ecs.example.com', 'https', 'ecs.example.com'],
    ['ecs.example.com:8443', 'https', 'ecs.example.com:8443'],
    ['localhost', 'https', 'localhost'],
    ['http://127.0.0.1:1234', 'http', '127.0.0.1:1234'],
    ['http://127.0.0.1:1234/', 'http', '127.0.0.1:1234'],
    ['https://ecs.example.com', 'https', 'ecs.example.com'],
    ['https://ecs.example.com:443/', 'https', 'ecs.example.com:443'],
    ['HTTP://local_ecs:80', 'http', 'local_ecs:80'],
    ['ecs-vpc.{region}.aliyuncs.com', 'https', 'ecs-vpc.ap-southeast-1.aliyuncs.com'],
    ['http://{region}.ecs.test:8080', 'http', 'ap-southeast-1.ecs.test:8080'],
    ['{region}.{region}.test', 'https', 'ap-southeast-1.ap-southeast-1.test'],
    ['[::1]', 'https', '[::1]'],
    ['[2001:db8::1]:8443', 'https', '[2001:db8::1]:8443'],
    ['http://[::1]:1234/', 'http', '[::1]:1234'],
    ['ecs.example.com:1', 'https', 'ecs.example.com:1'],
    ['ecs.example.com:65535', 'https', 'ecs.example.com:65535'],
  ])('%s', (template, protocol, host) => {
    expect(endpointError(template)).toBeUndefined()
    expect(endpointOf('ap-southeast-1', template)).toEqual({ host, protocol })
    expect(new URL(`${protocol}://${host}`).pathname).toBe('/')
  })
})

describe('with an invalid template', () => {
  test.each([
    ['', 'host'],
    ['http://', 'host'],
    ['https:///', 'host'],
    [':8080', 'host'],
    ['ecs.example.com/api', 'path'],
    ['https://ecs.example.com/{region}', 'path'],
    ['https://ecs.example.com//', 'path'],
    ['//ecs.example.com', 'path'],
    ['ecs.example.com\\', 'path'],
    ['https://ecs.example.com?x=1', 'query'],
    ['https://ecs.example.com/?x=1', 'query'],
    ['ecs.example.com#top', 'fragment'],
    ['ftp://ecs.example.com', 'http:// or https://'],
    ['httpss://ecs.example.com', 'http:// or https://'],
    ['file:///etc/hosts', 'http:// or https://'],
    ['ecs.{zone}.example.com', '{region}'],
    ['ecs.{Region}.example.com', '{region}'],
    ['ecs.{region.example.com', '{region}'],
    ['ecs.{{region}}.example.com', '{region}'],
    ['ecs.$region.example.com', 'letters'],
    ['ecs. example.com', 'whitespace'],
    [' ecs.example.com', 'whitespace'],
    ['ecs.example.com\n', 'whitespace'],
    ['   ', 'whitespace'],
    ['ecs.example.com:', 'port'],
    ['ecs.example.com:0', 'port'],
    ['ecs.example.com:65536', 'port'],
    ['ecs.example.com:{region}', 'port'],
    ['ecs.example.com:80:80', 'port'],
    ['::1', 'brackets'],
    ['http://2001:db8::1', 'brackets'],
    ['[::1', 'host'],
    ['[::1]x', 'host'],
    ['[ecs.example.com]', 'host'],
    ['[fe80::1%eth0]', 'host'],
    ['ecs..example.com', 'host'],
    ['ecs.example.com,ecs.example.org', 'host'],
    ['https://https://ecs.example.com', 'path'],
  ])('%j: %s', (template, word) => {
    expect(endpointError(template)).toContain(word)
    expect(() => endpointOf('cn-beijing', template)).toThrow(endpointError(template))
  })

  test.each(['https://user:hunter2@ecs.example.com', 'ftp://user:hunter2@ecs.example.com', 'user:hunter/2@ecs.test'])(
    'does not repeat the password of %s',
    (template) => {
      expect(endpointError(template)).toContain('credentials')
      expect(endpointError(template)).not.toMatch(/hunter|user/)
    },
  )
})

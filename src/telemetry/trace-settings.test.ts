// What the variables of OpenTelemetry and the options of `open` mean, and that a wrong variable is told and passed over.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { checkTraces, type Traces } from '../define/traces.ts'
import { samplerOf } from './sampling.ts'
import { traceSettings } from './trace-settings.ts'

const application = { name: 'shop', version: '7', node: null }

function read(env: Record<string, string>, given?: Traces | false, node: string | null = null) {
  const log = keptLog()
  const { export: settings, sampler } = traceSettings(given, env, { ...application, node }, log)
  return { settings, sampler, lines: log.lines }
}
const AT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
const low = '0'.repeat(32)
const high = 'f'.repeat(32)

test('nothing is sent while nothing names an endpoint; services are told of a trace all the same', () => {
  const { settings, sampler, lines } = read({ OTEL_SERVICE_NAME: 'x' })
  expect([settings, sampler(low), lines]).toEqual([null, true, []])
})

test('the endpoint of all signals gets the path of traces, that of traces is whole, and the option is before both', () => {
  const url = (env: Record<string, string>, given?: Traces | false) => read(env, given).settings?.url
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/in?key=1' }
  expect([
    url(AT),
    url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/otlp/' }),
    url({ ...AT, ...own }),
    url({ ...AT, ...own }, { endpoint: 'http://here:1/v1/traces' }),
    url({ ...AT, ...own }, false),
    url({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }),
  ]).toEqual([
    'http://collector:4318/v1/traces',
    'http://collector:4318/otlp/v1/traces',
    'https://other/in?key=1',
    'http://here:1/v1/traces',
    undefined,
    undefined,
  ])
})

test.each([
  [{ OTEL_SDK_DISABLED: 'true' }, []],
  [{ OTEL_TRACES_EXPORTER: 'none' }, []],
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ['warn OTEL_EXPORTER_OTLP_PROTOCOL is passed over: traces are sent over HTTP alone, so none are sent'],
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    [
      'warn OTEL_EXPORTER_OTLP_ENDPOINT is passed over: it is no address, or has a password in it, so no traces are sent',
    ],
  ],
] as const)('%j: nothing is sent', (env, words) => {
  const { settings, lines } = read({ ...AT, ...env })
  expect([settings, lines]).toEqual([null, words])
})

test('the resource: the application, then the attributes, then the name of the service; options are before variables', () => {
  const env = { ...AT, OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b,service.name=c', OTEL_SERVICE_NAME: 'd' }
  const { OTEL_SERVICE_NAME: _, ...unnamed } = env
  expect(read(AT, undefined, 'node-1').settings?.resource).toEqual({
    'service.name': 'shop',
    'service.version': '7',
    'service.instance.id': 'node-1',
  })
  expect(read(unnamed).settings?.resource).toMatchObject({ 'service.name': 'c', team: 'a b' })
  expect(read(env).settings?.resource).toMatchObject({ 'service.name': 'd' })
  const given = { service: 'e', attributes: { team: 'f' } }
  expect(read(env, given).settings?.resource).toMatchObject({ 'service.name': 'e', team: 'f' })
})

test('headers, and what a wrong one says of itself: never its value', () => {
  const env = {
    ...AT,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%3Db, x=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x=2,secret,%zz=secret',
  }
  const { settings, lines } = read(env)
  expect(settings?.headers).toEqual({ 'api-key': 'a=b', x: '2' })
  const words = 'warn OTEL_EXPORTER_OTLP_TRACES_HEADERS is passed over: not all of it is name=value'
  expect(lines).toEqual([words, words])
})

test('what no request can have is passed over, or refused, before an error tells it', () => {
  const names = ['a%20b=secret', 'a=secret%0A', 'a=secret%C4%80', 'content-length=5', 'Transfer-Encoding=chunked']
  for (const pair of names) {
    const { settings, lines } = read({ ...AT, OTEL_EXPORTER_OTLP_HEADERS: `ok=1,${pair}` })
    expect([settings?.headers, lines]).toEqual([
      { ok: '1' },
      ['warn OTEL_EXPORTER_OTLP_HEADERS is passed over: not all of it can be sent as headers'],
    ])
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    const refused =
      'traces: headers must be such as a request can have, but for those of its length and its connection.'
    expect(() => checkTraces({ headers: { [name]: value } })).toThrow(refused)
  }
  const endpoint = 'http://user:secret@collector:4318'
  const { settings, lines } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  expect([settings, lines]).toEqual([
    null,
    [
      'warn OTEL_EXPORTER_OTLP_ENDPOINT is passed over: it is no address, or has a password in it, so no traces are sent',
    ],
  ])
  expect(() => checkTraces({ endpoint })).toThrow('without a user or a password')
})

test('numbers, and what stands for wrong ones', () => {
  const env = {
    ...AT,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    OTEL_BSP_MAX_QUEUE_SIZE: '0',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'many',
    OTEL_BSP_SCHEDULE_DELAY: '0',
  }
  const { settings, lines } = read(env)
  expect(settings).toMatchObject({ timeoutMs: 500, queue: 16_384, batch: 512, delayMs: 0 })
  expect(lines).toEqual([
    'warn OTEL_BSP_MAX_QUEUE_SIZE is passed over: it is no whole number from 1',
    'warn OTEL_BSP_MAX_EXPORT_BATCH_SIZE is passed over: it is no whole number from 1',
  ])
})

test.each([
  [{}, [true, true]],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, [false, false]],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, [true, true]],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, [false, true]],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, [false, true]],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, [true, true]],
  [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, [true, true]],
] as const)('the sampler of %j', (env, expected) => {
  const { sampler } = read(env)
  expect([sampler(low), sampler(high)]).toEqual(expected)
  expect(read(env, { ratio: 0 }).sampler(high)).toBe(false)
})

test('of traces as many are told as the ratio says, and those of a smaller ratio are told at a larger one too', () => {
  const ids = Array.from({ length: 2000 }, (_, index) => (index * 2_654_435_761).toString(16).padStart(32, 'a'))
  const spread = ids.map((id) => `${id.slice(0, 18)}${id.slice(-8).split('').reverse().join('')}000000`)
  const told = (ratio: number): readonly string[] => spread.filter(samplerOf(ratio))
  expect(told(0.1).length).toBeGreaterThan(100)
  expect(told(0.1).length).toBeLessThan(300)
  expect(told(0.1).filter((id) => !told(0.4).includes(id))).toEqual([])
  expect([told(0).length, told(1).length]).toEqual([0, 2000])
})

test.each([
  { endpoint: 'collector:4318' },
  { endpoint: 'ftp://collector' },
  { service: '' },
  { ratio: 1.1 },
  { ratio: Number.NaN },
  { headers: { a: 1 } },
  { attributes: null },
  { adress: 'http://x' },
  'http://x',
])('the option %j is refused', (given) => {
  expect(() => checkTraces(given as Traces)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
})

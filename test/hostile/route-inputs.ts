// Inputs for every route of the table, made from the table: each segment of its path, each parameter that it takes, each
// field of its body, its headers, its body as a whole. What the fields of a body are, a route says itself when it is sent
// a list; a route that does not is named by the test, so that a new one cannot be forgotten.
import { gzipSync } from 'node:zlib'
import type { Route } from '../../src/server/route.ts'
import { ROUTES } from '../../src/server/routes.ts'
import { judge, type Input, type Outcome } from './input.ts'
import { brokenUtf8, malformed, wellFormed, type Text } from './json-texts.ts'
import { escaped, request, send, type RequestParts } from './requests.ts'
import { strings } from './strings.ts'
import { exchange } from './wire.ts'
import type { Target } from './target.ts'

/** Fields of bodies whose routes do not name them, and valid bodies to put a hostile field into. */
const BODIES: Readonly<
  Record<string, { readonly fields?: readonly string[]; readonly base: Readonly<Record<string, string>> }>
> = {
  'POST /api/runs': { base: { call: '"desk.echo"', input: 'null' } },
  'POST /api/events': {
    fields: [
      'specversion',
      'id',
      'source',
      'type',
      'subject',
      'time',
      'datacontenttype',
      'dataschema',
      'data',
      'data_base64',
      'causationid',
      'traceparent',
      'anextension',
    ],
    base: { type: '"note.taken"', data: '{"noteId":"n"}' },
  },
  'POST /api/runs/{id}/signals/{name}': { base: { data: 'null' } },
  'POST /api/runs/{id}/answer': { base: { op: '"desk.echo#0"', value: 'null' } },
  'POST /api/runs/{id}/fail': { base: { error: '{"message":"m"}' } },
  // They are judged by their signatures first, and say nothing to anybody else.
  'POST /api/work/{service}': { fields: ['atOnce', 'waitMs'], base: { atOnce: '1' } },
  'POST /api/work/{service}/{token}': {
    fields: ['idempotencyKey', 'answer', 'status', 'detail', 'code', 'retryAfter', 'progress'],
    base: { idempotencyKey: '"key"', answer: 'null' },
  },
  'POST /api/work/{service}/{token}/heartbeat': {
    fields: ['idempotencyKey', 'beat', 'progress', 'asks'],
    base: { idempotencyKey: '"key"' },
  },
  // Whatever is hostile here must not be about runs that others look at.
  'POST /api/aside': { base: { action: '"retry"', filter: '{"name":"nobody"}' } },
  'POST /api/actions': { base: { action: '"retry"', filter: '{"name":"nobody"}' } },
}

const HEADERS = [
  'Host',
  'Origin',
  'Authorization',
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Transfer-Encoding',
  'Accept',
  'Accept-Encoding',
  'Cookie',
  'Connection',
  'Expect',
  'TE',
  'Trailer',
  'Upgrade',
  'Range',
  'If-None-Match',
  'X-Forwarded-Host',
  'X-HTTP-Method-Override',
  'ce-specversion',
  'ce-id',
  'ce-type',
  'ce-data',
] as const

const nameOf = ({ method, path }: Route): string => `${method} ${path}`
const filled = (path: string): string => path.replaceAll(/\{\w+\}/g, 'nobody')

/** The fields of the body of a route; undefined when nobody says. */
export async function fieldsOf(target: Target, route: Route): Promise<readonly string[] | undefined> {
  const known = BODIES[nameOf(route)]?.fields
  if (known !== undefined || route.method !== 'POST') return known ?? []
  const { body } = await target.ask({ method: 'POST', target: filled(route.path), body: '[]' })
  return /it must be an object with ([\w, ]+)/.exec(body)?.[1]?.split(', ')
}

/** Every input for the routes. `fields` are those of the body of each, by its name. */
export function routeInputs(fields: ReadonlyMap<Route, readonly string[]>): readonly Input[] {
  return ROUTES.flatMap((route) => [
    ...segmentInputs(route),
    ...queryInputs(route),
    ...bodyInputs(route, fields.get(route) ?? []),
    ...wholeBodies(route),
    ...headerInputs(route),
  ])
}

/** An input that is one request. */
function single(place: string, name: string, parts: (tag: string) => RequestParts): Input {
  return {
    place,
    name,
    async attack({ target, tag }): Promise<Outcome> {
      const all = parts(tag)
      const { answers } = await exchange(target.port, [send(request(all))], { isHead: all.method === 'HEAD' })
      return judge(answers[0])
    },
  }
}

function segmentInputs(route: Route): readonly Input[] {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name))
  return names.flatMap((name) =>
    strings.map(([what, value]) =>
      single(`${nameOf(route)}, ${name}`, what, () => ({
        method: route.method,
        target: filled(route.path.replace(`{${name}}`, escaped(value).replaceAll('$', '$$$$'))),
        ...(route.method === 'POST' ? { body: '{}' } : {}),
      })),
    ),
  )
}

function queryInputs(route: Route): readonly Input[] {
  const ask = (query: string): RequestParts => ({
    method: route.method,
    target: `${filled(route.path)}?${query}`,
    ...(route.method === 'POST' ? { body: '{}' } : {}),
  })
  const known = route.query.flatMap((name) =>
    strings.map(([what, value]) => single(`${nameOf(route)}?${name}`, what, () => ask(`${name}=${escaped(value)}`))),
  )
  const unknown = strings.map(([what, value]) =>
    single(`${nameOf(route)}, a parameter`, what, () => ask(`${escaped(value)}=1`)),
  )
  return [...known, ...unknown]
}

function bodyInputs(route: Route, fields: readonly string[]): readonly Input[] {
  const base = BODIES[nameOf(route)]?.base ?? {}
  return fields.flatMap((field) =>
    wellFormed.map(([what, text]) =>
      single(`${nameOf(route)}, field ${field}`, what, () => ({
        method: route.method,
        target: filled(route.path),
        body: `{${Object.entries({ ...base, [field]: text() })
          .map(([name, value]) => `"${name}":${value}`)
          .join(',')}}`,
      })),
    ),
  )
}

const TYPES = [
  null,
  '',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/JSON ;charset="UTF-8"',
  'application/jsonx',
  'text/plain',
  'text/html',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'application/cloudevents+json; charset=utf-7',
  'application/xml',
  'a/b/c',
  ';',
  'application/json, application/json',
  `application/json; x=${'y'.repeat(5000)}`,
]

function wholeBodies(route: Route): readonly Input[] {
  const place = `${nameOf(route)}, the body`
  const target = filled(route.path)
  const whole = (name: string, parts: () => Omit<RequestParts, 'target'>): Input =>
    single(place, name, () => ({ method: route.method, target, ...parts() }))
  const texts: readonly Text[] = route.method === 'GET' ? malformed.slice(0, 3) : [...malformed, ...wellFormed]
  return [
    ...texts.map(([name, text]) => whole(name, () => ({ body: text() }))),
    ...brokenUtf8.map(([name, bytes]) =>
      whole(name, () => ({ body: Buffer.concat([Buffer.from('{"data":"'), Buffer.from(bytes), Buffer.from('"}')]) })),
    ),
    ...TYPES.map((type) => whole(`the type ${String(type).slice(0, 40)}`, () => ({ body: '{}', type }))),
    ...['gzip', 'deflate', 'br', 'zstd', 'identity', 'gzip, gzip', 'x', ''].map((encoding) =>
      whole(`the encoding ${encoding}`, () => ({ body: '{}', headers: [`Content-Encoding: ${encoding}`] })),
    ),
    whole('a bomb of gzip', () => ({ body: bomb(), headers: ['Content-Encoding: gzip'] })),
    whole('a bomb of gzip that is called JSON', () => ({ body: bomb() })),
    whole('2 MB', () => ({ body: JSON.stringify('x'.repeat(2_000_000)) })),
  ]
}

let made: Buffer | undefined
/** 50 MB in 50 kB. */
const bomb = (): Buffer => (made ??= gzipSync(Buffer.alloc(50_000_000, ' ')))

function headerInputs(route: Route): readonly Input[] {
  const place = `${nameOf(route)}, a header`
  const target = filled(route.path)
  const post = route.method === 'GET' ? {} : { method: route.method, body: '{}' }
  return HEADERS.flatMap((header, at) =>
    strings
      .filter((_, index) => index % HEADERS.length === at)
      .map(([what, value]) =>
        single(place, `${header}: ${what}`, () => ({ target, ...post, headers: [`${header}: ${value}`] })),
      ),
  )
}

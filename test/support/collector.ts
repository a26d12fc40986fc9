// A collector of traces on a real port: reads each request as OTLP in JSON by its schema, strictly, so that a field too many, a
// number where a string belongs or an id of another length is a failure of the test that sent it. It answers as it is told.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { z } from 'zod'

const Value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ doubleValue: z.number() }),
])
const Attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: Value }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'the key of an attribute is there twice')
const Nanos = z.string().regex(/^\d{19}$/)
const TraceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/)
const SpanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/)
const Event = z.strictObject({ timeUnixNano: Nanos, name: z.string().min(1), attributes: Attributes })
/** Both are of another process, and it is known. */
const Link = z.strictObject({
  traceId: TraceId,
  spanId: SpanId,
  flags: z.union([z.literal(0x300), z.literal(0x301)]),
  attributes: Attributes,
})
const Span = z
  .strictObject({
    traceId: TraceId,
    spanId: SpanId,
    parentSpanId: SpanId.optional(),
    flags: z.literal(1),
    name: z.string().min(1),
    kind: z.union([z.literal(1), z.literal(3), z.literal(4), z.literal(5)]),
    startTimeUnixNano: Nanos,
    endTimeUnixNano: Nanos,
    attributes: Attributes,
    events: z.array(Event).min(1).optional(),
    links: z.array(Link).min(1).optional(),
    status: z.strictObject({ code: z.literal(2), message: z.string().min(1) }).optional(),
  })
  .refine((span) => span.endTimeUnixNano >= span.startTimeUnixNano, 'it ends before it begins')
const Request = z.strictObject({
  resourceSpans: z.tuple([
    z.strictObject({
      resource: z.strictObject({ attributes: Attributes }),
      scopeSpans: z.tuple([
        z.strictObject({
          scope: z.strictObject({ name: z.literal('ballet'), version: z.string().min(1) }),
          spans: z.array(Span).min(1),
        }),
      ]),
    }),
  ]),
})

/** A span as it came, its attributes by name. */
export interface CollectedSpan extends Omit<z.infer<typeof Span>, 'attributes'> {
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

export interface Collected {
  readonly headers: IncomingMessage['headers']
  readonly resource: CollectedSpan['attributes']
  readonly spans: readonly CollectedSpan[]
}

export interface Collector {
  /** To give to `traces: { endpoint }`. */
  readonly endpoint: string
  /** What it has taken, oldest first. */
  readonly requests: Collected[]
  /** All spans of them, also those that came twice. */
  readonly spans: readonly CollectedSpan[]
  /** Requests that were no such thing, in words. */
  readonly faults: string[]
  /** Answers the next requests, in order, in the place of taking them. */
  readonly answers: ((response: ServerResponse) => void)[]
  /** Resolves with the first thing that `find` finds, now or when more has come. */
  until<Found>(find: () => Found | undefined | false): Promise<Found>
  close(): Promise<void>
}

const plain = (attributes: z.infer<typeof Attributes>): CollectedSpan['attributes'] =>
  Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [kind, one] = Object.entries(value)[0] as [string, string | number | boolean]
      return [key, kind === 'intValue' ? Number(one) : one]
    }),
  )

/** @param port of one that was closed before; any free one without. */
export async function startCollector(port = 0): Promise<Collector> {
  const requests: Collected[] = []
  const faults: string[] = []
  const answers: Collector['answers'] = []
  const looks = new Set<() => void>()
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request)
    const answer = answers.shift()
    if (answer !== undefined) answer(response)
    else {
      const { url, method, headers } = request
      const read = Request.safeParse(JSON.parse(body))
      const isAsked = method === 'POST' && url === '/v1/traces' && headers['content-type'] === 'application/json'
      if (read.success && isAsked) {
        const [{ resource, scopeSpans }] = read.data.resourceSpans
        const spans = scopeSpans[0].spans.map((span) => ({ ...span, attributes: plain(span.attributes) }))
        requests.push({ headers, resource: plain(resource.attributes), spans })
      } else faults.push(read.success ? `${method} ${url}` : z.prettifyError(read.error))
      response.writeHead(read.success && isAsked ? 200 : 400, { 'content-type': 'application/json' }).end('{}')
    }
    for (const look of looks) look()
  }
  const server = createServer((request, response) => void take(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    requests,
    get spans() {
      return requests.flatMap(({ spans }) => spans)
    },
    faults,
    answers,
    until: (find) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = find()
          if (found === undefined || found === false) return
          looks.delete(look)
          resolve(found)
        }
        looks.add(look)
        look()
      }),
    close,
  }
}

/** A span that came twice is one, and has to be the same to the letter; two of one id fail. */
export function once(spans: readonly CollectedSpan[]): readonly CollectedSpan[] {
  const byId = new Map<string, CollectedSpan>()
  for (const span of spans) {
    const known = byId.get(span.spanId)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(span))
      throw new TypeError(`two spans of one id: ${JSON.stringify(known)} and ${JSON.stringify(span)}`)
    byId.set(span.spanId, span)
  }
  return [...byId.values()]
}

/** Spans of one trace as lines, each under its parent, in the order of their beginnings and names; orphans are marked. */
export function treeOf(spans: readonly CollectedSpan[]): readonly string[] {
  const all = once(spans)
  const ids = new Set(all.map(({ spanId }) => spanId))
  const order = (one: CollectedSpan): string => `${one.startTimeUnixNano} ${one.name}`
  const sorted = [...all].sort((a, b) => (order(a) < order(b) ? -1 : 1))
  const under = (parent: string | undefined, depth: number): string[] =>
    sorted
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...under(span.spanId, depth + 1)])
  const orphans = sorted.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))
  return [...under(undefined, 0), ...orphans.map(({ name }) => `orphan: ${name}`)]
}

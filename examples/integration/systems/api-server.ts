// A stand-in for a system of somebody else: an HTTP server that is led by its OpenAPI document. The document says which
// routes there are and what a request must look like; every answer is held against it too, so that the stand-in cannot
// promise one thing and do another (`misfits`). What goes wrong with real systems is told to it as manners, from a test or by
// `POST /manners`, which is no part of its API. Times come from its caller.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'

/** What a system does to whoever asks it. */
export const Manners = z.strictObject({
  /** Every request is answered with 503. */
  down: z.boolean(),
  slowMs: z.int().min(0).max(60_000),
  /** So many requests of one client in a second; the next ones get 429, and are told when to come again. Null: any number. */
  perSecond: z.int().min(1).nullable(),
  /** The next so many POSTs are carried out and answered with 500. */
  loseAnswers: z.int().min(0),
  /** The next so many POSTs are carried out and never answered. */
  silent: z.int().min(0),
  /** The next so many POSTs are answered with 504, and carried out behind the next one that comes. */
  late: z.int().min(0),
  /** Sent once, each two times, not sent until this changes, or forgotten. */
  webhooks: z.enum(['once', 'twice', 'held', 'lost']),
})
export type Manners = z.infer<typeof Manners>
export const GOOD: Manners = {
  down: false,
  slowMs: 0,
  perSecond: null,
  loseAnswers: 0,
  silent: 0,
  late: 0,
  webhooks: 'once',
}

export interface Asked {
  readonly parameters: Readonly<Record<string, string>>
  readonly body: unknown
  readonly idempotencyKey: string | undefined
}
export interface Answer {
  readonly status: number
  readonly body?: unknown
}
/** By `operationId`. */
export type Handlers = Readonly<Record<string, (asked: Asked) => Answer | Promise<Answer>>>

const Operation = z.object({
  operationId: z.string(),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })) }).optional(),
  responses: z.record(
    z.string(),
    z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })).optional() }),
  ),
})
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
})

type Schema = Parameters<typeof z.fromJSONSchema>[0]

/** The routes of a document, each with what checks its requests and its answers. */
function routesOf(json: unknown) {
  const { paths, components } = Document.parse(json)
  const local = (schema: unknown): unknown =>
    JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'))
  const checker = (content: Readonly<Record<string, { readonly schema: unknown }>> | undefined): z.ZodType => {
    const schema = content?.['application/json']?.schema
    if (schema === undefined) return z.undefined()
    return z.fromJSONSchema({ ...(local(schema) as object), $defs: local(components.schemas) } as Schema)
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, requestBody, responses }]) => ({
      operationId,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
      request: requestBody === undefined ? z.unknown() : checker(requestBody.content),
      answers: new Map(Object.entries(responses).map(([status, { content }]) => [Number(status), checker(content)])),
    })),
  )
}

export class ApiServer {
  manners: Manners = GOOD
  /** Answers that its own document does not have. */
  readonly misfits: string[] = []
  /** What was asked and answered: `POST /invoices 201`. */
  readonly log: string[] = []
  /** Is told each line of it. */
  onAnswer: ((line: string) => void) | null = null
  readonly #routes
  readonly #handlers: Handlers
  readonly #now: () => number
  readonly #server: Server
  /** By client: when it came in the last second. */
  readonly #recent = new Map<string, number[]>()
  #late: (() => unknown)[] = []

  constructor(document: unknown, handlers: Handlers, now: () => number) {
    this.#routes = routesOf(document)
    this.#handlers = handlers
    this.#now = now
    this.#server = createServer((request, response) => {
      const { method = 'GET', url = '/', headers } = request
      void (async () => {
        const chunks: Uint8Array[] = []
        for await (const chunk of request) chunks.push(chunk as Uint8Array)
        const answer = await this.#answer(method, new URL(url, 'http://localhost'), headers, Buffer.concat(chunks))
        const line = `${method} ${url} ${answer === null ? 'no answer' : answer.status}`
        this.log.push(line)
        this.onAnswer?.(line)
        if (answer === null) return
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
        response.end(answer.body === undefined ? '' : JSON.stringify(answer.body))
      })().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
    })
  }

  /** @param port 0 takes any free one. Resolves with its address. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  /** Null: no answer, ever. */
  async #answer(
    method: string,
    { pathname, searchParams }: URL,
    headers: IncomingHttpHeaders,
    bytes: Buffer,
  ): Promise<(Answer & { readonly headers?: Readonly<Record<string, string>> }) | null> {
    const body: unknown = bytes.length === 0 ? undefined : JSON.parse(bytes.toString('utf8'))
    if (method === 'POST' && pathname === '/manners') {
      this.manners = Manners.parse({ ...GOOD, ...(body as object) })
      return { status: 200, body: this.manners }
    }
    const { down, slowMs, perSecond } = this.manners
    if (slowMs > 0) await wait(slowMs)
    if (down) return { status: 503, body: { problem: 'down for maintenance' } }
    if (perSecond !== null && !this.#admits(String(headers['user-agent']), perSecond))
      return { status: 429, body: { problem: 'too many requests' }, headers: { 'retry-after': '1' } }
    const parameters = Object.fromEntries(searchParams)
    return await this.#carryOut(method, pathname, {
      parameters,
      body,
      idempotencyKey: String(headers['idempotency-key'] ?? '') || undefined,
    })
  }

  /** Clients are told apart as well as a stand-in needs to. */
  #admits(client: string, perSecond: number): boolean {
    const now = this.#now()
    const recent = (this.#recent.get(client) ?? []).filter((time) => time > now - 1_000)
    const admits = recent.length < perSecond
    this.#recent.set(client, admits ? [...recent, now] : recent)
    return admits
  }

  async #carryOut(method: string, pathname: string, asked: Asked): Promise<Answer | null> {
    const route = this.#routes.find((one) => one.method === method && one.pattern.test(pathname))
    const handler = this.#handlers[route?.operationId ?? '']
    if (route === undefined || handler === undefined) return { status: 404, body: { problem: 'no such route' } }
    const { success, error } = route.request.safeParse(asked.body)
    if (!success) return { status: 400, body: { problem: error.message } }
    const parameters = { ...asked.parameters, ...route.pattern.exec(decodeURIComponent(pathname))?.groups }
    const work = (): Answer | Promise<Answer> => handler({ ...asked, parameters })
    const isPost = method === 'POST'
    if (isPost && this.#takes('late')) {
      this.#late.push(work)
      return { status: 504, body: { problem: 'it takes longer' } }
    }
    const answer = await work()
    if (isPost) for (const one of this.#late.splice(0)) await one()
    const fit = route.answers.get(answer.status)?.safeParse(answer.body)
    if (fit?.success !== true)
      this.misfits.push(`${method} ${pathname} ${answer.status}: ${fit?.error.message ?? 'no such status'}`)
    if (isPost && this.#takes('loseAnswers')) return { status: 500, body: { problem: 'something went wrong' } }
    return isPost && this.#takes('silent') ? null : answer
  }

  /** Whether one more of these is to go wrong. */
  #takes(manner: 'loseAnswers' | 'silent' | 'late'): boolean {
    const left = this.manners[manner]
    if (left > 0) this.manners = { ...this.manners, [manner]: left - 1 }
    return left > 0
  }
}

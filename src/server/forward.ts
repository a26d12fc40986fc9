// From a node that stands by to the one that owns the store: a request goes on as it came, and its answer comes back as it
// is. It is signed with the secret that the nodes share, over the time, what is asked, the body and the node that is meant,
// so that nobody else can make one, send one again, or have it done by another node. While the secret is being changed a node has
// several: it signs with each, and takes what any of them has signed, so that two nodes need one in common. Who may ask was judged by the node
// that took the request, except for the token, which goes along. Nothing is passed on twice.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import type { FetchingDoors, NodeAt, Standing } from '../define/node.ts'
import { readBytes } from './body.ts'
import { NodePosts, type NodePosted } from './node-posts.ts'
import { problemAnswer } from './problem.ts'

/**
 * Where the signatures stand: `v1,<milliseconds since the epoch>,<nonce>,<signature in hexadecimal>`, and behind a comma each further one;
 * in an answer, that it is none of what was asked: `refused`, `closing`, or `again` for what came before.
 */
const SIGNATURE = 'ballet-forwarded'
/** The node that is meant, in clear: one that was started anew at the address of another tells what was meant for that from what is signed with another secret. */
const MEANT = 'ballet-forwarded-to'
/** The node that passes it on, or asks by itself. A node of a version before this says none. */
const FROM = 'ballet-forwarded-from'
/** Nodes that are known to be of this store, at the most: an id is of one process. */
const KNOWN_MOST = 1000
/** How far the clocks of two nodes may differ, and for how long a signature is remembered. */
const SKEW_MS = 60_000
/** How long the owner may take to begin its answer: longer than any wait that a request may ask for. */
const ANSWER_MS = 120_000
const SECRET_LEAST = 16
/** What another node says of what it was not signed for, as with another secret. */
export const REFUSED = 'it does not take what this node passes on; its log says why'
/** And of what somebody between has sent more than once, or this node over a connection that was gone. */
const AGAIN = 'it was sent before, by somebody between who sends again what has no answer'

/** What concerns one connection, or is made anew. */
const HOP: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  SIGNATURE,
  MEANT,
  FROM,
])

/** The secrets of the nodes, checked; none where there is none. @throws NODE_SECRET_SHORT */
export function nodeSecretsOf(given: string | readonly string[] | undefined): readonly string[] {
  const secrets = typeof given === 'string' ? [given] : (given ?? [])
  // A variable of the environment that is empty is none.
  if (secrets.length <= 1 && (secrets[0] ?? '') === '') return []
  for (const { length } of secrets)
    if (length < SECRET_LEAST) throw fault('NODE_SECRET_SHORT', { length, least: SECRET_LEAST })
  return secrets
}

/** What is signed. */
interface Said {
  readonly at: number
  readonly nonce: string
  readonly node: string
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
}

/** What is asked of the application of this node. */
interface Own {
  readonly standing: Pick<Standing, 'node'>
  readonly fetching: Pick<FetchingDoors, 'find'>
}

/** What a node asks of another by itself. */
export interface Posted {
  readonly path: string
  readonly text: string
  /** What is signed in the place of the path as well: a node of an older version looks for the path. */
  readonly signed?: string
}

/** Whether a request says that another node has passed it on. */
export const isForwarded = (request: Request): boolean => request.headers.has(SIGNATURE)

/** Of a node that takes no work, or of a proxy in front of it that has no answer of the node. */
const WANTING: ReadonlySet<number> = new Set([502, 503, 504])

/** Whether an answer says that the node which was asked has none. */
export const isForWantOfNode = ({ status }: Response): boolean => WANTING.has(status)

/** Passes requests on, and takes those that were. */
export class Forwarding {
  readonly #secrets: readonly string[]
  readonly #clock: Clock
  /** Those that were taken, and until when they could be sent again. */
  readonly #seen = new Map<string, number>()
  readonly #posts = new NodePosts()
  /** Nodes of this store that have passed something on. */
  readonly #known = new Set<string>()
  #own: Own | null = null

  constructor(secrets: readonly string[], clock: Clock) {
    this.#secrets = secrets
    this.#clock = clock
  }

  get isPossible(): boolean {
    return this.#secrets.length > 0
  }

  /** This node has a store by now: it says who it is, and takes only what nodes of that store pass on. */
  serve({ standing, fetching }: Own): void {
    this.#own = { standing, fetching }
  }

  /**
   * The answer of the owner.
   * @param standing names the owner, and says when it is one no more.
   * @throws OWNER_UNREACHABLE when nothing was sent, OWNER_SILENT when it is not known what became of it, and what reading
   * the body throws
   */
  async pass(
    request: Request,
    standing: Pick<Standing, 'owner' | 'over'>,
    { limitBytes, signal: given }: { readonly limitBytes: number; readonly signal: AbortSignal },
  ): Promise<Response> {
    const { owner, over } = standing
    const address = owner?.address ?? null
    if (owner === null || address === null || !this.isPossible) throw fault('NOT_READY')
    const { pathname, search } = new URL(request.url)
    const path = pathname + search
    const { method } = request
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const body = hasBody ? await readBytes(request, limitBytes) : new Uint8Array()
    const headers = passable(request.headers)
    headers.set(SIGNATURE, this.#signature({ node: owner.id, method, path, body }))
    headers.set('accept-encoding', 'identity')
    headers.set(MEANT, owner.id)
    if (this.#own !== null) headers.set(FROM, this.#own.standing.node)
    const late = new AbortController()
    const cancel = this.#clock.after(ANSWER_MS, () => late.abort())
    try {
      const signal = AbortSignal.any([given, over, late.signal])
      const init = { method, headers, signal, redirect: 'manual', ...(hasBody ? { body } : {}) } as const
      const answer = await fetch(address + path, init)
      const other = answer.headers.get(SIGNATURE)
      if (other !== null) {
        await answer.body?.cancel()
        throw untaken(address, other)
      }
      return new Response(answer.body, { status: answer.status, headers: passable(answer.headers) })
    } catch (error) {
      throw lost(error, address, over)
    } finally {
      cancel()
    }
  }

  /**
   * What this node asks of another by itself, and the answer to it.
   * @param over ends it.
   * @throws OWNER_UNREACHABLE when nothing was sent, OWNER_SILENT when it is not known what became of it
   */
  async post({ id, address }: NodeAt, { path, text, signed }: Posted, over: AbortSignal): Promise<NodePosted> {
    if (!this.isPossible) throw fault('NOT_READY')
    const body = Buffer.from(text)
    const signature = this.#signature({ node: id, method: 'POST', path, body }, signed)
    const from = this.#own === null ? {} : { [FROM]: this.#own.standing.node }
    const headers = { 'content-type': 'application/json', [SIGNATURE]: signature, [MEANT]: id, ...from }
    try {
      const posted = await this.#posts.post({ url: address + path, headers, body, signal: over })
      const other = posted.headers[SIGNATURE]
      if (other !== undefined) throw untaken(address, other)
      return posted
    } catch (error) {
      throw lost(error, address, over)
    }
  }

  /**
   * The request, if it was signed for this node, with a body that can be read once more.
   * @throws FORWARD_FORBIDDEN
   */
  async take(request: Request, node: string, limitBytes: number): Promise<Request> {
    const body = await this.signedBody(request, node, limitBytes)
    const headers = new Headers(request.headers)
    headers.delete(SIGNATURE)
    const init = body.byteLength === 0 ? {} : { body: body as Uint8Array<ArrayBuffer> }
    return new Request(request.url, { method: request.method, headers, signal: request.signal, ...init })
  }

  /**
   * The body of a request, if that was signed for this node.
   * @param signed what was signed in the place of the path, if anything was.
   * @throws FORWARD_FORBIDDEN
   */
  async signedBody(request: Request, node: string, limitBytes: number, signed?: string): Promise<Uint8Array> {
    const [version, at = '', nonce = '', ...signatures] = (request.headers.get(SIGNATURE) ?? '').split(',')
    if (!this.isPossible) throw fault('FORWARD_FORBIDDEN', { problem: 'this node has no BALLET_NODE_SECRET' })
    if (
      version !== 'v1' ||
      !/^\d{1,15}$/.test(at) ||
      !/^[0-9a-f]{32}$/.test(nonce) ||
      signatures.length === 0 ||
      !signatures.every((one) => /^[0-9a-f]{64}$/.test(one))
    )
      throw fault('FORWARD_FORBIDDEN', { problem: 'its signature is none' })
    const { method, url } = request
    const { pathname, search } = new URL(url)
    const body = method === 'GET' || method === 'HEAD' ? new Uint8Array() : await readBytes(request, limitBytes)
    const said = { at: Number(at), nonce, node, method, path: signed ?? pathname + search, body }
    if (!isOneOf(signatures, this.#signed(said))) {
      const meant = request.headers.get(MEANT)
      const isMisled = meant !== null && meant !== node && isOneOf(signatures, this.#signed({ ...said, node: meant }))
      if (isMisled)
        throw fault('FORWARD_FORBIDDEN', { problem: 'it was meant for another node, which was here before', meant })
      const or = meant === null ? ', or for another node' : ''
      throw fault('FORWARD_FORBIDDEN', { problem: `it was signed with another secret${or}` })
    }
    const now = this.#clock.now()
    if (Math.abs(now - Number(at)) > SKEW_MS)
      throw fault('FORWARD_FORBIDDEN', {
        problem: `the clocks of the two nodes differ by more than ${SKEW_MS / 1000} s`,
      })
    // They stand in the order in which they are over.
    for (const [known, until] of this.#seen) {
      if (until >= now) break
      this.#seen.delete(known)
    }
    if (this.#seen.has(nonce)) throw fault('FORWARD_FORBIDDEN', { problem: AGAIN })
    this.#seen.set(nonce, now + 2 * SKEW_MS)
    await this.#refuseStranger(request.headers.get(FROM))
    return body
  }

  /**
   * A backup that was put back at another address has the rows of the nodes that go on with the database of before: a node that is started on
   * it passes on to those until their leases are over there. Its own row is in its own database alone.
   */
  async #refuseStranger(from: string | null): Promise<void> {
    if (from === null || this.#own === null || this.#known.has(from)) return
    if ((await this.#own.fetching.find(from)) === null)
      throw fault('FORWARD_FORBIDDEN', { problem: `the store of this node knows no node ${from.slice(0, 80)}` })
    if (this.#known.size >= KNOWN_MOST) this.#known.clear()
    this.#known.add(from)
  }

  /** Refuses what another node has passed on, so that it is not taken for the answer. */
  static refusal(
    error: BalletError,
    path: string,
    why: 'refused' | 'closing' | 'again' = error.details['problem'] === AGAIN ? 'again' : 'refused',
  ): Response {
    const response = problemAnswer(error, path)
    response.headers.set(SIGNATURE, why)
    return response
  }

  /** Says to another node that this one begins nothing any more, and waits for nothing. */
  static closing({ url }: Request): Response {
    return Forwarding.refusal(fault('APP_CLOSED'), new URL(url).pathname, 'closing')
  }

  /** The header of a request. @param also what stands in the place of the path in further signatures. */
  #signature(asked: Omit<Said, 'at' | 'nonce'>, also?: string): string {
    const said = { ...asked, at: this.#clock.now(), nonce: randomBytes(16).toString('hex') }
    return ['v1', said.at, said.nonce, ...this.#signed(said, also)].join(',')
  }

  /** A signature with each secret. */
  #signed({ at, nonce, node, method, path, body }: Said, also?: string): readonly string[] {
    const digest = createHash('sha256').update(body).digest('hex')
    return [path, ...(also === undefined ? [] : [also])].flatMap((one) => {
      const text = ['v1', at, nonce, node, method, one, digest].join('\n')
      return this.#secrets.map((secret) => createHmac('sha256', secret).update(text).digest('hex'))
    })
  }
}

function passable(headers: Headers): Headers {
  const named = (headers.get('connection') ?? '').toLowerCase().split(/\s*,\s*/)
  const passed = new Headers()
  for (const [name, value] of headers) if (!HOP.has(name) && !named.includes(name)) passed.append(name, value)
  return passed
}

/** Whether a signature is one of those that are expected. Each is compared with each, whichever fits. */
function isOneOf(signatures: readonly string[], expected: readonly string[]): boolean {
  const fitting = signatures.flatMap((one) =>
    expected.filter((other) => timingSafeEqual(Buffer.from(one), Buffer.from(other))),
  )
  return fitting.length > 0
}

/** Why there is no answer. What was never sent was not taken. */
function lost(error: unknown, address: string, over: AbortSignal): Error {
  if (isBalletError(error) && (error.code === 'OWNER_UNREACHABLE' || error.code === 'OWNER_SILENT')) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  if (
    ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)
  )
    return unreachable(address, code)
  // Who ends it says why.
  const why = typeof over.reason === 'string' ? over.reason : 'another node is about to own the store'
  const problem = over.aborted ? why : code === '' ? 'no answer in time' : code
  return fault('OWNER_SILENT', { address, problem }, error)
}

const unreachable = (address: string, problem: string): BalletError => fault('OWNER_UNREACHABLE', { address, problem })

/** Why another node has not answered what was asked. Of what came before, the first may have been done. */
function untaken(address: string, why: unknown): BalletError {
  if (why === 'again') return fault('OWNER_SILENT', { address, problem: AGAIN })
  return unreachable(address, why === 'closing' ? 'it is closing' : REFUSED)
}

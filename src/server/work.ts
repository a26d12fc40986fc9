// Work for services that nobody can call: a request for it waits until a call does, and the answer of a call comes back by this
// door too. Who asks is judged by the secret of the service (define/elsewhere.ts has its door), never by a token of the API. Of
// several nodes each has the calls of its own runs: a node that is asked looks at the others as well, one after the other, and
// passes the answer of a call on to the node that waits for it. Used by handler.ts and the routes of work-routes.ts.
import type { HandedOut, WorkAsked, WorkDoor } from '../core/transport.ts'
import { elapsedOf, type Clock } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import { BEAT_LIMIT_BYTES } from '../core/progress.ts'
import type { Application } from '../define/application.ts'
import type { Log } from '../define/definition.ts'
import type { NodeAt, Standing } from '../define/node.ts'
import { readBytes } from './body.ts'
import type { Forwarding } from './forward.ts'
import { Refusals } from './refusals.ts'

/** What comes here is judged by the secret of a service. */
export const WORK_PATH = '/api/work'
/** Where a node asks another one for calls; nothing that is not signed by a node gets there. */
export const WORK_BETWEEN_PATH = '/api/work-between'

/** How often another node is asked, while somebody waits, that has not said that calls wait there. */
const LOOK_MS = 1000
/** How long another node may take to answer, and what it may answer with. */
const BETWEEN_MS = 3000
const LIMIT_BYTES = 1_048_576
/** For so long a node that has asked is told when calls begin to wait. */
const RECENT_MS = 5000
/** Nodes and services that something is known of. */
const KNOWN = 10_000
const AS_IT_SHOULD_BE: ReadonlySet<string> = new Set([
  'ANSWER_UNAWAITED',
  'HEARTBEAT_UNWANTED',
  'WORK_NODE_UNNAMED',
  'OVERLOADED',
])
const NEVER = new AbortController().signal

/** What is known of a service at another node. */
interface There {
  askedAt: number
  isMore: boolean
}

interface WorkOptions {
  readonly forwarding: Forwarding
  readonly clock: Clock
  /** What was refused is told, as a service tells it. */
  readonly log: Log
  /** Whether another node has passed a request on. */
  readonly isPassedOn: (request: Request) => boolean
}

/** What is asked of the node that has them. */
interface Between {
  readonly service: string
  /** The node that asks. */
  readonly from: string
  readonly atOnce?: number
  /** Calls that have not come to whoever asked, by their tokens. */
  readonly lost?: readonly string[]
  /** A request that is to end. */
  readonly end?: string
  /** Calls wait where this comes from. */
  readonly isMore?: boolean
  /** A request for work whose id was made for the node that is asked. */
  readonly counts?: string
}

/** What another node answers. */
interface Told {
  readonly calls: readonly Readonly<Record<string, unknown>>[]
  readonly isMore: boolean
  /** Whether the id of a request came for the first time; null when it was made for none that is there. */
  readonly isNew: boolean | null
}

/** A service that fetches its calls, and its door here. */
export interface Place {
  readonly app: Application
  readonly service: string
  readonly door: WorkDoor
}

export class Work {
  readonly #options: WorkOptions
  readonly #refusals: Refusals
  /** What is known of the services of other nodes: `<node> <service>`. */
  readonly #there = new Map<string, There>()
  /** When another node has asked for calls of a service, in the same form: somebody waits there. */
  readonly #askedFor = new Map<string, number>()
  /** Who waits here, by services: to be woken when calls wait at another node. */
  readonly #waiting = new Map<string, Set<() => void>>()
  /** Where whoever asks next begins to look: calls of each node come in their turn. */
  #turn = 0

  constructor(options: WorkOptions) {
    this.#options = options
    this.#refusals = new Refusals(options.clock, options.log)
  }

  /** A request of a service was refused: of another secret its own log may be far away. Nothing is said of what is as it should be. */
  refused(error: unknown, service: string): void {
    if (!isBalletError(error) || AS_IT_SHOULD_BE.has(error.code) || error.status >= 500) return
    const { status, code, message: detail } = error
    this.#refusals.add(`a request for the work of ${service.slice(0, 64)}`, { status, code, detail })
  }

  /**
   * Most bytes of a body that another node passes on, which has judged it: those of the site, or of an answer of the service or a
   * heartbeat, where that is more; of what nodes ask of each other, always the same.
   */
  static limitBytes(app: Application, { url }: Request, ofSite: number): number {
    const { pathname } = new URL(url)
    if (pathname === WORK_BETWEEN_PATH) return LIMIT_BYTES
    const [, service] = pathname.split(`${WORK_PATH}/`, 2)
    const door = service === undefined ? null : app.fetching.door(service.split('/', 1)[0] ?? '')
    return door === null ? ofSite : Math.max(ofSite, door.answerLimitBytes, BEAT_LIMIT_BYTES)
  }

  /** A request that is passed on because this node stands by, once it is sure who sends it. @throws WORK_UNFETCHED, and what judging it throws */
  async judged(app: Application, request: Request): Promise<Request> {
    const [service = '', token, ...behind] = new URL(request.url).pathname.slice(WORK_PATH.length + 1).split('/')
    try {
      const door = app.fetching.door(service)
      if (door === null) throw unfetched(service)
      return await door.judged(token === undefined ? 'work' : behind.length === 0 ? 'answer' : 'heartbeat', request)
    } catch (error) {
      this.refused(error, service)
      throw error
    }
  }

  /** Tells the nodes at which somebody waits when calls begin to wait at this one. */
  serve(app: Application): void {
    const { forwarding, clock } = this.#options
    if (!forwarding.isPossible) return
    for (const service of app.fetching.services) {
      app.fetching.door(service)?.whenWanted(() => {
        for (const node of app.fetching.others()) {
          const at = this.#askedFor.get(`${node.id} ${service}`)
          if (at === undefined || elapsedOf(clock) - at > RECENT_MS) continue
          // What is not told is found when that node looks.
          this.#tell(node, { service, from: app.standing.node, isMore: true }).catch(() => {})
        }
      })
    }
  }

  /**
   * Calls of all nodes, as soon as there are any; none when the time is over or nobody waits any more.
   * @throws OVERLOADED, WORK_NODE_UNNAMED, SIGNATURE_REFUSED for a request that came before, at whichever node
   */
  async fetch(place: Place, { id, atOnce, waitMs }: WorkAsked, given: AbortSignal): Promise<HandedOut> {
    const { service, door, app } = place
    await this.#count(place, id)
    const ended = new AbortController()
    const leave = door.enter(id, () => ended.abort())
    const signal = AbortSignal.any([given, ended.signal])
    const address = addressOf(service, app.standing.node)
    const until = elapsedOf(this.#options.clock) + waitMs
    try {
      for (;;) {
        const others = this.#options.forwarding.isPossible ? app.fetching.others() : []
        const first = this.#turn++ % (others.length + 1)
        const places = [null, ...others]
        for (const node of [...places.slice(first), ...places.slice(0, first)]) {
          const handed =
            node === null
              ? await door.take({ atOnce, waitMs: 0 }, address, signal)
              : await this.#askThere(node, place, atOnce, signal)
          if (handed !== null && handed.calls.length > 0) return handed
        }
        const left = until - elapsedOf(this.#options.clock)
        if (left <= 0 || signal.aborted) return NOTHING
        // One of them has said so while others were asked.
        if (others.some((node) => this.#thereOf(`${node.id} ${service}`).isMore)) continue
        const ms = Math.max(1, this.#options.forwarding.isPossible ? Math.min(left, LOOK_MS) : left)
        const handed = await this.#untilWoken(service, signal, (end) => door.take({ atOnce, waitMs: ms }, address, end))
        if (handed.calls.length > 0) return handed
      }
    } finally {
      leave()
    }
  }

  /** An id names the node at which it counts, so that a request which somebody saw is worth nothing at any other either. */
  async #count(place: Place, id: string): Promise<void> {
    const { app, door, service } = place
    const own = nameOf(place)
    let isNew: boolean | null = null
    if (id.startsWith(`${own}.`)) isNew = door.counts(id)
    else if (this.#options.forwarding.isPossible) {
      const [named = ''] = id.split('.', 1)
      const node = named === app.standing.node ? null : await findNode(app, named)
      const asked = { service, from: app.standing.node, counts: id }
      if (node !== null && isReached(node)) ({ isNew } = await this.#tell(node, asked).catch(() => ({ isNew: null })))
    }
    if (isNew === null) throw fault('WORK_NODE_UNNAMED', { node: own })
    if (!isNew) throw fault('SIGNATURE_REFUSED', { problem: 'it was sent before' })
  }

  async #untilWoken<T>(service: string, signal: AbortSignal, wait: (until: AbortSignal) => Promise<T>): Promise<T> {
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    const all = this.#waiting.get(service) ?? new Set()
    this.#waiting.set(service, all.add(wake))
    try {
      return await wait(AbortSignal.any([signal, woken.signal]))
    } finally {
      all.delete(wake)
    }
  }

  /** Calls wait at another node. */
  #more(node: string, service: string): void {
    this.#thereOf(`${node} ${service}`).isMore = true
    for (const wake of this.#waiting.get(service) ?? []) wake()
  }

  #thereOf(name: string): There {
    const known = this.#there.get(name)
    if (known !== undefined) return known
    // Nodes come and go.
    if (this.#there.size > KNOWN) this.#there.clear()
    const there = { askedAt: Number.NEGATIVE_INFINITY, isMore: false }
    this.#there.set(name, there)
    return there
  }

  /** Ends a request for work that waits, at whichever node: it is answered with what there is, which is nothing. */
  async end({ app, service, door }: Place, id: string): Promise<void> {
    if (door.end(id) || !this.#options.forwarding.isPossible) return
    const from = app.standing.node
    await Promise.all(
      app.fetching.others().map((node) => this.#tell(node, { service, from, end: id }).catch(() => null)),
    )
  }

  /**
   * What came of a call, or that it lives, at the node that waits for it; null when that is this one. Nobody else is asked, and no
   * store, before it is sure who sends it. @throws ANSWER_UNAWAITED, HEARTBEAT_UNWANTED, and what that node does
   */
  async sent(
    { app, door }: Place,
    { what, token }: { readonly what: 'answer' | 'heartbeat'; readonly token: string },
    request: Request,
  ): Promise<Response | null> {
    const { forwarding, isPassedOn } = this.#options
    const unawaited = what === 'answer' ? 'ANSWER_UNAWAITED' : 'HEARTBEAT_UNWANTED'
    const at = token.indexOf('.')
    const node = token.slice(0, Math.max(at, 0))
    if (node === app.standing.node) {
      const own = token.slice(at + 1)
      await (what === 'answer' ? door.answer(own, request) : door.hear(own, request))
      return null
    }
    const judged = await door.judged(what, request)
    if (isPassedOn(request)) throw fault(unawaited)
    const owner = await findNode(app, node)
    if (owner === null) throw fault(unawaited)
    if (!isReached(owner)) throw fault('OWNER_UNREACHABLE', { address: owner.id, problem: 'it has said no address' })
    if (!forwarding.isPossible)
      throw fault('OWNER_UNREACHABLE', { address: owner.address, problem: 'this node has no BALLET_NODE_SECRET' })
    const how = { limitBytes: ANSWER_LIMIT_BYTES, signal: request.signal }
    return forwarding.pass(judged, { owner, over: NEVER }, how)
  }

  /** What another node asks. @param client aborted when that has gone before the answer was written */
  async between(app: Application, request: Request, client: AbortSignal): Promise<Response> {
    const body: unknown = parseText(new TextDecoder().decode(await readBytes(request, LIMIT_BYTES)))
    const { service, from, atOnce, lost, end, isMore, counts } = isRecord(body) ? body : {}
    const door = typeof service === 'string' ? app.fetching.door(service) : null
    // A node of another version may not have it.
    if (door === null || typeof service !== 'string' || typeof from !== 'string') return textOf(NOTHING)
    if (isMore === true) this.#more(from, service)
    if (Array.isArray(lost)) door.lost(lost.filter((one) => typeof one === 'string'))
    if (typeof end === 'string') door.end(end)
    if (typeof counts === 'string') {
      const isOurs = counts.startsWith(`${nameOf({ app, door })}.`)
      return textOf(NOTHING, isOurs ? door.counts(counts) : null)
    }
    if (typeof atOnce !== 'number') return textOf(NOTHING)
    if (this.#askedFor.size > KNOWN) this.#askedFor.clear()
    this.#askedFor.set(`${from} ${service}`, elapsedOf(this.#options.clock))
    const handed = await door.take({ atOnce, waitMs: 0 }, addressOf(service, app.standing.node), client)
    whenGone(client, () => handed.lost())
    return textOf(handed)
  }

  /** Null when it need not be asked, or does not answer. */
  async #askThere(
    node: NodeAt,
    { app, service }: Place,
    atOnce: number,
    signal: AbortSignal,
  ): Promise<HandedOut | null> {
    const now = elapsedOf(this.#options.clock)
    const from = app.standing.node
    const there = this.#thereOf(`${node.id} ${service}`)
    if (signal.aborted || (!there.isMore && now - there.askedAt < LOOK_MS)) return null
    Object.assign(there, { askedAt: now, isMore: false })
    try {
      const { calls, isMore } = await this.#tell(node, { service, from, atOnce }, signal)
      if (isMore && calls.length > 0) this.#more(node.id, service)
      const lost = (): void => {
        const tokens = calls.map(({ answerTo }) => String(answerTo).split('.').at(-1) ?? '')
        void this.#tell(node, { service, from, lost: tokens }).catch(() => {})
      }
      return { calls: calls.map((call) => JSON.stringify(call)), isMore, lost }
    } catch {
      // What it had handed out it takes back, when it sees that the connection is gone.
      return null
    }
  }

  async #tell(node: NodeAt, body: Between, given: AbortSignal = NEVER): Promise<Told> {
    const late = new AbortController()
    const cancel = this.#options.clock.after(BETWEEN_MS, () => late.abort())
    try {
      const signal = AbortSignal.any([given, late.signal])
      const request = new Request(node.address + WORK_BETWEEN_PATH, { method: 'POST', body: JSON.stringify(body) })
      const how = { limitBytes: LIMIT_BYTES, signal }
      const answer = await this.#options.forwarding.pass(request, { owner: node, over: NEVER }, how)
      const said: unknown = parseText(await answer.text())
      const { calls, isMore, isNew } = isRecord(said) ? said : {}
      return {
        calls: Array.isArray(calls) ? calls.filter((call) => isRecord(call)) : [],
        isMore: isMore === true,
        isNew: typeof isNew === 'boolean' ? isNew : null,
      }
    } finally {
      cancel()
    }
  }
}

/** An answer may be as large as a service may be told to have it; its own node judges. */
const ANSWER_LIMIT_BYTES = 33_554_432
const NOTHING: HandedOut = { calls: [], isMore: false, lost: () => {} }

export const unfetched = (service: string): Error => fault('WORK_UNFETCHED', { service: service.slice(0, 200) })

const isReached = (node: NonNullable<Standing['owner']>): node is NodeAt => node.address !== null

/** Another node, also one that has come just now; null for none that is there. */
async function findNode({ fetching }: Application, node: string): Promise<Standing['owner']> {
  return fetching.others().find(({ id }) => id === node) ?? fetching.find(node)
}

/** What the ids of requests for work begin with that are made for this process. */
export const nameOf = ({ app, door }: Pick<Place, 'app' | 'door'>): string => `${app.standing.node}.${door.mark}`

const addressOf = (service: string, node: string): string => `${WORK_PATH}/${service}/${node}.`

/** Calls whoever asked for has gone before they were written in whole: nobody knows whether they were seen. */
export function whenGone(client: AbortSignal, tell: () => void): void {
  if (client.aborted) tell()
  else client.addEventListener('abort', tell)
}

function textOf({ calls, isMore }: HandedOut, isNew: boolean | null = null): Response {
  const text = `{"calls":[${calls.join(',')}],"isMore":${isMore},"isNew":${isNew}}`
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

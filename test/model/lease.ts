// Who may begin effects: nodes with a lease each, by the clock of the database alone, and one shard. What is written is
// safe by the fence; the lease keeps two owners from beginning one effect at the same time, as long as clocks run at one
// speed; and a process that was stopped between looking and doing is refused by services, by its token or by the key.
// Times are what is left of them, so that time has no end here; epochs are only compared.
import type { Model, Spec, Step } from './checker.ts'

/** How late a renewal or its reply may be, in ticks of the clock. */
const LATE = 1

interface Node {
  is: 'up' | 'stopping' | 'down'
  /** Ticks since its main loop hangs; -1 when it does not. */
  hung: number
  /** 0 while it is no owner. */
  epoch: number
  /** What it believes to be left of its lease. */
  left: number
  /** A renewal on its way: ticks since it was sent, and whether its node owned the shard then. */
  beat: { age: number; is: 'sent' | 'owner' | 'none' } | null
  /** The effect that it is about: looked whether it may, sent, answered. */
  body: { key: number; is: 'allowed' | 'sent' | 'answered' } | null
}

interface State {
  /** `any`: it looks at neither; then only the lease is left. */
  service: 'unknown' | 'token' | 'key'
  /** Rows of the database: the shard, and what is left of the leases by its clock. */
  epoch: number
  owner: number
  leases: number[]
  nodes: Node[]
  net: { node: number; epoch: number; key: number }[]
  /** The highest token that the service has seen. */
  highest: number
  /** How often each effect was done, and how many outcomes are written. */
  done: number[]
  written: number
  /** What must never be, set by the step that does it. */
  overlap: boolean
  older: boolean
  doubled: boolean
  faults: number
}

const OVERLAP = 'two owners never begin effects at the same time'
const TOKEN = 'a service with tokens does nothing for an older owner after a newer one'
const KEY = 'a service with keys does each effect once'
const HANG = 'a node whose loop hangs loses its lease'
const HANDED = 'a hand-over doubles no effect'

const mutants = {
  'heartbeat stamped at the reply': { rule: '19', breaks: OVERLAP },
  'renewal that does not look at the shard': { rule: '19', breaks: OVERLAP },
  'renewal from the worker': { rule: '19', breaks: HANG },
  'no look at the lease before an effect': { rule: '19', breaks: OVERLAP },
  'expiry by the clock of who takes over': { rule: '19', breaks: OVERLAP },
  'handed over before bodies have ended': { rule: '22', breaks: HANDED },
  'service without token': { rule: '28', breaks: TOKEN },
  'service without key': { rule: '28', breaks: KEY },
  'outcome without fence': { rule: '4', breaks: 'an outcome is written once' },
} as const
type Name = keyof typeof mutants

class Lease implements Spec<State> {
  readonly start: State
  readonly always = {
    [OVERLAP]: (s: State) => !s.overlap,
    [TOKEN]: (s: State) => !s.older,
    [KEY]: (s: State) => s.service !== 'key' || s.done.every((count) => count <= 1),
    [HANG]: (s: State) => s.nodes.every(({ hung }, node) => hung < this.#long || s.leases[node] === 0),
    [HANDED]: (s: State) => !s.doubled,
    'an outcome is written once': (s: State) => s.written <= s.done.length,
    'an outcome is written of what was done': (s: State) => s.done.slice(0, s.written).every((count) => count > 0),
  }
  readonly #mutant: Name | null
  readonly #inNet: number
  /** How long a lease is, in ticks. */
  readonly #lease: number
  /** A hang that is longer is as good as this one. */
  readonly #long: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#inNet = Math.max(1, bound)
    this.#lease = bound < 2 ? 1 : 2
    this.#long = this.#lease + LATE + 1
    const node: Node = { is: 'up', hung: -1, epoch: 0, left: 0, beat: null, body: null }
    this.start = {
      service: 'unknown',
      epoch: 1,
      owner: -1,
      leases: [0, 0],
      nodes: [node, node],
      net: [],
      highest: 0,
      done: Array.from({ length: bound < 3 ? 1 : 2 }, () => 0),
      written: 0,
      overlap: false,
      older: false,
      doubled: false,
      faults: bound,
    }
  }

  isEnd(s: State): boolean {
    return s.written >= s.done.length
  }

  /** Only the order of epochs counts. */
  tidy(draft: State): void {
    const epochs = [draft.epoch, draft.highest, ...draft.nodes.map(({ epoch }) => epoch)]
    const ranks = [...new Set([0, ...epochs, ...draft.net.map(({ epoch }) => epoch)])].sort((a, b) => a - b)
    const rank = (epoch: number): number => ranks.indexOf(epoch)
    draft.epoch = rank(draft.epoch)
    draft.highest = rank(draft.highest)
    for (const node of draft.nodes) node.epoch = rank(node.epoch)
    for (const request of draft.net) request.epoch = rank(request.epoch)
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    if (s.service === 'unknown') {
      step('the service looks at the token', (draft) => void (draft.service = 'token'))
      step('the service looks at the key', (draft) => void (draft.service = 'key'))
      return
    }
    if (s.nodes.every(({ beat }) => beat === null || beat.age < LATE))
      step('a tick of the clock', (draft) => tick(draft, this.#long))
    for (const [at, node] of s.nodes.entries()) {
      this.#beat(s, at, node, step)
      this.#own(s, at, node, step)
      this.#effect(s, at, node, step)
      this.#faults(s, at, node, step)
    }
    for (const at of s.net.keys()) this.#request(s, at, step)
  }

  /**
   * A lease may have run out, and the shard be another's, when it is renewed. So the statement that renews it looks whether
   * the shard is still its node's. To refuse a lease that ran out is not enough: the refusal may be lost, and the next
   * renewal finds a lease that is good.
   */
  #beat(s: State, at: number, { is, hung, left, epoch, beat }: Node, step: Step<State>): void {
    const canSend = hung < 0 || this.#mutant === 'renewal from the worker'
    if (is !== 'down' && canSend && beat === null && left < this.#lease)
      step(`node ${at} sends a renewal`, (draft) => void (nodeOf(draft, at).beat = { age: 0, is: 'sent' }))
    if (beat === null) return
    step(`the renewal of node ${at}, or its reply, is lost`, (draft) => void (nodeOf(draft, at).beat = null))
    const isOwner = s.owner === at && s.epoch === epoch
    const doesLook = this.#mutant !== 'renewal that does not look at the shard'
    if (beat.is === 'sent')
      step(`the database renews the lease of node ${at}${isOwner ? ', which owns the shard' : ''}`, (draft) => {
        draft.leases[at] = this.#lease
        nodeOf(draft, at).beat = { age: beat.age, is: isOwner || !doesLook ? 'owner' : 'none' }
      })
    else if (canSend)
      step(
        `node ${at} hears that its lease is renewed${beat.is === 'none' ? ', and that it owns nothing' : ''}`,
        (draft) => {
          const own = nodeOf(draft, at)
          own.left = this.#mutant === 'heartbeat stamped at the reply' ? this.#lease : this.#lease - beat.age
          own.beat = null
          if (beat.is === 'none') forget(draft, at)
        },
      )
  }

  /** Taking over is one statement of the database, which compares with its own clock. */
  #own(s: State, at: number, { is, hung, left, epoch }: Node, step: Step<State>): void {
    const leaseOf = (node: number): number => s.leases[node] as number
    const ahead = this.#mutant === 'expiry by the clock of who takes over' ? 1 : 0
    const isOwn = s.owner === at && epoch === s.epoch
    const isFree = s.owner < 0 || s.owner === at || leaseOf(s.owner) <= ahead
    if (is === 'up' && hung < 0 && !isOwn && isFree && left > 0 && leaseOf(at) > 0)
      step(`node ${at} takes the shard over`, (draft) => {
        draft.epoch += 1
        draft.owner = at
        const own = nodeOf(draft, at)
        own.epoch = draft.epoch
        own.body = null
        // What it hears from before is older.
        if (own.beat?.is === 'none') own.beat.is = 'owner'
      })
    // One that was replaced and has no body left learns of it at its next commit, at the latest.
    if (hung < 0 && epoch > 0 && epoch < s.epoch)
      step(`node ${at} finds that it is fenced`, (draft) => forget(draft, at))
  }

  #effect(s: State, at: number, { is, hung, epoch, left, body }: Node, step: Step<State>): void {
    if (hung >= 0 || epoch === 0) return
    const mayBegin = left > 0 || this.#mutant === 'no look at the lease before an effect'
    if (is === 'up' && body === null && mayBegin && s.written < s.done.length)
      step(`node ${at} finds its lease good for effect ${s.written}`, (draft) => {
        if (epoch < s.epoch) draft.overlap = true
        const other = s.nodes[1 - at] as Node
        if (s.owner === at && other.is === 'stopping' && other.body !== null && other.left > 0) draft.doubled = true
        nodeOf(draft, at).body = { key: s.written, is: 'allowed' }
      })
    if (body?.is === 'allowed' && s.net.length < this.#inNet)
      step(`node ${at} sends effect ${body.key}`, (draft) => {
        nodeOf(draft, at).body = { key: body.key, is: 'sent' }
        draft.net.push({ node: at, epoch, key: body.key })
      })
    if (body?.is === 'sent')
      step(`node ${at} gives effect ${body.key} up: no answer`, (draft) => void (nodeOf(draft, at).body = null))
    if (body?.is !== 'answered') return
    step(`node ${at} writes the outcome of effect ${body.key}`, (draft) => {
      const isOwner = epoch === draft.epoch || this.#mutant === 'outcome without fence'
      if (!isOwner) return forget(draft, at)
      draft.written += 1
      nodeOf(draft, at).body = null
    })
  }

  #faults(s: State, at: number, { is, hung, body, epoch }: Node, step: Step<State>): void {
    if (hung >= 0) step(`the loop of node ${at} goes on`, (draft) => void (nodeOf(draft, at).hung = -1))
    if (is === 'down') step(`node ${at} starts`, (draft) => void (nodeOf(draft, at).is = 'up'))
    const isQuiet = body === null || this.#mutant === 'handed over before bodies have ended'
    if (is === 'stopping' && hung < 0 && isQuiet)
      step(`node ${at} lets the shard go`, (draft) => {
        if (draft.owner === at && draft.epoch === epoch) draft.owner = -1
        if (body === null) forget(draft, at)
      })
    if (is === 'stopping' && epoch === 0) step(`node ${at} starts anew`, (draft) => void (nodeOf(draft, at).is = 'up'))
    if (s.faults === 0 || is !== 'up') return
    if (hung < 0)
      step(`the loop of node ${at} hangs`, (draft) => {
        draft.faults -= 1
        nodeOf(draft, at).hung = 0
      })
    step(`node ${at} crashes`, (draft) => {
      draft.faults -= 1
      draft.nodes[at] = { is: 'down', hung: -1, epoch: 0, left: 0, beat: null, body: null }
    })
    if (epoch > 0)
      step(`node ${at} is asked to stop`, (draft) => {
        draft.faults -= 1
        nodeOf(draft, at).is = 'stopping'
      })
  }

  /** A request arrives at the service, or does not. */
  #request(s: State, at: number, step: Step<State>): void {
    const { node, epoch, key } = s.net[at] as State['net'][number]
    const words = `the request of node ${node} for effect ${key}`
    step(`${words} is lost`, (draft) => void draft.net.splice(at, 1))
    const isOlder = s.service === 'token' && epoch < s.highest
    const isRefused = isOlder && this.#mutant !== 'service without token'
    const isKnown = s.service === 'key' && (s.done[key] as number) > 0 && this.#mutant !== 'service without key'
    step(`${words} ${isRefused ? 'is refused' : isKnown ? 'is known already' : 'is done'}`, (draft) => {
      draft.net.splice(at, 1)
      if (isOlder && !isRefused) draft.older = true
      draft.highest = Math.max(draft.highest, epoch)
      if (isRefused) return
      // Two are as good as many.
      if (!isKnown) draft.done[key] = Math.min((draft.done[key] as number) + 1, 2)
      const sender = nodeOf(draft, node)
      if (sender.epoch === epoch && sender.body?.key === key && sender.body.is === 'sent') sender.body.is = 'answered'
    })
  }
}

function nodeOf(draft: State, at: number): Node {
  return draft.nodes[at] as Node
}

function forget(draft: State, at: number): void {
  const own = nodeOf(draft, at)
  own.epoch = 0
  own.body = null
}

function tick(draft: State, long: number): void {
  draft.leases = draft.leases.map((left) => Math.max(0, left - 1))
  for (const node of draft.nodes) {
    node.left = Math.max(0, node.left - 1)
    if (node.hung >= 0) node.hung = Math.min(node.hung + 1, long)
    if (node.beat !== null) node.beat.age += 1
  }
}

export const lease: Model<State, Name> = {
  name: 'lease',
  about: 'who may begin effects: heartbeats, expiry by the clock of the database, hand-over, tokens and keys',
  code: {
    'src/core/store.ts': ['acquire(', 'release('],
    'src/engine/shard.ts': ['async close('],
    'src/engine/call-context.ts': ['fence:'],
    'src/engine/effects.ts': ['async close(', '#begin('],
    'src/engine/hold.ts': ['get isSure('],
    'src/engine/ownership.ts': ['async #renew(', 'async #takeIfFree('],
    'src/stores/postgres/leases.ts': ['async renew(', 'async take('],
  },
  mutants,
  build: (bound, mutant) => new Lease(bound, mutant),
}

// One shard: its journal, the writer of each node that takes itself for the owner, and a database that may carry out a
// commit whose reply was lost, at once, much later, or never. Nodes take the shard over at any moment, whatever a lease
// says: what is written is safe by the fence alone.
import type { Model, Spec, Step } from './checker.ts'

/** A row is the number of an input, and ten times the epoch that wrote it. */
type Row = number

interface Node {
  epoch: number
  /** The rows that it takes for durable. */
  log: Row[]
  /** Inputs of the open batch. */
  open: number[]
  /** Those of the batch in flight. */
  sent: number[]
  commit: 'none' | 'sent' | 'unknown'
}

interface Request {
  node: number
  epoch: number
  base: number
  rows: number[]
  /** Whether its sender still hears what becomes of it. */
  heard: boolean
}

interface State {
  epoch: number
  log: Row[]
  nodes: (Node | null)[]
  /** Commits on their way to the database. */
  net: Request[]
  acknowledged: number[]
  effects: number[]
  /** An effect was made of which the cause was not durable. */
  phantom: boolean
  /** An owner that nobody had fenced gave up. */
  gaveUp: boolean
  takeovers: number
  crashes: number
}

const mutants = {
  'no epoch in the fence': { rule: '4', breaks: 'what the owner takes for durable is in the log' },
  'no head in the fence': { rule: '4', breaks: 'a row is in the log once' },
  'no fence': { rule: '4', breaks: 'a row is in the log once' },
  'effect before it is durable': { rule: 'gate', breaks: 'a cause is durable before its effect' },
  'acknowledged before the commit': { rule: 'gate', breaks: 'what is acknowledged is in the log' },
  'unknown taken for committed': { rule: '4', breaks: 'what is acknowledged is in the log' },
  'merge on retry': { rule: '4', breaks: 'what is acknowledged is in the log' },
  rebase: { rule: '4', breaks: 'a row is in the log once' },
  'a miss taken for fenced': { rule: '4', breaks: 'an owner stops only when it was fenced' },
} as const
type Name = keyof typeof mutants

const inputOf = (row: Row): number => row % 10
const has = (rows: readonly Row[], input: number): boolean => rows.some((row) => inputOf(row) === input)

class Journal implements Spec<State> {
  readonly start: State
  readonly always = {
    'what is acknowledged is in the log': (s: State) => s.acknowledged.every((input) => has(s.log, input)),
    'a cause is durable before its effect': (s: State) => !s.phantom,
    'a row is in the log once': (s: State) => new Set(s.log.map(inputOf)).size === s.log.length,
    'epochs in the log never go back': (s: State) =>
      s.log.every((row, at) => at === 0 || Math.floor((s.log[at - 1] as Row) / 10) <= Math.floor(row / 10)),
    'what the owner takes for durable is in the log': (s: State) =>
      s.nodes.every((node) => node === null || node.epoch < s.epoch || node.log.every((row, at) => s.log[at] === row)),
    'an owner stops only when it was fenced': (s: State) => !s.gaveUp,
  }
  readonly #inputs: number
  readonly #inNet: number
  readonly #mutant: Name | null

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#inputs = bound + 1
    this.#inNet = bound < 3 ? 2 : 3
    this.start = {
      epoch: 0,
      log: [],
      nodes: [null, null],
      net: [],
      acknowledged: [],
      effects: [],
      phantom: false,
      gaveUp: false,
      takeovers: Math.ceil(bound / 2),
      crashes: Math.ceil(bound / 2),
    }
  }

  isEnd(s: State): boolean {
    return s.acknowledged.length === this.#inputs && s.effects.length === this.#inputs
  }

  tidy(draft: State): void {
    draft.acknowledged.sort((a, b) => a - b)
    draft.effects.sort((a, b) => a - b)
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    for (const at of s.nodes.keys()) {
      const node = s.nodes[at]
      if (node == null) this.#takeOver(s, at, step)
      else {
        this.#ask(s, at, node, step)
        this.#commit(s, at, node, step)
        this.#effects(s, at, node, step)
        if (s.crashes > 0)
          step(`node ${at} crashes`, (draft) => {
            draft.crashes -= 1
            this.#drop(draft, at)
          })
      }
    }
    for (const at of s.net.keys()) this.#database(s, at, step)
  }

  /** While there is an owner this is a lease that ran out, which happens so many times; a dead one is always replaced. */
  #takeOver(s: State, at: number, step: Step<State>): void {
    const isOwned = s.nodes.some((node) => node?.epoch === s.epoch)
    // The first owner is node 0: nodes are all alike.
    if ((isOwned && s.takeovers === 0) || at > s.epoch) return
    step(`node ${at} takes the shard over, epoch ${s.epoch + 1}`, (draft) => {
      if (isOwned) draft.takeovers -= 1
      draft.epoch += 1
      draft.nodes[at] = { epoch: draft.epoch, log: [...draft.log], open: [], sent: [], commit: 'none' }
    })
  }

  /** A client asks, and asks again until it is answered. Inputs are all alike: the one that is asked for first is 1. */
  #ask(s: State, at: number, node: Node, step: Step<State>): void {
    const known = new Set([...s.log, ...node.log].map(inputOf).concat(s.acknowledged, node.open, node.sent))
    for (const other of s.nodes) for (const input of [...(other?.open ?? []), ...(other?.sent ?? [])]) known.add(input)
    for (let input = 1; input <= this.#inputs; input++) {
      if (input > 1 && !known.has(input - 1)) break
      if (s.acknowledged.includes(input) || node.open.includes(input) || node.sent.includes(input)) continue
      step(`a client asks node ${at} for input ${input}`, (draft) => {
        if (has(node.log, input)) draft.acknowledged.push(input)
        else draft.nodes[at]?.open.push(input)
        if (this.#mutant === 'acknowledged before the commit' && !has(node.log, input)) draft.acknowledged.push(input)
      })
    }
  }

  #commit(s: State, at: number, node: Node, step: Step<State>): void {
    if (node.commit === 'none' && node.open.length > 0 && s.net.length < this.#inNet)
      step(`node ${at} sends the batch ${node.open.join(', ')} at head ${node.log.length}`, (draft) => {
        const own = draft.nodes[at] as Node
        own.sent = own.open
        own.open = []
        this.#send(draft, at, own)
      })
    if (node.commit === 'sent')
      step(`node ${at} loses the reply`, (draft) => {
        const own = draft.nodes[at] as Node
        this.#deafen(draft, at)
        if (this.#mutant === 'unknown taken for committed') this.#durable(draft, own, own.sent.length)
        else own.commit = 'unknown'
      })
    if (node.commit === 'unknown') this.#settle(s, at, node, step)
  }

  /** The outcome of a commit is not known: epoch and head are read. */
  #settle(s: State, at: number, { epoch, log, sent }: Node, step: Step<State>): void {
    const isMerge = this.#mutant === 'merge on retry'
    const isThere = isMerge ? s.log.length > log.length : s.log.length === log.length + sent.length
    if (s.epoch !== epoch) step(`node ${at} reads epoch ${s.epoch}: it is fenced`, (draft) => this.#drop(draft, at))
    else if (isThere)
      step(`node ${at} reads head ${s.log.length}: its batch is committed`, (draft) =>
        this.#durable(draft, draft.nodes[at] as Node, sent.length),
      )
    else if (s.log.length !== log.length) step(`node ${at} reads head ${s.log.length} and gives up`, this.#giveUp(at))
    else if (s.net.length < this.#inNet)
      step(`node ${at} reads head ${s.log.length}: it sends its batch again`, (draft) => {
        const own = draft.nodes[at] as Node
        if (isMerge) own.sent.push(...own.open.splice(0))
        this.#send(draft, at, own)
      })
  }

  #effects(s: State, at: number, node: Node, step: Step<State>): void {
    const isEarly = this.#mutant === 'effect before it is durable'
    const known = [...node.log.map(inputOf), ...(isEarly ? [...node.sent, ...node.open] : [])]
    for (const input of known) {
      if (s.effects.includes(input)) continue
      step(`node ${at} carries out the effect of input ${input}`, (draft) => {
        draft.effects.push(input)
        if (!has(draft.log, input)) draft.phantom = true
      })
    }
  }

  /** What the database does with a commit on its way to it. */
  #database(s: State, at: number, step: Step<State>): void {
    const { node, epoch, base, rows, heard } = s.net[at] as Request
    const words = `the commit of ${rows.join(', ')} by node ${node} (epoch ${epoch}, head ${base})`
    if (!heard) step(`${words} never arrives`, (draft) => void draft.net.splice(at, 1))
    const isFree = this.#mutant === 'no fence'
    const isEpoch = isFree || this.#mutant === 'no epoch in the fence' || epoch === s.epoch
    const isHead = isFree || this.#mutant === 'no head in the fence' || base === s.log.length
    step(`${words} ${isEpoch && isHead ? 'happens' : 'misses'}`, (draft) => {
      draft.net.splice(at, 1)
      const own = heard ? draft.nodes[node] : null
      if (isEpoch && isHead) draft.log.push(...rows.map((input) => input + 10 * epoch))
      if (own == null) return
      if (isEpoch && isHead) return this.#durable(draft, own, rows.length)
      own.commit = 'unknown'
      if (this.#mutant === 'a miss taken for fenced') this.#giveUp(node)(draft)
      if (this.#mutant === 'rebase' && epoch === draft.epoch) {
        own.log = [...draft.log]
        this.#send(draft, node, own)
      }
    })
  }

  #send(draft: State, at: number, own: Node): void {
    own.commit = 'sent'
    draft.net.push({ node: at, epoch: own.epoch, base: own.log.length, rows: [...own.sent], heard: true })
  }

  /** The batch in flight is durable: its inputs are acknowledged. */
  #durable(draft: State, own: Node, count: number): void {
    const rows = own.sent.splice(0, count)
    own.commit = 'none'
    own.log.push(...rows.map((input) => input + 10 * own.epoch))
    for (const input of rows) if (!draft.acknowledged.includes(input)) draft.acknowledged.push(input)
  }

  readonly #giveUp =
    (at: number) =>
    (draft: State): void => {
      if (draft.nodes[at]?.epoch === draft.epoch) draft.gaveUp = true
      this.#drop(draft, at)
    }

  #drop(draft: State, at: number): void {
    draft.nodes[at] = null
    this.#deafen(draft, at)
  }

  #deafen(draft: State, at: number): void {
    for (const request of draft.net) if (request.node === at) request.heard = false
  }
}

export const journal: Model<State, Name> = {
  name: 'journal',
  about: 'the journal of a shard: fence, one batch in flight, lost replies, takeover, effects behind the commit',
  code: {
    'src/engine/writer.ts': ['#commit(', 'acknowledgement('],
    'src/engine/commits.ts': ['#insist(', '#isThere('],
    'src/engine/turn-rows.ts': ['onDurable(() => startEffect('],
    'src/core/store.ts': ['acquire(', 'tenure(', 'commit('],
  },
  mutants,
  build: (bound, mutant) => new Journal(bound, mutant),
}

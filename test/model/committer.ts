// One committer for all shards of a node: what they have to write goes out in one transaction, of which every fence has to
// hold. Two nodes, two shards; shard 0 sends a message to shard 1 as a row of its inbox, in the transaction that writes the
// turn, and shard 1 takes an input from outside as well. Shards are taken over one by one while a transaction is on its way,
// replies get lost, commits land late. After a miss, or when nothing is known, each shard of the transaction is read: a fenced
// one is dropped, one whose rows are there goes on, and the others are sent again as they were, beside whatever else there is.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

/** What one turn writes. */
interface Row {
  row: string
  posts: string[]
  drains: number[]
}

interface Tenure {
  epoch: number
  /** The rows that it takes for durable. */
  log: string[]
  /** Rows that are written and not durable; the first `frozen` of them may be there already, and do not change any more. */
  rows: Row[]
  frozen: number
}

interface Part {
  shard: number
  epoch: number
  base: number
  rows: Row[]
}

interface Request {
  node: number
  parts: Part[]
  heard: boolean
}

interface Node {
  tenures: (Tenure | null)[]
  /** `doubt`: it missed, or its reply was lost, and the shards of it are to be read. */
  commit: 'none' | 'sent' | 'doubt'
  /** Shards of the transaction in flight. */
  sent: number[]
  /** What it has read of a shard that it is about to take: only where that is done in the wrong order. */
  loaded: string[] | null
}

interface State {
  epochs: number[]
  logs: string[][]
  inbox: { id: number; message: string }[]
  nextId: number
  nodes: Node[]
  net: Request[]
  acknowledged: boolean
  failed: boolean
  gaveUp: boolean
  takeovers: number
  crashes: number
}

const SENDER = 0
const RECEIVER = 1
const INPUT = 'input'

const ACKNOWLEDGED = 'what is acknowledged is in the log'
const ONCE = 'a row is in the log once'
const CAUSE = 'a cause is durable before its effect, across shards'
const DURABLE = 'what the owner takes for durable is in the log'
const FENCED = 'an owner stops only when it was fenced'

const mutants = {
  'a miss fails every shard of the transaction': { rule: '4', breaks: FENCED },
  'a fence that misses undoes nothing': { rule: '4', breaks: ACKNOWLEDGED },
  'one fence for all': { rule: '4', breaks: ONCE },
  'what is not fenced taken for written': { rule: '4', breaks: DURABLE },
  'sent again with what came meanwhile': { rule: '4', breaks: ENDS },
  'sent again with the fenced one': { rule: '4', breaks: ENDS },
  'told in memory, within one transaction': { rule: '5', breaks: CAUSE },
  'taken over with the epoch that it had': { rule: '4', breaks: DURABLE },
  'read before the epoch is raised': { rule: '4', breaks: DURABLE },
} as const
type Name = keyof typeof mutants

class Committer implements Spec<State> {
  readonly start: State
  readonly always = {
    [ONCE]: (s: State) => s.logs.every((log) => new Set(log).size === log.length),
    [CAUSE]: (s: State) =>
      s.logs[RECEIVER]?.every((row) => !row.startsWith('got') || has(s, SENDER, row.replace('got', 'send'))) === true,
    [ACKNOWLEDGED]: (s: State) => !s.acknowledged || has(s, RECEIVER, INPUT),
    [DURABLE]: (s: State) =>
      s.nodes.every(({ tenures }) =>
        tenures.every(
          (tenure, shard) =>
            tenure === null ||
            tenure.epoch < (s.epochs[shard] as number) ||
            tenure.log.every((row, at) => s.logs[shard]?.[at] === row),
        ),
      ),
    [FENCED]: (s: State) => !s.gaveUp,
    'a batch never fails on a constraint': (s: State) => !s.failed,
  }
  readonly #mutant: Name | null
  readonly #messages: readonly string[]

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#messages = ['m1', 'm2'].slice(0, bound < 3 ? 1 : 2)
    this.start = {
      epochs: [1, 1],
      logs: [[], []],
      inbox: [],
      nextId: 1,
      nodes: [
        { tenures: [fresh(1, []), fresh(1, [])], commit: 'none', sent: [], loaded: null },
        { tenures: [null, null], commit: 'none', sent: [], loaded: null },
      ],
      net: [],
      acknowledged: false,
      failed: false,
      gaveUp: false,
      takeovers: Math.max(1, bound - 1),
      crashes: Math.min(1, bound - 1),
    }
  }

  isEnd(s: State): boolean {
    return s.acknowledged && this.#messages.every((message) => has(s, RECEIVER, `got ${message}`))
  }

  tidy(draft: State): void {
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    for (const [at, node] of s.nodes.entries()) {
      for (const shard of node.tenures.keys()) this.#own(s, at, shard, step)
      this.#turns(s, at, node, step)
      this.#commit(s, at, node, step)
      if (s.crashes > 0 && node.tenures.some((tenure) => tenure !== null))
        step(`node ${at} crashes`, (draft) => {
          draft.crashes -= 1
          draft.nodes[at] = { tenures: [null, null], commit: 'none', sent: [], loaded: null }
          unheard(draft, at)
        })
    }
    for (const at of s.net.keys()) this.#database(s, at, step)
  }

  /** Taking over raises the epoch, so that nothing of the old one lands any more, and then reads what is there. */
  #own(s: State, at: number, shard: number, step: Step<State>): void {
    const node = s.nodes[at] as Node
    if (node.tenures[shard] !== null) return
    const isOwned = s.nodes.some(({ tenures }) => tenures[shard]?.epoch === s.epochs[shard])
    if (isOwned && s.takeovers === 0) return
    const isHasty = this.#mutant === 'read before the epoch is raised'
    if (isHasty && node.loaded === null) {
      if (shard === RECEIVER)
        step(`node ${at} reads shard ${shard}, which it will take`, (draft) => {
          nodeOf(draft, at).loaded = [...(draft.logs[shard] as string[])]
        })
      return
    }
    if (isHasty && shard !== RECEIVER) return
    step(`node ${at} takes shard ${shard} over`, (draft) => {
      if (isOwned) draft.takeovers -= 1
      const raise = this.#mutant === 'taken over with the epoch that it had' ? 0 : 1
      const epoch = (draft.epochs[shard] as number) + raise
      draft.epochs[shard] = epoch
      const own = nodeOf(draft, at)
      own.tenures[shard] = fresh(epoch, own.loaded ?? (draft.logs[shard] as string[]))
      own.loaded = null
    })
  }

  /** Turns are written in memory; what they send goes out with their rows. */
  #turns(s: State, at: number, { tenures }: Node, step: Step<State>): void {
    const [sender, receiver] = tenures
    const message = sender == null ? undefined : this.#messages.find((one) => !knows(sender, `send ${one}`))
    if (message !== undefined)
      step(`the run on node ${at} sends ${message}`, (draft) => {
        const own = nodeOf(draft, at)
        const isTold = this.#mutant === 'told in memory, within one transaction' && receiver != null
        own.tenures[SENDER]?.rows.push({ row: `send ${message}`, posts: isTold ? [] : [message], drains: [] })
        if (isTold) own.tenures[RECEIVER]?.rows.push({ row: `got ${message}`, posts: [], drains: [] })
      })
    if (receiver == null) return
    // Whoever asks from outside asks again until it is acknowledged.
    if (!s.acknowledged && !knows(receiver, INPUT))
      step(`node ${at} takes an input`, (draft) => {
        nodeOf(draft, at).tenures[RECEIVER]?.rows.push({ row: INPUT, posts: [], drains: [] })
      })
    if (!s.acknowledged && receiver.log.includes(INPUT))
      step(`node ${at} acknowledges the input`, (draft) => void (draft.acknowledged = true))
    const found = s.inbox.filter(({ message: one }) => !knows(receiver, `got ${one}`))
    if (found.length > 0)
      step(`node ${at} takes what lies in the inbox`, (draft) => {
        for (const { id, message: one } of found)
          nodeOf(draft, at).tenures[RECEIVER]?.rows.push({ row: `got ${one}`, posts: [], drains: [id] })
      })
  }

  #commit(s: State, at: number, { tenures, commit }: Node, step: Step<State>): void {
    const open = tenures.flatMap((tenure, shard) => (tenure !== null && tenure.rows.length > 0 ? [shard] : []))
    if (commit === 'none' && open.length > 0 && s.net.length < 2)
      step(`node ${at} sends what shards ${open.join(' and ')} have`, (draft) => this.#send(draft, at, open))
    if (commit === 'sent')
      step(`node ${at} loses the reply`, (draft) => {
        nodeOf(draft, at).commit = 'doubt'
        unheard(draft, at)
      })
    if (commit === 'doubt') step(`node ${at} reads the shards of it`, (draft) => this.#settle(draft, at))
  }

  #send(draft: State, at: number, shards: readonly number[]): void {
    const own = nodeOf(draft, at)
    own.commit = 'sent'
    own.sent = [...shards]
    const parts = shards.map((shard): Part => {
      const tenure = own.tenures[shard] as Tenure
      const isMerged = this.#mutant === 'sent again with what came meanwhile'
      if (tenure.frozen === 0 || isMerged) tenure.frozen = tenure.rows.length
      const rows = tenure.rows.slice(0, tenure.frozen).map((row) => ({ ...row }))
      return { shard, epoch: tenure.epoch, base: tenure.log.length, rows }
    })
    draft.net.push({ node: at, parts, heard: true })
  }

  /** Each shard of a transaction by its own row: another's epoch, the rows are there, or they are not. */
  #settle(draft: State, at: number): void {
    const own = nodeOf(draft, at)
    const isFenced = (shard: number): boolean => own.tenures[shard]?.epoch !== draft.epochs[shard]
    const isKept = this.#mutant === 'sent again with the fenced one' && own.sent.length > 1
    const isAll = this.#mutant === 'a miss fails every shard of the transaction' && own.sent.some(isFenced)
    own.commit = 'none'
    for (const shard of own.sent.splice(0)) {
      const tenure = own.tenures[shard] as Tenure
      const isThere =
        draft.logs[shard]?.length === tenure.log.length + tenure.frozen ||
        this.#mutant === 'what is not fenced taken for written'
      if (isAll || isFenced(shard)) {
        if (isKept) continue
        if (!isFenced(shard)) draft.gaveUp = true
        own.tenures[shard] = null
      } else if (isThere) durable(tenure)
    }
  }

  #database(s: State, at: number, step: Step<State>): void {
    const { node, parts, heard } = s.net[at] as Request
    const words = `the transaction of node ${node} with ${parts.map(({ rows }) => rows.map(({ row }) => row).join(', ')).join(' and ')}`
    if (!heard) step(`${words} never arrives`, (draft) => void draft.net.splice(at, 1))
    const holds = ({ shard, epoch, base }: Part): boolean => epoch === s.epochs[shard] && base === s.logs[shard]?.length
    const isLoose = this.#mutant === 'a fence that misses undoes nothing'
    const isWritten = isLoose || (this.#mutant === 'one fence for all' ? parts.some(holds) : parts.every(holds))
    step(`${words} ${isWritten ? 'happens' : 'misses'}`, (draft) => {
      draft.net.splice(at, 1)
      const own = heard ? nodeOf(draft, node) : null
      if (isWritten) for (const part of parts) if (!isLoose || holds(part)) this.#write(draft, part)
      if (own === null) return
      own.commit = isWritten ? 'none' : 'doubt'
      if (isWritten) for (const shard of own.sent.splice(0)) durable(own.tenures[shard] as Tenure)
    })
  }

  #write(draft: State, { shard, rows }: Part): void {
    const drained = rows.flatMap(({ drains }) => drains)
    if (drained.some((id) => !draft.inbox.some((item) => item.id === id))) draft.failed = true
    draft.inbox = draft.inbox.filter(({ id }) => !drained.includes(id))
    draft.logs[shard]?.push(...rows.map(({ row }) => row))
    for (const message of rows.flatMap(({ posts }) => posts)) draft.inbox.push({ id: draft.nextId++, message })
  }
}

const fresh = (epoch: number, log: readonly string[]): Tenure => ({ epoch, log: [...log], rows: [], frozen: 0 })
const nodeOf = (draft: State, at: number): Node => draft.nodes[at] as Node
const has = (s: State, shard: number, row: string): boolean => s.logs[shard]?.includes(row) === true
const knows = ({ log, rows }: Tenure, row: string): boolean => log.includes(row) || rows.some((one) => one.row === row)

function durable(tenure: Tenure): void {
  tenure.log.push(...tenure.rows.splice(0, tenure.frozen).map(({ row }) => row))
  tenure.frozen = 0
}

function unheard(draft: State, at: number): void {
  for (const request of draft.net) if (request.node === at) request.heard = false
}

export const committer: Model<State, Name> = {
  name: 'committer',
  about:
    'one transaction for the batches of several shards of a node: all fences or none, and each shard read after a miss',
  code: {
    'src/engine/commits.ts': ['#insist(', '#isThere('],
    'src/core/store.ts': ['commit(', 'settle?(', 'posts:', 'drained:'],
    'src/stores/postgres/postgres-store.ts': ['the fence comes first and raises when it misses'],
  },
  mutants,
  build: (bound, mutant) => new Committer(bound, mutant),
}

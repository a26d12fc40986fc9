// Messages between two shards. The run of shard 0 sends one or two messages to a run of shard 1, which answers the last.
// A message is a row of the receiver's inbox, posted in the sender's fenced transaction and deleted in the receiver's,
// which finds it by its presence. Replies get lost, commits land late, processes die with all their shards, and shards
// are taken over at any moment.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

interface Post {
  to: number
  message: string
}

/** What one turn writes. */
interface Row {
  row: string
  posts: Post[]
  drains: number[]
}

interface Tenure {
  epoch: number
  /** The rows that it takes for durable. */
  log: string[]
  /** Rows that are written and not durable, the ones in flight first. */
  rows: Row[]
  inFlight: number
  commit: 'none' | 'sent' | 'unknown'
  /** A read of the inbox that has begun: what it found, and how many of `gone` were gone by then. */
  read: { found: (readonly [id: number, message: string])[]; gone: number } | null
  /** Ids whose deletion is durable, and that an older read may still find. */
  gone: number[]
  /** Only where there is no poll: somebody said that the inbox is to be read. */
  hint: boolean
}

interface Request {
  node: number
  shard: number
  epoch: number
  base: number
  rows: Row[]
  heard: boolean
}

interface State {
  epochs: number[]
  logs: string[][]
  inbox: { id: number; to: number; message: string }[]
  nextId: number
  /** By node and shard. */
  tenures: (Tenure | null)[][]
  net: Request[]
  /** Posts of a turn that are not in its transaction: only in mutants. */
  loose: Post[]
  failed: boolean
  takeovers: number
  crashes: number
}

const CONSTRAINT = 'a batch never fails on a constraint'
const CAUSE = 'a cause is durable before its effect, across shards'
const ONCE = 'a message is delivered once'
const ORDER = 'the messages of one sender keep their order'

const mutants = {
  'forget drained ids': { rule: '6', breaks: CONSTRAINT },
  'forget drained ids, no count of deletions': { rule: '6', breaks: ONCE },
  'no count of deletions': { rule: '6', breaks: null },
  'same-node shortcut': { rule: '5', breaks: CAUSE },
  'rows reordered between batches': { rule: '5', breaks: ORDER },
  'posted before the commit': { rule: '5', breaks: CAUSE },
  'posted after the commit': { rule: '5', breaks: ORDER },
  'deleted outside the fence': { rule: '4', breaks: CONSTRAINT },
  'hints and no poll': { rule: 'poll', breaks: ENDS },
} as const
type Name = keyof typeof mutants

/** The row without which a row must not be. */
const CAUSES: Readonly<Record<string, readonly [shard: number, row: string]>> = {
  'got m1': [0, 'send m1'],
  'got m2': [0, 'send m2'],
  'got reply': [1, 'got m2'],
}

const fresh = (epoch: number, log: readonly string[]): Tenure => ({
  epoch,
  log: [...log],
  rows: [],
  inFlight: 0,
  commit: 'none',
  read: null,
  gone: [],
  hint: true,
})

class Inbox implements Spec<State> {
  readonly start: State
  readonly always = {
    [ONCE]: (s: State) => s.logs.every((log) => new Set(log).size === log.length),
    [CAUSE]: (s: State) =>
      s.logs.every((log) =>
        log.every((row) => {
          const cause = CAUSES[row]
          return cause === undefined || s.logs[cause[0]]?.includes(cause[1]) === true
        }),
      ),
    [ORDER]: (s: State) => !s.logs[1]?.includes('got m2') || s.logs[1].indexOf('got m1') === 0,
    [CONSTRAINT]: (s: State) => !s.failed,
    'what the owner takes for durable is in the log': (s: State) =>
      s.tenures.every((own) =>
        own.every(
          (tenure, shard) =>
            tenure === null ||
            tenure.epoch < (s.epochs[shard] as number) ||
            tenure.log.every((row, at) => s.logs[shard]?.[at] === row),
        ),
      ),
  }
  readonly #mutant: Name | null

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.start = {
      epochs: [1, 1],
      logs: [[], []],
      inbox: [],
      nextId: 1,
      tenures: [
        [fresh(1, []), fresh(1, [])],
        [null, null],
      ],
      net: [],
      loose: [],
      failed: false,
      takeovers: bound - 1,
      crashes: 1,
    }
  }

  isEnd(s: State): boolean {
    return s.logs[0]?.includes('got reply') === true
  }

  tidy(draft: State): void {
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    for (const [node, own] of s.tenures.entries()) {
      for (const [shard, tenure] of own.entries()) {
        if (tenure === null) {
          this.#takeOver(s, node, shard, step)
          continue
        }
        if (shard === 0) this.#send(node, tenure, step)
        this.#read(s, node, shard, tenure, step)
        this.#commit(s, node, shard, tenure, step)
      }
      if (s.crashes > 0 && own.some((tenure) => tenure !== null))
        step(`node ${node} crashes`, (draft) => {
          draft.crashes -= 1
          draft.tenures[node] = [null, null]
          draft.loose = []
          for (const request of draft.net) if (request.node === node) request.heard = false
        })
    }
    for (const at of s.net.keys()) this.#database(s, at, step)
    if (s.loose.length > 0)
      step('what was posted beside the transaction is written', (draft) => this.#post(draft, draft.loose.splice(0)))
  }

  #takeOver(s: State, node: number, shard: number, step: Step<State>): void {
    const isOwned = s.tenures.some((own) => own[shard]?.epoch === s.epochs[shard])
    if (isOwned && s.takeovers === 0) return
    step(`node ${node} takes shard ${shard} over`, (draft) => {
      if (isOwned) draft.takeovers -= 1
      const epoch = (draft.epochs[shard] as number) + 1
      draft.epochs[shard] = epoch
      ownedBy(draft, node)[shard] = fresh(epoch, draft.logs[shard] as string[])
    })
  }

  /** The turns of the sender: each is written in memory, its message goes out with its row. */
  #send(node: number, tenure: Tenure, step: Step<State>): void {
    const known = [...tenure.log, ...tenure.rows.map(({ row }) => row)]
    const message = ['m1', 'm2'].find((name) => !known.includes(`send ${name}`))
    if (message === undefined) return
    step(`the run on node ${node} sends ${message}`, (draft) => {
      const posts = [{ to: 1, message }]
      const receiver = ownedBy(draft, node)[1]
      if (this.#mutant === 'same-node shortcut' && receiver != null) {
        posts.pop()
        receiver.rows.push({ row: `got ${message}`, posts: answerTo(message), drains: [] })
      }
      const isApart = this.#mutant === 'posted before the commit'
      if (isApart) draft.loose.push(...posts)
      ownedBy(draft, node)[0]?.rows.push({ row: `send ${message}`, posts: isApart ? [] : posts, drains: [] })
    })
  }

  /** A read begins at one moment, and what it found is handled at another. */
  #read(s: State, node: number, shard: number, tenure: Tenure, step: Step<State>): void {
    const isHinted = this.#mutant !== 'hints and no poll' || tenure.hint
    const found = s.inbox.filter(({ to }) => to === shard)
    if (tenure.read === null && found.length > 0 && isHinted)
      step(`node ${node} reads the inbox of shard ${shard}`, (draft) => {
        const reader = ownedBy(draft, node)[shard] as Tenure
        reader.read = { found: found.map(({ id, message }) => [id, message] as const), gone: reader.gone.length }
        if (this.#mutant === 'hints and no poll') reader.hint = false
      })
    if (tenure.read === null) return
    step(`node ${node} handles what it read from the inbox of shard ${shard}`, (draft) => {
      const reader = ownedBy(draft, node)[shard] as Tenure
      const { found: rows, gone } = reader.read as NonNullable<Tenure['read']>
      for (const [id, message] of rows) {
        if (reader.gone.includes(id) || reader.rows.some(({ drains }) => drains.includes(id))) continue
        reader.rows.push({ row: `got ${message}`, posts: answerTo(message), drains: [id] })
      }
      reader.gone.splice(0, gone)
      reader.read = null
    })
  }

  #commit(s: State, node: number, shard: number, tenure: Tenure, step: Step<State>): void {
    const { commit, rows, log, epoch, inFlight } = tenure
    const hasRoom = s.net.length < 2
    if (commit === 'none' && rows.length > 0 && hasRoom)
      step(`node ${node} sends the batch of shard ${shard}`, (draft) => {
        const sender = ownedBy(draft, node)[shard] as Tenure
        // Fairness between runs may reorder deliveries; this one reorders rows.
        if (this.#mutant === 'rows reordered between batches') sender.rows.reverse()
        sender.inFlight = sender.rows.length
        this.#request(draft, node, shard, sender)
      })
    if (commit === 'sent')
      step(`node ${node} loses the reply about shard ${shard}`, (draft) => {
        ;(ownedBy(draft, node)[shard] as Tenure).commit = 'unknown'
        for (const request of draft.net) if (request.node === node && request.shard === shard) request.heard = false
      })
    if (commit !== 'unknown') return
    const head = s.logs[shard]?.length as number
    const words = `node ${node} reads epoch and head of shard ${shard}`
    if (epoch !== s.epochs[shard])
      step(`${words}: it is fenced`, (draft) => {
        ownedBy(draft, node)[shard] = null
        for (const request of draft.net) if (request.node === node && request.shard === shard) request.heard = false
      })
    else if (head === log.length + inFlight)
      step(`${words}: its batch is committed`, (draft) => this.#durable(draft, node, shard))
    else if (hasRoom)
      step(`${words}: it sends its batch again`, (draft) =>
        this.#request(draft, node, shard, ownedBy(draft, node)[shard] as Tenure),
      )
  }

  #database(s: State, at: number, step: Step<State>): void {
    const { node, shard, epoch, base, rows, heard } = s.net[at] as Request
    const words = `the commit of "${rows.map(({ row }) => row).join(', ')}" by node ${node}`
    if (!heard) step(`${words} never arrives`, (draft) => void draft.net.splice(at, 1))
    const isFenced = epoch !== s.epochs[shard] || base !== s.logs[shard]?.length
    const drained = rows.flatMap(({ drains }) => drains)
    const isCounted = this.#mutant?.endsWith('no count of deletions') !== true
    const isGone = isCounted && drained.some((id) => !s.inbox.some((item) => item.id === id))
    step(`${words} ${isFenced ? 'misses' : isGone ? 'fails: a row of the inbox is gone' : 'happens'}`, (draft) => {
      draft.net.splice(at, 1)
      const sender = heard ? ownedBy(draft, node)[shard] : null
      const hasDeleted = !isFenced || this.#mutant === 'deleted outside the fence'
      if (hasDeleted && !isGone) draft.inbox = draft.inbox.filter(({ id }) => !drained.includes(id))
      if (isFenced) {
        if (sender != null) sender.commit = 'unknown'
        return
      }
      if (isGone) {
        draft.failed = true
        return
      }
      draft.logs[shard]?.push(...rows.map(({ row }) => row))
      const posts = rows.flatMap((row) => row.posts)
      if (this.#mutant !== 'posted after the commit') this.#post(draft, posts)
      else if (sender != null) draft.loose.push(...posts)
      if (sender != null) this.#durable(draft, node, shard)
    })
  }

  #request(draft: State, node: number, shard: number, sender: Tenure): void {
    sender.commit = 'sent'
    const { epoch, log, rows, inFlight } = sender
    const sent = rows.slice(0, inFlight).map((row) => ({ ...row }))
    draft.net.push({ node, shard, epoch, base: log.length, rows: sent, heard: true })
  }

  #durable(draft: State, node: number, shard: number): void {
    const tenure = ownedBy(draft, node)[shard] as Tenure
    const done = tenure.rows.splice(0, tenure.inFlight)
    tenure.log.push(...done.map(({ row }) => row))
    if (this.#mutant?.startsWith('forget drained ids') !== true) tenure.gone.push(...done.flatMap((row) => row.drains))
    tenure.inFlight = 0
    tenure.commit = 'none'
    // The hint is for the receiver as it is known here: in memory, on the same node.
    for (const { to } of done.flatMap(({ posts }) => posts)) {
      const receiver = ownedBy(draft, node)[to]
      if (receiver != null) receiver.hint = true
    }
  }

  #post(draft: State, posts: readonly Post[]): void {
    for (const { to, message } of posts) draft.inbox.push({ id: draft.nextId++, to, message })
  }
}

function ownedBy(draft: State, node: number): (Tenure | null)[] {
  return draft.tenures[node] as (Tenure | null)[]
}

function answerTo(message: string): Post[] {
  return message === 'm2' ? [{ to: 0, message: 'reply' }] : []
}

export const inbox: Model<State, Name> = {
  name: 'inbox',
  about: 'messages between shards: posted and drained in fenced transactions, found by presence, read twice',
  code: {
    'src/engine/outbox.ts': ['function post(', 'rows.posts.push'],
    'src/engine/inbox.ts': ['#drain(', 'gone('],
    'src/engine/requests.ts': ['#drain('],
    'src/core/store.ts': ['posts:', 'drained:'],
  },
  mutants,
  build: (bound, mutant) => new Inbox(bound, mutant),
}

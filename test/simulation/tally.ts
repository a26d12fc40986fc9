// Runs that count: clients start them, add to them, close and cancel them, look at them, by the doors or by rows in the
// inbox, and ask again when they heard nothing; somebody looks after what is stuck. At the end every sum must be right.
import type { RunRow } from '../../src/core/store.ts'
import { isBalletError } from '../../src/core/errors.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { Books } from './books.ts'
import { History, type Asked, type Heard } from './history.ts'
import { judgeTally } from './tally-judge.ts'
import { tallyCode, type Desk, type TallyInput } from './tally-contracts.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'

/** Something that a client was told has been taken, and when. */
export interface Taken {
  readonly kind: 'start' | 'signal' | 'cancel' | 'event'
  readonly run: string
  readonly id: string
  readonly v: number
  readonly at: number
  /** The trace when it was asked for and when that was answered. */
  readonly from: number
  readonly to: number
  /** By a row in the inbox. */
  readonly isPosted: boolean
}

const ASK_AGAIN = 60
const AGAIN_MS = 120

export const tally: Workload = { name: 'tally', scene: (stage) => new TallyScene(stage) }

/** The same over several shards, which one process has, or several nodes. */
export const tallyOfShards: Workload = { ...tally, name: 'tally of shards', cluster: { shards: 4, nodes: 1 } }
export const tallyOfNodes: Workload = { ...tally, name: 'tally of nodes', cluster: { shards: 4, nodes: 3 } }

export class TallyScene implements Scene {
  readonly stage: Stage
  readonly books: Books
  readonly history: History
  readonly taken: Taken[] = []
  readonly #chance: Chance
  /** When a signal was asked for first: places in the trace. */
  readonly #asked = new Map<string, number>()
  #under = 0
  #acting = false

  constructor(stage: Stage) {
    this.stage = stage
    this.books = new Books(stage)
    this.history = new History(stage)
    this.#chance = stage.world.chance('clients')
  }

  application(process: SimulatedProcess) {
    const { books } = this
    const desk: Desk = {
      book: ({ id, v }, context) =>
        books.call(process, context, { run: id, step: `book#${v}`, input: v }, () => ({
          outcome: 'applied',
          answer: v,
          amount: v,
        })),
      unbook: ({ id, v }, context) =>
        books.call(process, context, { run: id, step: `unbook#${v}`, input: v }, () => ({
          outcome: books.has(id, `book#${v}`) && !books.has(id, `unbook#${v}`) ? 'applied' : 'refused',
          answer: v,
          amount: v,
        })),
      note: async ({ id, v }, context) => {
        await books.call(process, context, { run: id, step: `note#${v}`, input: v }, () => ({
          outcome: 'applied',
          answer: v,
        }))
      },
    }
    return tallyCode.of(desk)
  }

  begin(): void {
    const runs = this.#chance.pick(this.stage.world.disks.length === 1 ? [1, 1, 1, 2, 2, 3] : [2, 3, 4])
    this.stage.world.whenEnded((row, from) => this.#ended(row, from))
    for (let run = 1; run <= runs; run++) this.#client(run)
  }

  look(): void {
    if (this.#acting || this.#chance.is(0.4)) return
    const rows = this.stage.world.disks.flatMap((disk) => [...disk.runs.values()])
    const stuck = rows.filter(({ status, ended }) => status === 'stuck' && ended === null)
    if (stuck.length === 0) return
    this.#acting = true
    void this.#lookAfter(this.#chance.pick(stuck)).finally(() => (this.#acting = false))
  }

  isOver(): boolean {
    return this.#under === 0
  }

  judge(): Promise<void> {
    return judgeTally(this)
  }

  /** Everything that is done to one run, each thing at its time. */
  #client(number: number): void {
    const chance = this.#chance.part(number)
    const id = `t-${number}`
    const run = `tally:${id}`
    const input: TallyInput = {
      id,
      total: 0,
      every: chance.pick([2, 3, 100]),
      withinMs: chance.pick([60, 300, 1200]),
      breaksAt: chance.pick([0, 0, 0, 0, 0, 0, 20, 200]),
      ending: chance.weighted([
        [5, 'well'],
        [2, 'fails'],
        [2, 'asks a child'],
      ] as const),
    }
    const way = (): boolean => chance.is(0.3)
    this.#after(chance.between(0, 30), () => this.#start(run, input, way(), chance))
    // Whoever asks twice, also for something else under the same id.
    if (chance.is(0.3)) this.#after(chance.between(0, 60), () => this.#start(run, input, false, chance))
    if (chance.is(0.2)) this.#after(chance.between(0, 400), () => this.#startOther(run, { ...input, every: 7 }))
    for (let count = chance.between(0, 5); count > 0; count--) {
      const v = 10 ** count * 2
      const [isPosted, isTwice] = [way(), chance.is(0.2)]
      const atMs = chance.between(0, 900)
      this.#after(atMs, () => this.#signal(run, 'add', `${run}-${v}`, v, isPosted))
      if (isTwice) this.#after(atMs + chance.between(0, 200), () => this.#signal(run, 'add', `${run}-${v}`, v, way()))
    }
    for (let count = chance.between(0, 2); count > 0; count--)
      this.#after(chance.between(0, 900), () => this.#publish(run, id, count))
    if (chance.is(0.6))
      this.#after(chance.between(300, 1200), () => this.#signal(run, 'close', `${run}-close`, 0, way()))
    if (chance.is(0.25)) this.#after(chance.between(0, 1300), () => this.#cancel(run, way()))
    for (let count = chance.between(0, 3); count > 0; count--)
      this.#after(chance.between(0, 1500), () => this.#get(run))
  }

  #after(ms: number, work: () => Promise<void>): void {
    this.#under += 1
    void this.stage.world.clock.after(ms, () => {
      work().then(
        () => (this.#under -= 1),
        (error: unknown) => this.stage.world.blame('CLIENT', String(error)),
      )
    })
  }

  async #start(run: string, input: TallyInput, isPosted: boolean, chance: Chance): Promise<void> {
    const value = JSON.stringify(input)
    if (isPosted) return this.#post('start', run, input.id, { call: 'tally', input }, { run, id: run, v: 0 })
    const afterMs = chance.is(0.2) ? chance.between(100, 2500) : null
    const settings = afterMs === null ? {} : { deadline: this.stage.world.clock.now() + afterMs }
    // A deadline stops the run at some time, if it has not ended by then.
    if (afterMs !== null) this.history.happened(run, { kind: 'posted', what: 'cancel', value: '' }, Infinity)
    const heard = await this.#untilHeard(run, { kind: 'start', value }, async (app) => {
      const { created } = await app.startNamed({ call: 'tally', input, ...settings })
      return this.#made(created)
    })
    if (heard.kind === 'answer' && heard.answer !== 'too late')
      this.#take({ kind: 'start', run, id: run, v: 0, isPosted: false })
  }

  /** The same id for another input. */
  async #startOther(run: string, input: TallyInput): Promise<void> {
    const asked: Asked = { kind: 'start', value: JSON.stringify(input) }
    await this.history.ask(run, asked, async (app) => {
      const { created } = await app.startNamed({ call: 'tally', input })
      return this.#made(created)
    })
  }

  async #signal(run: string, name: 'add' | 'close', id: string, v: number, isPosted: boolean): Promise<void> {
    if (!(await this.#isThere(run))) return
    // Asked for twice, it may have been taken at the first time.
    const from = this.#asked.get(id) ?? this.stage.world.trace.count
    this.#asked.set(id, from)
    if (isPosted) return this.#post('signal', run, run, { run, name, data: { v }, id }, { run, id, v })
    const heard = await this.#untilHeard(run, { kind: 'signal', id }, async (app) => {
      const { created } = await app.signalNamed({ run, name, data: { v }, id })
      return this.#made(created)
    })
    const isTaken = heard.kind === 'answer' && ['created', 'known', 'taken'].includes(heard.answer)
    if (isTaken) this.#take({ kind: 'signal', run, id, v, isPosted: false }, from)
  }

  async #publish(run: string, id: string, count: number): Promise<void> {
    const event = { type: 'noted', data: { id, v: count }, id: `${run}-noted-${count}`, source: 'clients' }
    if (this.#chance.is(0.3)) return this.#post('event', 'noted', id, event, { run, id: event.id, v: count })
    for (let times = 0; times < ASK_AGAIN; times++) {
      try {
        await this.stage.ask((app) => app.publishNamed(event))
        return this.#take({ kind: 'event', run, id: event.id, v: count, isPosted: false })
      } catch {
        await this.stage.world.clock.wait(AGAIN_MS)
      }
    }
  }

  async #cancel(run: string, isPosted: boolean): Promise<void> {
    if (!(await this.#isThere(run))) return
    if (isPosted)
      return this.#post('cancel', run, run, { run, by: 'a client', why: 'a row' }, { run, id: 'cancel', v: 0 })
    const heard = await this.#untilHeard(run, { kind: 'cancel' }, async (app) => {
      const { changed } = await app.cancel(run, { by: 'a client', why: 'it asked' })
      return this.#made(changed, 'changed')
    })
    if (heard.kind === 'answer' && heard.answer !== 'ended')
      this.#take({ kind: 'cancel', run, id: 'cancel', v: 0, isPosted: false })
  }

  async #get(run: string): Promise<void> {
    await this.history.ask(run, { kind: 'get' }, async (app) => (await app.run(run))?.status ?? 'missing')
  }

  /** Whoever signals or cancels knows that the run is there. */
  async #isThere(run: string): Promise<boolean> {
    for (let times = 0; times < ASK_AGAIN; times++) {
      if (this.taken.some((one) => one.kind === 'start' && one.run === run)) return true
      await this.stage.world.clock.wait(AGAIN_MS)
    }
    return false
  }

  async #untilHeard(run: string, asked: Asked, ask: Parameters<History['ask']>[2]): Promise<Heard> {
    let heard: Heard = { kind: 'unknown' }
    for (let times = 0; times < ASK_AGAIN && heard.kind !== 'answer'; times++) {
      if (times > 0) await this.stage.world.clock.wait(AGAIN_MS)
      heard = await this.history.ask(run, asked, ask)
    }
    return heard
  }

  async #post(
    kind: 'start' | 'signal' | 'event' | 'cancel',
    target: string,
    tag: string,
    body: object,
    one: Pick<Taken, 'run' | 'id' | 'v'>,
  ): Promise<void> {
    const { world } = this.stage
    const slot = world.place.slotOf(tag)
    const from = world.trace.count
    const posted = world.post({ ns: 'default', slot, kind, target, data: JSON.stringify(body), at: world.clock.now() })
    if (posted !== null) await posted
    world.note(`posts ${kind} ${one.id}`)
    if (kind === 'event') return this.#take({ kind, ...one, isPosted: true })
    const value = kind === 'start' ? JSON.stringify((body as { input: unknown }).input) : one.id
    this.history.happened(
      one.run,
      { kind: 'posted', what: kind, value },
      kind === 'start' ? world.trace.count : Infinity,
      from,
    )
    this.#take({ kind, ...one, isPosted: true }, this.#asked.get(one.id))
  }

  /**
   * Whether it was there before, and whoever asks another node does not hear that for sure: of two that ask at the same time
   * both may be told that they were first (ADR 28).
   */
  #made(isNew: boolean, done: 'created' | 'changed' = 'created'): string {
    if (this.stage.world.hasLeases) return 'taken'
    return isNew ? done : 'known'
  }

  /** @param from the trace when it was asked for; when it was done at once, that is now. */
  #take(taken: Omit<Taken, 'at' | 'from' | 'to'>, from = this.stage.world.trace.count): void {
    const { clock, trace } = this.stage.world
    this.taken.push({ ...taken, at: clock.now(), from, to: trace.count })
  }

  #ended({ name, id, status }: RunRow, from: number): void {
    if (name === 'tally') this.history.happened(id, { kind: 'end', status }, this.stage.world.trace.count, from)
  }

  /** Whoever finds a call stuck tries it again, does it by hand, lets it fail, or stops the run. */
  async #lookAfter(row: RunRow): Promise<void> {
    const { world } = this.stage
    const reason = { by: 'somebody', why: 'it was stuck' }
    try {
      const view = await this.stage.ask((app) => app.run(row.id))
      const wait = view?.waits.find(({ kind, attempt }) => kind === 'call' && attempt?.next === null)
      const act = this.#chance.weighted([
        [5, 'retry'],
        [2, 'answer'],
        [2, 'fail'],
        // Nobody mends the code within a story.
        [row.reason === 'threw' ? 9 : 1, 'cancel'],
      ] as const)
      world.note(`somebody looks after ${row.id}: ${act} ${wait?.op ?? ''}`)
      if (act === 'cancel') await this.#cancel(row.id, false)
      else if (wait === undefined || act === 'retry') await this.stage.ask((app) => app.retry(row.id, reason))
      else if (act === 'fail')
        await this.stage.ask((app) => app.fail(row.id, { op: wait.op, error: { message: 'no' }, ...reason }))
      else await this.#doByHand(row, wait.op, wait.for)
    } catch (error) {
      const isRefused = isBalletError(error) && error.code === 'INVARIANT'
      if (isRefused) world.blame('ACTION', String(error))
    }
  }

  async #doByHand(row: RunRow, op: string, call: string): Promise<void> {
    if (call !== 'desk.note') return
    const { v, id } = JSON.parse(String(row.input)) as { v: number; id: string }
    await this.stage.ask((app) => app.answer(row.id, { op, by: 'somebody', why: 'done by hand', value: undefined }))
    this.books.byHand(`${this.stage.world.disk.info.id}:${row.id}:0:${op}`, id, `note#${v}`, v)
  }
}

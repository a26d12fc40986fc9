// Those outside: they start runs, send signals and publish events, by the doors of the application or by rows in its
// inbox, and they give everything again after a crash, under the same ids, because nobody told them that it arrived.
// What was acknowledged before must then be known. Now and then they look who waits, and give what is waited for.
import { SLOT_COUNT, type InboxItem } from '../../src/core/store.ts'
import { assertNever, isBalletError } from '../../src/core/errors.ts'
import { slotOf } from '../../src/core/ids.ts'
import type { Application } from '../../src/index.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { post, type Content } from './recording-store.ts'
import type { PlayInput } from './services.ts'
import type { StoryClock } from '../../src/testing/simulation/virtual-clock.ts'

type Given =
  | { readonly kind: 'start'; readonly id: string; readonly input: PlayInput }
  | { readonly kind: 'signal'; readonly id: string; readonly run: string; readonly name: string; readonly v: number }
  | { readonly kind: 'cancel'; readonly id: string; readonly run: string }
  | { readonly kind: 'event'; readonly id: string; readonly orderId: string; readonly type: string; readonly v: number }

/** Something given from outside: through the doors or as a row, after a while, acknowledged or not. */
export type Input = Given & {
  readonly way: 'door' | 'row'
  readonly afterMs: number
  /** How many changes the store had seen at the acknowledgement. */
  readonly takenAt: number
}

/** The inputs that a seed makes for some runs. */
export function inputsOf(chance: Chance, runs: number, seed: number): readonly Input[] {
  const inputs: Input[] = []
  const way = (): Input['way'] => (chance.is(0.25) ? 'row' : 'door')
  for (let run = 0; run < runs; run++) {
    const orderId = `o-${run}`
    const rounds = chance.pick([0, 0, 1, 2])
    const input: PlayInput = { orderId, seed: seed * 100 + run, level: 1, rounds, v: chance.between(0, 999) }
    inputs.push({
      kind: 'start',
      id: `play:${orderId}`,
      input,
      way: way(),
      afterMs: chance.between(0, 100),
      takenAt: Infinity,
    })
    for (let count = chance.between(0, 4); count > 0; count--) {
      const name = chance.pick(['nudge', 'halt'])
      inputs.push({
        kind: 'signal',
        id: `s-${run}-${count}`,
        run: `play:${orderId}`,
        name,
        v: count,
        way: way(),
        afterMs: chance.between(0, 1000),
        takenAt: Infinity,
      })
    }
    for (let count = chance.between(0, 4); count > 0; count--) {
      const type = chance.pick(['ping', 'pong'])
      inputs.push({
        kind: 'event',
        id: `e-${run}-${count}`,
        orderId,
        type,
        v: count,
        way: way(),
        afterMs: chance.between(0, 1000),
        takenAt: Infinity,
      })
    }
  }
  for (let run = 0; run < runs; run++) {
    if (!chance.is(0.3)) continue
    const head = { kind: 'cancel', id: `c-${run}`, run: `play:o-${run}`, takenAt: Infinity } as const
    inputs.push({ ...head, way: way(), afterMs: chance.between(0, 1200) })
  }
  // Some are given twice at nearly the same moment: both senders must hear of one.
  const twice = inputs.filter(() => chance.is(0.25))
  return [...inputs, ...twice.map((input) => ({ ...input, way: way(), afterMs: input.afterMs + chance.between(0, 2) }))]
}

/** What the audience stands before. */
export interface Stalls {
  /** The application that holds the store now. */
  readonly app: () => Application
  readonly content: Content
  readonly clock: StoryClock
  readonly chance: Chance
  readonly blame: (words: string) => void
}

const PATIENCE_MS = 250

export class Audience {
  readonly #stalls: Stalls
  readonly #inputs: Input[] = []
  #under = 0
  #rescues = 0
  #hasLeft = false

  constructor(stalls: Stalls) {
    this.#stalls = stalls
  }

  /** Everything that was given, with what became of it. */
  get inputs(): readonly Input[] {
    return this.#inputs
  }

  /** Whether everything was taken that was to be given. */
  get done(): boolean {
    return this.#under === 0
  }

  /** What is refused from now on is refused to nobody: the application closes. */
  leave(): void {
    this.#hasLeft = true
  }

  /** Gives all of these in their time. */
  give(inputs: readonly Input[]): void {
    for (const input of inputs) {
      this.#under += 1
      const index = this.#inputs.push(input) - 1
      this.#giveOne(input)
        .then((taken) => {
          this.#under -= 1
          if (taken)
            this.#inputs[index] = { ...input, takenAt: Math.min(input.takenAt, this.#stalls.content.changes.length) }
        })
        .catch(
          (error: unknown) =>
            this.#hasLeft || this.#stalls.blame(`${input.kind} ${input.id} was refused: ${String(error)}`),
        )
    }
  }

  /** Looks after those that wait for something from outside. */
  async lookAround(): Promise<void> {
    const { app, content, chance, clock } = this.#stalls
    await clock.wait(PATIENCE_MS)
    for (const row of content.data.runs.values()) {
      if (row.ended !== null || row.kind !== 'workflow' || chance.is(0.3)) continue
      const view = await app().run(row.id)
      const wait = view?.waits.find(({ kind }) => kind === 'receive')
      if (wait === undefined || view?.key == null) continue
      const way = chance.is(0.3) ? 'row' : 'door'
      // Beside what it waits for often something else, at the same moment.
      const types = [
        ...chance.pick(view.waits.filter(({ kind }) => kind === 'receive')).for.split(' | '),
        'ping',
        'pong',
        'nudge',
      ]
      const gifts = Array.from({ length: chance.between(1, 3) }, (_, index) =>
        index === 0 ? chance.pick(wait.for.split(' | ')) : chance.pick(types),
      )
      this.give(gifts.map((type) => this.#gift(type, row.id, view.key?.value ?? '', way)))
    }
  }

  #gift(type: string, run: string, orderId: string, way: Input['way']): Input {
    const { chance, content } = this.#stalls
    const id = `r-${content.changes.length}-${this.#rescues++}`
    const head = {
      id,
      v: chance.between(0, 999),
      way,
      afterMs: chance.between(0, 3),
      takenAt: Infinity,
    } as const
    if (type === 'ping' || type === 'pong') return { ...head, kind: 'event', orderId, type }
    return { ...head, kind: 'signal', run, name: type }
  }

  /** Resolves to whether it was acknowledged. */
  async #giveOne(input: Input): Promise<boolean> {
    const { app, clock, content } = this.#stalls
    await clock.wait(input.afterMs)
    // A signal for a run that nobody has heard of is not kept: the sender asks first, and again.
    while ((input.kind === 'signal' || input.kind === 'cancel') && (await app().run(input.run)) === null) {
      if (input.takenAt !== Infinity)
        this.#stalls.blame(`the run of the acknowledged ${input.kind} ${input.id} is unknown`)
      await clock.wait(100)
    }
    if (input.way === 'row') {
      post(content, clock.now(), [this.#row(input)])
      return true
    }
    const created = await this.#takenByDoor(input)
    if (created === true && input.takenAt !== Infinity)
      this.#stalls.blame(`the acknowledged ${input.kind} ${input.id} was lost`)
    return created !== null
  }

  /** Whether it was new; null when the run had ended, or failed, before. Asks again when the application has lost the store. */
  async #takenByDoor(input: Input): Promise<boolean | null> {
    for (;;) {
      try {
        return await this.#knock(input, this.#stalls.app())
      } catch (error) {
        if (!isBalletError(error)) throw error
        // One that has failed, and takes back what it did, is as good as ended.
        if (error.code === 'RUN_ENDED' || (input.kind === 'cancel' && error.code === 'ACTION_REFUSED')) return null
        if (error.code !== 'SHARD_FENCED') throw error
        await this.#stalls.clock.wait(100)
      }
    }
  }

  async #knock(input: Input, app: Application): Promise<boolean> {
    switch (input.kind) {
      case 'start':
        return (await app.startNamed({ call: 'play', input: input.input })).created
      case 'event': {
        const data = { orderId: input.orderId, v: input.v }
        return (await app.publishNamed({ type: input.type, data, id: input.id, source: 'audience' })).created
      }
      case 'signal':
        return (await app.signalNamed({ run: input.run, name: input.name, data: { v: input.v }, id: input.id })).created
      case 'cancel':
        return (await app.cancel(input.run, { by: 'audience', why: input.id })).changed
      default:
        return assertNever(input)
    }
  }

  #row(input: Input): InboxItem {
    const at = this.#stalls.clock.now()
    const item = (kind: InboxItem['kind'], target: string, tag: string, body: object): InboxItem => ({
      ns: 'default',
      slot: slotOf(tag, SLOT_COUNT),
      kind,
      target,
      data: JSON.stringify(body),
      at,
    })
    if (input.kind === 'start') return item('start', 'play', input.input.orderId, { call: 'play', input: input.input })
    if (input.kind === 'signal')
      return item('signal', input.run, input.run, {
        run: input.run,
        name: input.name,
        data: { v: input.v },
        id: input.id,
      })
    if (input.kind === 'cancel')
      return item('cancel', input.run, input.run, { run: input.run, by: 'audience', why: input.id })
    return item('event', input.type, input.orderId, {
      type: input.type,
      data: { orderId: input.orderId, v: input.v },
      id: input.id,
      source: 'audience',
    })
  }
}

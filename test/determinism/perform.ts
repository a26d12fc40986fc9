// Performs a program as the body of a workflow. Everything that the run answers is folded into one value, and that value
// is the input of whatever comes next: a single wrong or misplaced delivery changes every input after it.
import { assertNever, isBalletError, TerminalError } from '../../src/core/errors.ts'
import { endsAsFailed, isCancellation } from '../../src/core/failure.ts'
import { Halt, Nudge, Ping, playCall, Pong, type Parts, type PlayInput, type PlayRun } from './services.ts'
import type { Block, Part } from './program.ts'

const LIMIT = 1_000_003

export const fold = (value: number, learnt: number): number => (value * 31 + learnt + 7) % LIMIT

function digest(text: string): number {
  let value = 5
  for (let index = 0; index < text.length; index++) value = fold(value, text.charCodeAt(index))
  return value
}

/** How a performance may differ from what is written: the same program after a harmless change, or under other names. */
export interface Variation {
  /** Awaits added before the operation of a site. */
  readonly pads?: (site: number) => number
  /** Names the operation of a site in place of its own name. */
  readonly rename?: () => string
}

/** The value that a block of a program works on. */
interface Line {
  value: number
  /** The line that this one is a branch of and tells what it learns, or null. */
  readonly shared: Line | null
}

/** Performs `program` from `input.v` and answers with the value at its end. */
export async function perform(
  program: Block,
  run: PlayRun,
  input: PlayInput,
  parts: Parts,
  variation: Variation = {},
): Promise<number> {
  const line: Line = { value: input.v, shared: null }
  await new Performance(run, input, parts, variation).block(program, line)
  return line.value
}

/** The next round of a play, as a new generation; this was the last where something is still under way. */
export async function goOn(run: PlayRun, input: PlayInput, v: number): Promise<{ v: number }> {
  if (input.rounds === 0) return { v }
  // Often something stands in line behind what ends the round.
  await run.receive([Nudge, Ping], { within: '2s' })
  try {
    return await run.continueAs({ ...input, seed: input.seed + 1_000_000, rounds: input.rounds - 1, v })
  } catch (error) {
    if (isBalletError(error) && error.code === 'CONTINUE_REFUSED') return { v }
    throw error
  }
}

function learn(line: Line, learnt: number): void {
  line.value = fold(line.value, learnt)
  if (line.shared !== null) learn(line.shared, learnt)
}

/** What a workflow may see fail; anything else is a fault of the engine or of these tests and passes through. */
function learnFailure(line: Line, error: unknown): void {
  if (!endsAsFailed(error)) throw error
  const all: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const one of all) learn(line, digest(one instanceof Error ? one.message : ''))
}

const CATALOGUE = { ping: Ping, pong: Pong, nudge: Nudge, halt: Halt } as const

class Performance {
  readonly #run: PlayRun
  readonly #input: PlayInput
  readonly #parts: Parts
  readonly #variation: Variation
  readonly #visits: Map<number, number>

  constructor(
    run: PlayRun,
    input: PlayInput,
    parts: Parts,
    variation: Variation,
    visits: Map<number, number> = new Map(),
  ) {
    this.#run = run
    this.#input = input
    this.#parts = parts
    this.#variation = variation
    this.#visits = visits
  }

  async block(block: Block, line: Line): Promise<void> {
    for (const part of block) await this.#part(part, line)
  }

  /** @param abort gives up the call, step or child that the part is. */
  async #part(part: Part, line: Line, abort?: AbortSignal): Promise<void> {
    const run = this.#run
    switch (part.kind) {
      case 'call':
        return this.#call(part, line, abort)
      case 'step':
        return this.#step(part, line, abort)
      case 'abort':
        return this.#abort(part, line)
      case 'sleep':
        await run.sleep(`${part.ms}ms`)
        return learn(line, part.ms)
      case 'receive':
        return this.#receive(part, line)
      case 'emit':
        return run.emit((part.type === 'ping' ? Ping : Pong)({ orderId: this.#input.orderId, v: line.value }))
      case 'child':
        return this.#child(part, line, abort)
      case 'set':
        return run.set({ v: line.value })
      case 'fold':
        return learn(
          line,
          part.what === 'now'
            ? run.now().getTime() % LIMIT
            : part.what === 'random'
              ? Math.floor(run.random() * LIMIT)
              : digest(run.uuid()),
        )
      case 'patched':
        return learn(line, run.patched(part.id) ? 1 : 2)
      case 'pad':
        return pads(part.count)
      case 'branches':
        return this.#branches(part, line)
      case 'if':
        return this.block(line.value % part.modulus === 0 ? part.holds : part.otherwise, line)
      case 'try':
        return this.#attempt(part, line)
      case 'loop':
        for (let time = 0; time < part.times; time++) await this.block(part.body, line)
        return
      case 'undo':
        await run.undo()
        return learn(line, 3)
      case 'shield':
        return run.shield((own) =>
          new Performance(own, this.#input, this.#parts, this.#variation, this.#visits).block(part.body, line),
        )
      case 'fail':
        if (line.value % part.modulus === 0) throw new TerminalError(`nothing is left of ${line.value}`)
        return
      default:
        assertNever(part)
    }
  }

  async #abort(part: Extract<Part, { kind: 'abort' }>, line: Line): Promise<void> {
    const abort = new AbortController()
    const own: Line = { value: line.value, shared: null }
    const given = this.#part(part.given, own, abort.signal)
    given.catch(() => {})
    try {
      await this.block(part.meanwhile, line)
    } finally {
      abort.abort()
    }
    try {
      await given
      learn(line, own.value)
    } catch (error) {
      learnFailure(line, error)
    }
  }

  async #call(part: Extract<Part, { kind: 'call' }>, line: Line, abort: AbortSignal | undefined): Promise<void> {
    const { work } = this.#parts
    const { orderId } = this.#input
    const v = line.value
    await pads(this.#variation.pads?.(part.site) ?? 0)
    const options = { ...this.#name(part), publish: part.publish, abort }
    if (part.call === 'quote') return learn(line, (await this.#run.call(work.quote({ v }), options)).v)
    if (part.call === 'book') {
      const undo =
        part.undo === 'none'
          ? undefined
          : part.undo === 'call'
            ? work.release({ v })
            : (booked?: { v: number }) => work.release({ v: booked?.v ?? v })
      return learn(line, (await this.#run.call(work.book({ v }), { ...options, undo })).v)
    }
    const undo = {
      none: undefined,
      call: work.refund({ orderId, v }),
      function: (paid?: { readonly type: string; readonly data: { readonly v: number } }) =>
        paid?.type === 'work.declined' ? null : work.refund({ orderId, v: paid?.data.v ?? v }),
    }[part.undo]
    const paid = await this.#run.call(work.charge({ orderId, v }), { ...options, undo })
    learn(line, paid.data.v + paid.type.length)
  }

  async #step(part: Extract<Part, { kind: 'step' }>, line: Line, abort: AbortSignal | undefined): Promise<void> {
    const v = line.value
    await pads(this.#variation.pads?.(part.site) ?? 0)
    const undo = part.undo ? this.#parts.work.release({ v }) : undefined
    learn(
      line,
      await this.#run.step(`look-${part.site % 3}`, (context) => this.#parts.outside.work('step', v, context), {
        undo,
        abort,
      }),
    )
  }

  async #receive(part: Extract<Part, { kind: 'receive' }>, line: Line): Promise<void> {
    const wanted = part.wanted.map((name) => CATALOGUE[name])
    const what = wanted.length === 1 ? (wanted[0] as (typeof wanted)[number]) : wanted
    const received =
      part.withinMs === null
        ? await this.#run.receive(what)
        : await this.#run.receive(what, { within: `${part.withinMs}ms` })
    learn(line, received === null ? 4 : digest(received.type) + received.data.v)
  }

  async #child(part: Extract<Part, { kind: 'child' }>, line: Line, abort: AbortSignal | undefined): Promise<void> {
    const run = this.#run
    const { orderId, level } = this.#input
    const v = line.value
    const rounds = part.seed % 5 === 0 ? 1 : 0
    const child = playCall({ orderId, seed: part.seed, level: Math.max(0, level - 1), rounds, v })
    if (part.way === 'call') {
      const undo = part.undo ? this.#parts.work.release({ v }) : undefined
      return learn(line, (await run.call(child, { undo, abort, onCancel: part.onCancel })).v)
    }
    // Some of what is started is an operation of its own.
    const onCancel = part.onCancel === 'cancel' ? part.onCancel : undefined
    const handle = run.start(part.seed % 3 === 0 ? this.#parts.work.book({ v }) : child, { onCancel })
    learn(line, digest(handle.id))
    if (part.stop) handle.cancel()
    if (part.signal && part.seed % 3 !== 0) handle.signal(Nudge({ v }))
    if (part.way === 'start') learn(line, (await handle.result()).v)
  }

  async #branches(part: Extract<Part, { kind: 'branches' }>, line: Line): Promise<void> {
    const begun = part.branches.map(async (block, index) => {
      const branch: Line = { value: fold(line.value, index), shared: part.shared ? line : null }
      await this.block(block, branch)
      return branch.value
    })
    switch (part.joint) {
      case 'all':
        for (const value of await Promise.all(begun)) learn(line, value)
        return
      case 'race':
        return learn(line, await Promise.race(begun))
      case 'first':
        return learn(line, await Promise.any(begun))
      case 'settled':
        for (const one of await Promise.allSettled(begun)) {
          if (one.status === 'fulfilled') learn(line, one.value)
          else learnFailure(line, one.reason)
        }
        return
      case 'floating':
        // Nobody looks after the later ones when an earlier one fails.
        for (const value of begun) learn(line, await value)
        return
      default:
        assertNever(part.joint)
    }
  }

  async #attempt(part: Extract<Part, { kind: 'try' }>, line: Line): Promise<void> {
    try {
      await this.block(part.body, line)
    } catch (error) {
      if (part.stubborn && isCancellation(error)) learn(line, 6)
      else learnFailure(line, error)
      await this.block(part.caught, line)
    } finally {
      if (part.last !== null) await this.block(part.last, line)
    }
  }

  /** Given ids are the site's number and how often it was visited, and so once in a run. */
  #name(part: Extract<Part, { kind: 'call' }>): { readonly id?: string } {
    if (this.#variation.rename !== undefined) return { id: this.#variation.rename() }
    if (!part.named) return {}
    const visit = (this.#visits.get(part.site) ?? 0) + 1
    this.#visits.set(part.site, visit)
    return { id: `${part.site}.${visit}` }
  }
}

/** Awaits of resolved promises: they change the order of microtasks and must not change anything else. */
async function pads(count: number): Promise<void> {
  for (let pad = 0; pad < count; pad++) await Promise.resolve()
}

// What the code of runs is doing at this moment, in memory that a thread of the watchdog reads while the main thread
// hangs. Noted around each turn and the first stretch of each body; without a watchdog nothing is noted.

/** Cells before the name, 32 bits each. */
const TICKS = 0
const STOP = 1
const HELD = 2
const KIND = 3
const NUMBER = 4
const LENGTH = 5
const CELLS = 6
/** Characters of a name that are kept. */
const NAME = 250

const NOTHING = 0
const TURN = 1
const BODY = 2

export class CurrentWork {
  static #unwatched: CurrentWork | null = null
  /** Shared with the watchdog's thread; null without one. */
  readonly memory: SharedArrayBuffer | null
  readonly #cells: Int32Array
  readonly #name: Uint16Array

  private constructor(memory: SharedArrayBuffer | null) {
    this.memory = memory
    const own = memory ?? new SharedArrayBuffer(CELLS * 4)
    this.#cells = new Int32Array(own, 0, CELLS)
    this.#name = memory === null ? new Uint16Array(0) : new Uint16Array(own, CELLS * 4)
  }

  /** Notes nothing, so one does for all: memory that can be shared is dear. */
  static unwatched(): CurrentWork {
    return (CurrentWork.#unwatched ??= new CurrentWork(null))
  }

  /** Over new memory, or that of another thread. */
  static watched(memory: SharedArrayBuffer = new SharedArrayBuffer(CELLS * 4 + NAME * 2)): CurrentWork {
    return new CurrentWork(memory)
  }

  /** A run is in its turn of this number, of its present generation. */
  turn(run: string, number: number): void {
    if (this.memory === null) return
    this.#cells[NUMBER] = number
    this.#note(TURN, run)
  }

  over(): void {
    this.#cells[KIND] = NOTHING
  }

  /** Does the first stretch of a body: until it waits for something. */
  body<T>(run: string, op: string, work: () => T): T {
    if (this.memory === null) return work()
    this.#note(BODY, `${run} ${op}`)
    try {
      return work()
    } finally {
      this.over()
    }
  }

  /** The main loop has ticked. @param isHeld whether a debugger may hold it. */
  tick(isHeld: boolean): void {
    Atomics.store(this.#cells, HELD, isHeld ? 1 : 0)
    Atomics.add(this.#cells, TICKS, 1)
  }

  stop(): void {
    Atomics.store(this.#cells, STOP, 1)
    Atomics.notify(this.#cells, STOP)
  }

  /** Blocks the thread for a time, or until it is told to stop. Returns whether it was. */
  isStopped(waitMs: number): boolean {
    return Atomics.wait(this.#cells, STOP, 0, waitMs) !== 'timed-out'
  }

  get ticks(): number {
    return Atomics.load(this.#cells, TICKS)
  }
  get isHeld(): boolean {
    return Atomics.load(this.#cells, HELD) === 1
  }

  /** What is being done, in words: the end of a sentence about a moment. */
  get words(): string {
    const kind = Atomics.load(this.#cells, KIND)
    if (kind === NOTHING) return 'no run was in a turn'
    const name = String.fromCharCode(...this.#name.subarray(0, this.#cells[LENGTH]))
    if (kind === TURN) return `the run "${name}" was in its turn ${this.#cells[NUMBER]}`
    const border = name.lastIndexOf(' ')
    return `the body of ${name.slice(border + 1)} of the run "${name.slice(0, border)}" was running`
  }

  #note(kind: number, name: string): void {
    const length = Math.min(name.length, NAME)
    for (let index = 0; index < length; index++) this.#name[index] = name.charCodeAt(index)
    this.#cells[LENGTH] = length
    this.#cells[KIND] = kind
  }
}

// Space of the disk that is kept for when it is full: a file of real blocks beside the store, given up so that what is
// urgent (a cancel, a signal, the turns of runs that are there) can still be written, and made again when there is
// space. A file of no bytes says that it is given up, also to the next process. Owned by Room, in the thread that writes.
import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { isDiskFull } from './failure.ts'

/** Hundreds of small commits. */
export const RESERVE_BYTES: number = 4 * 1024 * 1024

const PROBE_BYTES = 64 * 1024

export const reservePath = (path: string): string => `${path}.reserve`

/** `none`: there was no space for it when the store was opened, and the store does without. */
type ReserveState = 'held' | 'spent' | 'none'

export class Reserve {
  readonly #file: string
  #state: ReserveState

  constructor(path: string) {
    this.#file = reservePath(path)
    this.#state = this.#found()
  }

  get isSpent(): boolean {
    return this.#state === 'spent'
  }

  /** Bytes that the disk has free, for us. */
  get free(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#file))
    return bavail * bsize
  }

  /** Makes it, unless it is there or would take most of what is left. Returns whether it is there. */
  make(): boolean {
    if (this.#state === 'held') return true
    if (this.free < 2 * RESERVE_BYTES) return false
    try {
      writeBlocks(this.#file)
      this.#state = 'held'
    } catch {
      // It is a help and not a need: whatever keeps it from being made, the store goes on without.
      this.#empty()
    }
    return this.#state === 'held'
  }

  /** Gives the space back. Returns false when there was none. */
  release(): boolean {
    if (this.#state !== 'held') return false
    this.#state = 'spent'
    return this.#empty()
  }

  /** Whether the system refuses even a small file for want of space, as it does when a quota is used up. */
  isRefused(): boolean {
    const probe = `${this.#file}.probe`
    try {
      writeFileSync(probe, randomFillSync(new Uint8Array(PROBE_BYTES)), { mode: 0o600 })
      return false
    } catch (error) {
      return isDiskFull(error)
    } finally {
      rmSync(probe, { force: true })
    }
  }

  #empty(): boolean {
    try {
      truncateSync(this.#file)
      return true
    } catch {
      return false
    }
  }

  #found(): ReserveState {
    const stats = statSync(this.#file, { throwIfNoEntry: false })
    if (stats === undefined) return 'none'
    // Blocks are counted in units of 512 bytes; a file with holes keeps nothing.
    return stats.size >= RESERVE_BYTES && stats.blocks * 512 >= RESERVE_BYTES ? 'held' : 'spent'
  }
}

function writeBlocks(path: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    fchmodSync(file, 0o600)
    // Bytes that no file system can press into fewer blocks.
    const block = randomFillSync(new Uint8Array(RESERVE_BYTES / 4))
    for (let written = 0; written < RESERVE_BYTES;) written += writeSync(file, block)
  } finally {
    closeSync(file)
  }
}

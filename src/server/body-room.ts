// How much of the bodies that are still coming in is held in memory, by all requests together. Each may have its limit, but
// clients could send thousands at a time and end none. Small bodies always have room, so that a crowd of large ones that do
// not end keeps out other large ones alone. Filled and emptied by body.ts.
import { fault } from '../core/errors.ts'

/** 256 MiB. */
const ROOM_BYTES = 268_435_456
/** 64 KiB. */
const SMALL_BYTES = 65_536
/** What is in the way either ends soon or is ended for being slow. */
const RETRY_SECONDS = 5

export class BodyRoom {
  readonly #limitBytes: number
  #heldBytes = 0

  constructor(limitBytes: number = ROOM_BYTES) {
    this.#limitBytes = limitBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Makes room for a body that grew from so many bytes to so many.
   * @throws OVERLOADED when there is none; what the body had before stays held.
   */
  grow(from: number, to: number): void {
    const more = large(to) - large(from)
    if (more > 0 && this.#heldBytes + more > this.#limitBytes)
      throw fault('OVERLOADED', { problem: 'the bodies that are coming in fill its memory', seconds: RETRY_SECONDS })
    this.#heldBytes += more
  }

  /** Gives back what a body of so many bytes held. */
  leave(bytes: number): void {
    this.#heldBytes -= large(bytes)
  }
}

/** How much of a body counts. */
const large = (bytes: number): number => (bytes <= SMALL_BYTES ? 0 : bytes)

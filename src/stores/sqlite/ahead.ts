// What has come ahead of a batch: its statements, and the transaction in which they stand already. Nothing but their batch may find
// that open, so whatever else is asked undoes it, as does an error, or that the batch is given up; then they are written with the batch, in
// its place. Used by the thread that writes (worker.ts).
//
//   nothing --first part--> open --next part--> open --rest--> nothing
//                           open --anything else, an error--> undone --rest--> nothing
import { invariant } from '../../core/errors.ts'
import { inOrder } from '../sql/statements.ts'
import { failureOf } from './failure.ts'
import type { Packed } from './packed.ts'
import type { Room } from './room.ts'
import type { Session } from './session.ts'

/** Of which batch, how many parts and rows. */
export interface Came {
  readonly batch: number
  readonly parts: number
  readonly rows: number
}

const NONE: Came = { batch: 0, parts: 0, rows: 0 }

export class CameAhead {
  readonly #session: Session
  readonly #room: Room
  #came = NONE
  /** With the rest of the batch they are all of it; kept until that is written. */
  #statements: Packed[] = []
  #isOpen = false

  constructor(session: Session, room: Room) {
    this.#session = session
    this.#room = room
  }

  /** @param rows of this part. @throws what leaves the file in doubt; the batch meets any other error again */
  take(batch: number, part: number, rows: number, statements: readonly Packed[]): void {
    if (part === 0) {
      this.undo()
      this.#statements = []
      this.#came = { batch, parts: 0, rows: 0 }
    }
    invariant(this.#came.batch === batch && this.#came.parts === part, 'a part of a batch came out of its order')
    this.#came = { batch, parts: part + 1, rows: this.#came.rows + rows }
    this.#statements.push(...statements)
    // The beginning of another batch, of which there is nothing yet, is how one is given up.
    if (statements.length === 0 || (part > 0 && !this.#isOpen)) return
    try {
      this.#isOpen = true
      this.#room.ahead(statements)
    } catch (error) {
      this.undo()
      if (failureOf(error).fatal) throw error
    }
  }

  /** Writes the rest of a batch, which begins with its fence, and what came ahead of it. Durable when it returns; as Room.write. */
  write(came: Came, [fence, ...rest]: readonly Packed[], urgent: boolean): void {
    const { batch, parts, rows } = this.#came
    const isAll = came.batch === batch && came.parts === parts && came.rows === rows
    invariant(isAll && fence !== undefined, 'what came ahead of a batch is not what it names')
    const isOpen = this.#isOpen
    this.#isOpen = false
    if (!isOpen || !this.#room.rest([fence, ...rest]))
      this.#room.write([fence, ...inOrder([...this.#statements, ...rest])], urgent)
    this.#statements = []
    this.#came = NONE
  }

  /** Nothing of it stands in the file any more. */
  undo(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#session.undo()
  }
}

// Which requests of a connection have no whole answer yet. A connection carries several, one after the other, and their
// answers go out in that order: who wants to write to the bare connection, or to close it, has to know what is still to
// come. Kept by serve.ts, asked by refusal.ts, linger.ts and ending.ts.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

interface Known {
  /** Mostly one: an array lets go of it, which a set does only late (core/loose-map.ts). */
  readonly answers: ServerResponse[]
  /** Bytes that had been read when the last answer was out. */
  read: number
}

export class Unanswered {
  readonly #known = new WeakMap<Duplex, Known>()

  /** A request has come; it is forgotten when its answer is out, or the connection is gone. */
  enter(answer: ServerResponse): void {
    const { socket } = answer.req
    const known = this.#known.get(socket) ?? { answers: [], read: 0 }
    known.answers.push(answer)
    this.#known.set(socket, known)
    answer.once('close', () => {
      known.answers.splice(known.answers.indexOf(answer), 1)
      known.read = socket.bytesRead
    })
  }

  /** Oldest first. */
  of(socket: Duplex): readonly ServerResponse[] {
    return [...(this.#known.get(socket)?.answers ?? [])]
  }

  /** Whether nothing is to be answered on a connection, and no part of a request has come behind what was. */
  isIdle(socket: Socket): boolean {
    const known = this.#known.get(socket)
    return known === undefined ? socket.bytesRead === 0 : known.answers.length === 0 && socket.bytesRead === known.read
  }
}

/** Resolves when these answers are out, or can never be. */
export async function isOut(answers: readonly ServerResponse[]): Promise<void> {
  await Promise.all(answers.map((answer) => new Promise((resolve) => answer.once('close', resolve))))
}

// Which requests of a connection have no whole answer yet. A connection carries several, one after the other, and their
// answers go out in that order: who wants to write to the bare connection, or to close it, has to know what is still to
// come. Kept by serve.ts, asked by refusal.ts and linger.ts.
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

export class Unanswered {
  /** Mostly one: an array lets go of it, which a set does only late (core/loose-map.ts). */
  readonly #answers = new WeakMap<Duplex, ServerResponse[]>()

  /** A request has come; it is forgotten when its answer is out, or the connection is gone. */
  enter(answer: ServerResponse): void {
    const { socket } = answer.req
    const answers = this.#answers.get(socket) ?? []
    answers.push(answer)
    this.#answers.set(socket, answers)
    answer.once('close', () => answers.splice(answers.indexOf(answer), 1))
  }

  /** Oldest first. */
  of(socket: Duplex): readonly ServerResponse[] {
    return [...(this.#answers.get(socket) ?? [])]
  }
}

/** Resolves when these answers are out, or can never be. */
export async function isOut(answers: readonly ServerResponse[]): Promise<void> {
  await Promise.all(answers.map((answer) => new Promise((resolve) => answer.once('close', resolve))))
}

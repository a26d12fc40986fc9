// How a stand-in sends its webhooks: kept until they were answered with 2xx, so at least once. What befalls webhooks on their
// way is told to it.
import type { Records } from './records.ts'

/** `twice`: each is sent two times. `held`: none is sent until this changes. `lost`: each is forgotten. */
export type Post = 'once' | 'twice' | 'held' | 'lost'

interface Webhook {
  readonly id: string
  readonly body: string
}

export class Outbox {
  post: Post = 'once'
  readonly #records: Records
  readonly #send: (body: string) => Promise<Response>

  constructor(records: Records, send: (body: string) => Promise<Response>) {
    this.#records = records
    this.#send = send
  }

  /** Keeps a webhook and sends what is kept. Resolves when it was tried. */
  async tell(body: unknown): Promise<void> {
    if (this.post === 'lost') return
    const id = String(this.#records.next('webhook')).padStart(9, '0')
    this.#records.put('webhook', id, { id, body: JSON.stringify(body) })
    await this.deliver()
  }

  /** Sends what was not answered yet. @param newestFirst as networks do now and then */
  async deliver(newestFirst = false): Promise<void> {
    if (this.post === 'held') return
    const kept = this.#records.all('webhook') as Webhook[]
    for (const { id, body } of newestFirst ? kept.toReversed() : kept) {
      const answers = await Promise.allSettled(
        Array.from({ length: this.post === 'twice' ? 2 : 1 }, () => this.#send(body)),
      )
      if (answers.some((answer) => answer.status === 'fulfilled' && answer.value.ok))
        this.#records.remove('webhook', id)
    }
  }
}

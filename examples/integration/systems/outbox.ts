// How a stand-in sends its webhooks: kept until they were answered with 2xx, so at least once. What befalls
// webhooks on their way is one of the manners of the system.
import type { Manners } from './api-server.ts'
import type { Records } from './records.ts'

interface Webhook {
  readonly id: string
  readonly body: string
}

export class Outbox {
  readonly #records: Records
  readonly #manner: () => Manners['webhooks']
  readonly #send: (body: string) => Promise<Response>

  constructor(records: Records, manner: () => Manners['webhooks'], send: (body: string) => Promise<Response>) {
    this.#records = records
    this.#manner = manner
    this.#send = send
  }

  /** Keeps a webhook and sends what is kept. Resolves when it was tried. */
  async tell(body: unknown): Promise<void> {
    if (this.#manner() === 'lost') return
    const id = String(this.#records.next('webhook')).padStart(9, '0')
    this.#records.put('webhook', id, { id, body: JSON.stringify(body) })
    await this.deliver()
  }

  /** Sends what was not answered yet. @param newestFirst as networks do now and then */
  async deliver(newestFirst = false): Promise<void> {
    if (this.#manner() === 'held') return
    const kept = this.#records.all('webhook') as Webhook[]
    for (const { id, body } of newestFirst ? kept.toReversed() : kept) {
      const answers = await Promise.allSettled(
        Array.from({ length: this.#manner() === 'twice' ? 2 : 1 }, () => this.#send(body)),
      )
      if (answers.some((answer) => answer.status === 'fulfilled' && answer.value.ok))
        this.#records.remove('webhook', id)
    }
  }
}

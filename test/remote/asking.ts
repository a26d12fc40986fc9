// Asks for work by hand, as a service in any language does.
import { createHmac, randomUUID } from 'node:crypto'

export const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

export interface Call {
  readonly operation: string
  readonly input: unknown
  readonly idempotencyKey: string
  readonly attempt: number
  readonly timeoutMs: number
  readonly traceparent: string
  readonly answerTo: string
  readonly heartbeatMs?: number
  readonly heartbeatTo: string
  readonly progress?: unknown
}

interface Signing {
  readonly id?: string
  readonly secret?: string
  readonly seconds?: number
}

/** What a body is sent with. */
export function signed(
  body: string,
  { id = randomUUID(), secret: by = secret, seconds = Math.floor(Date.now() / 1000) }: Signing = {},
) {
  const key = Buffer.from(by.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
  return { body, headers: { 'content-type': 'application/json', ...headers } }
}

/** Somebody who asks for the work of one service. */
export class Asker {
  readonly at: string
  readonly service: string
  /** At which its requests count. */
  node = ''

  constructor(at: string, service = 'payment') {
    this.at = at
    this.service = service
  }

  /** The status, and the code of a problem. */
  async send(path: string, init: RequestInit): Promise<string> {
    const response = await fetch(this.at + path, { method: 'POST', ...init })
    const text = await response.text()
    const { code } = (text === '' ? {} : JSON.parse(text)) as { readonly code?: string }
    return code === undefined ? String(response.status) : `${response.status} ${code}`
  }

  /** The calls that are handed out. */
  async calls(atOnce = 5, waitMs = 20_000, how: Signing & { readonly signal?: AbortSignal } = {}): Promise<Call[]> {
    const init = signed(JSON.stringify({ atOnce, waitMs }), { id: await this.id(), ...how })
    const signal = how.signal ?? null
    const response = await fetch(`${this.at}/api/work/${this.service}`, { method: 'POST', ...init, signal })
    if (response.status !== 200) throw new Error(await response.text())
    const { calls, node } = (await response.json()) as { readonly calls: Call[]; readonly node: string }
    this.node = node
    return calls
  }

  /** An id for a request for work, as whoever is asked first says. */
  async id(): Promise<string> {
    if (this.node === '') {
      const init = signed('{"atOnce":1,"waitMs":0}')
      const response = await fetch(`${this.at}/api/work/${this.service}`, { method: 'POST', ...init })
      this.node = ((await response.json()) as { readonly details: { readonly node: string } }).details.node
    }
    return `${this.node}.${randomUUID()}`
  }

  /** One call, and no other. */
  async call(atOnce = 5): Promise<Call> {
    const [call, ...others] = await this.calls(atOnce)
    if (call === undefined || others.length > 0) throw new Error(`${others.length} others`)
    return call
  }

  /** How what came of a call was taken. */
  answer({ idempotencyKey, answerTo }: Call, came: object, how: Signing = {}): Promise<string> {
    const body = JSON.stringify({ idempotencyKey, ...came })
    return this.send(answerTo, signed(body, { id: idempotencyKey, ...how }))
  }

  /** How that a call lives was taken. */
  beat({ idempotencyKey, heartbeatTo }: Call, said: object = {}, how: Signing = {}): Promise<string> {
    const body = JSON.stringify({ idempotencyKey, ...said })
    return this.send(heartbeatTo, signed(body, { id: idempotencyKey, ...how }))
  }
}

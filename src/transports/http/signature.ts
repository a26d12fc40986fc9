// The signature of a request, by Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body, with each
// secret that the sender has, so that one can be changed while both sides go on. All that the receiver goes by stands in
// the body, and the id is the idempotency key, so that nothing of a request can be exchanged. Used by ask.ts to sign
// and by host.ts to judge.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { fault } from '../../core/errors.ts'

/** The secrets of a service, as the bytes that they stand for; the first is the newest. */
export type Secrets = readonly Buffer[]

/** How far the clocks of two machines may differ, and for how long a request can be sent again by whoever saw it. */
export const SKEW_SECONDS = 300
const [LEAST, MOST] = [24, 64]
const PREFIX = 'whsec_'

/**
 * Reads secrets of the form `whsec_<base64 of 24 to 64 bytes>`. What is undefined or empty is none: a variable of the
 * environment that is not set.
 * @throws SECRET_INVALID, which says nothing of the secret but its place
 */
export function secretsOf(given: readonly (string | undefined)[] | undefined): Secrets {
  return (given ?? []).flatMap((secret, index) => {
    if (secret === undefined || secret === '') return []
    const bytes = Buffer.from(secret.slice(PREFIX.length), 'base64')
    const isWhole = bytes.toString('base64').replace(/=+$/, '') === secret.slice(PREFIX.length).replace(/=+$/, '')
    if (!secret.startsWith(PREFIX) || !isWhole || bytes.length < LEAST || bytes.length > MOST)
      throw fault('SECRET_INVALID', { place: `secrets[${index}]` })
    return [bytes]
  })
}

/** The headers that sign a body; none without a secret. */
export function signatureHeaders(
  secrets: Secrets,
  { id, seconds, body }: { readonly id: string; readonly seconds: number; readonly body: Uint8Array },
): Record<string, string> {
  if (secrets.length === 0) return {}
  const signatures = secrets.map((secret) => `v1,${sign(secret, id, String(seconds), body).toString('base64')}`)
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') }
}

/**
 * The id that a request was signed with.
 * @throws SIGNATURE_REFUSED
 */
export function signedId(secrets: Secrets, headers: Headers, body: Uint8Array, nowMs: number): string {
  const id = headers.get('webhook-id')
  const time = headers.get('webhook-timestamp')
  const given = headers.get('webhook-signature')
  if (id === null || time === null || given === null)
    throw refused('one of the headers webhook-id, webhook-timestamp and webhook-signature is missing')
  if (!/^\d{1,11}$/.test(time)) throw refused('webhook-timestamp is no number of seconds')
  // Every secret is tried with every signature, whichever fits.
  const expected = secrets.map((secret) => sign(secret, id, time, body))
  const signatures = given
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice('v1,'.length), 'base64'))
  const fitting = signatures.flatMap((one) =>
    expected.filter((other) => one.length === other.length && timingSafeEqual(one, other)),
  )
  if (fitting.length === 0) throw refused('it was signed with another secret, or changed on its way')
  // Only whoever has the secret is told of the clocks.
  if (Math.abs(nowMs / 1000 - Number(time)) > SKEW_SECONDS)
    throw refused(`its time is more than ${SKEW_SECONDS} seconds from the time here`)
  return id
}

export const refused = (problem: string): Error => fault('SIGNATURE_REFUSED', { problem })

function sign(secret: Buffer, id: string, time: string, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${id}.${time}.`).update(body).digest()
}

// How the API answers: JSON with headers that keep a browser from doing anything with it but read it. Every answer of
// a route and every problem is made here; answers of the application's own routes are left as they are.

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/**
 * An answer whose body is a text. Our own server writes it as it is (serve.ts): to make a `Response` of it, and to read
 * that again, costs more than most answers.
 */
export class PlainAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string

  constructor(status: number, headers: Readonly<Record<string, string>>, text: string) {
    this.status = status
    this.headers = headers
    this.text = text
  }

  /** For everybody else. */
  toResponse(): Response {
    return new Response(this.text, { status: this.status, headers: this.headers })
  }
}

/** What a route answers. */
export type Answer = Response | PlainAnswer

/** An answer with a JSON body. `headers` come on top of the ones that every answer has. */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): PlainAnswer {
  return new PlainAnswer(status, { ...HEADERS, 'content-type': 'application/json', ...headers }, JSON.stringify(body))
}

/** An answer with a body that is a text of another type. */
export function textAnswer(type: string, text: string): PlainAnswer {
  return new PlainAnswer(200, { ...HEADERS, 'content-type': type }, text)
}

/** An answer without a body, and the cookies that it sets. */
export function bareAnswer(status: number, cookies: readonly string[] = []): Response {
  const headers = new Headers(HEADERS)
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status, headers })
}

/** What stands in a path as it is, whatever is in front of it. */
const PLAIN = /^[\w.~:@+=!*'()-]+$/

/** A path of the API with `value` as its last segment, `/api/runs/checkout:8841~gift-wrap.0`. */
export function pathTo(prefix: `/${string}`, value: string): string {
  // Most need no encoding, ids that were made among them.
  if (PLAIN.test(value)) return `${prefix}/${value}`
  return `${prefix}/${encodeURIComponent(value).replace(/%(?:3A|40|2B|3D)/g, decodeURIComponent)}`
}

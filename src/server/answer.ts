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

/** An answer with a JSON body. `headers` come on top of the ones that every answer has. */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...HEADERS, 'content-type': 'application/json', ...headers },
  })
}

/** A path of the API with `value` as its last segment, `/api/runs/checkout:8841~gift-wrap.0`. */
export function pathTo(prefix: `/${string}`, value: string): string {
  return `${prefix}/${encodeURIComponent(value).replace(/%(?:3A|40|2B|3D)/g, decodeURIComponent)}`
}

// Ids for what this page sends, so that what is sent twice is one thing. `crypto.randomUUID` is not there over plain http.
export function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

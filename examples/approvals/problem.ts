// Answers that say what was wrong: problem+json (RFC 9457) with a code and a hint, as everywhere in Ballet.

/** Thrown by whatever serves a request; becomes its answer. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly status: number
  readonly code: string
  readonly hint: string

  constructor(status: number, code: string, detail: string, hint: string) {
    super(detail)
    this.status = status
    this.code = code
    this.hint = hint
  }

  get response(): Response {
    const { status, code, hint, message: detail } = this
    const title = code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ')
    const headers = { 'content-type': 'application/problem+json' }
    return Response.json({ type: 'about:blank', title, status, code, detail, hint }, { status, headers })
  }
}

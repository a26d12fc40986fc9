// Answers that say what was wrong: problem+json (RFC 9457) with a code and a hint, as everywhere in Ballet.
/** Thrown by the shop's routes; becomes the answer. */
export class Problem extends Error {
  name = 'Problem'
  status
  code
  hint
  /** Where the fault is in what was sent: `items.0.sku`. */
  path
  constructor(status, code, detail, hint, path) {
    super(detail)
    this.status = status
    this.code = code
    this.hint = hint
    this.path = path
  }
  get #title() {
    return this.code.charAt(0) + this.code.slice(1).toLowerCase().replaceAll('_', ' ')
  }
  response(headers = {}) {
    const { status, code, message: detail, hint, path } = this
    return Response.json(
      {
        type: 'about:blank',
        title: this.#title,
        status,
        code,
        detail,
        hint,
        details: path === undefined ? {} : { path },
      },
      { status, headers: { 'content-type': 'application/problem+json', ...headers } },
    )
  }
}

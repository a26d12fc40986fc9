// The span of whoever asks for something from outside, as a `traceparent` of W3C Trace Context. It is kept beside the cause of the run
// or event that begins a causal graph, in the same text of its row, behind a space, which no cause has: so that it outlives a
// crash, and a row without one is as it was. Read where a cause is shown, and by telemetry, which makes a link of it.

/** Version, trace id, span id, flags, and what a later version may have put behind them. */
const HEADER = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s
const KEPT = / 00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/
/** Of what is kept, with the space. */
const KEPT_LENGTH = 56

/** A span of somebody else's trace. */
export interface Caller {
  readonly trace: string
  readonly span: string
  readonly isSampled: boolean
}

/**
 * The header in the one form in which it is kept: version 00, with no flag but whether it is sampled. Null for what is none, which
 * is to be passed over.
 */
export function readTraceparent(given: unknown): string | null {
  const [, version, trace, span, flags, rest] = (typeof given === 'string' && HEADER.exec(given)) || []
  if (version === undefined || trace === undefined || span === undefined || flags === undefined) return null
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return null
  return `00-${trace}-${span}-0${Number.parseInt(flags, 16) % 2}`
}

/** A request with its `traceparent` as it is kept; without one that is none. */
export function traced<Request extends { readonly traceparent?: string | null | undefined }>(
  request: Request,
): Request {
  const { traceparent } = request
  return traceparent === undefined ? request : { ...request, traceparent: readTraceparent(traceparent) ?? undefined }
}

/** What a row keeps of what brought it about: its cause, and whose span that was. @param traceparent as `readTraceparent` gives it. */
export function causeWith(cause: string | null | undefined, traceparent: string | null | undefined): string | null {
  return traceparent == null ? (cause ?? null) : `${cause ?? ''} ${traceparent}`
}

/** What brought a row about, without whose span that was. */
export function causeOf(kept: string | null): string | null {
  if (kept === null || callerOf(kept) === null) return kept
  return kept.length === KEPT_LENGTH ? null : kept.slice(0, -KEPT_LENGTH)
}

/** Whose span brought a row about; null where nobody said. */
export function callerOf(kept: string | null): Caller | null {
  const [, trace, span, sampled] = (kept !== null && KEPT.exec(kept)) || []
  return trace === undefined || span === undefined ? null : { trace, span, isSampled: sampled === '1' }
}

/** As it is shown: what brought a row about, and the span of whoever asked for it from outside. */
export const originOf = (kept: string | null): { readonly cause: string | null; readonly traceparent?: string } =>
  callerOf(kept) === null || kept === null
    ? { cause: kept }
    : { cause: causeOf(kept), traceparent: kept.slice(1 - KEPT_LENGTH) }

/** That of a `traceparent` as `readTraceparent` gives it. */
export const callerIn = (traceparent: string): Caller | null => callerOf(` ${traceparent}`)

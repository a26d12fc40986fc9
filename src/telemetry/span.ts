// A span as it is told: what happened, from when to when, under which parent. Attributes are ids and names alone, never a payload
// or the words of an error, which may hold what is somebody's.

/** The numbers of OTLP. */
export const SPAN_KIND = { internal: 1, client: 3, producer: 4, consumer: 5 } as const
export type SpanKind = keyof typeof SPAN_KIND

/** What is omitted (null) is not told. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>

export interface SpanEvent {
  readonly name: string
  /** Milliseconds since the epoch, as all times here. */
  readonly at: number
  readonly attributes: Attributes
}

export interface Span {
  readonly trace: string
  readonly id: string
  /** Null for that with which the trace begins. */
  readonly parent: string | null
  readonly name: string
  readonly kind: SpanKind
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  /** The code of what went wrong; null when nothing did. */
  readonly error: string | null
}

/** The codes of errors are the author's where an error is: names, which need no more. */
const CODE_SHOWN = 100

export const codeOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code !== '' ? code.slice(0, CODE_SHOWN) : 'unknown'
}

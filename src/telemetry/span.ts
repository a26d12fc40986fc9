// A span as it is told: what happened, from when to when, under which parent. Attributes are ids and names alone, never a payload
// or the words of an error, which may hold what is somebody's.
import type { Caller } from '../core/caller.ts'

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

/** A span of another trace that has to do with it. */
export interface SpanLink extends Caller {
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
  /** Absent for none. */
  readonly links?: readonly SpanLink[]
  /** The code of what went wrong; null when nothing did. */
  readonly error: string | null
}

/** The codes of errors are the author's where an error is: names, which need no more. */
const CODE_SHOWN = 100

export const codeOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code !== '' ? code.slice(0, CODE_SHOWN) : 'unknown'
}

/** The link to whoever asked for it, where that is known. */
export const linksTo = (caller: Caller | null, attributes: Attributes = {}): readonly SpanLink[] =>
  caller === null ? [] : [{ ...caller, attributes }]

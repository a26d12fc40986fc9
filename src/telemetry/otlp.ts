// Spans as an OTLP request in JSON (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"): field names in lower
// camel case, ids as hexadecimal digits, enums as numbers, 64-bit numbers as decimal strings. Used by the exporter.
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import { SPAN_KIND, type Attributes, type Span, type SpanLink } from './span.ts'

/** Whose spans they are. */
export interface Resource {
  readonly attributes: Readonly<Record<string, string>>
  /** The version of Ballet. */
  readonly ballet: string
}

const STATUS_ERROR = 2
/** All spans that are told are sampled (W3C trace flags). */
const SAMPLED = 1
/** It is known that a span is another process's, and it is: bits 8 and 9 of its flags. */
const REMOTE = 0x300

/** The body of a POST to `/v1/traces`. */
export function requestText({ attributes, ballet }: Resource, spans: readonly Span[]): string {
  const scope = { name: 'ballet', version: ballet }
  const resource = { attributes: attributesOf(attributes) }
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans: spans.map(spanOf) }] }] })
}

function spanOf({ trace, id, parent, name, kind, start, end, attributes, events, links = [], error }: Span): object {
  return {
    traceId: trace,
    spanId: id,
    ...(parent === null ? {} : { parentSpanId: parent }),
    flags: SAMPLED,
    name,
    kind: SPAN_KIND[kind],
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(Math.max(start, end)),
    attributes: attributesOf(attributes),
    ...(events.length === 0
      ? {}
      : {
          events: events.map((one) => ({
            timeUnixNano: nanos(one.at),
            name: one.name,
            attributes: attributesOf(one.attributes),
          })),
        }),
    ...(links.length === 0 ? {} : { links: links.map(linkOf) }),
    ...(error === null ? {} : { status: { code: STATUS_ERROR, message: error } }),
  }
}

function linkOf({ trace, span, isSampled, attributes }: SpanLink): object {
  const flags = REMOTE + (isSampled ? SAMPLED : 0)
  return { traceId: trace, spanId: span, flags, attributes: attributesOf(attributes) }
}

/** Times of the journal are whole milliseconds. */
const nanos = (ms: number): string => `${Math.round(ms)}000000`

function attributesOf(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).flatMap<object>(([key, value]) => {
    if (value === null) return []
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }]
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }]
    return [{ key, value: Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value } }]
  })
}

/** What a collector took of a request that it answered with 200. */
export interface Taken {
  readonly rejected: number
  /** Why, or what it has to say otherwise; empty for nothing. */
  readonly words: string
}

const ALL: Taken = { rejected: 0, words: '' }
const WORDS_SHOWN = 200

/** Reads an answer; one that cannot be read says nothing against what was sent. */
export function takenOf(text: string): Taken {
  let answer: unknown
  try {
    answer = parseText(text)
  } catch {
    return ALL
  }
  const partial = isRecord(answer) ? answer['partialSuccess'] : undefined
  if (!isRecord(partial)) return ALL
  const rejected = Number(partial['rejectedSpans'] ?? 0)
  const words = typeof partial['errorMessage'] === 'string' ? partial['errorMessage'].slice(0, WORDS_SHOWN) : ''
  return { rejected: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0, words }
}

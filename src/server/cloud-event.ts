// Reads an event in the two forms of the CloudEvents 1.0 HTTP binding: structured (one JSON object, attributes and
// data) and binary (attributes in `ce-` headers, data as the body). A plain application/json body is read as the
// structured form and may leave out what Ballet can fill in. What it cannot keep it refuses or, for extension
// attributes, ignores; an attribute that looks like a misspelt one is refused, because it would be lost in silence.
import { isRecord, type Json } from '../core/json.ts'
import { causeProblem, nearest } from '../core/names.ts'
import { checkEncoding, mediaType, parseBytes, readBytes } from './body.ts'
import { optionalText, requiredText, shown, unknownName, wrong, type Envelope } from './envelope.ts'

/** The part of a CloudEvent that Ballet keeps. */
export interface CloudEvent {
  readonly type: string
  readonly data: Json | undefined
  readonly id: string | undefined
  readonly source: string | undefined
  readonly subject: string | undefined
  /** The extension `causationid`. */
  readonly cause: string | undefined
  /** The extension of that name, as it came. */
  readonly traceparent: string | undefined
}

const STRUCTURED = 'application/cloudevents+json'
const REQUIRED = ['specversion', 'id', 'source', 'type'] as const
const OPTIONAL = ['subject', 'time', 'datacontenttype', 'dataschema'] as const
const EXTENSIONS = ['causationid', 'correlationid', 'partitionkey', 'sequence', 'traceparent', 'tracestate'] as const
const KNOWN: readonly string[] = [...REQUIRED, ...OPTIONAL, 'data', 'data_base64', ...EXTENSIONS]

/** The event in a request. @throws BODY_TYPE, REQUEST_INVALID, and what reading a body throws. */
export async function readCloudEvent(request: Request, limitBytes: number): Promise<CloudEvent> {
  const type = mediaType(request)
  const isBinary = request.headers.has('ce-specversion') && !type?.startsWith('application/cloudevents')
  if (isBinary) return readBinary(request, limitBytes, type)
  checkEncoding(
    request,
    type === STRUCTURED || type === 'application/json',
    `one event as ${STRUCTURED} or application/json, or as application/json with ce- headers; batches are not taken`,
  )
  const body = parseBytes(await readBytes(request, limitBytes))
  if (!isRecord(body)) throw wrong('the top', 'it must be one event, an object')
  return read(body, type === STRUCTURED)
}

async function readBinary(request: Request, limitBytes: number, type: string | null): Promise<CloudEvent> {
  const attributes = attributesOf(request.headers)
  const bytes = await readBytes(request, limitBytes)
  if (bytes.byteLength === 0 && type === null) return read(attributes, true)
  checkEncoding(request, type === 'application/json', 'the data as application/json')
  return read({ ...attributes, data: parseBytes(bytes) }, true)
}

/**
 * The event in a message of a broker, in either form, with all that a CloudEvent has to have.
 * @param headers by names in lower case.
 * @throws REQUEST_INVALID and what parsing JSON throws
 */
export function cloudEventIn(headers: ReadonlyMap<string, string>, bytes: Uint8Array): CloudEvent {
  if (headers.has('ce-specversion')) {
    const attributes = attributesOf(headers)
    return read(bytes.byteLength === 0 ? attributes : { ...attributes, data: parseBytes(bytes) }, true)
  }
  const body = parseBytes(bytes)
  if (!isRecord(body)) throw wrong('the top', 'it must be one event, an object')
  return read(body, true)
}

function attributesOf(headers: Iterable<readonly [string, string]>): Record<string, Json> {
  const attributes: Record<string, Json> = {}
  for (const [name, value] of headers) {
    if (name.startsWith('ce-')) attributes[name.slice(3)] = decodeHeader(name, value)
  }
  for (const name of ['data', 'data_base64', 'datacontenttype']) {
    if (attributes[name] !== undefined) throw wrong(`ce-${name}`, 'it is no header of the binary form')
  }
  return attributes
}

function read(event: Envelope, isStrict: boolean): CloudEvent {
  for (const [name, value] of Object.entries(event)) {
    if (!KNOWN.includes(name)) checkExtension(name, value)
    else if (name !== 'data') optionalText(event, name)
  }
  if (isStrict) for (const name of REQUIRED) requiredText(event, name)
  const version = event['specversion'] ?? '1.0'
  if (version !== '1.0') throw wrong('specversion', 'only "1.0" is understood')
  if (event['data_base64'] !== undefined) throw wrong('data_base64', 'binary data is not taken; send JSON in data')
  const contentType = event['datacontenttype'] ?? 'application/json'
  if (contentType !== 'application/json') throw wrong('datacontenttype', 'only application/json is understood')
  const time = optionalText(event, 'time')
  if (time !== undefined && !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(time)) {
    throw wrong('time', 'it must be a time of RFC 3339, for example 2026-01-31T12:00:00Z')
  }
  return {
    type: requiredText(event, 'type'),
    data: event['data'],
    id: optionalText(event, 'id'),
    source: optionalText(event, 'source'),
    subject: optionalText(event, 'subject'),
    cause: readCause(event),
    traceparent: optionalText(event, 'traceparent'),
  }
}

function readCause(event: Envelope): string | undefined {
  const cause = optionalText(event, 'causationid')
  const problem = cause === undefined ? undefined : causeProblem(cause)
  if (problem !== undefined) throw wrong('causationid', problem)
  return cause
}

/** Extensions of others are let pass and not kept; what is none, or resembles an attribute, is refused. */
function checkExtension(name: string, value: Json | undefined): void {
  const isExtension = /^[a-z0-9]{1,20}$/.test(name) && nearest(name, KNOWN) === ''
  if (!isExtension) throw wrong(shown(name), unknownName('attribute', name, KNOWN))
  if (typeof value === 'object') throw wrong(name, 'an extension attribute is a string, a number or a boolean')
}

/** The value of a `ce-` header: quotes are taken off and what is percent-encoded is decoded, as the binding says. */
function decodeHeader(name: string, value: string): string {
  const quoted = /^"(.*)"$/.exec(value)?.[1]
  const text = quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1')
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong(name, 'it is not percent-encoded UTF-8')
  }
}

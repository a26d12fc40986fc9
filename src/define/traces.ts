// Where an application sends its traces, and of which orders. Given to open(...), read by telemetry.
import { refuse, refuseUnknownOptions } from './refusal.ts'

/**
 * Traces as OTLP over HTTP, in JSON. What is omitted is as the variables of OpenTelemetry say (`OTEL_EXPORTER_OTLP_ENDPOINT`,
 * `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` ...); nothing is sent while neither names an endpoint.
 */
export interface Traces {
  /** The address that spans are posted to, whole: `http://localhost:4318/v1/traces`. */
  readonly endpoint?: string | undefined
  /** Sent with every request, for example a key of the collector; they never stand in a log. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** `service.name`. Default: the name of the application. */
  readonly service?: string | undefined
  /** Attributes of the resource, as `deployment.environment.name`. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Of so many traces each is told of whole, from 0 to 1; the id of a trace decides. Default 1. */
  readonly ratio?: number | undefined
}

const KNOWN: Readonly<Record<keyof Traces, true>> = {
  endpoint: true,
  headers: true,
  service: true,
  attributes: true,
  ratio: true,
}

/** Whether an application can be opened with these. @throws DEFINITION_INVALID */
export function checkTraces(given: Traces | false | undefined): void {
  if (given === undefined || given === false) return
  refuseUnknownOptions(given, Object.keys(KNOWN), 'traces')
  const { endpoint, service, ratio = 1 } = given
  if (endpoint !== undefined && !isEndpoint(endpoint))
    refuse('traces', 'endpoint must be an address as http://localhost:4318/v1/traces, without a user or a password')
  if (service !== undefined && (typeof service !== 'string' || service === ''))
    refuse('traces', 'service must be a name')
  if (!(typeof ratio === 'number' && ratio >= 0 && ratio <= 1)) refuse('traces', 'ratio must be a number from 0 to 1')
  for (const name of ['headers', 'attributes'] as const) refuseUnlessTexts(given[name], name)
  // Which one is not told, nor what is in it: it may be a secret.
  if (!Object.entries(given.headers ?? {}).every(([name, value]) => isHeader(name, value)))
    refuse('traces', 'headers must be such as a request can have, but for those of its length and its connection')
}

/** They belong to whoever sends. */
const OF_HTTP = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'te', 'transfer-encoding', 'upgrade'])

/** Whether a request can be sent with this: what cannot would be told in an error, with its value. */
export function isHeader(name: string, value: string): boolean {
  const isWritten = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
  return isWritten && !OF_HTTP.has(name.toLowerCase())
}

/** Whether a text is an address that can be posted to: one without a password, which an error would tell. */
export function isEndpoint(text: unknown): text is string {
  const url = typeof text === 'string' ? URL.parse(text) : null
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

function refuseUnlessTexts(texts: unknown, name: string): void {
  const isTexts =
    texts === undefined ||
    (typeof texts === 'object' && texts !== null && Object.values(texts).every((text) => typeof text === 'string'))
  if (!isTexts) refuse('traces', `${name} must be an object of strings`)
}

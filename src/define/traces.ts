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
    refuse('traces', 'endpoint must be an address as http://localhost:4318/v1/traces')
  if (service !== undefined && (typeof service !== 'string' || service === ''))
    refuse('traces', 'service must be a name')
  if (!(typeof ratio === 'number' && ratio >= 0 && ratio <= 1)) refuse('traces', 'ratio must be a number from 0 to 1')
  for (const name of ['headers', 'attributes'] as const) refuseUnlessTexts(given[name], name)
}

/** Whether a text is an address that can be posted to. */
export function isEndpoint(text: unknown): text is string {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function refuseUnlessTexts(texts: unknown, name: string): void {
  const isTexts =
    texts === undefined ||
    (typeof texts === 'object' && texts !== null && Object.values(texts).every((text) => typeof text === 'string'))
  if (!isTexts) refuse('traces', `${name} must be an object of strings`)
}

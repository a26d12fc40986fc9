// How spans are told: from what `open` was given, and for what that leaves out from the variables of OpenTelemetry
// (specification/configuration/sdk-environment-variables.md and protocol/exporter.md). What a variable says wrongly is told in
// the log and passed over: a setting of the surroundings is no reason for an application not to run. Read when it is opened.
import { isEndpoint, isHeader, type Traces } from '../define/traces.ts'
import type { Log } from '../define/definition.ts'
import { samplerOf, type Sampler } from './sampling.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where spans go, and how many at a time. */
export interface ExportSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Attributes of the resource. */
  readonly resource: Readonly<Record<string, string>>
  /** Of one request. */
  readonly timeoutMs: number
  /** Spans that wait at most, and that go in one request. */
  readonly queue: number
  readonly batch: number
  /** How long a span waits for others. */
  readonly delayMs: number
}

export interface TraceSettings {
  /** Null: nothing is sent. */
  readonly export: ExportSettings | null
  /** Also where nothing is sent: services are told what would be. */
  readonly sampler: Sampler
}

/** Whose spans they are, where nothing else is said. */
export interface TracedApplication {
  readonly name: string
  readonly version: string
  /** Of several nodes that share a store: which; else null. */
  readonly node: string | null
}

/** @param env the variables of the process. */
export function traceSettings(
  given: Traces | false | undefined,
  env: Environment,
  application: TracedApplication,
  log: Log,
): TraceSettings {
  const variables = new Variables(env, log)
  const said = given === false ? {} : (given ?? {})
  const sampler = samplerOf(said.ratio ?? variables.ratio())
  const url = given === false ? null : (said.endpoint ?? variables.endpoint())
  if (url === null || variables.isOff()) return { export: null, sampler }
  return {
    sampler,
    export: {
      url,
      headers: said.headers ?? variables.headers(),
      resource: resourceOf(said, variables, application),
      timeoutMs: variables.number(['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'], 10_000),
      queue: variables.number(['OTEL_BSP_MAX_QUEUE_SIZE'], 16_384),
      batch: variables.number(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 512),
      delayMs: variables.number(['OTEL_BSP_SCHEDULE_DELAY'], 5000, 0),
    },
  }
}

function resourceOf(
  { service, attributes }: Traces,
  variables: Variables,
  { name, version, node }: TracedApplication,
): Readonly<Record<string, string>> {
  const named = service ?? variables.text('OTEL_SERVICE_NAME')
  return {
    'service.name': name,
    'service.version': version,
    ...(node === null ? {} : { 'service.instance.id': node }),
    ...variables.pairs('OTEL_RESOURCE_ATTRIBUTES'),
    ...attributes,
    ...(named === undefined ? {} : { 'service.name': named }),
  }
}

/** As the specification has them: one that is empty is not there. */
class Variables {
  readonly #env: Environment
  readonly #log: Log

  constructor(env: Environment, log: Log) {
    this.#env = env
    this.#log = log
  }

  text(name: string): string | undefined {
    const text = this.#env[name]?.trim()
    return text === '' ? undefined : text
  }

  /** Whether spans are not to be sent, wherever to. */
  isOff(): boolean {
    if (this.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return true
    const to = this.text('OTEL_TRACES_EXPORTER') ?? 'otlp'
    if (!to.split(',').includes('otlp')) return true
    const protocol = this.text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? this.text('OTEL_EXPORTER_OTLP_PROTOCOL')
    if (protocol !== 'grpc') return false
    this.#pass('OTEL_EXPORTER_OTLP_PROTOCOL', 'traces are sent over HTTP alone, so none are sent')
    return true
  }

  endpoint(): string | null {
    const own = this.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
    if (own !== undefined) return this.#url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', own)
    const all = this.text('OTEL_EXPORTER_OTLP_ENDPOINT')
    if (all === undefined) return null
    return this.#url('OTEL_EXPORTER_OTLP_ENDPOINT', `${all.replace(/\/+$/, '')}/v1/traces`)
  }

  #url(name: string, text: string): string | null {
    if (isEndpoint(text)) return text
    this.#pass(name, 'it is no address, or has a password in it, so no traces are sent')
    return null
  }

  headers(): Readonly<Record<string, string>> {
    return { ...this.#headers('OTEL_EXPORTER_OTLP_HEADERS'), ...this.#headers('OTEL_EXPORTER_OTLP_TRACES_HEADERS') }
  }

  #headers(name: string): Readonly<Record<string, string>> {
    const pairs = Object.entries(this.pairs(name))
    const sent = pairs.filter(([key, value]) => isHeader(key, value))
    if (sent.length < pairs.length) this.#pass(name, 'not all of it can be sent as headers')
    return Object.fromEntries(sent)
  }

  /** `name=value,name=value`, values with `%` for what could not stand there. */
  pairs(name: string): Readonly<Record<string, string>> {
    const pairs: Record<string, string> = {}
    for (const pair of this.text(name)?.split(',') ?? []) {
      const at = pair.indexOf('=')
      const [key, value] = [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]
      if (at <= 0 || key === null || value === null || key === '') this.#pass(name, 'not all of it is name=value')
      else pairs[key] = value
    }
    return pairs
  }

  /** The first of these that is there. */
  number(names: readonly string[], otherwise: number, least = 1): number {
    const name = names.find((one) => this.text(one) !== undefined)
    if (name === undefined) return otherwise
    const number = Number(this.text(name))
    if (Number.isSafeInteger(number) && number >= least) return number
    this.#pass(name, `it is no whole number from ${least}`)
    return otherwise
  }

  /** Nothing that comes from outside has a say in whether a trace is told of, so that a sampler by the parent is that of the root. */
  ratio(): number {
    const word = this.text('OTEL_TRACES_SAMPLER') ?? 'always_on'
    switch (word.replace(/^parentbased_/, '')) {
      case 'always_on':
        return 1
      case 'always_off':
        return 0
      case 'traceidratio': {
        const ratio = Number(this.text('OTEL_TRACES_SAMPLER_ARG') ?? '1')
        if (ratio >= 0 && ratio <= 1) return ratio
        this.#pass('OTEL_TRACES_SAMPLER_ARG', 'it is no number from 0 to 1')
        return 1
      }
      default:
        this.#pass('OTEL_TRACES_SAMPLER', 'no such sampler is known here')
        return 1
    }
  }

  /** The value is not told: it may be a secret. */
  #pass(name: string, problem: string): void {
    this.#log.warn(`${name} is passed over: ${problem}`)
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return null
  }
}

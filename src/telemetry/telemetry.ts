// What an application tells of itself to others as traces, put together when it is opened. The engine hands `tracing` what is
// durable, and operations what `sampler` says of their trace.
import type { Clock, Random } from '../core/clock.ts'
import type { Log } from '../define/definition.ts'
import type { Traces } from '../define/traces.ts'
import { Exporter } from './exporter.ts'
import type { Sampler } from './sampling.ts'
import { traceSettings, type TracedApplication } from './trace-settings.ts'
import { Tracing, type TracingOptions, type Written } from './tracing.ts'

export interface Telemetry {
  /** Null where no spans are sent. */
  readonly tracing: Tracing | null
  readonly sampler: Sampler
  /** Of the writer of a shard: nothing where no spans are sent. */
  readonly hooks: { readonly written?: (batch: Written) => void }
}

export interface TelemetryParts extends Pick<TracingOptions, 'reader' | 'ns' | 'codec'> {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The version of Ballet. */
  readonly ballet: string
}

/** @param env the variables of the process. */
export function telemetryOf(
  given: Traces | false | undefined,
  env: Readonly<Record<string, string | undefined>>,
  application: TracedApplication,
  parts: TelemetryParts,
): Telemetry {
  const { export: settings, sampler } = traceSettings(given, env, application, parts.log)
  if (settings === null) return { tracing: null, sampler, hooks: {} }
  const tracing = new Tracing({ ...parts, sampler, exporter: new Exporter({ ...parts, settings }) })
  return { tracing, sampler, hooks: { written: (batch) => tracing.written(batch) } }
}

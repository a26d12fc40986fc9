// Numbers about a running application, as a monitoring system takes them: counters that only rise while the process lives,
// gauges that stand as they do now, and histograms. Labels are names of definitions, statuses, reasons and codes, never an id, a
// key or an input. `GET /api/metrics` writes them in the text format of Prometheus.

/** A number, with what it is the number of. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** How values are spread: `counts` has how many there were up to each bound and above the one before, and at its end above the last. */
export interface MetricSpread {
  readonly labels: Readonly<Record<string, string>>
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** One metric: its name says the unit, `_seconds` or `_bytes`; a counter ends in `_total`. */
export type Metric =
  | {
      readonly kind: 'counter' | 'gauge'
      readonly name: string
      readonly help: string
      readonly samples: readonly MetricSample[]
    }
  | {
      readonly kind: 'histogram'
      readonly name: string
      readonly help: string
      readonly samples: readonly MetricSpread[]
    }

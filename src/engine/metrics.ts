// The numbers of a running application: what it has counted (counts.ts), and how its shards stand in this moment, from memory
// alone, so that they are told also while the store does not answer. They are of this process: those of several nodes are added
// up by whoever gathers them. Asked by ApplicationDoors; docs/reference/metrics.md says what each of them means.
import type { IntakeCount } from '../define/definition.ts'
import type { Metric, MetricSample } from '../define/metric.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Counts, Spread, Tally } from './counts.ts'
import { countedAs } from './fetch-lines.ts'
import type { Directory } from './directory.ts'
import type { ShardContext } from './shard-context.ts'
import type { OwnShard, Shards } from './shards.ts'
import type { Standings } from './standings.ts'

type Labels = MetricSample['labels']

/** Codes of refusals that are there from the beginning, so that the first one is a rise. */
const REFUSALS = ['OVERLOADED', 'STORE_FULL', 'SIGNALS_FULL'] as const

export interface Measured {
  readonly shards: Shards
  readonly directory: Directory
  /** The kind of the store, `sqlite`, and the version of Ballet. */
  readonly store: string
  readonly ballet: string
  readonly telemetry: Telemetry
}

/** All of them. */
export function metricsOf(measured: Measured): readonly Metric[] {
  const { shards, directory, store, ballet, telemetry } = measured
  const { name: app, version } = directory.definition
  const { counts, all } = shards
  nameAll(counts, directory)
  for (const { limits, elsewhere } of directory.operations.values()) {
    const line = elsewhere?.work?.line
    for (const limit of line === undefined ? limits : [...limits, line]) shards.callLimits.countsOf(countedAs(limit))
  }
  return [
    gauge('ballet_info', 'What runs here: always 1.', [one(1, { app, version, ballet, store })]),
    ...ofOpenRuns(all),
    ...ofRuns(counts),
    ...ofAttempts(counts, all),
    ...ofLimits(shards),
    ...ofCommits(counts, all),
    ...ofDoors(counts, all),
    ...ofTimers(counts, all),
    ...ofShards(shards),
    ...ofTransports(directory, shards),
    ...ofSpans(telemetry),
  ]
}

/** What is defined is told from the beginning, with a count of 0: otherwise the first of it would be no rise. */
function nameAll(counts: Counts, { definition, operations }: Directory): void {
  for (const { name } of definition.workflows) counts.runsOf('workflow', name)
  for (const { name } of definition.choreographies) counts.runsOf('choreography', name)
  for (const { reactions } of definition.services) for (const { name } of reactions) counts.runsOf('reaction', name)
  for (const name of operations.keys()) counts.attemptsOf('operation', name)
  for (const code of REFUSALS) counts.refused.add(code, 0)
  for (const way of ['node', 'inbox'] as const) counts.elsewhere.add(way, 0)
}

function ofOpenRuns(all: readonly OwnShard[]): readonly Metric[] {
  const standings = merged(all.flatMap(({ shard }) => shard.context.open.standings))
  const open = new Map<string, { readonly labels: Labels; value: number }>()
  for (const { kind, name, status, runs } of standings) {
    const sample = open.get(`${kind} ${name} ${status}`) ?? { labels: { kind, name, status }, value: 0 }
    sample.value += runs
    open.set(`${kind} ${name} ${status}`, sample)
  }
  const stuck = standings.flatMap(({ kind, name, reason, runs }) =>
    reason === null ? [] : [one(runs, { kind, name, reason })],
  )
  return [
    gauge('ballet_runs_open', 'Runs that have not ended, in the shards of this node.', [...open.values()]),
    gauge('ballet_runs_stuck', 'Of those, the ones that wait for a person, by the reason.', stuck),
    gauge('ballet_runs_live', 'Of those that are open, the ones that are in memory.', [
      one(sum(all, ({ open: runs }) => runs.liveCount)),
    ]),
  ]
}

/** Those of several shards. */
function merged(all: readonly Standings[]): readonly Standings[] {
  const found = new Map<string, Standings>()
  for (const { kind, name, status, reason, runs } of all) {
    const entry = found.get(`${kind} ${name} ${status} ${reason}`) ?? { kind, name, status, reason, runs: 0 }
    entry.runs += runs
    found.set(`${kind} ${name} ${status} ${reason}`, entry)
  }
  return [...found.values()]
}

function ofRuns({ runs }: Counts): readonly Metric[] {
  const ended = ['completed', 'failed', 'cancelled'] as const
  return [
    counter(
      'ballet_runs_started_total',
      'Runs that began to be.',
      runs.map(({ kind, name, started }) => one(started, { kind, name })),
    ),
    counter(
      'ballet_runs_ended_total',
      'Runs that ended, by how.',
      runs.flatMap((counts) =>
        ended.map((status) => one(counts[status], { kind: counts.kind, name: counts.name, status })),
      ),
    ),
    counter(
      'ballet_runs_became_stuck_total',
      'How often a run became stuck, by the reason.',
      runs.flatMap(({ kind, name, stuck }) =>
        stuck.entries.map(([reason, times]) => one(times, { kind, name, reason })),
      ),
    ),
    counter(
      'ballet_turns_total',
      'Turns that were written into journals.',
      runs.map(({ kind, name, turns }) => one(turns, { kind, name })),
    ),
  ]
}

function ofAttempts({ attempts }: Counts, all: readonly OwnShard[]): readonly Metric[] {
  return [
    histogram(
      'ballet_attempt_duration_seconds',
      'How long attempts at operations and steps took, until they answered or failed.',
      attempts.map(({ kind, name, seconds }) => ({ labels: { kind, name }, spread: seconds })),
    ),
    counter(
      'ballet_attempts_failed_total',
      'Attempts that failed.',
      attempts.map(({ kind, name, failed }) => one(failed, { kind, name })),
    ),
    counter(
      'ballet_attempts_retried_total',
      'Attempts that failed and are made again by the policy.',
      attempts.map(({ kind, name, retried }) => one(retried, { kind, name })),
    ),
    gauge('ballet_attempts_running', 'Attempts that are made now.', [one(sum(all, ({ effects }) => effects.bodies))]),
    gauge('ballet_calls_open', 'Calls and steps that are under way, also between two attempts.', [
      one(sum(all, ({ effects }) => effects.size)),
    ]),
  ]
}

function ofLimits({ callLimits: { counts } }: Shards): readonly Metric[] {
  return [
    gauge(
      'ballet_limit_calls_running',
      'Attempts that are made now and are limited, by what is limited: a service or an operation; or are in the hands of a service that fetches its calls.',
      counts.map(({ name, running }) => one(running, { name })),
    ),
    gauge(
      'ballet_limit_calls_waiting',
      'Calls that wait for a place there.',
      counts.map(({ name, waiting }) => one(waiting, { name })),
    ),
  ]
}

function ofCommits(counts: Counts, all: readonly OwnShard[]): readonly Metric[] {
  return [
    histogram(
      'ballet_commit_duration_seconds',
      'How long commits took, from when the store was asked until they were durable.',
      [{ labels: {}, spread: counts.commits }],
    ),
    counter('ballet_commit_rows_total', 'Rows that became durable.', [one(counts.rows)]),
    counter('ballet_commits_failed_total', 'Commits that the store did not answer for, by the error.', [
      ...tallied(counts.commitsFailed, 'code'),
    ]),
    gauge('ballet_commit_wait_seconds', 'How long a commit has to wait.', [
      one(most(all, ({ writer }) => writer.waitMs) / 1000),
    ]),
    gauge('ballet_turns_waiting', 'Turns that wait to be made.', [one(sum(all, ({ pump }) => pump.size))]),
    gauge('ballet_turn_wait_seconds', 'How long a turn has to wait.', [
      one(most(all, ({ pump }) => pump.waitMs(null)) / 1000),
    ]),
  ]
}

function ofDoors(counts: Counts, all: readonly OwnShard[]): readonly Metric[] {
  return [
    counter('ballet_refusals_total', 'What was not taken on, by the error.', tallied(counts.refused, 'code')),
    counter('ballet_elsewhere_total', 'What belonged to another node, by the way.', tallied(counts.elsewhere, 'way')),
    gauge('ballet_requests_waiting', 'Requests that wait for their acknowledgement.', [
      one(sum(all, ({ admission }) => admission.arriving)),
    ]),
    gauge('ballet_inbox_rows', 'Rows that were in the inboxes when they were looked into last.', [
      one(sum(all, ({ inbox }) => inbox.lying)),
    ]),
    gauge('ballet_inbox_aside_rows', 'What came and cannot be taken now, and is kept.', [
      one(all.reduce((rows, { shard }) => rows + shard.aside.lying, 0)),
    ]),
    counter('ballet_inbox_set_aside_total', 'What came and could not be taken, and was kept.', [one(counts.setAside)]),
    counter('ballet_inbox_dropped_total', 'What lay aside and was dropped by somebody.', [one(counts.dropped)]),
    gauge('ballet_store_full', 'Shards that take nothing new because the store is full.', [
      one(sum(all, ({ space }) => (space.isFull ? 1 : 0))),
    ]),
  ]
}

function ofTimers({ timersLate }: Counts, all: readonly OwnShard[]): readonly Metric[] {
  return [
    histogram('ballet_timer_lateness_seconds', 'How late timers were given to their runs.', [
      { labels: {}, spread: timersLate },
    ]),
    gauge('ballet_timers_under_way', 'Timers that were given to their runs and not taken yet.', [
      one(sum(all, ({ timers }) => timers.underWay)),
    ]),
    gauge('ballet_timer_lag_seconds', 'How long the timer is due that is due longest.', [
      one(most(all, ({ timers }) => timers.lateMs) / 1000),
    ]),
  ]
}

function ofShards({ counts, all, numbers }: Shards): readonly Metric[] {
  const ready = all.filter(({ isReady }) => isReady).length
  const taken = new Map(counts.shardsTaken.entries)
  return [
    gauge('ballet_shards', 'Shards of the store, wherever they are.', [one(numbers.length)]),
    gauge('ballet_shards_owned', 'Shards that this node has and has taken up.', [one(ready)]),
    gauge('ballet_shards_recovering', 'Shards that this node has and is taking up.', [one(all.length - ready)]),
    counter(
      'ballet_shards_taken_over_total',
      'Shards that were of another node, which gave them back or was silent.',
      (['given', 'silent'] as const).map((how) => one(taken.get(how) ?? 0, { how })),
    ),
    counter('ballet_shards_handed_on_total', 'Shards that were given to another node.', [one(counts.shardsHandedOn)]),
    counter('ballet_shards_fenced_total', 'Shards that another node has taken away.', [one(counts.shardsFenced)]),
  ]
}

/** Nothing where no events come by one. */
function ofTransports({ definition }: Directory, { info }: Shards): readonly Metric[] {
  const all = definition.transports.flatMap(({ name, takes, intake }) => {
    const count = takes.length === 0 ? undefined : intake?.(info?.id ?? '')
    return count === undefined ? [] : [{ name, count }]
  })
  if (all.length === 0) return []
  const ofNow = (of: (now: NonNullable<IntakeCount['now']>) => number): readonly MetricSample[] =>
    all.flatMap(({ name, count: { now } }) => (now === null ? [] : [one(of(now), { name })]))
  return [
    gauge(
      'ballet_transport_taking',
      'Calls of this node to which is delivered what comes from other applications.',
      all.map(({ name, count }) => one(count.taking, { name })),
    ),
    counter(
      'ballet_transport_taken_total',
      'Messages that were taken from there.',
      all.map(({ name, count }) => one(count.taken, { name })),
    ),
    gauge(
      'ballet_transport_waiting',
      'Messages that wait there.',
      ofNow(({ waiting }) => waiting),
    ),
    gauge(
      'ballet_transport_idle_seconds',
      'How long ago one was taken last.',
      ofNow(({ idleMs }) => idleMs / 1000),
    ),
    gauge(
      'ballet_transport_lag_seconds',
      'How old the one is that was taken last, while others wait behind it.',
      ofNow(({ lagMs }) => lagMs / 1000),
    ),
  ]
}

/** Nothing where no spans are sent. */
function ofSpans({ tracing }: Telemetry): readonly Metric[] {
  if (tracing === null) return []
  const { counts, size } = tracing.exporter
  return [
    counter('ballet_spans_sent_total', 'Spans that the collector took.', [one(counts.sent)]),
    counter(
      'ballet_spans_dropped_total',
      'Spans, or rows that would be some, that were not told, by the reason.',
      Object.entries(counts.dropped).map(([reason, spans]) => one(spans, { reason })),
    ),
    gauge('ballet_spans_waiting', 'Spans that wait to be sent.', [one(size)]),
  ]
}

const one = (value: number, labels: Labels = {}): MetricSample => ({ labels, value })

const tallied = ({ entries }: Tally, label: string): readonly MetricSample[] =>
  entries.map(([word, times]) => one(times, { [label]: word }))

const sum = (all: readonly OwnShard[], of: (context: ShardContext) => number): number =>
  all.reduce((total, { shard }) => total + of(shard.context), 0)

const most = (all: readonly OwnShard[], of: (context: ShardContext) => number): number =>
  all.reduce((largest, { shard }) => Math.max(largest, of(shard.context)), 0)

const gauge = (name: string, help: string, samples: readonly MetricSample[]): Metric => ({
  kind: 'gauge',
  name,
  help,
  samples,
})

const counter = (name: string, help: string, samples: readonly MetricSample[]): Metric => ({
  kind: 'counter',
  name,
  help,
  samples,
})

function histogram(
  name: string,
  help: string,
  spreads: readonly { readonly labels: Labels; readonly spread: Spread }[],
): Metric {
  const samples = spreads.map(({ labels, spread: { bounds, counts, sum: total } }) => ({
    labels,
    bounds,
    counts: [...counts],
    sum: total,
  }))
  return { kind: 'histogram', name, help, samples }
}

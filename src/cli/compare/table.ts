// The table of a comparison: a row for each thing that was measured, a column for each style, and what each row means.
import { showMs } from '../../core/duration.ts'
import type { StyleFigures } from './figures.ts'
import type { Counters } from './plan.ts'

/** Of one style: what the journal and the ledgers say, and what was counted at the store. */
export interface StyleResult extends StyleFigures {
  readonly counters: Counters
  /** From the kill until the first order ended after it; null when nothing was killed. */
  readonly recoveryMs: number | null
}

interface Row {
  readonly title: string
  readonly means: string
  readonly of: (result: StyleResult) => string
  /** Names that a document has room for. */
  readonly names?: (result: StyleResult) => readonly string[]
}

const each = (total: number, { orders }: StyleResult): string => (total / orders).toFixed(1)

const ROWS: readonly Row[] = [
  {
    title: 'endings',
    means: 'How the orders ended, by the same derivation for every style.',
    of: ({ endings }) =>
      Object.entries(endings)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, count]) => `${count} ${name}`)
        .join(', '),
  },
  {
    title: 'time to the last event, p50',
    means:
      'From the first row that the store has of an order to its last event (the customer was told), by the times of the rows.',
    of: ({ latencyMs }) => showMs(latencyMs.p50),
  },
  {
    title: 'time to the last event, p99',
    means: 'The same, of the slowest hundredth.',
    of: ({ latencyMs }) => showMs(latencyMs.p99),
  },
  {
    title: 'orders a second',
    means: 'Orders over the time from the first row of the first order to the last event of the last one.',
    of: ({ perSecond }) => String(perSecond),
  },
  {
    title: 'longest time without an end',
    means: 'Between two orders that ended one after the other: how long a fault was felt.',
    of: ({ gapMs }) => showMs(gapMs),
  },
  {
    title: 'first end after the kill',
    means:
      'From the kill of the process to the first order that ended in the next one, which loads the application and recovers first.',
    of: ({ recoveryMs }) => (recoveryMs === null ? '-' : showMs(recoveryMs)),
  },
  {
    title: 'runs an order',
    means: 'Runs of workflows, reactions and operations that have the key of the order.',
    of: ({ runs }) => String(runs),
  },
  {
    title: 'events an order',
    means: 'Outcomes and published events that have the key of the order.',
    of: ({ events }) => String(events),
  },
  {
    title: 'messages an order',
    means:
      'Between parties: two for each call of a workflow (there and back), one for each event that a reaction takes.',
    of: ({ messages }) => String(messages),
  },
  {
    title: 'rows an order',
    means: 'Rows of journals, events and runs in the commits, counted at the store.',
    of: (result) => each(result.counters.rows, result),
  },
  {
    title: 'commits an order',
    means: 'Commits of the store over orders. Orders that are under way at the same time share commits.',
    of: (result) => each(result.counters.commits, result),
  },
  {
    title: 'bytes an order',
    means: 'The size of the file of the store after it was closed, over orders.',
    of: ({ bytes }) => String(bytes),
  },
  {
    title: 'CPU an order',
    means: 'User and system time of the process up to its end, start and services included, over orders.',
    of: (result) => `${each(result.counters.cpuMs, result)} ms`,
  },
  { title: 'lost', means: 'Orders that were acknowledged and have no ending.', of: ({ lost }) => String(lost) },
  {
    title: 'duplicated',
    means: 'Effects that stand in the ledgers of the services once too often.',
    of: ({ duplicated }) => String(duplicated),
  },
  {
    title: 'not undone',
    means: 'Effects with an undo, of orders that ended otherwise than well, for which the ledgers have no undo.',
    of: ({ notUndone }) => String(notUndone),
  },
  {
    title: 'who knows whom',
    means:
      'A workflow knows a service that it calls; a service knows another whose event it reacts to. From the rows of the orders.',
    of: ({ knows }) => String(knows.length),
    names: ({ knows }) => knows,
  },
  {
    title: 'who decides what comes next',
    means: 'Workflows that call, and services that react: the places in which one reads the order of things.',
    of: ({ deciders }) => String(deciders.length),
    names: ({ deciders }) => deciders,
  },
  {
    title: 'parts to change for one more listener',
    means:
      'Loyalty points at the end, say: none when the last event is published, as a new service reacts to it; else the workflows.',
    of: ({ listenerChanges }) => String(listenerChanges.length),
    names: ({ listenerChanges }) => listenerChanges,
  },
  {
    title: 'parts to change for one more check',
    means:
      'A fraud check before the money is taken, say: those that make that call (`gate`). The contract changes as well.',
    of: ({ gateChanges }) => String(gateChanges.length),
    names: ({ gateChanges }) => gateChanges,
  },
  {
    title: 'time to say where an order is',
    means:
      'Everything of its key read from the store and its status derived; the median of a hundred orders, when all are over.',
    of: ({ answerMs }) => `${answerMs} ms`,
  },
]

/** What each row means. */
export const explained: readonly { readonly title: string; readonly means: string }[] = ROWS

/** Rows of a title and a value for each style. @param isFull with the names that a terminal has no room for. */
export function compared(results: readonly StyleResult[], isFull: boolean): readonly (readonly string[])[] {
  return ROWS.map(({ title, of, names }) => [
    title,
    ...results.map((result) => {
      const list = isFull ? (names?.(result) ?? []) : []
      return list.length === 0 ? of(result) : `${of(result)}: ${list.join(', ')}`
    }),
  ])
}

/** A table for a document. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)]
}

// `ballet runs`: lists runs, the newest first, with why they wait.
import { STUCK_REASONS } from '../core/journal.ts'
import { nearest } from '../core/names.ts'
import type { RunKind, RunStatus } from '../core/store-queries.ts'
import type { RunView } from '../core/views.ts'
import { PLACE_OPTIONS, type Command, type Given } from './command.ts'
import { findReader } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { tellUnknown, tellUnknownField } from './known-names.ts'
import { usage, wholeNumber } from './parse.ts'
import { placeWords } from './place.ts'
import { cut, oneLine, printable, shownKey } from './printable.ts'
import { printCounts } from './run-counts.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { statusPaint } from './timeline.ts'
import { shownTime } from './times.ts'
import { COMMAND, lengthWords, waitingLine } from './why-waiting.ts'

const STATUSES: readonly RunStatus[] = ['running', 'stuck', 'completed', 'failed', 'cancelled']
const KINDS: readonly RunKind[] = ['workflow', 'operation', 'reaction', 'choreography']

export const runs: Command = {
  name: 'runs',
  about: 'List runs, the newest first, with why they wait.',
  words: [],
  options: {
    status: { value: '<status>', about: `${STATUSES.join(', ')}; several with commas.`, oneOf: STATUSES, many: true },
    reason: { value: '<reason>', about: `Stuck for this reason: ${STUCK_REASONS.join(', ')}.`, oneOf: STUCK_REASONS },
    name: { value: '<name>', about: 'Of the workflow, operation or reaction.' },
    kind: { value: '<kind>', about: `${KINDS.join(', ')}.`, oneOf: KINDS },
    root: { value: '<root>', about: 'Of one causal graph, run:<id> or event:<source>:<id>.' },
    key: { value: '<field:value>', about: 'Of one business key, for example orderId:8841.' },
    count: { about: 'How many have not ended, by what they are and why they are stuck.' },
    limit: { value: '<count>', about: 'At most so many, 1 to 1000; default 50.' },
    cursor: { value: '<cursor>', about: 'Go on where the last list ended.' },
    ...PLACE_OPTIONS,
  },
  examples: [
    'ballet runs --status stuck',
    'ballet runs --reason threw',
    'ballet runs --count',
    'ballet runs --name checkout --limit 10 --json',
  ],
  async run(given, terminal) {
    if (given.flag('count')) refuseBeside(given)
    const status = given
      .all('status')
      .flatMap((value) => value.split(','))
      .map((text) => wordOf('status', text, STATUSES))
    const reason = given.text('reason')
    const kind = given.text('kind')
    const limit = wholeNumber(runs, given, 'limit', 1000)
    const request = {
      name: given.text('name'),
      key: given.text('key'),
      root: given.text('root'),
      kind: kind === undefined ? undefined : wordOf('kind', kind, KINDS),
      cursor: given.text('cursor'),
      limit,
      status: status.length === 0 ? undefined : status,
      reason: reason === undefined ? undefined : wordOf('reason', reason, STUCK_REASONS),
    }
    const reads = await findReader(given, terminal)
    try {
      if (given.flag('count')) {
        if (!(await printCounts(reads, request, given, terminal)))
          await tellUnknown(reads, 'runs', [request.name], terminal)
        return EXIT.ok
      }
      const page = await reads.runs(request)
      print(terminal, given.flag('json'), page, () =>
        page.items.length === 0 ? [] : lines(page.items, placeWords(given), terminal),
      )
      for (const { error } of page.unreadable ?? []) terminal.note(oneLine(error.message))
      if (page.items.length === 0 && page.unreadable === undefined) {
        terminal.note('No run fits.')
        await tellUnknown(reads, 'runs', [request.name], terminal)
        await tellUnknownField(reads, request.key, terminal)
      }
      if (page.cursor !== undefined) terminal.note(`There are more: --cursor ${printable(page.cursor)}`)
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

/** Options that say nothing about how many there are. @throws USAGE */
function refuseBeside(given: Given): void {
  const other = ['key', 'root', 'limit', 'cursor'].find((name) => given.text(name) !== undefined)
  if (other !== undefined) throw usage(runs, `--count counts all that are open, and takes no --${other}.`)
}

/** @throws USAGE for a word that is none of these. */
function wordOf<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const word = words.find((name) => name === text)
  if (word === undefined)
    throw usage(runs, `There is no ${option} "${text}".${nearest(text, words)} They are ${words.join(', ')}.`)
  return word
}

/** A line for each run, its id whole at the end, because it is there to be copied; below it why it waits or failed. */
function lines(items: readonly RunView[], place: string, { paint, columns, clock }: Terminal): readonly string[] {
  const now = clock.now()
  const rows = items.map((run) => [
    { text: run.status === 'running' ? (run.phase ?? run.status) : run.status, colour: statusPaint(paint, run.status) },
    { text: run.name },
    { text: run.key === null ? '' : shownKey(`${run.key.field}:${run.key.value}`) },
    { text: shownTime(run.created) },
    { text: lengthWords(run, now) },
    { text: run.id, colour: paint.bold },
  ])
  const [title = '', ...entries] = table(['STATUS', 'NAME', 'KEY', 'BEGAN', 'TOOK', 'RUN'], rows, Infinity, paint)
  return [
    title,
    ...entries.flatMap((line, index) => {
      const run = items[index]
      if (run === undefined || run.status === 'completed') return [line]
      const words = `${' '.repeat(11)}${oneLine(waitingLine(run, now, place))}`
      // Half a command would be another one.
      return [line, paint.dim(words.includes(COMMAND) ? words : cut(words, Math.max(columns, 60)))]
    }),
  ]
}

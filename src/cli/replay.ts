// `ballet replay`: would the code of today do what the journals of this store say? The check before a deploy. It reads
// the file beside a running application, holds no lock, and does nothing but run the code of workflows up to where
// their runs stand.
import { existsSync, writeSync } from 'node:fs'
import { showMs } from '../core/duration.ts'
import { fault } from '../core/errors.ts'
import { requireFit } from '../define/fit.ts'
import type { ReplayedRun } from '../engine/offline-replay.ts'
import type { Command } from './command.ts'
import { findStore, shownPlace } from './discovery.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { loadApplication } from './load-application.ts'
import { ownOutputAside } from './own-output.ts'
import type { Paint } from './paint.ts'
import { oneLine, printable } from './printable.ts'
import { readerOf } from './store-reads.ts'
import type { Terminal } from './terminal.ts'

/** Of the runs that have ended, the newest so many. */
const ENDED = 1000
const PROGRESS_MS = 2000
/** Code that does not end its turn for so long ends the command, which says in which run (engine/watchdog.ts). */
const HANGS_MS = 30_000

export const replay: Command = {
  name: 'replay',
  about: 'Replay stored journals against the code of today, without doing anything: the check before a deploy.',
  words: [{ name: 'app.ts', about: 'File whose default export is ballet({ ... }).' }],
  options: {
    run: { value: '<id>', about: `One run; default: all open ones and the newest ${ENDED} that have ended.` },
    store: { value: '<url>', about: 'The store whose journals are read; default: .ballet here or above.' },
  },
  examples: ['ballet replay app.ts', 'ballet replay app.ts --run checkout:8841 --store file:/var/lib/shop/app.db'],
  async run(given, terminal) {
    const [path = ''] = given.words
    const json = given.flag('json')
    const found = findStore(given, terminal)
    if (found === null) throw fault('STORE_MISSING', { path: `${terminal.cwd}/.ballet` })
    if (found.place.kind === 'memory')
      throw fault('USAGE', { problem: 'A store in memory has no journals that another process could read.' })
    if (found.place.kind === 'file' && !existsSync(found.place.path))
      throw fault('STORE_MISSING', { path: found.place.path })
    const { definition, options } = await ownOutputAside(() => loadApplication(path, terminal.cwd))
    requireFit(definition)
    const [reader, { OfflineReplay }, { startWatchdog }] = await Promise.all([
      readerOf(found.place, terminal.clock),
      import('../engine/offline-replay.ts'),
      import('../engine/watchdog.ts'),
    ])
    if (reader === null) throw fault('STORE_MISSING', { path: found.place.url })
    const watchdog = startWatchdog(HANGS_MS)
    let stopWatching = (): void => {}
    try {
      terminal.note(`Reading ${shownPlace(found.place, terminal)}, read-only.`)
      const replaying = new OfflineReplay({
        definition,
        reader,
        current: watchdog.current,
        codec: options.codec,
        namespace: options.namespace,
      })
      stopWatching = watchExit(() => replaying.underWay)
      const id = given.text('run')
      const runs = id === undefined ? replaying.all(ENDED) : one(replaying.one(id))
      return await ownOutputAside(() => tell(runs, json, terminal))
    } finally {
      stopWatching()
      watchdog.stop()
      await reader.close()
    }
  },
}

/** Code of a run may end the process: then it is said which run that was. Returns how to stop. */
function watchExit(underWay: () => string | null): () => void {
  const exited = (): void => {
    const run = underWay()
    if (run === null) return
    // What is printed in the usual way does not arrive any more.
    writeSync(2, `ballet: the code of the run "${printable(run)}" has ended the process.\n`)
    process.exitCode = EXIT.stuck
  }
  process.once('exit', exited)
  return () => void process.off('exit', exited)
}

async function* one(run: Promise<ReplayedRun>): AsyncGenerator<ReplayedRun> {
  yield await run
}

/** Prints each run as it is done, then the sum. With --json one document at the end. */
async function tell(runs: AsyncGenerator<ReplayedRun>, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const { clock, paint, out, note } = terminal
  const counts = { ok: 0, diverged: 0, threw: 0, unreadable: 0, skipped: 0 }
  const kept: ReplayedRun[] = []
  const began = clock.now()
  let turns = 0
  let told = began
  for await (const run of runs) {
    counts[run.verdict] += 1
    turns += run.turns
    if (json) kept.push(run)
    else for (const line of lines(run, paint)) out(line)
    if (clock.now() - told < PROGRESS_MS) continue
    told = clock.now()
    note(`${sum(counts)}, ${turns} turns so far`)
  }
  const ms = clock.now() - began
  if (json) out(JSON.stringify({ ...counts, turns, ms, runs: kept }))
  else out(`${sum(counts)}; ${turns} turn${turns === 1 ? '' : 's'} in ${showMs(ms)}.`)
  if (counts.diverged + counts.threw > 0) return EXIT.stuck
  return counts.unreadable > 0 ? EXIT.failed : EXIT.ok
}

type Counts = Readonly<Record<ReplayedRun['verdict'], number>>

function sum({ ok, diverged, threw, unreadable, skipped }: Counts): string {
  const all = ok + diverged + threw + unreadable + skipped
  const parts = [
    `${ok} ok`,
    `${diverged} diverged`,
    ...(threw === 0 ? [] : [`${threw} would throw again`]),
    ...(unreadable === 0 ? [] : [`${unreadable} cannot be read`]),
    ...(skipped === 0 ? [] : [`${skipped} without anything to replay`]),
  ]
  return `${all} run${all === 1 ? '' : 's'}: ${parts.join(', ')}`
}

function lines(run: ReplayedRun, { green, red, yellow, dim }: Paint): readonly string[] {
  const id = printable(run.id)
  const turns = `${run.turns} turn${run.turns === 1 ? '' : 's'}`
  switch (run.verdict) {
    case 'ok':
      return [`${green('ok')}        ${id}  ${dim(turns)}`]
    case 'diverged':
      return [
        `${red('diverged')}  ${id}  ${dim(`at turn ${run.seq ?? 0}`)}`,
        ...(run.diff ?? '').split('\n').map((line) => `  ${printable(line)}`),
      ]
    case 'threw':
      return [`${red('threw')}     ${id}  and throws again: ${oneLine(run.problem ?? '')}`]
    case 'unreadable':
      return [`${red('damaged')}   ${id}  its rows cannot be read: ${oneLine(run.problem ?? '')}`]
    case 'skipped':
      return [`${yellow('skipped')}   ${id}  ${oneLine(run.problem ?? '')}`]
  }
}

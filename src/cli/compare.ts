// `ballet compare`: the same orders through the same services in every style that an application has, one style after the
// other, each on a store of its own in a process of its own. What is shown is read from the journal and from the ledgers
// of the services when all orders are over.
//
//   playing --a fifth has ended, kill-process--> killed --exit--> playing      playing --all over--> read
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../core/errors.ts'
import type { Clock } from '../core/clock.ts'
import { ownProgram } from '../core/own-files.ts'
import type { Command } from './command.ts'
import type { StyleFigures } from './compare/figures.ts'
import { loadComparison } from './compare/load.ts'
import { faultOf, faultWords, type Counters, type PlayNews, type PlayOrder } from './compare/plan.ts'
import { compared, explained, markdownTable, type StyleResult } from './compare/table.ts'
import { EXIT } from './exit-code.ts'
import { untilAsked } from './lifetime.ts'
import { ownOutputAside } from './own-output.ts'
import { usage, wholeNumber } from './parse.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'

const program = ownProgram('cli/compare/worker')

export const compare: Command = {
  name: 'compare',
  about: 'Carry the same orders through in every style and compare what it took.',
  words: [{ name: 'app.ts', about: 'File with the application, and with export const comparison.' }],
  options: {
    orders: { value: '<count>', about: 'Of each style, 10 to 100000; default 1000.' },
    inflight: { value: '<count>', about: 'Orders under way at once, 1 to 1000; default 32.' },
    fault: { value: '<fault>', about: '<service>-down:<time>, slow-<service>:<time> or kill-process; default: none.' },
    markdown: { about: 'Print a table for a document.' },
    explain: { about: 'Say what each row means.' },
  },
  examples: [
    'ballet compare examples/shop/shop.ts --orders 1000',
    'ballet compare examples/shop/shop.ts --fault payment-down:10s --markdown',
  ],
  async run(given, terminal) {
    const [path = ''] = given.words
    const orders = wholeNumber(compare, given, 'orders', 100_000, 10) ?? 1000
    const inFlight = wholeNumber(compare, given, 'inflight', 1000) ?? 32
    const planned = faultOf(given.text('fault'))
    if (planned === null) {
      const wrong = `--fault must be <service>-down:<time>, slow-<service>:<time> or kill-process, not "${given.text('fault')}".`
      throw usage(compare, wrong)
    }
    const { comparison, definition } = await ownOutputAside(() => loadComparison(path, terminal.cwd))
    const services = definition.services.map(({ name }) => name)
    if ('service' in planned && !services.includes(planned.service))
      throw usage(compare, `There is no service "${planned.service}" here: ${services.join(', ')}.`)
    const asked = untilAsked()
    const results: StyleResult[] = []
    for (const style of comparison.styles) {
      const folder = mkdtempSync(join(tmpdir(), 'ballet-compare-'))
      try {
        const order = { file: resolve(terminal.cwd, path), folder, style, orders, inFlight, fault: planned }
        terminal.note(`${style}: ${orders} orders, ${inFlight} at once; ${faultWords(planned)}`)
        const play = new StylePlay(order, terminal.clock)
        const isAsked = await Promise.race([play.result.then(() => false), asked.then(() => true)]).finally(() =>
          play.end(),
        )
        if (isAsked) return EXIT.unavailable
        results.push(await play.result)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
    const value = { orders, inFlight, fault: planned, styles: Object.fromEntries(zip(comparison.styles, results)) }
    print(terminal, given.flag('json'), value, () =>
      shown(given.flag('markdown'), comparison.styles, results, terminal),
    )
    if (given.flag('explain')) for (const { title, means } of explained) terminal.note(`${title}: ${means}`)
    const isClean = results.every(({ lost, duplicated, notUndone }) => lost + duplicated + notUndone === 0)
    return isClean ? EXIT.ok : EXIT.failed
  },
}

const zip = <One, Other>(ones: readonly One[], others: readonly Other[]): readonly (readonly [One, Other])[] =>
  ones.map((one, index) => [one, others[index] as Other])

function shown(
  isMarkdown: boolean,
  styles: readonly string[],
  results: readonly StyleResult[],
  { columns, paint }: Terminal,
): readonly string[] {
  if (isMarkdown) return markdownTable(['', ...styles], compared(results, true))
  const cells = compared(results, false).map((row) => row.map((text) => ({ text })))
  return table(['', ...styles.map((style) => style.toUpperCase())], cells, columns, paint)
}

const NOTHING: Counters = { commits: 0, rows: 0, cpuMs: 0 }

/** One style: its process, which is killed once when that was asked for. */
class StylePlay {
  readonly result: Promise<StyleResult>
  readonly #order: PlayOrder
  readonly #clock: Clock
  readonly #done = Promise.withResolvers<StyleResult>()
  #child: ChildProcess | null = null
  #ended = 0
  #killedAt: number | null = null
  #recoveryMs: number | null = null
  /** Of processes that are gone. */
  #before: Counters = NOTHING
  #latest: Counters = NOTHING

  constructor(order: PlayOrder, clock: Clock) {
    this.#order = order
    this.#clock = clock
    this.result = this.#done.promise
    this.#start()
  }

  /** Its process is gone, whatever it was doing. */
  end(): void {
    this.#child?.kill('SIGKILL')
  }

  #start(): void {
    const args = [fileURLToPath(program), JSON.stringify(this.#order)]
    const { execPath, execArgv } = process
    const child = spawn(execPath, [...execArgv, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child = child
    const isAfterKill = this.#killedAt !== null
    child.on('error', (error) => this.#fail(error.message))
    child.on('message', (message) => this.#hear(message as PlayNews<StyleFigures>, child, isAfterKill))
    child.on('exit', (code, signal) => {
      this.#before = sum(this.#before, this.#latest)
      this.#latest = NOTHING
      if (signal === 'SIGKILL' && this.#killedAt !== null && !isAfterKill) return this.#start()
      this.#fail(`its process ended with ${signal ?? code}`)
    })
  }

  #hear(news: PlayNews<StyleFigures>, child: ChildProcess, isAfterKill: boolean): void {
    if (news.kind === 'failed') return this.#fail(news.problem)
    this.#latest = news.counters
    if (news.kind === 'over') return this.#over(news.figures)
    // What the killed one had said may be heard after the kill.
    if (isAfterKill) this.#recoveryMs ??= this.#clock.now() - (this.#killedAt ?? 0)
    const { fault: planned, orders } = this.#order
    this.#ended += 1
    if (planned.kind !== 'kill' || this.#killedAt !== null || this.#ended < Math.ceil(orders / 5)) return
    this.#killedAt = this.#clock.now()
    child.kill('SIGKILL')
  }

  #over(figures: StyleFigures): void {
    const counters = sum(this.#before, this.#latest)
    this.#done.resolve({ ...figures, counters, recoveryMs: this.#recoveryMs })
  }

  /** Nothing happens when all was over. */
  #fail(problem: string): void {
    this.#done.reject(fault('COMPARE_FAILED', { style: this.#order.style, problem }))
  }
}

function sum(one: Counters, other: Counters): Counters {
  return {
    commits: one.commits + other.commits,
    rows: one.rows + other.rows,
    cpuMs: one.cpuMs + other.cpuMs,
  }
}

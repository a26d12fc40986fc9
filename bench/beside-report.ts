// What rounds of systems beside each other gave: every figure as a JSON line, the ratios of the engine to each other
// system, and tables for people.
import { crowds, type Contender, type Crowd, type Round, type Sample } from './beside.ts'
import { Figures, median } from './figures.ts'

/** What a ratio should be, by the crowd and the name of the contender that the engine is compared with. */
export type Bars = (crowd: Crowd, contender: Contender) => { readonly orders?: string; readonly p50?: string }

const measures = [
  ['orders', '1/s', (one: Sample) => one.perSecond],
  ['p50', 'ms', (one: Sample) => one.p50Ms],
  ['p99', 'ms', (one: Sample) => one.p99Ms],
  ['CPU of an order, all processes', 'us', (one: Sample) => one.cpuUs],
  ['share of the processors that others had', 'ratio', (one: Sample) => one.others],
] as const

const title = ({ name, mode }: Contender): string => `${name}, ${mode}`

export class BesideReport {
  readonly #rounds: readonly Round[]
  readonly #contenders: readonly Contender[]

  constructor(rounds: readonly Round[]) {
    this.#rounds = rounds
    this.#contenders = [...(rounds[0]?.keys() ?? [])].sort((a, b) => a.mode.localeCompare(b.mode))
  }

  /** Says every figure of every contender. */
  tell(say: (line: object) => void): void {
    const figures = new Figures(say)
    for (const crowd of crowds) {
      for (const contender of this.#contenders) {
        for (const [what, unit, value] of measures) {
          figures.add(`${crowd} in flight: ${title(contender)}: ${what}`, unit, this.#values(contender, crowd, value))
        }
      }
    }
  }

  /** The engine beside every other contender of the same mode, in the rounds that both were in. */
  compare(engine: string, figures: Figures, bars: Bars): void {
    for (const crowd of crowds) {
      for (const own of this.#contenders.filter(({ name }) => name === engine)) {
        for (const other of this.#contenders.filter((one) => one !== own && one.mode === own.mode)) {
          this.#compare(own, other, crowd, figures, bars)
        }
      }
    }
  }

  #compare(own: Contender, other: Contender, crowd: Crowd, figures: Figures, bars: Bars): void {
    const { orders, p50 } = bars(crowd, other)
    const add = (what: string, value: (one: Sample) => number, bar?: string): void => {
      const ratios = this.#rounds.flatMap((round) => {
        const [a, b] = [round.get(own)?.[crowd], round.get(other)?.[crowd]]
        return a === undefined || b === undefined ? [] : [value(a) / value(b)]
      })
      figures.add(`${crowd} in flight, ${own.mode}: ${what} of ${own.name} / ${other.name}`, 'ratio', ratios, bar)
    }
    add('orders/s', (one) => one.perSecond, orders)
    if (crowd === 1) add('p50', (one) => one.p50Ms, p50)
    else add('CPU of an order', (one) => one.cpuUs)
  }

  /** A table for each crowd: medians, and for the orders the least and the most. */
  tables(): string {
    return crowds.map((crowd) => `${crowd} in flight\n${this.#table(crowd)}`).join('\n\n')
  }

  #table(crowd: Crowd): string {
    const rows = this.#contenders.map((contender) => {
      const rates = this.#values(contender, crowd, (one) => one.perSecond)
      const shown = measures.map(([, , value]) => median(this.#values(contender, crowd, value)))
      const [rate = 0, p50 = 0, p99 = 0, cpu = 0, others = 0] = shown
      const spread = `${Math.round(Math.min(...rates))} - ${Math.round(Math.max(...rates))}`
      const times = [p50, p99].map((ms) => (ms < 100 ? ms.toPrecision(3) : ms.toFixed(0)))
      const known = (value: number, text: string): string => (Number.isNaN(value) ? '-' : text)
      const shares = [known(cpu, cpu.toFixed(0)), known(others, `${(others * 100).toFixed(0)} %`)]
      return [title(contender), rate.toFixed(0), spread, ...times, ...shares]
    })
    const lines = [['system', 'orders/s', 'least - most', 'p50 ms', 'p99 ms', 'CPU of an order us', 'others'], ...rows]
    const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
    const cell = (text: string, column: number): string =>
      column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
    return lines.map((line) => line.map(cell).join('  ')).join('\n')
  }

  #values(contender: Contender, crowd: Crowd, value: (one: Sample) => number): number[] {
    return this.#rounds.flatMap((round) => {
      const one = round.get(contender)?.[crowd]
      return one === undefined ? [] : [value(one)]
    })
  }
}

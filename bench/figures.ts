// Figures: a name, a unit and what each round gave. Shown as a JSON line as soon as they are known, and in a table at
// the end. The median speaks, the least and the most say how far to trust it.

export interface Figure {
  readonly figure: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
  /** What the design asks for, where it does. */
  readonly bar?: string
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** The value below which `share` of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

export class Figures {
  readonly #all: Figure[] = []
  readonly #emit: (figure: Figure) => void

  constructor(emit: (figure: Figure) => void) {
    this.#emit = emit
  }

  add(figure: string, unit: string, values: readonly number[], bar?: string): void {
    const least = Math.min(...values)
    const most = Math.max(...values)
    const added = {
      figure,
      unit,
      median: round(median(values)),
      min: round(least),
      max: round(most),
      rounds: values.length,
    }
    this.#all.push(bar === undefined ? added : { ...added, bar })
    this.#emit(this.#all.at(-1) as Figure)
  }

  /** A table for people. */
  table(): string {
    const rows = this.#all.map((one) => [
      one.figure,
      String(one.median),
      String(one.min),
      String(one.max),
      one.unit,
      one.bar ?? '',
    ])
    const lines = [['figure', 'median', 'min', 'max', 'unit', 'bar'], ...rows]
    const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
    const numeric = (column: number): boolean => column >= 1 && column <= 3
    return lines
      .map((line) =>
        line
          .map((cell, column) =>
            numeric(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
          )
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  }
}

/** Three digits that mean something. */
function round(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}

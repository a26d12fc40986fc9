// Lists as columns. The last column takes what is left of the line; the others are as wide as what stands in them.
import type { Paint } from './paint.ts'
import { cut, oneLine } from './printable.ts'

export interface Cell {
  readonly text: string
  readonly colour?: (text: string) => string
}

/** The lines of a table. Cells come as they are; they are made printable here. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns: number,
  paint: Paint,
): readonly string[] {
  const safe = rows.map((row) => row.map(({ text, colour }) => ({ text: oneLine(text), colour: colour ?? plainly })))
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...safe.map((row) => row[index]?.text.length ?? 0)),
  )
  const line = (cells: readonly { readonly text: string; readonly colour: (text: string) => string }[]): string => {
    let used = 0
    const parts = cells.map(({ text, colour }, index) => {
      const isLast = index === titles.length - 1
      const width = widths[index] ?? 0
      const shown = isLast ? cut(text, Math.max(20, columns - used)) : text
      used += width + 2
      return `${colour(shown)}${isLast ? '' : ' '.repeat(width - text.length)}`
    })
    return parts.join('  ').trimEnd()
  }
  return [line(titles.map((text) => ({ text, colour: paint.dim }))), ...safe.map(line)]
}

function plainly(text: string): string {
  return text
}

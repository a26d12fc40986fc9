// A long campaign in slices: each is a campaign of its own, and its figures are one line of a report that is only ever
// appended to. Whoever starts again with the same report goes on where it ends, so that no part has to last for long.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Figures } from './figures.ts'

const counts = z.record(z.string(), z.number())
const SliceShape = z.object({
  seed: z.number(),
  seconds: z.number(),
  figures: z.object({
    orders: z.number(),
    acks: z.number(),
    unknown: z.number(),
    nacks: z.number(),
    blows: counts,
    hits: counts,
    inUndo: z.number(),
    inRecovery: z.number(),
    redelivered: z.number(),
    acrossKills: z.number(),
    outcomes: counts,
    endings: counts,
    cancellations: counts,
  }),
  /** What the audit found; null for an auditor that nobody asked. */
  findings: z.number(),
  /** Orders that the audit found to be lost. */
  lost: z.number(),
  isAuditorSilent: z.boolean().nullable(),
})

/** One line of a report. */
export type Slice = z.infer<typeof SliceShape>

/** The slices that a report has; none when there is no such file. */
export function readReport(file: string): Slice[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => SliceShape.parse(JSON.parse(line)))
}

export function appendSlice(file: string, slice: Slice): void {
  appendFileSync(file, `${JSON.stringify(slice)}\n`)
}

/** All slices as one. */
export function total(
  slices: readonly Slice[],
): Figures & { readonly seconds: number; readonly findings: number; readonly lost: number } {
  const sum = (of: (slice: Slice) => number): number => slices.reduce((all, slice) => all + of(slice), 0)
  const sums = (of: (slice: Slice) => Readonly<Record<string, number>>): Record<string, number> => {
    const words = new Set(slices.flatMap((slice) => Object.keys(of(slice))))
    return Object.fromEntries([...words].map((word) => [word, sum((slice) => of(slice)[word] ?? 0)]))
  }
  return {
    seconds: Math.round(sum(({ seconds }) => seconds)),
    findings: sum(({ findings }) => findings),
    lost: sum(({ lost }) => lost),
    orders: sum(({ figures }) => figures.orders),
    acks: sum(({ figures }) => figures.acks),
    unknown: sum(({ figures }) => figures.unknown),
    nacks: sum(({ figures }) => figures.nacks),
    blows: sums(({ figures }) => figures.blows),
    hits: sums(({ figures }) => figures.hits),
    inUndo: sum(({ figures }) => figures.inUndo),
    inRecovery: sum(({ figures }) => figures.inRecovery),
    redelivered: sum(({ figures }) => figures.redelivered),
    acrossKills: sum(({ figures }) => figures.acrossKills),
    outcomes: sums(({ figures }) => figures.outcomes),
    endings: sums(({ figures }) => figures.endings),
    cancellations: sums(({ figures }) => figures.cancellations),
  }
}

// Adds up what many stories came to. Used by both campaigns, in memory and on PostgreSQL.
import type { Figures } from '../../src/testing/simulation/stage.ts'

export const noFigures = (): Figures => ({
  processes: 0,
  crashes: 0,
  fenced: 0,
  runs: 0,
  events: 0,
  virtualMs: 0,
  faults: {},
})

/** Adds up numbers, and what holds numbers. */
export function add(sum: object, more: object): void {
  const sums = sum as Record<string, unknown>
  for (const [name, value] of Object.entries(more) as [string, unknown][]) {
    if (typeof value === 'number') sums[name] = Number(sums[name] ?? 0) + value
    else if (typeof value === 'object' && value !== null) add((sums[name] ??= {}), value)
  }
}

// Asks an auditor who has never seen the engine about the orders of many stories: all of them as if they had been one
// campaign of kills, story after story.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askAuditor, writeEvidence } from '../chaos/evidence.ts'
import { Records } from '../chaos/records.ts'
import type { ShopEvidence } from './shop.ts'

/** Longer than a story. */
const STORY_MS = 3_600_000

/** What it says; silent when it finds nothing. */
export async function auditedBy(
  auditor: string,
  evidence: readonly (ShopEvidence & { readonly seed: number })[],
): Promise<{ readonly isSilent: boolean; readonly said: string }> {
  const records = new Records()
  const effects = evidence.flatMap(({ seed, orders, effects: own }, index) => {
    const named = (id: string): string => `${seed}-${id}`
    for (const row of orders) {
      const renamed = { ...row, id: named(row.id), t: row.t + index * STORY_MS }
      records.order('run' in renamed ? { ...renamed, run: named(renamed.run) } : renamed)
      if (renamed.type === 'submit') records.orders.splice(-1, 1, { ...renamed, key: named(renamed.key) })
    }
    // What answers after it was taken back is taken back again, under another key (ADR 19).
    const meant = own.filter(({ key }) => !key.includes('~late:'))
    return meant.map((line) => ({ ...line, run: named(line.run), t: line.t + index * STORY_MS }))
  })
  const folder = mkdtempSync(join(tmpdir(), 'ballet-simulate-'))
  try {
    writeEvidence(folder, { records, effects })
    const acks = new Set(records.orders.flatMap(({ type, id }) => (type === 'ack' ? [id] : []))).size
    const endings = [...new Set(records.orders.flatMap((row) => (row.type === 'final' ? [row.status] : [])))]
    return await askAuditor(auditor, folder, { acks, hits: {}, redelivered: 0, endings })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

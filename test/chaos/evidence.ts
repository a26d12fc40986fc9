// The evidence of a campaign as files, one JSON object a line, for an auditor who has never seen the engine; and the
// verdict of one, when there is one to ask. The files have the form that such an auditor reads:
//
//   orders.jsonl   {t, type: submit | ack | nack | unknown | cancel | final, id, ...}
//   effects.jsonl  {t, run, step, key, outcome: applied | deduped | refused | failed, ...}
//   faults.jsonl   {t, type: fault | heal, kind, target}
//   flow.json      {name, steps, terminal}
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Least } from './audit.ts'
import type { Evidence } from './campaign.ts'
import type { Records } from './records.ts'
import type { Flow } from './story.ts'

const flowFile = fileURLToPath(new URL('../../examples/shop/flow.json', import.meta.url))
const FlowShape: z.ZodType<Flow> = z.object({
  steps: z.array(
    z.object({
      name: z.string(),
      after: z.array(z.string()).optional(),
      undo: z.string().optional(),
      optional: z.boolean().optional(),
    }),
  ),
  terminal: z.record(z.string(), z.enum(['all', 'none'])),
})

/** What the ledger of an order of the shop must look like. */
export const flow: Flow = FlowShape.parse(JSON.parse(readFileSync(flowFile, 'utf8')))

const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** Writes what the clients were told and what was done to the shop into a folder, which is made when it is not there. */
export function writeRecords(folder: string, { orders, faults }: Pick<Records, 'orders' | 'faults'>): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'orders.jsonl'), lines(orders))
  writeFileSync(join(folder, 'faults.jsonl'), lines(faults))
}

/** Writes all of the files into a folder, which is made when it is not there. */
export function writeEvidence(folder: string, { records, effects }: Evidence): void {
  writeRecords(folder, records)
  writeFileSync(join(folder, 'effects.jsonl'), lines(effects))
  copyFileSync(flowFile, join(folder, 'flow.json'))
}

/** Runs an auditor of somebody else over the files; true when it finds nothing. */
export async function askAuditor(
  auditor: string,
  folder: string,
  { acks, hits, redelivered, endings }: Least,
): Promise<{ readonly isSilent: boolean; readonly said: string }> {
  const files = ['orders', 'effects', 'faults'].flatMap((name) => [`--${name}`, join(folder, `${name}.jsonl`)])
  const faults = Object.values(hits).reduce((sum, needed) => sum + needed, 0)
  const least = ['--min-acks', acks, '--min-faults', faults, '--min-redelivered', redelivered]
  if (endings.length > 0) least.push('--outcomes', endings.join(','))
  const child = spawn(
    process.execPath,
    [auditor, ...files, '--flow', join(folder, 'flow.json'), ...least.map(String)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const closed = once(child, 'close')
  const [out, wrong] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { isSilent: child.exitCode === 0, said: (out + wrong).trimEnd() }
}

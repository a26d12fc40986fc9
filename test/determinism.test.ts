// Random concurrent programs, crashed at every prefix and replayed, on machines of core and on the real engine; and the
// same checks with a rule broken on purpose, which must find it. The campaigns run in a process of their own
// (determinism/main.ts); a failure here prints its stories, each with the command that brings it back.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { EngineFigures } from './determinism/engine-campaign.ts'
import type { MachineFigures, Tally } from './determinism/machine-campaign.ts'

const MAIN = fileURLToPath(new URL('determinism/main.ts', import.meta.url))
/** `BALLET_SEED` moves the campaigns to other programs. */
const SEED = process.env['BALLET_SEED'] ?? '1'

/** The figures of a campaign. */
function campaign(level: 'machine', programs: number): Promise<MachineFigures>
function campaign(level: 'engine', programs: number): Promise<EngineFigures>
function campaign(level: string, programs: number): Promise<unknown> {
  const args = [MAIN, '--json', '--level', level, '--programs', String(programs), '--seed', SEED, '--crashes', '8']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`the campaign from seed ${SEED} on broke: ${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout))
    })
  })
}

const share = ({ cases, different }: Tally): number => different / cases

test('a run replays from every prefix of its journal', { timeout: 120_000 }, async () => {
  const figures = await campaign('machine', 300)
  const { stories, crashes, continued, padded, swapped, batched, numbered, reversed, hasty, forgetful } = figures
  expect(stories).toEqual([])
  expect([crashes.different, continued.different, padded.different]).toEqual([0, 0, 0])
  expect(crashes.cases + continued.cases).toBeGreaterThanOrEqual(5000)
  // Deliveries in another order, several in one macrotask, ids by a running number: each is found.
  expect(share(swapped)).toBeGreaterThan(0.4)
  expect(share(batched)).toBeGreaterThan(0.25)
  expect(share(numbered)).toBeGreaterThan(0.2)
  // What is given up in another order, taken back before it has settled, or not at all: each is found.
  expect(Math.min(figures.cancelled, figures.undone)).toBeGreaterThan(100)
  expect(share(reversed)).toBeGreaterThan(0.8)
  expect(share(hasty)).toBeGreaterThan(0.5)
  expect(share(forgetful)).toBeGreaterThan(0.05)
})

test('the engine brings every run to its end after a crash at any commit', { timeout: 120_000 }, async () => {
  const { stories, cancelled, crashes, journals, exchanged, lost } = await campaign('engine', 30)
  expect(stories).toEqual([])
  expect([crashes.different, journals.different]).toEqual([0, 0])
  expect(crashes.cases).toBeGreaterThan(200)
  expect(cancelled).toBeGreaterThan(100)
  // Rows of a journal exchanged, a commit lost that was acknowledged: each is found.
  expect(share(exchanged)).toBeGreaterThan(0.3)
  expect(share(lost)).toBeGreaterThan(0.7)
})

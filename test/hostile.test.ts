// Hostile inputs of every place: each route of the table, each word and option of each command, each payload, each value
// that code of an application can hand over or throw. They go to a real process over real sockets, on a SQLite store;
// test/hostile holds the campaign, `npm run hostile` runs longer ones and prints the line that brings a finding back.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Figures } from './hostile/campaign.ts'

const MAIN = fileURLToPath(new URL('hostile/main.ts', import.meta.url))
/** The same inputs each time; `BALLET_SEED` takes others, as `npm run hostile` does. */
const SEED = Number(process.env['BALLET_SEED'] ?? 20261127)

/** Runs a campaign in a process of its own, so that what its judges compute does not slow the tests' process down. */
function campaign(inputs: number, ...more: readonly string[]): Promise<Figures> {
  const args = [MAIN, '--json', '--inputs', String(inputs), '--seed', String(SEED), ...more]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`the campaign of seed ${SEED} broke: ${stderr}`, { cause: error }))
      else resolve(JSON.parse(stdout) as Figures)
    })
  })
}

test(
  'F23: hostile inputs of every place: they are taken as they are or refused with a code, and nobody else notices',
  { timeout: 150_000 },
  async () => {
    const { findings, unknownRoutes, ...figures } = await campaign(2200)
    console.info(`seed ${SEED}: ${JSON.stringify(figures)}`)
    const again = findings.map((finding) => ({ ...finding, again: `--seed ${SEED} --only ${finding.number}` }))
    expect(again).toEqual([])
    expect(unknownRoutes).toEqual([])
    expect(figures.sent).toBeGreaterThanOrEqual(2000)
    expect(figures.places).toBeGreaterThan(200)
    // A campaign in which everything is refused at the door, or nothing is, proves little.
    expect(figures.taken).toBeGreaterThan(300)
    expect(Object.keys(figures.refused).length).toBeGreaterThan(15)
  },
)

test(
  'an input that blocks the event loop is found, and named by a number that brings it back',
  { timeout: 60_000 },
  async () => {
    // With a limit that nothing can keep, an input that is sent again alone is blamed.
    const { findings } = await campaign(1, '--limit', '0')
    expect(findings).toEqual([
      expect.objectContaining({ fault: expect.stringContaining('the event loop stood still') }),
    ])
    const { findings: same } = await campaign(1, '--limit', '0', '--only', String(findings[0]?.number))
    expect(same.map(({ place, name }) => [place, name])).toEqual(findings.map(({ place, name }) => [place, name]))
  },
)

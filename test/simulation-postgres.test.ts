// A few stories of the simulator on a real PostgreSQL, and the store without its fence, which they must find. In processes of
// their own, as the stories in memory are.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { serverUrl } from './postgres/subject.ts'
import type { ServerCampaign } from './simulation/postgres/campaign.ts'

const MAIN = fileURLToPath(new URL('simulation/main.ts', import.meta.url))
const SEED = process.env['BALLET_SEED'] ?? '1'

async function simulate(...args: readonly string[]): Promise<{ readonly out: string; readonly words: string }> {
  const env = { ...process.env, BALLET_TEST_PG: await serverUrl() }
  const all = [MAIN, '--store', 'postgres', '--json', ...args]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, all, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`the simulator broke: ${stderr}`, { cause: error }))
      else resolve({ out: stdout, words: stderr })
    })
  })
}

test(
  'F1: on PostgreSQL nodes die, freeze and end, connections are cut and replies of commits lost: eleven stories end as they must',
  { timeout: 120_000 },
  async () => {
    const { out, words } = await simulate('--seeds', '11', '--seed', SEED)
    const { stories, found, figures, byWorkload } = JSON.parse(out) as ServerCampaign
    expect(words).toBe('')
    expect([stories, found]).toEqual([11, []])
    expect(byWorkload).toEqual({ tally: 3, relay: 2, shop: 2, programs: 2, releases: 1, 'tight tally': 1 })
    // Where nothing happens, nothing is proved. What befalls whom in eleven stories is a matter of the seed.
    expect(figures.processes).toBeGreaterThanOrEqual(19)
    expect(figures.runs).toBeGreaterThan(20)
    expect(Object.keys(figures.faults).length).toBeGreaterThanOrEqual(3)
  },
)

test('a store on PostgreSQL without its fence is found', { timeout: 240_000 }, async () => {
  const { out } = await simulate('--mutant', 'no-fence-in-postgres')
  expect(JSON.parse(out)).toMatchObject({ name: 'no-fence-in-postgres', found: true })
})

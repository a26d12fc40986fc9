// The shop is killed in the middle of fourteen orders of each style, by SIGKILL and as a real process, and started again on
// the same store: every order ends as it has to, and the ledgers of the services agree with what the clients were told.
// test/kills holds the campaign; `npm run kills` runs longer ones.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { audit } from './kills/audit.ts'
import { runCampaign } from './kills/campaign.ts'
import { flow } from './kills/evidence.ts'
import { count } from './kills/figures.ts'

/** How orders end, all of which must be seen. */
const endings = ['confirmed', 'declined', 'refunded', 'cancelled']
/** BALLET_SEED brings a campaign that failed back, as far as its orders, faults and moments go. */
const seed = Number(process.env['BALLET_SEED'] ?? randomInt(2 ** 32))

test(
  'F1: the shop is killed again and again: fourteen orders of each style end as they have to',
  { timeout: 150_000 },
  async () => {
    // Kills that met nothing at work prove nothing: then another campaign is run. Any other finding stands.
    for (let campaign = 0; ; campaign++) {
      const folder = mkdtempSync(join(tmpdir(), 'ballet-kills-'))
      const own = seed + campaign
      const { records, effects } = await runCampaign({ kills: 6, orders: 28, seed: own, folder, stallMs: 30_000 })
      const seen = { orders: records.orders, effects, faults: records.faults }
      const least = { acks: 28, hits: 3, redelivered: 1, endings }
      const findings = audit({ ...seen, flow, least })
      const isVacuous = findings.length > 0 && findings.every(({ rule }) => rule === 'VACUOUS')
      if (isVacuous && campaign < 3) continue
      expect(findings, `seed ${own}, store in ${folder}, ${JSON.stringify(count(seen))}`).toEqual([])
      rmSync(folder, { recursive: true })
      return
    }
  },
)

// The shop is killed at a few of the writes and syncs of its store's files, in the middle of an order of each style that
// is taken back; `npm run crash-points` goes through all of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { prepareShop } from './chaos/shop-process.ts'
import { scenes } from './crash-points/scenes.ts'
import { findPoints, judge } from './crash-points/sweep.ts'
import { whyNoTrace } from './crash-points/trace.ts'

const POINTS = 6
const names = ['orchestrated, not deliverable', 'choreographed, cancelled at once']

test(
  'F1: the shop dies at a write or a sync of its store: it goes on, and every order ends as it has to',
  { timeout: 120_000 },
  async (context) => {
    const why = whyNoTrace()
    if (why !== null) return context.skip(`left out: ${why}`)
    const base = mkdtempSync(join(tmpdir(), 'ballet-base-'))
    onTestFinished(() => rmSync(base, { recursive: true }))
    await prepareShop(base)
    const of = scenes.filter(({ name }) => names.includes(name))
    expect(of.map(({ name }) => name)).toEqual(names)
    // A point near the end of a scene may not come a second time; then the next has to do.
    let killed = 0
    for (const point of await findPoints(base, of)) {
      const { isKilled, findings } = await judge(point, base)
      expect(findings, `${point.scene.name}: ${point.call} ${point.k} of ${point.file}`).toEqual([])
      if (isKilled) killed += 1
      if (killed === POINTS) break
    }
    expect(killed).toBe(POINTS)
  },
)

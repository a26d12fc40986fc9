// Goes through points: all that the scenes have, in an order in which each call on each file of each scene has its turn, so
// that a part of a sweep is a part of everything. Each is played and judged by the audit, and by another auditor when one is named.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit } from '../chaos/audit.ts'
import { askAuditor, flow, writeEvidence } from '../chaos/evidence.ts'
import { count } from '../chaos/figures.ts'
import { shuffle } from '../chaos/orders.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { playAt, pointsOf } from './play.ts'
import type { Result } from './report.ts'
import { scenes, type Scene } from './scenes.ts'
import type { Place } from './trace.ts'

/** The same for every sweep: one that is continued goes on in the same order. */
const SEED = 1

export interface Point extends Place {
  readonly scene: Scene
}

export const nameOf = (scene: string, { file, call, k }: Place): string => `${scene}: ${call} ${k} of ${file}`

/** @param base a shop that was made. */
export async function findPoints(base: string, of: readonly Scene[] = scenes): Promise<Point[]> {
  const points: Point[] = []
  for (const scene of of) points.push(...(await pointsOf(scene, base)).map((place) => ({ scene, ...place })))
  const chance = new Chance(SEED)
  const kinds = [...Map.groupBy(points, ({ scene, file, call }) => `${scene.name} ${file} ${call}`).values()]
  const shuffled = kinds.map((those) => shuffle(those, chance))
  const most = Math.max(...kinds.map(({ length }) => length))
  return Array.from({ length: most }, (_, turn) => shuffled.flatMap((those) => those.slice(turn, turn + 1))).flat()
}

export async function judge(point: Point, base: string, auditor?: string): Promise<Result> {
  const since = performance.now()
  const { scene, file, call, k } = point
  const verdict = await playAndAudit(point, base, auditor).catch((error: unknown) => ({
    isKilled: true,
    met: 0,
    redelivered: 0,
    findings: [error instanceof Error ? String(error.stack) : String(error)],
    isAuditorSilent: null,
  }))
  return { scene: scene.name, file, call, k, ...verdict, seconds: (performance.now() - since) / 1000 }
}

type Verdict = Pick<Result, 'isKilled' | 'met' | 'redelivered' | 'findings' | 'isAuditorSilent'>

async function playAndAudit({ scene, ...place }: Point, base: string, auditor: string | undefined): Promise<Verdict> {
  const { isKilled, met, evidence } = await playAt(scene, base, place)
  const { orders, faults } = evidence.records
  const exhibits = { orders, faults, effects: evidence.effects }
  const least = { acks: scene.orders.length, hits: {}, redelivered: 0, endings: [] }
  const findings = audit({ ...exhibits, flow, least }).map(({ rule, about, detail }) => `${rule} ${about}: ${detail}`)
  const { redelivered } = count(exhibits)
  if (auditor === undefined) return { isKilled, met, redelivered, findings, isAuditorSilent: null }
  const folder = mkdtempSync(join(tmpdir(), 'ballet-evidence-'))
  writeEvidence(folder, evidence)
  const { isSilent, said } = await askAuditor(auditor, folder, least)
  rmSync(folder, { recursive: true })
  if (!isSilent) findings.push(said)
  return { isKilled, met, redelivered, findings, isAuditorSilent: isSilent }
}

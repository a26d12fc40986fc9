// `npm run simulate -- --store postgres`: the stories of the simulator on a real PostgreSQL, of its own or the one that BALLET_TEST_PG
// names. What is found comes with the whole story, because it cannot be told again.
import { PostgresServer } from '../../postgres/server.ts'
import { breakEngine, MUTANTS, type Mutant } from '../mutants.ts'
import type { ServerCampaign } from './campaign.ts'
import { SERVER_MUTANTS, WITHIN } from './mutants.ts'

export interface ServerCommand {
  readonly first: number
  readonly seeds?: string | undefined
  readonly mutants: readonly string[]
  readonly json: boolean
}

const STORIES = 27
/** At a time: they mostly wait. */
const BESIDE = 4
const MOST = 3

const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** Plays, prints, and sets the exit code of the process. */
export async function simulateOnServer({ first, seeds, mutants, json }: ServerCommand): Promise<void> {
  if (mutants.length > 1) throw new RangeError('--mutant: one at a time with --store postgres')
  const mutant = mutants[0] === undefined ? null : mutantOf(mutants[0])
  if (mutant !== null) breakEngine(mutant)
  const { serverCampaign } = await import('./campaign.ts')
  const named = process.env['BALLET_TEST_PG'] ?? ''
  const own = named === '' ? await PostgresServer.start() : null
  try {
    const stories = Number(seeds ?? mutant?.within ?? STORIES)
    const most = mutant === null ? MOST : 1
    const played = await serverCampaign({ server: own?.url() ?? named, first, stories, beside: BESIDE, most })
    const { found } = played
    if (mutant === null) {
      print(json ? JSON.stringify(played) : wordsOf(played))
      for (const one of found) process.stderr.write(`${storyWords(one)}\n`)
      if (found.length > 0) process.exitCode = 1
      return
    }
    if (found.length === 0) process.exitCode = 1
    const [finding] = found[0]?.findings ?? []
    const words =
      finding === undefined ? 'NOT FOUND' : `${finding.rule} ${finding.detail.replaceAll('\n', ' ').slice(0, 110)}`
    const { name, within } = mutant
    print(
      json
        ? JSON.stringify({ name, stories: played.stories, found: found.length > 0 })
        : `${name.padEnd(26)} ${String(played.stories).padStart(5)} of ${within}  ${words}`,
    )
  } finally {
    await own?.stop()
  }
}

function mutantOf(name: string): Mutant {
  const all = [...SERVER_MUTANTS, ...MUTANTS.map((mutant) => ({ ...mutant, within: WITHIN }))]
  const found = all.find((one) => one.name === name)
  if (found === undefined)
    throw new RangeError(`there is no mutant ${name}; there are ${all.map((one) => one.name).join(', ')}`)
  return found
}

function wordsOf({ stories, seconds, figures, byWorkload, found }: ServerCampaign): string {
  const { processes, crashes, fenced, runs, faults } = figures
  const kinds = Object.entries(byWorkload).map(([name, count]) => `${count} ${name}`)
  const wrong = Object.entries(faults).map(([name, count]) => `${count} ${name}`)
  return `${stories} stories (${kinds.join(', ')}) on PostgreSQL in ${seconds.toFixed(0)} s: ${runs} runs in ${processes} processes, of which ${crashes} died and ${fenced} stopped; ${wrong.join(', ')}; ${found.length} stories with findings`
}

function storyWords({ seed, workload, findings, lines }: ServerCampaign['found'][number]): string {
  const words = findings.slice(0, 5).map(({ rule, detail }) => `  ${rule} ${detail.slice(0, 1000)}`)
  return [
    `seed ${seed} (${workload}), milliseconds since it began`,
    ...(lines ?? []),
    ...words,
    `  the same programs and dice, at other moments: npm run simulate -- --store postgres --seed ${seed} --seeds 1`,
  ].join('\n')
}

// Whether API keys are over, or soon will be, as the environment of this command says it, which is that of a server in its container.
// For `ballet doctor`.
import { readFileSync } from 'node:fs'
import { isOver, readKeys, type ReadKeys } from '../server/api-key.ts'
import type { Check } from './store-checks.ts'
import type { Terminal } from './terminal.ts'
import { shownTime } from './times.ts'

const name = 'keys'
const SOON_MS = 14 * 24 * 3_600_000

/** None where no keys are configured here. */
export function keyChecks({ env, clock }: Pick<Terminal, 'env' | 'clock'>): readonly Check[] {
  const { BALLET_API_KEYS: given = '', BALLET_API_KEYS_FILE: path = '' } = env
  const checks = given === '' ? [] : checksOf(readKeys(given), 'BALLET_API_KEYS', clock.now())
  if (path === '') return checks
  try {
    return [...checks, ...checksOf(readKeys(readFileSync(path, 'utf8')), path, clock.now())]
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const todo = 'Nobody gets in with a key of it: a server that runs takes none, and none starts.'
    return [...checks, { name, verdict: 'wrong', found: `${path} cannot be read: ${problem}`, todo }]
  }
}

function checksOf({ keys, problems }: ReadKeys, where: string, now: number): readonly Check[] {
  if (problems.length > 0)
    return [
      {
        name,
        verdict: 'wrong',
        found: `${where}: ${problems.join('; ')}`,
        todo: 'Write each as ballet key new prints it.',
      },
    ]
  const ending = keys.filter(({ until }) => until !== null && until - now < SOON_MS)
  if (ending.length === 0)
    return [{ name, verdict: 'ok', found: `${keys.length} in ${where}, none ends within 14 days` }]
  return ending.map((key) => ({
    name,
    verdict: 'warn',
    found: `${key.name} ${isOver(key, now) ? 'was' : 'is'} good until ${shownTime(new Date(key.until ?? 0).toISOString())}`,
    todo: `Make the next one and add its line: ballet key new --name ${key.name} --scopes ${key.scopes.join(',')}. Take out the old one when nobody sends it.`,
  }))
}

// The engine with one rule broken at a time, as changes of its source text that are made while it is loaded: nothing of this
// is in the engine, and no rule is out of reach. A change whose text is not there any more (once, exactly) fails, so that
// none is ever tried in vain.
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { CORE_MUTANTS } from './mutants-core.ts'
import { ENGINE_MUTANTS } from './mutants-engine.ts'
import { CHANGE_MUTANTS, RELEASE_MUTANTS } from './mutants-releases.ts'
import { RESTORE_MUTANTS } from './mutants-restores.ts'
import { RETENTION_MUTANTS } from './mutants-retention.ts'
import { SCHEDULE_MUTANTS } from './mutants-schedules.ts'
import { SHARD_MUTANTS } from './mutants-shards.ts'
import { CHANGING, FORGETTING, RELEASING, RESTORING, SCHEDULING, SHARDED } from './seeds.ts'

/** A rule, and how it is broken. */
export interface Mutant {
  readonly name: string
  /** The rule that is broken, in words. */
  readonly breaks: string
  /** Below src. */
  readonly file: string
  readonly changes: readonly (readonly [text: string, by: string])[]
  /** Seeds within which it has to be found. */
  readonly within: number
  /** The first of them, when no other is asked for; 1 where it is not said. */
  readonly first?: number
}

export const MUTANTS: readonly Mutant[] = [
  ...ENGINE_MUTANTS,
  ...CORE_MUTANTS,
  ...SHARD_MUTANTS.map((mutant) => ({ ...mutant, first: SHARDED })),
  ...RETENTION_MUTANTS.map((mutant) => ({ ...mutant, first: FORGETTING })),
  ...RELEASE_MUTANTS.map((mutant) => ({ ...mutant, first: RELEASING })),
  ...RESTORE_MUTANTS.map((mutant) => ({ ...mutant, first: RESTORING })),
  ...CHANGE_MUTANTS.map((mutant) => ({ ...mutant, first: CHANGING })),
  ...SCHEDULE_MUTANTS.map((mutant) => ({ ...mutant, first: SCHEDULING })),
]

/** Breaks the engine that is loaded from now on. */
export function breakEngine({ name, file, changes }: Mutant): void {
  const path = fileURLToPath(new URL(`../../src/${file}`, import.meta.url))
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.startsWith('file:') || fileURLToPath(url) !== path) return loaded
      const { source } = loaded
      const whole = typeof source === 'string' ? source : new TextDecoder().decode(source)
      return { ...loaded, source: changes.reduce((text, change) => changed(text, change, name), whole) }
    },
  })
}

function changed(text: string, [from, to]: readonly [string, string], name: string): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`the mutant ${name} does not fit: ${parts.length - 1} times ${from}`)
  return parts.join(to)
}

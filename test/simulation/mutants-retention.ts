// What can be broken in forgetting: what an open run still asks for, names that are taken, and graphs that lie in several shards. Played on stories of stores that forget soon.
import type { Mutant } from './mutants.ts'

export const RETENTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'forgets-what-is-asked-for',
    breaks: 'what an open run has started stays as long as that may ask how it ended',
    file: 'engine/ancestry.ts',
    changes: [['if (given >= (this.#generations.get(num) ?? 0)) return true', '']],
    within: 500,
  },
  {
    name: 'frees-names-at-once',
    breaks: 'a name stays taken for as long as is said',
    file: 'engine/retention.ts',
    changes: [['until: (ended ?? 0) + this.#retention.dedupeMs', 'until: ended ?? 0']],
    within: 500,
  },
  {
    name: 'frees-held-names',
    breaks: 'a name is not free while something that follows from it is there',
    file: 'engine/retention.ts',
    changes: [['if (held[index] === true)', 'if (held[index] === null)']],
    within: 1000,
  },
  {
    name: 'frees-names-held-elsewhere',
    breaks: 'a name is not free while something that follows from it is there, in whatever shard',
    file: 'engine/retention.ts',
    changes: [['const asked = (await this.#shardsOf(root)).map(', 'const asked = [shard].map(']],
    within: 1000,
  },
  {
    name: 'frees-names-of-events',
    breaks: 'the name of an event stays taken for as long as is said',
    file: 'engine/retention.ts',
    changes: [['until: at + dedupeMs', 'until: at']],
    within: 500,
  },
  {
    name: 'forgets-younger-elsewhere',
    breaks: 'a run of a given name stays while anything younger of its graph is there, in whatever shard',
    file: 'engine/retention.ts',
    changes: [
      ['return younger !== undefined || (await this.#hasYoungerElsewhere(run))', 'return younger !== undefined'],
    ],
    within: 1000,
  },
  {
    name: 'keeps-flows',
    breaks: 'a flow that waits for nothing goes',
    file: 'engine/flow-sweep.ts',
    changes: [['changed <= cutoff && OVER.has(standing)', 'changed <= cutoff && !OVER.has(standing)']],
    within: 100,
  },
  {
    name: 'reaction-forgotten-early',
    breaks: 'an event stays while a run that reacted to it is there',
    file: 'engine/retention.ts',
    changes: [['return reactions.some((run) => isUnread(run) || run.cause === eventRef(source, id))', 'return false']],
    within: 1000,
  },
]

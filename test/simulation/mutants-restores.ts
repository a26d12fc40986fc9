// What can be broken where a store is put back from a backup, or a stand-by that had not received everything takes its place. Played
// on stories in which that happens.
import type { Mutant } from './mutants.ts'

export const RESTORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'owner-elsewhere-believed',
    breaks: 'what the owner of a shard says to have done counts when this node sees it in its own store',
    file: 'engine/direct.ts',
    changes: [
      [
        'return claim?.hash === hash ? { created, num: claim.num } : { isUnknown: true }',
        'return { created, num: claim?.num ?? 0 }',
      ],
    ],
    within: 2000,
  },
  {
    name: 'epochs-are-counted',
    breaks: 'whoever takes a shard of a restored store over has a newer fence than anybody before',
    file: 'stores/memory/memory-data.ts',
    changes: [['this.epoch = Math.max(this.epoch + 1, this.#now())', 'this.epoch += 1']],
    within: 500,
  },
  {
    name: 'gone-back-is-a-bug',
    breaks: 'a commit of which nothing is known, in a store that has gone back, says that the shard is lost',
    file: 'engine/commits.ts',
    changes: [["    if (now.head < batch.base) throw fault('SHARD_FENCED', { shard: batch.shard }, error)\n", '']],
    within: 6000,
  },
  {
    name: 'renewal-looks-at-epochs-alone',
    breaks: 'a renewal sees that the store has gone back',
    file: 'engine/gone-back.ts',
    changes: [['if (held.head >= known.head) return true', 'if (held.head >= 0) return true']],
    within: 2000,
  },
  {
    name: 'rows-that-are-gone-are-a-bug',
    breaks: 'a row of the inbox that is not there any more, in a store that has gone back, says that the shard is lost',
    file: 'engine/commits.ts',
    changes: [["} else if (error.code === 'INBOX_GONE') {", "} else if (error.code === 'NEVER') {"]],
    within: 6000,
  },
]

// What can be broken in the store on PostgreSQL alone. Played on stories on a server, where many of the others are found as well.
import type { Mutant } from '../mutants.ts'

/** Stories within which one is found, also one of those that are not of the store. */
export const WITHIN = 60

export const SERVER_MUTANTS: readonly Mutant[] = [
  {
    name: 'no-fence-in-postgres',
    breaks: 'a batch is written by the owner of its shard, behind the batch before it, or not at all',
    file: 'stores/postgres/texts.ts',
    changes: [
      [
        "one: 'UPDATE shards SET head = $4 WHERE id = $1 AND epoch = $2 AND head = $3'",
        "one: 'UPDATE shards SET head = $4 WHERE id = $1 AND ($2::bigint, $3::bigint) IS NOT NULL'",
      ],
      ['AND kept.epoch = given.epoch AND kept.head = given.base', ''],
    ],
    within: WITHIN,
  },
]

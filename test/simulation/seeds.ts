// Which stories have which numbers: those of a store with one shard have the low ones, and keep them whatever is added above.

/** From here on seeds are of stories with several shards. */
export const SHARDED = 1_000_000

/** From here on the shop is among them, and nodes that end, or hand something on, mostly wait for what is under way. */
export const WAITING = 2_000_000

/** From here on they are of stores that forget soon what has ended. */
export const FORGETTING = 3_000_000

/** From here on the application is released anew while they are told. */
export const RELEASING = 4_000_000

/** From here on processes take on next to nothing at a time. */
export const TIGHT = 5_000_000

/** From here on the store is put back from a backup on the way. */
export const RESTORING = 6_000_000

/** From here on each release has a choreography of its own. */
export const CHANGING = 7_000_000

/** From here on they are of schedules. */
export const SCHEDULING = 8_000_000

/** From here on their store is put back from a backup on the way. */
export const RESCHEDULING = 8_500_000

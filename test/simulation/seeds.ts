// Which stories have which numbers: those of a store with one shard have the low ones, and keep them whatever is added above.

/** From here on seeds are of stories with several shards. */
export const SHARDED = 1_000_000

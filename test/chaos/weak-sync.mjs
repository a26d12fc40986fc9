// Preloaded into a shop whose store is to be less durable than it is: the store's log is synced when it is moved into the
// file and not at every commit, and whoever asks is told that all is well. No option of the product does that. A campaign
// of power cuts with it must find losses; one that does not cuts nothing.
import { DatabaseSync } from 'node:sqlite'

const { exec, prepare } = DatabaseSync.prototype

/** The store sets this beside it, and the services of the shop do not: their books are kept as before. */
const OF_THE_STORE = 'checkpoint_fullfsync = ON'

DatabaseSync.prototype.exec = function execWeakly(sql) {
  return exec.call(this, sql.includes(OF_THE_STORE) ? sql.replace('synchronous = FULL', 'synchronous = NORMAL') : sql)
}
DatabaseSync.prototype.prepare = function prepareWeakly(sql, ...rest) {
  return prepare.call(this, sql === 'PRAGMA synchronous' ? 'SELECT 2 AS synchronous' : sql, ...rest)
}

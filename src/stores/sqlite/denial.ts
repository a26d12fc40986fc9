// Whose a file is that this process may not write: whoever puts a backup back as another user leaves one behind, and SQLite says no
// more than that it cannot open it. Used for the words of a failure (failure.ts); nothing is opened, which could let go of locks.
import { statSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'

/** `; /srv/app.db belongs to the user 0, and this process, of the user 1000, may not write it`, or nothing. */
export function denialOf(path: string): string {
  const own = process.geteuid?.()
  // Windows has other rules.
  if (own === undefined || own === 0) return ''
  for (const place of [path, `${path}-wal`, `${path}-shm`, dirname(path)]) {
    const stats = statSync(place, { throwIfNoEntry: false })
    if (stats !== undefined && !mayWrite(stats, own))
      return `; ${place} belongs to the user ${stats.uid}, and this process, of the user ${own}, may not write it`
  }
  return ''
}

function mayWrite({ uid, gid, mode }: Stats, own: number): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  const rights = uid === own ? mode >> 6 : groups.includes(gid) ? mode >> 3 : mode
  return (rights & 0o6) === 0o6
}

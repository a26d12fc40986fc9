import { DatabaseSync } from 'node:sqlite'
/** Opens `<folder>/<name>.db`, or a database in memory when the folder is null, and brings its tables about. */
export declare function openDatabase(folder: string | null, name: string, schema: string): DatabaseSync
/** Runs `work` in one transaction: all of it is kept, or nothing when it throws. */
export declare function transaction<Result>(db: DatabaseSync, work: () => Result): Result
/** Milliseconds since the epoch, with fractions: later than every time that was read before. */
export declare function timeNow(): number
/** Lets the clock go on after a time that an earlier process wrote. */
export declare function timeSeen(time: number): void

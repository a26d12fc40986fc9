// A store in one SQLite file, for one process: `node:sqlite` in two threads, because a commit stops its thread for
// milliseconds. One thread writes, one reads, so that neither the main loop nor a query waits for a disk. The store is
// fail-stop: after a failure that leaves the file in doubt every call fails in the same way, and a restart reads what
// is durable. Opened by the engine, which is its only writer.
//
//   new --open--> open --close--> closed        open --failure in doubt, a dead thread--> dead --close--> closed
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { countsOf, sumOf, type AheadKind, type AheadPart } from '../../core/ahead.ts'
import { fault, type BalletError } from '../../core/errors.ts'
import type { Batch, Store, StoreInfo } from '../../core/store.ts'
import { SqlStore } from '../sql/sql-store.ts'
import { aheadStatements, restStatements, type Statement } from '../sql/statements.ts'
import type { Value } from '../sql/tables.ts'
import { inspect } from './database.ts'
import { storeFailed } from './failure.ts'
import { makeFolder, truePath } from './folder.ts'
import { lockPath, takeLock, type FileLock } from './lock.ts'
import type { ThreadRole } from './messages.ts'
import { pack } from './packed.ts'
import { StoreThread } from './store-thread.ts'

/** Where a store in one file is, and how it is opened. */
export interface SqliteOptions {
  /** Path of the file. It is made, with its folder, when it does not exist; files beside it begin with its name. */
  readonly file: string
  /** Opens an existing file for queries only, also while another process writes it. */
  readonly readOnly?: boolean | undefined
}

/**
 * A durable store in one file. What `commit` and `post` acknowledge survives the end of the process and a loss of
 * power. One process at a time may open a file for writing.
 *
 * Of every call: STORE_REMOVED, once a commit, or one of thirty reads, has found that the file is no longer the one of its path, and
 * STORE_MIXED, once a commit has found that it was written by others.
 * Errors of `open`: STORE_LOCKED (another process has it), STORE_FOREIGN and STORE_NEWER (the file was left as it
 * was), STORE_MIXED (a log lies beside it that is not of it), STORE_MISSING and STORE_UNREADABLE (only with `readOnly`),
 * STORE_FULL, STORE_FAILED (the path cannot be used).
 */
export function sqlite(options: SqliteOptions): Store {
  return new SqliteStore(options)
}

interface Parts {
  readonly lock: FileLock | undefined
  readonly writer: StoreThread | undefined
  readonly reader: StoreThread
}

class SqliteStore extends SqlStore {
  readonly kind = 'sqlite'
  readonly name: string
  readonly #readOnly: boolean
  #opening: Promise<StoreInfo> | undefined
  #parts: Parts | undefined
  #dead: BalletError | undefined
  #closing: Promise<void> | undefined

  constructor({ file, readOnly = false }: SqliteOptions) {
    super()
    this.name = file
    this.#readOnly = readOnly
  }

  async open(): Promise<StoreInfo> {
    if (this.#closing !== undefined) throw closed()
    // An attempt that failed may be repeated: the other process may have ended.
    this.#opening ??= this.#open().catch((error: unknown) => {
      if (this.#parts === undefined) {
        this.#opening = undefined
        this.#dead = undefined
      }
      throw error
    })
    return this.#opening
  }

  close(): Promise<void> {
    // Whoever closes a dead store has been told already.
    this.#closing ??= this.#close().catch((error: unknown) => {
      if (this.#dead === undefined) throw error
    })
    return this.#closing
  }

  // Async, so that a store that cannot be used rejects and never throws.
  protected async read(statement: Statement): Promise<readonly Value[]> {
    return this.#usable().reader.request({ kind: 'read', statements: [pack(statement)] })
  }

  protected async readAfterWrites(statement: Statement): Promise<readonly Value[]> {
    const { writer, reader } = this.#usable()
    return (writer ?? reader).request({ kind: 'read', statements: [pack(statement)] })
  }

  protected async write(statements: readonly Statement[], urgent: boolean): Promise<readonly Value[]> {
    return this.#writer().request({ kind: 'write', statements: statements.map(pack), urgent })
  }

  takeAhead(shard: number, of: AheadPart, rows: Pick<Batch, AheadKind>): void {
    if (this.#closing === undefined && this.#dead === undefined)
      this.#parts?.writer?.ahead(of, sumOf(countsOf(rows)), aheadStatements(shard, rows).map(pack))
  }

  /** What came ahead, the thread has: it writes that as well, in whatever way. */
  protected override async writeBatch(batch: Batch): Promise<void> {
    const { ahead, urgent } = batch
    if (ahead === undefined) return super.writeBatch(batch)
    const came = { batch: ahead.batch, parts: ahead.parts, rows: sumOf(ahead.rows) }
    const statements = restStatements(batch, ahead).map(pack)
    await this.#writer().request({ kind: 'rest', came, statements, urgent })
  }

  async hasRoom(): Promise<boolean> {
    const [ample] = await this.#writer().request({ kind: 'room' })
    return ample === 1
  }

  #writer(): StoreThread {
    const { writer } = this.#usable()
    if (writer === undefined) throw fault('STORE_READ_ONLY', { path: this.name })
    return writer
  }

  #usable(): Parts {
    if (this.#closing !== undefined) throw closed()
    if (this.#dead !== undefined) throw this.#dead
    if (this.#parts === undefined) throw fault('STORE_FAILED', { problem: 'it is not open' })
    return this.#parts
  }

  async #open(): Promise<StoreInfo> {
    const path = this.#readOnly ? pathToRead(this.name) : pathToWrite(this.name)
    const lock = this.#readOnly ? undefined : takeLock(path)
    // Both threads start at once, but there is a file to read only when the writer has made it.
    const writer = lock === undefined ? undefined : this.#thread('writer', path)
    const reader = this.#thread('reader', path)
    try {
      await writer?.request({ kind: 'open' })
      await reader.request({ kind: 'open' })
    } catch (error) {
      await Promise.allSettled([reader.close(), writer?.close()])
      lock?.release()
      throw error
    }
    this.#parts = { lock, writer, reader }
    return this.info()
  }

  #thread(role: ThreadRole, path: string): StoreThread {
    return new StoreThread({ role, path, isOwn: !this.#readOnly }, (error) => {
      this.#dead ??= error
    })
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    const parts = this.#parts
    if (parts === undefined) return
    const { writer, reader, lock } = parts
    // What was asked for earlier is answered first: a thread takes its requests in order. The last connection to go
    // empties the log into the file. That is to be the writer, but not in doubt about the file: the reader cannot.
    const [first, last] = this.#dead === undefined ? [reader, writer] : [writer, reader]
    try {
      await first?.close()
    } finally {
      try {
        await last?.close()
      } finally {
        lock?.release()
      }
    }
  }
}

const closed = (): BalletError => fault('STORE_FAILED', { problem: 'it is closed' })

function pathToRead(file: string): string {
  try {
    return truePath(file)
  } catch (error) {
    throw storeFailed(file, error)
  }
}

/** The true path of a file whose folder exists and that may become, or is, a store. */
function pathToWrite(file: string): string {
  try {
    makeFolder(dirname(resolve(file)))
    const path = truePath(file)
    // The thread looks again under the lock; this look is for a foreign file, which is to get no lock file beside it.
    if (!existsSync(lockPath(path))) inspect(path)
    return path
  } catch (error) {
    throw storeFailed(file, error)
  }
}

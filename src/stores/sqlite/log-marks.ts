// What a log (`-wal`) says of its marks (mark.ts), read as SQLite reads it when it makes a store whole: up to the first frame that is
// not of this log, or was not written to its end. A loss of power leaves the bytes of an earlier log in the middle of what was being
// written, and those say nothing. https://www.sqlite.org/fileformat2.html#the_write_ahead_log
import { closeSync, openSync, readSync } from 'node:fs'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const LEAST_PAGE_BYTES = 512
const MOST_PAGE_BYTES = 65_536
/** The last bit of it says whether the sums are of numbers that are big endian; all others are. */
const MAGIC = 0x37_7f_06_82
/** Where they stand: numbers of four bytes. */
const PAGE_BYTES_AT = 8
const SALTS_AT = 16
const SUMS_AT = 24
const FRAME_PAGE_AT = 0
const FRAME_FILE_PAGES_AT = 4
const FRAME_SALTS_AT = 8
const FRAME_SUMS_AT = 16
const PAGE_MARK_AT = 40

/** The marks in what a log has that is committed, the oldest first; none of one that is not there. */
export function* marksOfLog(path: string): Generator<number> {
  const log = openLog(path)
  if (log === undefined) return
  try {
    yield* marksOfFrames(log)
  } finally {
    closeSync(log)
  }
}

/** What is another whenever a log begins anew; undefined of a log that is not there. */
export function headerOfLog(path: string): Buffer | undefined {
  const log = openLog(path)
  if (log === undefined) return undefined
  try {
    return headerOf(log)
  } finally {
    closeSync(log)
  }
}

function openLog(path: string): number | undefined {
  try {
    // To open and close it lets go of no lock: those are held on the file and on the index of the log.
    return openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function headerOf(log: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  return header.subarray(0, readSync(log, header, 0, HEADER_BYTES, 0))
}

function* marksOfFrames(log: number): Generator<number> {
  const header = headerOf(log)
  if (header.length < HEADER_BYTES) return
  const sums = new Sums((header.readUInt32BE(0) & 1) === 1)
  const pageBytes = header.readUInt32BE(PAGE_BYTES_AT)
  const isLog = (header.readUInt32BE(0) & ~1) === MAGIC && pageBytes >= LEAST_PAGE_BYTES && pageBytes <= MOST_PAGE_BYTES
  sums.add(header.subarray(0, SUMS_AT))
  if (!isLog || !sums.stand(header, SUMS_AT)) return
  const salts = header.subarray(SALTS_AT, SUMS_AT)
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + pageBytes)
  let open: number[] = []
  for (let at = HEADER_BYTES; readSync(log, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    // What is left of an earlier log has other salts.
    if (!frame.subarray(FRAME_SALTS_AT, FRAME_SUMS_AT).equals(salts)) return
    sums.add(frame.subarray(0, FRAME_SALTS_AT))
    sums.add(frame.subarray(FRAME_HEADER_BYTES))
    if (!sums.stand(frame, FRAME_SUMS_AT)) return
    if (frame.readUInt32BE(FRAME_PAGE_AT) === 1) open.push(frame.readUInt32BE(FRAME_HEADER_BYTES + PAGE_MARK_AT))
    // The last frame of a transaction says how large the file is then.
    if (frame.readUInt32BE(FRAME_FILE_PAGES_AT) === 0) continue
    yield* open
    open = []
  }
}

/** The two sums that run through a log. */
class Sums {
  readonly #isBig: boolean
  #first = 0
  #second = 0

  constructor(isBig: boolean) {
    this.#isBig = isBig
  }

  add(bytes: Buffer): void {
    let [first, second] = [this.#first, this.#second]
    for (let at = 0; at < bytes.length; at += 8) {
      first = (first + second + this.#number(bytes, at)) | 0
      second = (second + first + this.#number(bytes, at + 4)) | 0
    }
    this.#first = first
    this.#second = second
  }

  stand(bytes: Buffer, at: number): boolean {
    return bytes.readInt32BE(at) === this.#first && bytes.readInt32BE(at + 4) === this.#second
  }

  #number(bytes: Buffer, at: number): number {
    return this.#isBig ? bytes.readInt32BE(at) : bytes.readInt32LE(at)
  }
}

// A real disk that is small enough to be filled: a tmpfs of its own, which only root may mount. Tests of a full disk ask
// for one, and skip with that reason where there is none.
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  rmdirSync,
  statSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1_024 * 1_024

export class SmallDisk {
  readonly folder: string
  readonly #filler: string
  isMounted = true

  constructor(folder: string) {
    this.folder = folder
    this.#filler = join(folder, 'filler')
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Fills it up to the last block, or leaves some bytes. */
  fill(leave = 0): void {
    const file = openSync(this.#filler, 'a+')
    try {
      for (const size of [MIB, 4_096]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size))
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
        }
      }
      if (leave > 0) ftruncateSync(file, Math.max(0, statSync(this.#filler).size - leave))
    } finally {
      closeSync(file)
    }
  }

  /** Takes out what `fill` put in. */
  clear(): void {
    rmSync(this.#filler, { force: true })
  }

  unmount(): void {
    execFileSync('umount', [this.folder], { stdio: 'ignore' })
    this.isMounted = false
    rmdirSync(this.folder)
  }
}

/** Undefined where mounting is not allowed or not known. */
export function mountSmallDisk(mib: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', folder], { stdio: 'ignore' })
    return new SmallDisk(folder)
  } catch {
    rmdirSync(folder)
    return undefined
  }
}

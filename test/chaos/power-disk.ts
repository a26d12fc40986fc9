// A disk whose power can be cut: an ext4 file system of its own in a file, of which everything is lost at a cut that was
// not handed to the disk, as at the end of a real machine. Only root may mount it, and the call that cuts is a few lines
// of C (cut-power.c), built here. What it does not show: a disk that loses what it said it had kept.
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pause } from './pause.ts'

const MIB = 1_024 * 1_024
const UNMOUNT_TRIES = 100

/** What was mounted here, to be unmounted however this process ends. */
const mounted = new Set<PowerDisk>()
process.once('exit', () => {
  for (const disk of mounted) disk.unmount()
})

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' })

export class PowerDisk {
  /** Where it is mounted. */
  readonly folder: string
  readonly #place: string
  readonly #image: string
  readonly #cutter: string

  private constructor(place: string) {
    this.#place = place
    this.folder = join(place, 'disk')
    this.#image = join(place, 'image')
    this.#cutter = join(place, 'cut-power')
  }

  /** Makes and mounts one, or says why that cannot be. */
  static make(mib: number): PowerDisk | string {
    const place = mkdtempSync(join(tmpdir(), 'ballet-power-'))
    const disk = new PowerDisk(place)
    try {
      run('cc', '-O1', '-o', disk.#cutter, fileURLToPath(new URL('cut-power.c', import.meta.url)))
      const image = openSync(disk.#image, 'w')
      ftruncateSync(image, mib * MIB)
      closeSync(image)
      run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', disk.#image)
      mkdirSync(disk.folder)
      disk.#mount()
      return disk
    } catch (error) {
      rmSync(place, { recursive: true })
      const why = error instanceof Error ? error.message.trim().replaceAll(/\s+/g, ' ') : String(error)
      return `a disk whose power can be cut (root, a loop device, mkfs.ext4, cc) cannot be had here: ${why}`
    }
  }

  /** From here on nothing reaches the disk any more, and what had not is gone. */
  cut(): void {
    run(this.#cutter, this.folder)
  }

  /** Mounts it again as it was at the cut. Whoever used it must be gone. */
  async restore(): Promise<void> {
    // The system may close the files of a process that was killed a little after its end.
    for (let tries = 1; ; tries++) {
      try {
        run('umount', this.folder)
        break
      } catch (error) {
        if (tries === UNMOUNT_TRIES) throw error
        await pause(50)
      }
    }
    mounted.delete(this)
    this.#mount()
  }

  /** Removes it with everything on it. */
  remove(): void {
    this.unmount()
    rmSync(this.#place, { recursive: true })
  }

  unmount(): void {
    // Whoever still uses it keeps it, and the loop device with it, until he ends.
    run('umount', '--lazy', this.folder)
    mounted.delete(this)
  }

  #mount(): void {
    // The loop device is detached when it is unmounted.
    run('mount', '-o', 'loop', this.#image, this.folder)
    mounted.add(this)
  }
}

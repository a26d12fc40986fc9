// Clocks of processes that are set while they run, by libfaketime: the time of day alone, as whoever sets a clock does it; what
// counts how long something takes goes on. Each place has a file that says how far its clock is off.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Two nodes differ by less than the minute for which what one passes on to another is good. */
export const OFF_MOST_SECONDS = 25

const folders = ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime', '/usr/lib/faketime']

/** The library: that of BALLET_FAKETIME, or where systems have it; null when there is none. */
export function findFaketime(): string | null {
  const given = process.env['BALLET_FAKETIME'] ?? ''
  const known = folders.flatMap((folder) =>
    ['libfaketimeMT.so.1', 'libfaketime.so.1'].map((name) => join(folder, name)),
  )
  return (given === '' ? known : [given]).find((path) => existsSync(path)) ?? null
}

export class Clocks {
  readonly #library: string
  readonly #folder: string

  constructor(library: string, folder: string) {
    this.#library = library
    this.#folder = folder
  }

  #file(place: number): string {
    return join(this.#folder, `clock-${place}`)
  }

  /** From now on the clock of a place is so much off, in this life and the next. It is looked at once a second. */
  set(place: number, seconds: number): void {
    writeFileSync(this.#file(place), `${seconds < 0 ? '' : '+'}${seconds}s\n`)
  }

  env(place: number): Record<string, string> {
    if (!existsSync(this.#file(place))) this.set(place, 0)
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file(place),
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }
}

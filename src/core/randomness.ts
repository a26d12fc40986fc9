// Random numbers of a run: drawn from the seed of its start, a salt made of its identity and the number of the turn, so
// that a replay draws the same ones without a row in the journal, and two runs that were given one seed by chance (a
// matter of some ten thousand runs) draw others. sfc32 (C. Doty-Humphrey, PractRand), seeded per turn.

/** A stream of random numbers from 0 up to 1. */
export type Stream = () => number

/** The stream of one turn of one run. What it draws never changes: stored turns rest on it. */
export function turnStream(seed: number, seq: number, salt: number = seed ^ 0x9e3779b9): Stream {
  let a = seed | 0
  let b = seq | 0
  let c = salt | 0
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4294967296
  }
  for (let round = 0; round < 12; round++) next()
  return next
}

/** A UUID of version 4 from a stream. Unique among runs as their seed and salt are together; not a secret. */
export function streamUuid(stream: Stream): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(stream() * 16).toString(16))
  hex[12] = '4'
  hex[16] = (8 + Math.floor(stream() * 4)).toString(16)
  const text = hex.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
}

// The only place that reads the time and asks for randomness. Everything else gets a Clock and a Random.
import { randomFillSync, randomInt } from 'node:crypto'
import { elapsedOf, type Cancel, type Clock, type Random } from '../core/clock.ts'

/** `setTimeout` fires at once past 2^31 - 1 ms; longer delays are walked in steps of a day. */
const STEP_MS = 86_400_000

/**
 * The clock of the machine. What it waits for is time that passes: a clock that is set meanwhile changes nothing about it.
 * Its timers keep the process alive: an open application does not end by itself.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  busy: () => performance.eventLoopUtilization().active,
  after(delayMs: number, callback: () => void): Cancel {
    const due = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const wait = (): void => {
      const left = due - performance.now()
      if (left <= 0) callback()
      else timer = setTimeout(wait, Math.min(left, STEP_MS))
    }
    timer = setTimeout(wait, Math.min(Math.max(delayMs, 0), STEP_MS))
    return () => clearTimeout(timer)
  },
}

/** A clock of which no callback throws, since nobody would be there to catch it and the process would end: what it throws is told. */
export function guarded(clock: Clock, onFailure: (error: unknown) => void): Clock {
  return {
    now: () => clock.now(),
    elapsed: () => elapsedOf(clock),
    busy: () => clock.busy?.() ?? 0,
    after: (delayMs, callback) =>
      clock.after(delayMs, () => {
        try {
          callback()
        } catch (error) {
          onFailure(error)
        }
      }),
  }
}

/** Random bytes are asked for in stock: a few at a time cost as much. */
const UUID_BYTES = 16
const stock = Buffer.alloc(256 * UUID_BYTES)
let used = stock.length

function uuidBytes(): Buffer {
  if (used === stock.length) {
    randomFillSync(stock)
    used = 0
  }
  return stock.subarray(used, (used += UUID_BYTES))
}

/** Randomness of the machine. */
export const systemRandom: Random = {
  seed: () => randomInt(2 ** 32),
  uuid(nowMs: number): string {
    const bytes = uuidBytes()
    bytes.writeUIntBE(nowMs, 0, 6)
    bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
    bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
    const hex = bytes.toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  },
}

// Processor time of processes and of all that they started, as Linux counts it in /proc: what has ended by then is in the
// account of the process that waited for it. Elsewhere, or for a process that is not known here (NaN), the answer
// is NaN.
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Microseconds of one tick of the accounts: Linux shows a hundredth of a second everywhere. */
const TICK_US = 10_000

interface Account {
  readonly parent: number
  readonly ticks: number
}

/** Of these processes and their descendants, user and system, microseconds, so far. */
export function cpuUsOf(roots: readonly number[]): number {
  if (process.platform !== 'linux' || roots.some(Number.isNaN)) return Number.NaN
  const accounts = readAccounts()
  const belongs = (pid: number): boolean => {
    for (let one = pid; one > 1; one = accounts.get(one)?.parent ?? 0) if (roots.includes(one)) return true
    return false
  }
  let ticks = 0
  for (const [pid, account] of accounts) if (belongs(pid)) ticks += account.ticks
  return ticks * TICK_US
}

/** Processor time that the whole machine has spent on anything, microseconds, so far. */
export function machineCpuUs(): number {
  const spent = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq)
  return spent.reduce((total, ms) => total + ms, 0) * 1000
}

function readAccounts(): Map<number, Account> {
  const accounts = new Map<number, Account>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const account = readAccount(name)
    if (account !== undefined) accounts.set(Number(name), account)
  }
  return accounts
}

/** Undefined for a process that has ended meanwhile. */
function readAccount(pid: string): Account | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // What follows the name, which may itself hold anything: state, parent, and from the twelfth on the four times.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const times = fields.slice(11, 15)
  return { parent: fields[1] ?? 0, ticks: times.reduce((total, ticks) => total + ticks, 0) }
}

// A network of the campaign's own, in which a node and the database can be parted as a network parts them: packets are lost,
// and nobody is told. The campaign runs in a network namespace without any other interface, the database in a second one, and
// each node has a pair of virtual Ethernet devices to it. A way is cut by a wrong hardware address for whoever is at its end:
// what is sent then arrives at nobody. The namespaces go with the processes that hold them; the machine's own network is
// not touched. Linux, as root, with iproute2 and util-linux.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { pause } from './pause.ts'

/** Set for the process that is in a namespace of its own. */
const INSIDE = 'BALLET_CHAOS_NETWORK'
/** Nobody has it. */
const NOBODY = '02:00:00:00:00:99'
const HOLDER_WITHIN_MS = 5000

/** Which way is cut: `to` the database, `from` it, or both. */
export type Cut = 'both' | 'to' | 'from'
const CUTS: readonly Cut[] = ['both', 'to', 'from']

/** Why there can be no such network here, or null. */
export function whyNoNetwork(): string | null {
  if (process.platform !== 'linux') return 'that needs Linux'
  if (process.getuid?.() !== 0) return 'that needs root'
  const missing = ['ip', 'unshare', 'nsenter'].filter((name) => spawnSync(name, ['-V']).error !== undefined)
  if (missing.length > 0) return `there is no ${missing.join(', ')}`
  const tried = spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'b0', 'type', 'veth', 'peer', 'name', 'd0'])
  return tried.status === 0 ? null : `it cannot be made: ${tried.stderr.toString().trim()}`
}

export const isInside = (): boolean => process.env[INSIDE] === '1'

/** Runs this very program once more, in a network namespace of its own. Resolves with its exit code. */
export async function runInside(): Promise<number> {
  const [script = '', ...args] = process.argv.slice(1)
  const child = spawn('unshare', ['--net', process.execPath, ...process.execArgv, script, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  })
  process.once('exit', () => child.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

export class Network {
  readonly #holder: ChildProcess
  #cuts = 0
  /** How often each was made. */
  readonly made: Record<Cut, number> = { both: 0, to: 0, from: 0 }

  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  /** Makes the namespace of the database, and a way to it for each place. Only inside. */
  static async make(places: number): Promise<Network> {
    run(['ip', 'link', 'set', 'lo', 'up'])
    // It holds the namespace for as long as the campaign lives: its input ends with that.
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] })
    process.once('exit', () => holder.kill('SIGKILL'))
    const network = new Network(holder)
    const own = readlinkSync('/proc/self/ns/net')
    const until = performance.now() + HOLDER_WITHIN_MS
    while (readlinkSync(network.#namespace) === own) {
      if (performance.now() > until) throw new Error('no namespace was made')
      await pause(5)
    }
    run([...network.inside, 'ip', 'link', 'set', 'lo', 'up'])
    for (let place = 0; place < places; place += 1) network.#join(place)
    return network
  }

  get #namespace(): string {
    return `/proc/${this.#holder.pid}/ns/net`
  }

  /** A command that starts the one behind it where the database is, and becomes it. */
  get inside(): readonly [string, ...string[]] {
    return ['nsenter', `--net=${this.#namespace}`]
  }

  /** Where a place reaches what is beside the database. */
  host(place: number): string {
    return `10.77.${place}.2`
  }

  #join(place: number): void {
    const [near, far] = [`b${place}`, `d${place}`]
    run(['ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', String(this.#holder.pid)])
    run(['ip', 'addr', 'add', `10.77.${place}.1/30`, 'dev', near])
    run(['ip', 'link', 'set', near, 'up'])
    run([...this.inside, 'ip', 'addr', 'add', `${this.host(place)}/30`, 'dev', far])
    run([...this.inside, 'ip', 'link', 'set', far, 'up'])
  }

  /** Cuts the way of a place: both directions, one, the other, in turn. */
  cut(place: number): Cut {
    const cut = CUTS[this.#cuts % CUTS.length] ?? 'both'
    this.#cuts += 1
    this.made[cut] += 1
    const wrong = (address: string, device: string): string[] => [
      'ip',
      'neigh',
      'replace',
      address,
      'lladdr',
      NOBODY,
      'dev',
      device,
      'nud',
      'permanent',
    ]
    if (cut !== 'from') run(wrong(this.host(place), `b${place}`))
    if (cut !== 'to') run([...this.inside, ...wrong(`10.77.${place}.1`, `d${place}`)])
    return cut
  }

  /** It carries again; who was connected goes on, if he has waited. */
  heal(place: number): void {
    const right = (address: string, device: string): string[] => ['ip', 'neigh', 'del', address, 'dev', device]
    // The one that was not cut has no such entry.
    spawnSync('ip', right(this.host(place), `b${place}`).slice(1))
    const [enter, ...args] = this.inside
    spawnSync(enter, [...args, ...right(`10.77.${place}.1`, `d${place}`)])
  }

  close(): void {
    this.#holder.kill('SIGKILL')
  }
}

function run([command = '', ...args]: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`)
}

// The doors of an application as a careful client uses them in a story: whoever does not know what became of a question asks
// again, the same and under the same id, whichever process there is by then.
import { isBalletError } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'
import type { RunView } from '../../core/views.ts'
import type { Application } from '../../define/application.ts'
import type { ApplicationDefinition } from '../../define/definition.ts'
import type { Stage } from './stage.ts'

const AGAIN_MS = 120
/** Nothing was done, or nobody knows. */
const AGAIN: ReadonlySet<string> = new Set([
  'PROCESS_UNREACHABLE',
  'RUN_UNREADABLE',
  'SHARD_FENCED',
  'STORE_FAILED',
  'STORE_FULL',
  'SIGNALS_FULL',
  'APP_CLOSED',
  'OWNER_SILENT',
  'NOT_READY',
  'OVERLOADED',
])

/** Where it asks. */
type Asked = Pick<Stage, 'world' | 'patienceMs' | 'ask'>

/** @throws as the doors, but for what asking again may mend */
export function patientClient(stage: Asked, definition: ApplicationDefinition): Application {
  let given = 0
  /** What is asked for once has to have a name, or asking again would be asking twice. */
  const named = (door: string, args: readonly unknown[]): unknown[] => {
    if (door === 'trigger') return [args[0], { at: stage.world.clock.now(), ...(isRecord(args[1]) ? args[1] : {}) }]
    const at = { start: 1, publish: 1, signal: 2, startNamed: 0, publishNamed: 0, signalNamed: 0, conduct: 1 }[door]
    const asked = at === undefined ? undefined : (args[at] ?? {})
    if (at === undefined || !isRecord(asked) || asked['id'] !== undefined || hasOwnId(definition, door, args[0]))
      return [...args]
    return args.length > at
      ? args.map((arg, index) => (index === at ? { ...asked, id: `story-${++given}` } : arg))
      : [...args, { ...asked, id: `story-${++given}` }]
  }
  const patient =
    (door: string, target: (app: Application) => unknown) =>
    async (...args: unknown[]): Promise<unknown> => {
      const all = named(door, args)
      for (;;) {
        try {
          return await stage.ask(async (app) => Reflect.apply(target(app) as () => unknown, app, all) as unknown)
        } catch (error) {
          if (!isBalletError(error) || !AGAIN.has(error.code)) throw error
          await stage.world.clock.wait(AGAIN_MS)
        }
      }
    }
  /** Whoever asks does not wait for one answer as long as for a run: what takes longer is asked for in parts. */
  const settled = async (id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null> => {
    const { clock } = stage.world
    const until = clock.now() + waitMs
    for (;;) {
      const left = Math.max(0, until - clock.now())
      const ask = patient('settled', (app) => app.settled.bind(app))
      const run = (await ask(id, Math.min(left, stage.patienceMs / 2), signal)) as RunView | null
      if (run === null || run.ended !== null || clock.now() >= until || signal?.aborted) return run
    }
  }
  return new Proxy({} as Application, {
    get: (_target, door) => {
      const name = String(door)
      if (name === 'settled') return settled
      const find = (app: Application): unknown => Reflect.get(app, name)
      if (name !== 'conduct') return patient(name, find)
      // It gives a function, which is what is asked.
      return (...flow: unknown[]) => patient(name, (app) => Reflect.apply(find(app) as () => unknown, app, flow))
    },
  })
}

/** A run with a key is known by that. */
function hasOwnId({ workflows }: ApplicationDefinition, door: string, asked: unknown): boolean {
  if (!isRecord(asked)) return false
  const name = door === 'start' ? asked['name'] : door === 'startNamed' ? asked['call'] : undefined
  return workflows.some((workflow) => workflow.name === name && workflow.key !== null)
}

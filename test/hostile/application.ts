// The application that the corpus is sent to. It takes anything and gives it back, so that what came back can be compared;
// and it does, on demand, everything to the engine that an author could do: hands it values that cannot be kept, throws
// what cannot be read.
import { z } from 'zod'
import {
  ballet,
  event,
  operation,
  service,
  signal,
  workflow,
  type ApplicationDefinition,
  type Run,
} from '../../src/index.ts'
import { readJson } from '../../src/server.ts'
import { evil } from './evils.ts'

/** No schema has an opinion here: what the engine itself lets through is looked at. It is a string for the compiler alone. */
const anything = z.custom<string>(() => true)
const Noted = event(
  'note.taken',
  z.custom<{ noteId: string; value?: string }>(() => true),
  { key: 'noteId' },
)
const Answered = event(
  'desk.answered',
  z.custom<{ deskId: string; value?: string }>(() => true),
  { key: 'deskId' },
)
const Said = signal('said', anything)

const Wish = z.object({ place: z.string(), name: z.string() })
const once = { retry: { attempts: 1, exhausted: 'fail' } } as const

const desk = service('desk', {
  echo: operation({ input: anything, output: anything, run: (input) => input }),
  give: operation({ input: Wish, output: anything, ...once, run: ({ name }) => evil(name) as string }),
  answer: operation({
    input: Wish,
    outcomes: [Answered],
    ...once,
    run: ({ name }) => Answered({ deskId: 'desk', value: evil(name) as string }),
  }),
  fail: operation({
    input: Wish,
    output: anything,
    ...once,
    run({ name }) {
      throw evil(name)
    },
  }),
  reject: operation({
    input: Wish,
    output: anything,
    ...once,
    run: ({ name }) => Promise.reject(evil(name) as Error),
  }),
  log: operation({
    input: Wish,
    output: anything,
    ...once,
    run({ name }, { log }) {
      log.info(name, evil(name) as string)
      return 'logged'
    },
  }),
})
desk.on(Noted, (note) => desk.echo(note as unknown as string))

/** Gives its input back, through everything that keeps a value on the way. */
const mirror = workflow('mirror', { input: anything, output: anything, state: anything }, async (run, input) => {
  run.set(input)
  run.log.info('mirrored', input)
  const stepped = await run.step('step', () => input)
  return run.call(desk.echo(stepped))
})
const keyed = workflow(
  'keyed',
  { input: z.custom<{ keyId: string }>(() => true), output: anything, key: 'keyId' },
  async (run) => run.key ?? '',
)
const listener = workflow('listener', { input: anything, output: anything, signals: [Said] }, async (run) => {
  const said = await run.receive(Said)
  return said.data
})

type Place = (run: Run<string>, name: string) => unknown

/** What an author may do with a value, by the name of the place where the engine meets it. */
const places = {
  output: (run, name) => run.call(desk.give({ place: '', name })),
  outcome: async (run, name) => (await run.call(desk.answer({ place: '', name }))).data.value,
  throw: (run, name) => run.call(desk.fail({ place: '', name })),
  reject: (run, name) => run.call(desk.reject({ place: '', name })),
  'operation log': (run, name) => run.call(desk.log({ place: '', name })),
  step: (run, name) => run.step('make', () => evil(name), once),
  'step that throws': (run, name) =>
    run.step(
      'make',
      () => {
        throw evil(name)
      },
      once,
    ),
  'call input': (run, name) => run.call(desk.echo(evil(name) as string)),
  'child input': (run, name) => run.call(mirror(evil(name) as string)),
  state: (run, name) => run.set(evil(name) as string),
  log: (run, name) => run.log.info(name, evil(name) as string),
  event: (run, name) => run.emit(Noted({ noteId: 'wicked', value: evil(name) as string })),
  return: (_run, name) => evil(name),
  'workflow that throws': (_run, name) => {
    throw evil(name)
  },
  'caught error': async (run, name) => {
    try {
      return await run.call(desk.fail({ place: '', name }))
    } catch (error) {
      return (error as Error).message
    }
  },
} satisfies Record<string, Place>
export const placeNames: readonly string[] = Object.keys(places)

const wicked = workflow('wicked', { input: Wish, output: anything, state: anything }, async (run, { place, name }) => {
  const value: unknown = await (places as Record<string, Place>)[place]?.(run, name)
  return place === 'state' || place === 'log' || place === 'event' ? 'done' : (value as string)
})

export const application: ApplicationDefinition = ballet({
  name: 'hostile',
  version: '1',
  services: [desk],
  workflows: [mirror, keyed, listener, wicked],
  events: [Noted],
  http: () => async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/echo') return Response.json(await readJson(request))
    if (pathname.startsWith('/throw/')) throw evil(decodeURIComponent(pathname.slice(7)))
    return undefined
  },
})

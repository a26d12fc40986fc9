// `ballet key new`: makes an API key. Nothing is kept of it: whoever is to bear it gets the key, and a server the line with its SHA-256.
import { toMs } from '../core/duration.ts'
import { digestOf, isKeyName, lineOf, NAME_FORM, newKey, SCOPES, scopesOf } from '../server/api-key.ts'
import type { Command, Given } from './command.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { print, type Terminal } from './terminal.ts'

const WORDS = ['new'] as const

export const key: Command = {
  name: 'key',
  about: 'Make an API key, and the line by which a server knows it.',
  words: [{ name: 'new', about: 'The word new: keys are made here, and kept elsewhere.', oneOf: () => WORDS }],
  options: {
    name: { value: '<name>', about: 'Whose it is: it stands in the key, in errors and in journals.' },
    scopes: { value: '<scope,scope>', about: `What it may do: ${SCOPES.join(', ')}.` },
    expires: { value: '<time>', about: 'For how long it is good, as 90d; default: until it is taken out.' },
  },
  examples: [
    'ballet key new --name ci --scopes start,read --expires 90d',
    'ballet key new --name prometheus --scopes read',
  ],
  async run(given, terminal) {
    const [word] = given.words
    if (word !== 'new') throw usage(key, `There is no "ballet key ${word}", only "ballet key new".`)
    const name = required(given, 'name')
    if (!isKeyName(name)) throw usage(key, `--name must be ${NAME_FORM}.`)
    const scopes = scopesOf(required(given, 'scopes'), ',')
    if (typeof scopes === 'string') throw usage(key, `--scopes is not understood: ${scopes}, with commas between.`)
    const until = untilOf(given, terminal)
    const made = newKey(name)
    const line = lineOf({ name, scopes, digest: digestOf(made), until })
    const end = until === null ? null : new Date(until).toISOString()
    print(terminal, given.flag('json'), { key: made, line, name, scopes, until: end }, () => [
      terminal.paint.bold(made),
      line,
    ])
    terminal.note('The first line is the key, for whoever calls. It is kept nowhere: it is shown this once.')
    terminal.note(
      'The second is for BALLET_API_KEYS, or the file that BALLET_API_KEYS_FILE names: servers know the key by it.',
    )
    return EXIT.ok
  },
}

/** @throws USAGE */
function required(given: Given, name: string): string {
  const text = given.text(name)
  if (text === undefined) throw usage(key, `ballet key new needs --${name}.`)
  return text
}

/** In whole seconds: a line is read by people. @throws USAGE, DURATION_INVALID */
function untilOf(given: Given, { clock }: Terminal): number | null {
  const text = given.text('expires')
  return text === undefined ? null : Math.floor((clock.now() + toMs(text)) / 1000) * 1000
}

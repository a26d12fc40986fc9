// Who asks for something to be done to a run, and why: the options of every command that acts on runs. Unless told
// otherwise it is the user that the system knows, and for whoever bears an API key the name of that; the journal keeps both.
import { userInfo } from 'node:os'
import type { Reasoned } from '../define/reasoned.ts'
import { isKeyForm } from '../server/api-key.ts'
import type { Given, OptionSpec } from './command.ts'
import type { Terminal } from './terminal.ts'
import { tokensOf } from './tokens.ts'

export const REASON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  by: { value: '<name>', about: 'Who asks for it; default: your name on this system, or that of your API key.' },
  why: { value: '<text>', about: 'Why. Both are kept in the journal of the run.' },
}

/** Who asks, and why. */
export function reasonOf(given: Given, terminal: Pick<Terminal, 'env'>): Reasoned {
  return { by: given.text('by') ?? (bearsKey(terminal) ? undefined : userName(terminal)), why: given.text('why') }
}

/** The server knows the name of the key, and a machine that bears one has no user that says more. */
const bearsKey = ({ env }: Pick<Terminal, 'env'>): boolean => isKeyForm(tokensOf(env['BALLET_TOKEN'])[0] ?? '')

/** A user without an entry in the system's list (as in many containers) goes by what the environment says, or none. */
function userName({ env }: Pick<Terminal, 'env'>): string | undefined {
  try {
    return userInfo().username
  } catch {
    const { USER: user, USERNAME: name } = env
    return (user ?? name) || undefined
  }
}

// Which call or step of a run a command is about: it stands behind the run, or as --op. Both forms are taken wherever
// one is, so that nobody has to know which command wants which.
import type { Command, Given, OptionSpec } from './command.ts'
import { usage } from './parse.ts'

export const OP_OPTION: Readonly<Record<string, OptionSpec>> = {
  op: { value: '<op>', about: 'The call or step, in the place of the word.' },
}

/** @throws USAGE when it is given in both forms */
export function opOf(command: Pick<Command, 'name'>, given: Given): string | undefined {
  const [, word] = given.words
  const option = given.text('op')
  if (word !== undefined && option !== undefined)
    throw usage(command, `The call "${word}" and --op ${option} are both given; give one.`)
  return word ?? option
}

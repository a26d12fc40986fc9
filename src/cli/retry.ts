// `ballet retry`: tries again what is stuck, in one run or in all that match.
import { actOnAll, ALL_OPTIONS, isForAll } from './act-on-all.ts'
import { printActed } from './acted.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { OP_OPTION, opOf } from './op-of.ts'
import { usage } from './parse.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'

export const retry: Command = {
  name: 'retry',
  about: 'Try again what is stuck: a call, or a run with the code of today.',
  words: [
    { name: 'run', about: 'Id of the run.', optional: true },
    { name: 'op', about: 'The call or step, also as --op; default: all of the run that are stuck.', optional: true },
  ],
  options: {
    ...OP_OPTION,
    ...REASON_OPTIONS,
    ...ALL_OPTIONS,
    ...PLACE_OPTIONS,
  },
  examples: [
    `ballet retry checkout:8841 --op 'payment.charge#0' --why 'the bank is back'`,
    'ballet retry --all --name checkout --reason call --limit 100',
  ],
  async run(given, terminal) {
    const op = opOf(retry, given)
    if (isForAll(retry, given)) {
      if (op !== undefined) throw usage(retry, '--op belongs to one run.')
      return actOnAll(retry, 'retry', given, terminal)
    }
    const [run = ''] = given.words
    const client = await findWriter(given, terminal)
    const acted = await client.retry(run, { op, ...reasonOf(given, terminal) })
    return printActed(acted, given, terminal)
  },
}

// `ballet fail`: lets a stuck call fail, so that its workflow decides what follows; or ends a run whose code cannot go on.
import { printActed } from './acted.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { OP_OPTION, opOf } from './op-of.ts'
import { usage } from './parse.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'

export const fail: Command = {
  name: 'fail',
  about: 'Let a stuck call fail, or end a run whose code cannot go on.',
  words: [
    { name: 'run', about: 'Id of the run.' },
    {
      name: 'op',
      about: 'The call or step, also as --op; without it the run ends as failed, and nothing is taken back.',
      optional: true,
    },
  ],
  options: {
    message: { value: '<text>', about: 'The words of the error.' },
    code: { value: '<code>', about: 'Its code.' },
    ...OP_OPTION,
    ...REASON_OPTIONS,
    ...PLACE_OPTIONS,
  },
  absent: {
    all: 'what becomes of a call is decided for each run. `ballet runs --reason call` lists the runs; give this command for each of them. retry and cancel take --all.',
  },
  examples: [`ballet fail checkout:8841 'payment.charge#0' --message 'the card is gone' --code CARD_GONE`],
  async run(given, terminal) {
    const [run = ''] = given.words
    const op = opOf(fail, given)
    const message = given.text('message')
    if (message === undefined) throw usage(fail, 'ballet fail needs --message <text>.')
    const error = { code: given.text('code'), message }
    const client = await findWriter(given, terminal)
    const acted = await client.fail(run, { op, error, ...reasonOf(given, terminal) })
    return printActed(acted, given, terminal)
  },
}

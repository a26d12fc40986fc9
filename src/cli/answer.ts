// `ballet answer`: answers a stuck call in the place of its service. What is accepted is decided by the schemas of the
// operation, as if the service had answered.
import { printActed } from './acted.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { OP_OPTION, opOf } from './op-of.ts'
import { usage } from './parse.ts'
import { readInput } from './read-input.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'

export const answer: Command = {
  name: 'answer',
  about: 'Answer a stuck call in the place of its service.',
  words: [
    { name: 'run', about: 'Id of the run.' },
    { name: 'op', about: `The call or step, for example 'payment.charge#0'; also as --op.`, optional: true },
  ],
  options: {
    value: {
      value: '<json|@file|->',
      about: 'What the operation would answer: {"type","data"} of an outcome, or its output.',
    },
    ...OP_OPTION,
    ...REASON_OPTIONS,
    ...PLACE_OPTIONS,
  },
  absent: {
    all: 'what becomes of a call is decided for each run. `ballet runs --reason call` lists the runs; give this command for each of them. retry and cancel take --all.',
  },
  examples: [
    `ballet answer checkout:8841 'payment.charge#0' --value '{"type":"payment.approved","data":{"orderId":"8841"}}'`,
    `ballet answer mail-1 'notification.mail#0' --value @sent.json --why 'sent by hand'`,
  ],
  async run(given, terminal) {
    const [run = ''] = given.words
    const op = opOf(answer, given)
    if (op === undefined) throw usage(answer, 'ballet answer needs <op>.')
    const text = given.text('value')
    if (text === undefined) throw usage(answer, 'ballet answer needs --value <json|@file|->.')
    const value = await readInput(answer, 'value', text, terminal)
    const client = await findWriter(given, terminal)
    const acted = await client.answer(run, { op, value, ...reasonOf(given, terminal) })
    return printActed(acted, given, terminal)
  },
}

// `ballet cancel`: asks a run, or all that match, to stop and to take back what they did.
import { actOnAll, ALL_OPTIONS, isForAll } from './act-on-all.ts'
import { printActed } from './acted.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { usage } from './parse.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'

export const cancel: Command = {
  name: 'cancel',
  about: 'Ask a run to stop and to take back what it did.',
  words: [{ name: 'run', about: 'Id of the run.', optional: true }],
  options: { ...REASON_OPTIONS, ...ALL_OPTIONS, ...PLACE_OPTIONS },
  examples: [
    `ballet cancel checkout:8841 --why 'ordered twice'`,
    `ballet cancel --all --name checkout --reason call --limit 100`,
  ],
  async run(given, terminal) {
    if (isForAll(cancel, given)) {
      // What cannot be taken back afterwards is asked for in so many words.
      if (!['name', 'reason', 'status', 'kind', 'key', 'root'].some((name) => given.flag(name)))
        throw usage(cancel, '--all needs a filter; --status running and --status stuck are all that there are.')
      return actOnAll(cancel, 'cancel', given, terminal)
    }
    const [run = ''] = given.words
    const client = await findWriter(given, terminal)
    return printActed(await client.cancel(run, reasonOf(given, terminal)), given, terminal)
  },
}

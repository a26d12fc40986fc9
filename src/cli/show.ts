// `ballet show`: the page of one run. Its first line says why the run waits and what can be done.
import { fault } from '../core/errors.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findReader } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { placeWords } from './place.ts'
import { wholeJournal } from './reads.ts'
import { stuckBelow } from './stuck-below.ts'
import { print } from './terminal.ts'
import { timeline } from './timeline.ts'

export const show: Command = {
  name: 'show',
  about: 'Show a run: why it waits and what can be done, then all that happened.',
  words: [{ name: 'run', about: 'Id of the run.' }],
  options: { ...PLACE_OPTIONS },
  examples: ['ballet show checkout:8841'],
  async run(given, terminal) {
    const [id = ''] = given.words
    const reads = await findReader(given, terminal)
    try {
      const run = await reads.run(id)
      const journal = run === null ? null : await wholeJournal(reads, id)
      if (run === null || journal === null) throw fault('RUN_UNKNOWN', { id })
      const { paint, columns, clock } = terminal
      const isJson = given.flag('json')
      const below = isJson ? [] : await stuckBelow(reads, run)
      print(terminal, isJson, { run, journal }, () =>
        timeline(run, journal, { now: clock.now(), paint, columns, place: placeWords(given), below }),
      )
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

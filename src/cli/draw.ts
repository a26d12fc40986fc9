// `ballet draw`: pictures of an application as Mermaid text, which most places that show Markdown draw: the flow of one of
// its choreographies, or the map of its services. Nothing is started; the file is imported.
import { fault } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { flowChart } from '../define/draw/flow-chart.ts'
import { serviceMap } from '../define/draw/service-map.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit-code.ts'
import { loadApplication } from './load-application.ts'
import { ownOutputAside } from './own-output.ts'
import { usage } from './parse.ts'
import { print } from './terminal.ts'

export const draw: Command = {
  name: 'draw',
  about: 'Draw the flow of a choreography, or the map of the services, as Mermaid text.',
  words: [{ name: 'app.ts', about: 'File whose default export is ballet({ ... }).' }],
  options: {
    choreography: { value: '<name>', about: 'Its flow; without this option, the map of the services.' },
    format: { value: '<mermaid>', about: 'mermaid, which is the default and all that there is.' },
  },
  examples: ['ballet draw app.ts', 'ballet draw app.ts --choreography fulfilment'],
  async run(given, terminal) {
    const [path = ''] = given.words
    const format = given.text('format') ?? 'mermaid'
    if (format !== 'mermaid') throw usage(draw, `--format must be mermaid, not "${format}".`)
    const { definition } = await ownOutputAside(() => loadApplication(path, terminal.cwd))
    const name = given.text('choreography')
    const choreography = definition.choreographies.find((one) => one.name === name)
    if (name !== undefined && choreography === undefined) {
      const names = definition.choreographies.map((one) => one.name)
      throw fault('CHOREOGRAPHY_UNKNOWN', { name, nearest: nearest(name, names) })
    }
    const text = choreography === undefined ? serviceMap(definition) : flowChart(choreography, definition)
    print(terminal, given.flag('json'), { format, text }, () => text.split('\n'))
    return EXIT.ok
  },
}

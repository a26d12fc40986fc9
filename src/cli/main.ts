// The command: connects a command line to this process. It runs when it is imported (bin/ballet.js does). The exit code
// is set and the process ends by itself, so that nothing that was printed is cut off (on Linux and macOS a write to a
// pipe or a terminal is done when it returns; on Windows it may not be); a reader that has gone away
// (`ballet runs | head`) ends it quietly.
import { systemClock } from '../engine/clock.ts'
import { EXIT } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { runCommand } from './run-command.ts'

const argv = process.argv.slice(2)
/** These live on when nobody reads what they print. */
const isServing = argv[0] === 'serve' || argv[0] === 'dev'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A line that nobody gets (the reader is gone, the disk is full) is no reason to end what carries orders.
    if (isServing) return
    if (error.code === 'EPIPE') process.exit()
    if (stream === process.stdout) process.stderr.write(`error What was to be printed cannot be: ${error.message}\n`)
    process.exit(EXIT.failed)
  })
}

const exitCode = await runCommand(argv, {
  out: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
  async input() {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  },
  paint: paintFor(process.stdout.isTTY, process.env),
  notePaint: paintFor(process.stderr.isTTY, process.env),
  // What goes to a file or to another program is never cut.
  columns: process.stdout.isTTY ? process.stdout.columns || 120 : Infinity,
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
})
process.exitCode = exitCode
// What the application itself left open (a connection, a timer) must not keep a process that is done with it.
if (isServing || ['replay', 'check', 'draw', 'compare'].includes(argv[0] ?? '')) process.exit()

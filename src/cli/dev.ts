// `ballet dev`: runs an application in a child process and starts it again when its code changes. A reload ends the
// child as an operator would (SIGTERM, drain, exit) before the next one opens the same store, so that no run is lost
// and none runs twice; broken code is shown, and the next change tries again.
//
//   running --change--> ending --exit--> running        running --exit by itself--> waiting --change--> running
//   any --SIGTERM or SIGINT--> ending --exit--> gone
import { spawn, type ChildProcess } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cancel } from '../core/clock.ts'
import { ownProgram } from '../core/own-files.ts'
import type { Command, Given } from './command.ts'
import { shownPath } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { untilAsked } from './lifetime.ts'
import { oneLine } from './printable.ts'
import { DEFAULT_STORE, DEVELOPMENT, portOf, SERVE_OPTIONS } from './serve.ts'
import { processFilePath } from '../server/process-file.ts'
import { storePlace } from '../server/store-place.ts'
import type { Terminal } from './terminal.ts'
import { watchFolder } from './watch-folder.ts'

/** What a child that drains is given before it is ended at once; its runs go on from the journal either way. */
const DRAIN_MS = 10_000

export const dev: Command = {
  name: 'dev',
  about: 'Run an application and start it again when its code changes; no run is lost.',
  words: [{ name: 'app.ts', about: 'File whose default export is ballet({ ... }).' }],
  options: {
    ...SERVE_OPTIONS,
    watch: { value: '<folder>', about: 'Watch this folder too, besides that of the file.', many: true },
  },
  examples: ['ballet dev app.ts'],
  async run(given, terminal) {
    const [path = ''] = given.words
    // Wrong words are told once, not at every start.
    const { folder: besideStore } = storePlace(given.text('store') ?? DEFAULT_STORE, terminal.cwd)
    portOf(given, terminal)
    const asked = untilAsked()
    const child = new Restarting(() => launch(path, given, terminal), terminal)
    const folders = [
      dirname(resolve(terminal.cwd, path)),
      ...given.all('watch').map((folder) => resolve(terminal.cwd, folder)),
    ]
    const restart = (changed: string): void => {
      terminal.note(terminal.notePaint.dim(`${oneLine(shownPath(changed, terminal))} changed: starting again`))
      child.restart()
    }
    // The child writes its address beside its store, which may be among the sources.
    const own = processFilePath(besideStore)
    const watches = folders.map((folder) => watchFolder(folder, terminal.clock, restart, own))
    terminal.note(terminal.notePaint.dim(`watching ${folders.map((folder) => oneLine(folder)).join(', ')}`))
    child.restart()
    await asked
    for (const watch of watches) watch.close()
    await child.end()
    return EXIT.ok
  },
}

/** Starts `ballet serve` in a group of its own: a Ctrl-C at the terminal then reaches it through us, once. */
function launch(path: string, given: Given, { cwd, env }: Terminal): ChildProcess {
  const main = fileURLToPath(ownProgram('cli/main'))
  const options = ['store', 'port', 'host'].flatMap((name) => {
    const value = given.text(name)
    return value === undefined ? [] : [`--${name}=${value}`]
  })
  if (given.flag('json')) options.push('--json')
  return spawn(process.execPath, [...process.execArgv, main, 'serve', path, ...options], {
    cwd,
    env: { ...env, [DEVELOPMENT]: '1' },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

/** One child at a time. Changes that come while it ends are one more start. */
class Restarting {
  readonly #begin: () => ChildProcess
  readonly #terminal: Terminal
  #child: ChildProcess | undefined
  #draining: ChildProcess | undefined
  #wanted = false
  /** Set once it is to end for good. */
  #over: (() => void) | undefined

  constructor(begin: () => ChildProcess, terminal: Terminal) {
    this.#begin = begin
    this.#terminal = terminal
  }

  /** Ends the child, if there is one, and starts a new one. */
  restart(): void {
    this.#wanted = true
    if (this.#child === undefined) this.#start()
    else this.#drain(this.#child)
  }

  /** Ends the child for good. */
  end(): Promise<void> {
    this.#wanted = false
    if (this.#child === undefined) return Promise.resolve()
    const over = new Promise<void>((done) => {
      this.#over = done
    })
    this.#drain(this.#child)
    return over
  }

  #start(): void {
    this.#wanted = false
    const child = this.#begin()
    this.#child = child
    const gone = (how: string): void => {
      if (this.#child !== child) return
      this.#child = undefined
      if (this.#over !== undefined) this.#over()
      else if (this.#wanted) this.#start()
      else
        this.#terminal.note(
          this.#terminal.notePaint.yellow(`The application ended (${how}); a change starts it again.`),
        )
    }
    child.once('error', (error) => gone(error.message))
    child.once('exit', (code, signal) => gone(signal ?? `exit code ${code ?? 0}`))
  }

  #drain(child: ChildProcess): void {
    if (this.#draining === child) return
    this.#draining = child
    child.kill('SIGTERM')
    const cancel: Cancel = this.#terminal.clock.after(DRAIN_MS, () => {
      this.#terminal.note(
        `It has not ended within ${DRAIN_MS / 1000} s: ending it at once; its runs go on from the journal.`,
      )
      child.kill('SIGKILL')
    })
    child.once('exit', cancel)
  }
}

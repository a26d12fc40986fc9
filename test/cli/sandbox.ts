// A folder of its own for a test of the command: a package that has Ballet and zod as its dependencies, an application,
// and the built command, run in real processes. Everything that was started is ended, and the folder removed, when the
// test is over.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const launcher = join(repository, 'bin', 'ballet.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Given {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  /** Folder to stand in, below the sandbox. */
  readonly cwd?: string
}

/** A command that goes on: its output so far, and what it ends with. */
export class Process {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  readonly #looks = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      for (const look of this.#looks) look()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      for (const look of this.#looks) look()
    })
    this.ended = once(child, 'close').then(([code]) => {
      for (const look of this.#looks) look()
      return { code: typeof code === 'number' ? code : null, stdout: this.stdout, stderr: this.stderr }
    })
  }

  /** Resolves with the match once `pattern` stands in what was printed `times` times. Rejects when the process ends before. */
  until(pattern: RegExp, times = 1): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const matches = [...`${this.stdout}\n${this.stderr}`.matchAll(new RegExp(pattern, 'g'))]
        const match = matches[times - 1]
        if (match === undefined && this.child.exitCode === null && this.child.signalCode === null) return
        this.#looks.delete(look)
        if (match === undefined)
          reject(new Error(`it ended without ${String(pattern)}:\n${this.stdout}\n${this.stderr}`))
        else resolve(match)
      }
      this.#looks.add(look)
      look()
    })
  }
}

export class Sandbox {
  readonly folder: string
  readonly #processes: Process[] = []

  constructor(files: Readonly<Record<string, string>>) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'ballet-cli-')))
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(repository, join(this.folder, 'node_modules', 'ballet'))
    symlinkSync(join(repository, 'node_modules', 'zod'), join(this.folder, 'node_modules', 'zod'))
    this.write('package.json', '{ "type": "module" }')
    for (const [path, text] of Object.entries(files)) this.write(path, text)
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), text)
  }

  /** Starts a command that goes on. */
  begin(words: readonly string[], given: Given = {}): Process {
    return this.#begin(process.execPath, [launcher, ...words], given)
  }

  #begin(command: string, words: readonly string[], { env = {}, cwd = '.' }: Given): Process {
    const { PORT: _port, NO_COLOR: _noColor, FORCE_COLOR: _forceColor, ...inherited } = process.env
    const child = spawn(command, words, {
      cwd: join(this.folder, cwd),
      env: { ...inherited, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => {})
    const started = new Process(child)
    this.#processes.push(started)
    return started
  }

  /** Runs a command to its end. */
  async run(words: readonly string[], given: Given = {}): Promise<Ended> {
    const started = this.begin(words, given)
    started.child.stdin?.end(given.input)
    return started.ended
  }

  /** Gives a line to a shell that knows the command, as whoever copied it would. */
  async paste(line: string, given: Given = {}): Promise<Ended> {
    const script = `ballet() { "$BALLET_NODE" "$BALLET_LAUNCHER" "$@"; }\n${line}`
    const env = { ...given.env, BALLET_NODE: process.execPath, BALLET_LAUNCHER: launcher }
    const started = this.#begin('sh', ['-c', script], { ...given, env })
    started.child.stdin?.end(given.input)
    return started.ended
  }

  /** Runs a command to its end; `stdout` must be one JSON document. */
  async json(
    words: readonly string[],
    given: Given = {},
  ): Promise<{ readonly code: number | null; readonly value: Record<string, unknown>; readonly stderr: string }> {
    const { code, stdout, stderr } = await this.run([...words, '--json'], given)
    if (stdout.trimEnd().includes('\n')) throw new Error(`more than one line on stdout:\n${stdout}`)
    return { code, value: JSON.parse(stdout) as Record<string, unknown>, stderr }
  }

  /** Serves app.ts on a free port; resolves when it takes work. */
  async serve(words: readonly string[] = [], given: Given = {}): Promise<Process> {
    const started = this.begin(['serve', 'app.ts', '--port', '0', ...words], given)
    await started.until(/ serves (http\S+)/)
    return started
  }

  async remove(): Promise<void> {
    for (const { child } of this.#processes)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await Promise.all(this.#processes.map(({ ended }) => ended))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

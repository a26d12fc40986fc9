// Ways to make a real fsync of a child process fail: by strace, which answers the system call itself, or by a library
// that is preloaded (fail-sync.c), where strace is not installed or not allowed. Both fail one call on one file.
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Which call fails: the `at`-th (from 1) fsync or fdatasync of a file, by its whole path. */
export interface SyncFault {
  readonly path: string
  readonly at: number
  /** A file that holds INJECTED afterwards, if it came to that call. */
  readonly log: string
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** How a command is started so that the fault comes to it. */
export type SyncFaults = (fault: SyncFault, command: string, args: readonly string[]) => Launch

const inject = (at: number): string => `inject=fsync,fdatasync:error=EIO:when=${at}`

export function straceFaults(): SyncFaults | undefined {
  const probe = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', inject(1), 'true'], { stdio: 'ignore' })
  if (probe.status !== 0) return undefined
  return ({ path, at, log }, command, args) => ({
    command: 'strace',
    args: ['-f', '-o', log, '-P', path, '-e', 'trace=fsync,fdatasync', '-e', inject(at), command, ...args],
    env: {},
  })
}

/** @param folder where the library may be built. */
export function preloadedFaults(folder: string): SyncFaults | undefined {
  const library = join(folder, 'fail-sync.so')
  const source = fileURLToPath(new URL('./fail-sync.c', import.meta.url))
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return ({ path, at, log }, command, args) => ({
    command,
    args,
    env: { LD_PRELOAD: library, BALLET_FAIL_PATH: path, BALLET_FAIL_AT: String(at), BALLET_FAIL_LOG: log },
  })
}

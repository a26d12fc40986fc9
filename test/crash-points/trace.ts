// The system calls that a shop makes on the files of its store, seen and counted by strace, and the death of the process
// at one of them: strace kills it as it enters the call, so the call before is the last that happened. Calls are counted
// per file and thread, as strace counts them; the store writes in one thread.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { storeOf } from '../chaos/shop-process.ts'

/** Everything that changes a file or makes it durable. */
const CALLS =
  'write,writev,pwrite64,pwritev,pwritev2,fallocate,ftruncate,truncate,' +
  'fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat'

/** What stands beside the file of a store under its name, and what stands there while it is made. */
const ENDS = ['', '-wal', '-shm', '-journal', '.lock', '.lock-journal', '.reserve', '.new', '.new-wal', '.new-shm']
const FOLDER = '.'

/** A call on a file, by its number from 1. The file is named as it is in the folder of the store; `.` is the folder. */
export interface Place {
  readonly file: string
  readonly call: string
  readonly k: number
}

/** Null where strace is not installed, or must not trace. */
export function whyNoTrace(): string | null {
  const probe = spawnSync('strace', ['-D', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync:signal=KILL', 'true'])
  return probe.status === 0 ? null : 'strace is not installed, or must not trace here'
}

const pathOf = (folder: string, file: string): string => (file === FOLDER ? folder : `${folder}/${file}`)
const watched = (folder: string): string[] => [folder, ...ENDS.map((end) => storeOf(folder) + end)]
/** The tracer stands aside, so that the process is a child of whoever starts it, and dies by itself. */
const strace = (log: string): string[] => ['strace', '-D', '-f', '-qq', '-y', '-o', log]

/** What a command is started under so that its calls are written to a log. */
export function recording(folder: string, log: string): string[] {
  return [...strace(log), ...watched(folder).flatMap((path) => ['-P', path]), '-e', `trace=${CALLS}`]
}

/** What a command is started under so that it dies at a place. */
export function dyingAt(folder: string, { file, call, k }: Place): string[] {
  const inject = `inject=${call}:signal=KILL:when=${k}`
  return [...strace('/dev/null'), '-P', pathOf(folder, file), '-e', `trace=${call}`, '-e', inject]
}

/** How often a log has each call on each file, in the thread that made the most of them. */
export function counted(log: string, folder: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, thread, call, open, named] = /^(\d+) +(\w+)\((?:\d+<([^>]+)>|"([^"]+)")/.exec(line) ?? []
    const path = (open ?? named)?.replace(/ ?\(deleted\)$/, '')
    if (call === undefined || path === undefined) continue
    const file = path === folder ? FOLDER : dirname(path) === folder ? basename(path) : undefined
    if (file === undefined) continue
    const key = `${file} ${call} ${thread}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const most = new Map<string, number>()
  for (const [key, count] of counts) {
    const place = key.split(' ').slice(0, 2).join(' ')
    most.set(place, Math.max(most.get(place) ?? 0, count))
  }
  return most
}

/** The places of the calls that came after those of an earlier count. */
export function placesBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Place[] {
  return [...after].flatMap(([key, count]) => {
    const [file = '', call = ''] = key.split(' ')
    const first = (before.get(key) ?? 0) + 1
    return Array.from({ length: Math.max(0, count - first + 1) }, (_, index) => ({ file, call, k: first + index }))
  })
}

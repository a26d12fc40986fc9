// The results of a sweep: one line a point, appended as soon as it is known, so that a sweep can be broken off and go on
// at any time; and what all of them come to, by scene and by system call.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const Result = z.object({
  scene: z.string(),
  file: z.string(),
  call: z.string(),
  k: z.number(),
  /** False when this time the shop did not make so many calls. */
  isKilled: z.boolean(),
  /** Orders at work and requests without an answer. */
  met: z.number(),
  /** Steps that reached a service more than once. */
  redelivered: z.number(),
  /** What is wrong. */
  findings: z.array(z.string()),
  isAuditorSilent: z.boolean().nullable(),
  seconds: z.number(),
})
export type Result = z.infer<typeof Result>

/** The results that a file has; none when there is no such file, or none was named. */
export function readResults(file: string | undefined): Result[] {
  if (file === undefined || !existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => Result.parse(JSON.parse(line)))
}

export function appendResult(file: string, result: Result): void {
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

export const isGood = ({ findings, isAuditorSilent }: Result): boolean =>
  findings.length === 0 && isAuditorSilent !== false

/** The figures, a line each. */
export function summary(results: readonly Result[]): string[] {
  const killed = results.filter(({ isKilled }) => isKilled)
  const by = (of: (result: Result) => string): string[] =>
    [...Map.groupBy(killed, of)].map(([name, those]) => `  ${String(those.length).padStart(5)}  ${name}`)
  return [
    `points          ${killed.length} of ${results.length} tried`,
    `met work        ${killed.filter(({ met }) => met > 0).length}`,
    `redelivered     ${killed.reduce((sum, { redelivered }) => sum + redelivered, 0)} steps`,
    `findings        ${results.filter((one) => !isGood(one)).length}`,
    `seconds         ${results.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(0)}`,
    'by scene',
    ...by(({ scene }) => scene),
    'by system call',
    ...by(({ file, call }) => `${call} of ${file === '.' ? 'the folder' : file}`),
  ]
}

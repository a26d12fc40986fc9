// `ballet start`: starts a run of a workflow or an operation, and waits for its end when asked to. The id on stdout is
// the answer; the same id with the same input starts nothing twice.
import { showMs, toMs } from '../core/duration.ts'
import { fault } from '../core/errors.ts'
import type { RunView } from '../core/views.ts'
import { choiceLines } from './choices.ts'
import type { Client } from './client.ts'
import { PLACE_OPTIONS, type Command, type Given } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT, exitCodeOfRun } from './exit-code.ts'
import { usage } from './parse.ts'
import { placeWords } from './place.ts'
import { printable } from './printable.ts'
import { RemoteError } from './problem.ts'
import { readInput } from './read-input.ts'
import { print, type Terminal } from './terminal.ts'
import { statusPaint } from './timeline.ts'
import { shellWord, waitingLine } from './why-waiting.ts'

/** How long one request waits: a run that is stuck does not end, and is to be told soon. */
const TURN_MS = 1000
const DURATION = /^\d+(\.\d+)?(ms|s|m|h|d)$/

export const start: Command = {
  name: 'start',
  about: 'Start a run of a workflow or an operation.',
  words: [{ name: 'call', about: 'A workflow, or service.operation.' }],
  options: {
    input: { value: '<json|@file|->', about: 'Its input: JSON, a file, or stdin.' },
    id: { value: '<id>', about: 'Id of the run; the same id and input is the same run.' },
    at: { value: '<time>', about: 'Not before: ISO 8601 with a time zone, or a length from now, 2h.' },
    deadline: { value: '<time>', about: 'Cancel it if it has not ended by then; as --at.' },
    wait: {
      value: '<duration>',
      about: 'Wait for its end (30s unless told) and print its output.',
      bare: { value: '30s', matches: DURATION },
    },
    ...PLACE_OPTIONS,
  },
  examples: [
    `ballet start checkout --input '{"orderId":"8841","total":4200}' --wait`,
    'ballet start payment.charge --input @charge.json --id charge-8841',
    'ballet start reminder --input @reminder.json --at 2d --deadline 2026-12-24T18:00:00Z',
  ],
  async run(given, terminal) {
    const [call = ''] = given.words
    const text = given.text('input')
    if (text === undefined) throw usage(start, 'ballet start needs --input <json|@file|->.')
    const wait = given.text('wait')
    const waitMs = wait === undefined ? undefined : toMs(wait)
    const input = await readInput(start, 'input', text, terminal)
    const client = await findWriter(given, terminal)
    const at = timeIn(given, 'at', terminal)
    const deadline = timeIn(given, 'deadline', terminal)
    const { created, id } = await client.start({ call, input, id: given.text('id'), at, deadline })
    const isForgotten = !created && (await hasForgotten(client, id))
    if (isForgotten)
      terminal.note(
        `${printable(id)} was started before, ended long ago and is forgotten; nothing new was started. Use another id to start one.`,
      )
    else if (!created) terminal.note(`${printable(id)} exists with this input; nothing new was started.`)
    if (!created && !isForgotten && (at ?? deadline) !== undefined) terminal.note(timesOf(await client.run(id)))
    if (waitMs === undefined) {
      print(terminal, given.flag('json'), { id, created }, () => [printable(id)])
      if (!given.flag('json') && !isForgotten)
        terminal.note(`See it: ballet show ${printable(shellWord(id))}${placeWords(given)}`)
      return EXIT.ok
    }
    const settled = await settle(client, id, waitMs, terminal).catch((error: unknown) => {
      terminal.note(
        `${printable(id)} ${created ? 'was started' : 'had been started before'}; how it stands now is not known.`,
      )
      throw error
    })
    print(terminal, given.flag('json'), { id, created, run: settled }, () =>
      outcome(settled, placeWords(given), terminal),
    )
    if (settled.status === 'running')
      terminal.note(`${printable(settled.id)} has not ended within ${showMs(waitMs)}; it goes on.`)
    return exitCodeOfRun(settled.status)
  },
}

/** Whether of a run that exists nothing is left but its id. */
async function hasForgotten(client: Client, id: string): Promise<boolean> {
  try {
    await client.run(id)
    return false
  } catch (error) {
    if (error instanceof RemoteError) return error.problem.code === 'RUN_FORGOTTEN'
    throw error
  }
}

/** What of its times a run keeps that exists already, whatever others were asked for. */
function timesOf(run: RunView | null): string {
  if (run === null) return 'Its times are those that it was started with.'
  const ends = run.deadline === undefined ? 'has no deadline' : `keeps its deadline, ${run.deadline}`
  return `It ${run.at === undefined ? '' : `still begins at ${run.at}, and `}${ends}.`
}

/** A time as the application takes it: a length of time counts from now, anything else is judged there. */
function timeIn(given: Given, option: string, { clock }: Terminal): string | undefined {
  const text = given.text(option)
  if (text === undefined || !DURATION.test(text)) return text
  return new Date(clock.now() + toMs(text)).toISOString()
}

/** The run once it has ended or is stuck, or as it is when the time is over. */
async function settle(client: Client, id: string, waitMs: number, { clock }: Terminal): Promise<RunView> {
  const deadline = clock.now() + waitMs
  for (;;) {
    const run = await client.settled(id, Math.max(0, Math.min(TURN_MS, deadline - clock.now())))
    if (run === null) throw fault('RUN_UNKNOWN', { id })
    if (run.status !== 'running' || clock.now() >= deadline) return run
  }
}

function outcome(run: RunView, place: string, { paint, clock }: Terminal): readonly string[] {
  const line = `${printable(run.id)}: ${printable(waitingLine(run, clock.now(), place))}`
  return [
    statusPaint(paint, run.status)(line),
    ...choiceLines(run, place).map(printable),
    ...(run.output === undefined ? [] : [printable(JSON.stringify(run.output, null, 2))]),
  ]
}

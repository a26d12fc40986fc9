// The task list. It is no table: a task is a run, so the list of those that are open is a question about runs, and what a task
// came to is the output of its run. Nothing can be on the list that is not waited for, nor the other way round, whenever the
// process dies.
import { isBalletError, type Application, type RunView } from 'ballet'
import { Decide, Task, TaskEnd, type Decision } from './contracts.ts'
import { namesOf } from './people.ts'
import { Problem } from './problem.ts'

/** What is asked of the application here: also by the clients of the simulation. */
export type Desk = Pick<Application, 'run' | 'runs' | 'signal' | 'settled' | 'start'>

export interface TaskView extends Task {
  readonly id: string
  /** `lapsed`: nobody did anything in time. `withdrawn`: the claim was, before anybody did. */
  readonly status: 'open' | 'decided' | 'lapsed' | 'withdrawn'
  readonly decision?: Decision | undefined
}

export function taskOf({ id, status, phase, input, output }: RunView): TaskView {
  const task = { id, ...Task.parse(input) }
  if (status === 'cancelled' || phase === 'cancelling') return { ...task, status: 'withdrawn' }
  if (status !== 'completed') return { ...task, status: 'open' }
  const { decision } = TaskEnd.parse(output)
  return decision === null ? { ...task, status: 'lapsed' } : { ...task, status: 'decided', decision }
}

/** All runs that match, newest first. */
export async function allRuns(app: Desk, request: NonNullable<Parameters<Desk['runs']>[0]>): Promise<RunView[]> {
  const found: RunView[] = []
  let cursor: string | undefined
  do {
    const page = await app.runs({ ...request, limit: 1_000, cursor })
    found.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

/** What a person can do something about, the most urgent first. */
export async function openTasks(app: Desk, person: string): Promise<TaskView[]> {
  const lists = namesOf(person).map((name) =>
    allRuns(app, { name: 'task', key: `assignee:${name}`, status: ['running', 'stuck'] }),
  )
  return (await Promise.all(lists))
    .flat()
    .map(taskOf)
    .filter((task) => task.status === 'open' && isFor(task, person))
    .toSorted((left, right) => left.due.localeCompare(right.due))
}

/** Nobody decides about a claim of their own, whichever group they are in. */
const isFor = ({ assignee, kind, claim }: TaskView, person: string): boolean =>
  namesOf(person).includes(assignee) && (kind === 'answer' || claim.by !== person)

const WAIT_MS = 10_000

/**
 * Decides a task. The answer is what the task came to, and not what was asked for: whoever comes second, or in the moment of
 * the deadline, hears of it. Asking again for the same is asking once.
 * @throws Problem 404 for no task, 403 for somebody else's, 422 for a decision that it does not take, 409 for one that is
 * decided otherwise, 410 for one that nobody can decide any more
 */
export async function decideTask(app: Desk, id: string, decision: Decision): Promise<TaskView> {
  const run = await app.run(id)
  if (run?.name !== 'task')
    throw new Problem(404, 'TASK_UNKNOWN', `There is no task "${id}".`, 'GET /tasks lists them.')
  const task = taskOf(run)
  if (!isFor(task, decision.by))
    throw new Problem(
      403,
      'TASK_OF_ANOTHER',
      `${decision.by} may not decide this: it is with ${task.assignee}.`,
      'Ask them.',
    )
  refuseUnfit(task, decision)
  try {
    if (task.status === 'open') await app.signal(id, Decide(decision), { id: decision.by })
  } catch (error) {
    // Ended in the meantime, or decided otherwise by the same person: what it came to says it.
    if (!isBalletError(error) || !['RUN_ENDED', 'SIGNAL_CONFLICT'].includes(error.code)) throw error
  }
  const ended = await app.settled(id, WAIT_MS)
  return outcomeFor(decision, taskOf(ended ?? run))
}

function refuseUnfit({ kind }: TaskView, { decision, note }: Decision): void {
  const taken = kind === 'answer' ? ['answer'] : ['approve', 'reject', 'ask']
  if (!taken.includes(decision))
    throw new Problem(422, 'DECISION_UNFIT', `This task does not take "${decision}".`, `It takes ${taken.join(', ')}.`)
  if (note === '' && (decision === 'ask' || decision === 'answer'))
    throw new Problem(422, 'NOTE_MISSING', `There is nothing in the note.`, 'Say there what you ask or answer.')
}

function outcomeFor(asked: Decision, task: TaskView): TaskView {
  const { status, decision, claim, due } = task
  if (status === 'lapsed')
    throw new Problem(
      410,
      'TASK_LAPSED',
      `The time for it was up at ${due}.`,
      `GET /claims/${claim.claimId} says who is asked now.`,
    )
  if (status === 'withdrawn')
    throw new Problem(
      410,
      'TASK_WITHDRAWN',
      `The claim ${claim.claimId} was withdrawn.`,
      'There is nothing left to do.',
    )
  const isSame = decision?.by === asked.by && decision.decision === asked.decision && decision.note === asked.note
  if (decision !== undefined && !isSame)
    throw new Problem(
      409,
      'TASK_DECIDED',
      `${decision.by} has decided it: ${decision.decision}.`,
      'The first decision holds.',
    )
  return task
}

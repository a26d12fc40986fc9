// A task is a run of this workflow: it waits for a decision until its time is up. So the task list is a question about runs
// (tasks.ts), and a decision and a deadline that come in one moment are two things delivered to one run: it takes the first.
import { workflow } from 'ballet'
import { Decide, Task, TaskEnd } from './contracts.ts'
import type { Services } from './services.ts'

export const taskWorkflow = ({ mail }: Services) =>
  workflow(
    'task',
    // The assignee is the key, by which the tasks of a person are found.
    { input: Task, output: TaskEnd, key: 'assignee', signals: [Decide] },
    async (run, { assignee, kind, claim: { claimId, by, amount, reason }, due }) => {
      const what =
        kind === 'decide' ? `decide about ${claimId}: ${amount / 100} for ${by}, ${reason}` : `answer about ${claimId}`
      /** Mails go by themselves: a mail server that is down holds nothing up. */
      const tell = (word: string) => void run.start(mail.send({ to: assignee, text: `${word}${what} (until ${due})` }))
      const left = () => Math.max(0, Date.parse(due) - run.now().getTime())

      tell('please ')
      const early = await run.receive(Decide, { within: `${Math.floor(left() / 2)}ms` })
      if (early !== null) return { decision: early.data }
      // After an outage the time may be up already.
      if (left() > 0) tell('a reminder: please ')
      const late = await run.receive(Decide, { within: `${left()}ms` })
      return { decision: late?.data ?? null }
    },
  )
export type TaskWorkflow = ReturnType<typeof taskWorkflow>

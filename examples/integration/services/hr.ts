// HR, as a service: who works on what. It knows no Idempotency-Key, is slow, and answers now and then with a 500 though it
// has done the work. So every write looks first whether its project is there, by our number. That leaves a gap: two may look
// before either has written, or HR may carry out late what it had answered with an error. So it looks once more behind it,
// and of several keeps the oldest: whoever looks comes to the same one, and in the end there is one.
import { operation, service, type OperationContext, type Policy } from 'ballet'
import { z } from 'zod'
import { apiOf, Refused, type System } from '../api.ts'
import { About, Job, ProjectReleased, ProjectStaffed } from '../contracts.ts'

const Project = z.object({
  id: z.string(),
  /** Counts up: a project with a lower number was made earlier. */
  sequence: z.int(),
  externalReference: z.string(),
  state: z.enum(['planned', 'released']),
  team: z.array(z.object({ person: z.string(), hours: z.int() })),
})
type Project = z.infer<typeof Project>
export const Projects = z.object({ projects: z.array(Project) })
type Context = Pick<OperationContext, 'signal'>

export function hrService(system: System, policy: Policy) {
  const ask = apiOf('HR', system)

  /** The project of a deal; those that a race has made beside it are removed. */
  async function find(context: Context, dealId: string): Promise<Project | null> {
    const { projects } = await ask(context, `/projects?externalReference=${dealId}`, Projects)
    const [oldest, ...others] = projects.toSorted((one, other) => one.sequence - other.sequence)
    for (const { id } of others) await remove(context, id)
    return oldest ?? null
  }

  async function remove(context: Context, id: string): Promise<void> {
    try {
      await ask(context, `/projects/${encodeURIComponent(id)}`, z.unknown(), { method: 'DELETE' })
    } catch (error) {
      // Whoever was in the same race has removed it already.
      if (!(error instanceof Refused && error.status === 404)) throw error
    }
  }

  return service('hr', {
    staff: operation({
      ...policy,
      input: Job,
      outcomes: [ProjectStaffed],
      async run({ dealId, invoiceNumber, title, hours }, context) {
        let project = await find(context, dealId)
        if (project === null) {
          const body = { externalReference: dealId, name: title, hours }
          const made = await ask(context, '/projects', Project, { method: 'POST', body })
          project = (await find(context, dealId)) ?? made
        }
        const team = project.team.map(({ person }) => person)
        return ProjectStaffed({ dealId, invoiceNumber, projectId: project.id, team })
      },
    }),

    release: operation({
      ...policy,
      input: About.extend({ creditNote: z.string() }),
      undoes: 'staff',
      outcomes: [ProjectReleased],
      async run({ dealId, creditNote }, context) {
        const project = await find(context, dealId)
        if (project !== null)
          await ask(context, `/projects/${encodeURIComponent(project.id)}/release`, Project, { method: 'POST' })
        return ProjectReleased({ dealId, creditNote })
      },
    }),

    find: operation({
      ...policy,
      input: About,
      output: Project.nullable(),
      run: ({ dealId }, context) => find(context, dealId),
    }),
  })
}

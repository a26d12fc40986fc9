// The stand-in of HR: people and the projects for which their hours are planned. It knows no Idempotency-Key, and makes a
// second project for the same reference without a word. hr.openapi.json is its API.
import { randomUUID } from 'node:crypto'
import document from './hr.openapi.json' with { type: 'json' }
import { ApiServer, type Answer } from './api-server.ts'
import { Records } from './records.ts'
import type { Place } from './systems.ts'

interface Project {
  readonly id: string
  readonly sequence: number
  readonly externalReference: string
  readonly state: 'planned' | 'released'
  readonly team: readonly { readonly person: string; readonly hours: number }[]
}
const PEOPLE = ['Giselle', 'Albrecht', 'Myrtha', 'Hilarion']
const missing: Answer = { status: 404, body: { problem: 'there is no such project' } }

export function makeHr({ folder, now }: Place) {
  const records = new Records(folder, 'hr')
  const projects = (): Project[] => records.all('project') as Project[]

  /** The two who have the fewest hours share the work. */
  function teamFor(hours: number): Project['team'] {
    const planned = projects().flatMap(({ state, team }) => (state === 'planned' ? team : []))
    const load = (person: string): number =>
      planned.filter((one) => one.person === person).reduce((sum, one) => sum + one.hours, 0)
    const [first = '', second = ''] = PEOPLE.toSorted((one, other) => load(one) - load(other))
    const half = Math.ceil(hours / 2)
    return [
      { person: first, hours: half },
      { person: second, hours: hours - half },
    ]
  }

  const server = new ApiServer(
    document,
    {
      createProject: ({ body }) => {
        const { externalReference, hours } = body as { readonly externalReference: string; readonly hours: number }
        const id = randomUUID()
        const team = teamFor(hours)
        const project: Project = { id, sequence: records.next('project'), externalReference, state: 'planned', team }
        return { status: 201, body: records.put('project', id, project) }
      },
      findProjects: ({ parameters: { externalReference } }) => ({
        status: 200,
        body: { projects: projects().filter((project) => project.externalReference === externalReference) },
      }),
      releaseProject: ({ parameters: { id = '' } }) => {
        const project = records.get('project', id) as Project | null
        if (project === null) return missing
        return { status: 200, body: records.put('project', id, { ...project, state: 'released' }) }
      },
      deleteProject: ({ parameters: { id = '' } }) => {
        if (records.get('project', id) === null) return missing
        records.remove('project', id)
        return { status: 204 }
      },
    },
    now,
  )
  return { server, records }
}

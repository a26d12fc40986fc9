// The model check from the command line: `npm run model -- [--model journal,lease] [--bound 2] [--mutant all|none|<name>]
// [--states 10000000] [--json]`. A line for each model and each mutant, and the story of what was found. Exits with 1 when
// a rule does not hold, a mutant is not found, or there were more states than were allowed.
import { parseArgs } from 'node:util'
import { models, type AnyModel } from './models.ts'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'all' },
    bound: { type: 'string', default: '1' },
    mutant: { type: 'string', default: 'all' },
    states: { type: 'string', default: '20000000' },
    json: { type: 'boolean', default: false },
  },
})
const print = (text: string): void => void process.stdout.write(`${text}\n`)
const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}

function look(model: AnyModel, mutant: string | null): void {
  const since = performance.now()
  const { story, broken, ...figures } = model.check(Number(values.bound), mutant, Number(values.states))
  const seconds = Math.round((performance.now() - since) / 100) / 10
  const megabytes = Math.round(process.memoryUsage().rss / 1e6)
  const line = { model: model.name, mutant, ...figures, broken, steps: story.length, seconds, megabytes }
  const found = broken === null ? 'nothing found' : `"${broken}" is broken in ${story.length} steps`
  const words = `${model.name}${mutant === null ? '' : `, ${mutant}`}: ${found}; ${figures.states} states, ${figures.edges} edges, depth ${figures.depth}, ${seconds} s, ${megabytes} MB`
  print(values.json ? JSON.stringify(line) : words)
  const isAsked = values.mutant !== 'all' || mutant === null
  if (!values.json && isAsked) for (const [at, step] of story.entries()) print(`  ${at + 1}. ${step}`)
  const expected = mutant === null ? null : (model.mutants[mutant]?.breaks ?? null)
  if (broken !== expected) complain(`${model.name}, ${mutant ?? 'as it is'}: expected ${expected ?? 'nothing'}`)
  else if (broken === null && !figures.isComplete) complain(`${model.name}: more than ${values.states} states`)
}

const names = values.model === 'all' ? models.map(({ name }) => name) : values.model.split(',')
for (const name of names) {
  const model = models.find((one) => one.name === name)
  if (model === undefined) {
    complain(`There is no model "${name}". There are: ${models.map((one) => `${one.name} (${one.about})`).join('; ')}`)
    continue
  }
  const mutants = Object.keys(model.mutants)
  const chosen = { all: [null, ...mutants], none: [null] }[values.mutant] ?? [values.mutant]
  for (const mutant of chosen) {
    if (mutant === null || mutants.includes(mutant)) look(model, mutant)
    else if (values.model !== 'all') complain(`${name} has no mutant "${mutant}". It has: ${mutants.join(', ')}`)
  }
}

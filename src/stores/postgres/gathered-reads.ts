// Reads of several shards in one statement: each shard looks up names and its inbox for what it is asked, and most inboxes
// are empty. What is asked in one round of the event loop, or while such a read is under way, goes together. A read begins
// after it was asked for, as everywhere. Owned by PostgresStore.
import { invariant } from '../../core/errors.ts'
import type { Claim } from '../../core/store.ts'
import { claimsTable, type Value } from '../sql/tables.ts'
import { columnLiteral } from './literals.ts'
import type { Step } from './texts.ts'

/** Questions that are gathered until the answer to those before them is there. */
export class Gathered<Question, Answer> {
  readonly #ask: (questions: readonly Question[]) => Promise<readonly Answer[]>
  #waiting: { question: Question; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = []
  #underWay = 0
  #isAsked = false

  /** @param ask answers in the order of the questions. */
  constructor(ask: (questions: readonly Question[]) => Promise<readonly Answer[]>) {
    this.#ask = ask
  }

  answer(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      if (this.#isAsked) return
      this.#isAsked = true
      setImmediate(() => {
        this.#isAsked = false
        void this.#pump()
      })
    })
  }

  async #pump(): Promise<void> {
    if (this.#waiting.length === 0 || this.#underWay >= AT_ONCE) return
    const asked = this.#waiting
    this.#waiting = []
    this.#underWay++
    try {
      const answers = await this.#ask(asked.map(({ question }) => question))
      for (const [index, { resolve }] of asked.entries()) {
        const answer = answers[index]
        invariant(answer !== undefined, 'a read has no answer')
        resolve(answer)
      }
    } catch (error) {
      for (const { reject } of asked) reject(error)
    } finally {
      this.#underWay--
      void this.#pump()
    }
  }
}

/** Reads of one kind at once; more are gathered. */
const AT_ONCE = 2

export interface ClaimsQuestion {
  readonly shard: number
  readonly ns: string
  readonly space: Claim['space']
  readonly id: string
}

const names = claimsTable.columns.map(({ name }) => name)

/** Asks the index once for each name: LATERAL with a limit leaves the planner no choice. */
export function claimsStep(schema: string, questions: readonly ClaimsQuestion[]): Step {
  const values: Value[] = questions.flatMap(({ shard, ns, space, id }, at) => [at, shard, ns, space, id])
  const text = `SELECT given.place, ${names.map((name) => `kept.${name}`).join(', ')}
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[]) AS given (place, shard, ns, space, id),
    LATERAL (SELECT * FROM ${schema}.claims AS one WHERE one.shard = given.shard AND one.ns = given.ns
      AND one.space = given.space AND one.id = given.id LIMIT 1) AS kept`
  return { text, parameters: [0, 1, 2, 3, 4].map((column) => columnLiteral(values, column, 5, false)) }
}

/** The shards of these with something in their inbox. */
export function waitingStep(schema: string, ns: string, shards: readonly number[]): Step {
  const text = `SELECT given.shard FROM unnest($1::int[]) AS given (shard)
    WHERE EXISTS (SELECT FROM ${schema}.inbox AS one WHERE one.shard = given.shard AND one.ns = $2)`
  return { text, parameters: [`{${shards.join(',')}}`, ns] }
}

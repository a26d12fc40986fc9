// Reads of several shards in one statement: each shard looks up names and its inbox for what it is asked, and most inboxes
// are empty; and whoever waits for runs of other nodes reads how they have ended. What is asked in one round of the event loop, or while such a read is under way, goes together. A read begins
// after it was asked for, as everywhere. Owned by PostgresStore.
import { invariant } from '../../core/errors.ts'
import type { Claim, InboxRow, RunRow } from '../../core/store.ts'
import { fromValues } from '../sql/rows.ts'
import { claimsTable, inboxTable, runsTable, type Table, type Value } from '../sql/tables.ts'
import { columnLiteral } from './literals.ts'
import type { Step } from './texts.ts'

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Questions that are gathered until the answer to those before them is there. */
export class Gathered<Question, Answer> {
  readonly #ask: (questions: readonly Question[]) => Promise<readonly Answer[]>
  #waiting: Waiting<Question, Answer>[] = []
  readonly #isRead: boolean
  #underWay = 0
  #isAsked = false

  /**
   * @param ask answers in the order of the questions.
   * @param isRead what fails may be asked again, each by itself.
   */
  constructor(ask: (questions: readonly Question[]) => Promise<readonly Answer[]>, isRead = true) {
    this.#ask = ask
    this.#isRead = isRead
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
      await this.#settle(asked)
    } catch (error) {
      // A read that fails, fails alone.
      if (asked.length === 1 || !this.#isRead) for (const { reject } of asked) reject(error)
      else await Promise.all(asked.map((one) => this.#settle([one]).catch(one.reject)))
    } finally {
      this.#underWay--
      void this.#pump()
    }
  }

  async #settle(asked: readonly Waiting<Question, Answer>[]): Promise<void> {
    const answers = await this.#ask(asked.map(({ question }) => question))
    for (const [index, { resolve }] of asked.entries()) {
      const answer = answers[index]
      invariant(answer !== undefined, 'a read has no answer')
      resolve(answer)
    }
  }
}

/** Reads of one kind at once; more are gathered. */
const AT_ONCE = 2

/** What several shards ask, as one read. */
export class ShardReads {
  readonly #schema: string
  readonly #read: (step: Step) => Promise<readonly Value[]>
  readonly #names: Gathered<ClaimsQuestion, Claim | null>
  readonly #runs: Gathered<RunQuestion, RunRow | null>
  readonly #inboxes = new Map<string, Gathered<InboxQuestion, readonly InboxRow[]>>()

  constructor(schema: string, read: (step: Step) => Promise<readonly Value[]>) {
    this.#schema = schema
    this.#read = read
    this.#names = new Gathered(async (asked) =>
      byQuestions(claimsTable, await read(claimsStep(schema, asked)), asked.length),
    )
    this.#runs = new Gathered(async (asked) =>
      byQuestions(runsTable, await read(runsStep(schema, asked)), asked.length),
    )
  }

  /** The claims of these ids, in their order. */
  async claims(
    shard: number,
    ns: string,
    space: Claim['space'],
    ids: readonly string[],
  ): Promise<readonly (Claim | null)[]> {
    return Promise.all(ids.map((id) => this.#names.answer({ shard, ns, space, id })))
  }

  /** A run, by its number; null when there is none. */
  async run(shard: number, num: number): Promise<RunRow | null> {
    return this.#runs.answer({ shard, num })
  }

  /** The oldest rows of an inbox. */
  async inbox(shard: number, ns: string, limit: number): Promise<readonly InboxRow[]> {
    let inboxes = this.#inboxes.get(ns)
    if (inboxes === undefined) {
      inboxes = new Gathered(async (asked) =>
        inboxesFrom(await this.#read(inboxesStep(this.#schema, ns, asked)), asked),
      )
      this.#inboxes.set(ns, inboxes)
    }
    return (await inboxes.answer({ shard, limit })).slice(0, limit)
  }
}

interface ClaimsQuestion {
  readonly shard: number
  readonly ns: string
  readonly space: Claim['space']
  readonly id: string
}

const names = claimsTable.columns.map(({ name }) => name)

/** Asks the index once for each name: LATERAL with a limit leaves the planner no choice. */
function claimsStep(schema: string, questions: readonly ClaimsQuestion[]): Step {
  const values: Value[] = questions.flatMap(({ shard, ns, space, id }, at) => [at, shard, ns, space, id])
  const text = `SELECT given.place, ${names.map((name) => `kept.${name}`).join(', ')}
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[]) AS given (place, shard, ns, space, id),
    LATERAL (SELECT * FROM ${schema}.claims AS one WHERE one.shard = given.shard AND one.ns = given.ns
      AND one.space = given.space AND one.id = given.id LIMIT 1) AS kept`
  return { text, parameters: [0, 1, 2, 3, 4].map((column) => columnLiteral(values, column, 5, false)) }
}

/** The rows by the questions, in their order; null where there is none. */
function byQuestions<Row extends object>(
  table: Table<Row>,
  values: readonly Value[],
  count: number,
): readonly (Row | null)[] {
  const answers: (Row | null)[] = Array.from({ length: count }, () => null)
  for (const [place, rest] of rowsOf(table, values)) {
    const [row = null] = fromValues(table, rest)
    if (place < count) answers[place] = row
  }
  return answers
}

interface RunQuestion {
  readonly shard: number
  readonly num: number
}

function runsStep(schema: string, questions: readonly RunQuestion[]): Step {
  const values: Value[] = questions.flatMap(({ shard, num }, at) => [at, shard, num])
  const text = `SELECT given.place, ${runsTable.columns.map(({ name }) => `kept.${name}`).join(', ')}
    FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS given (place, shard, num),
    LATERAL (SELECT * FROM ${schema}.runs AS one WHERE one.shard = given.shard AND one.num = given.num LIMIT 1) AS kept`
  return { text, parameters: [0, 1, 2].map((column) => columnLiteral(values, column, 3, false)) }
}

/** Rows of a table, each behind a number. */
function* rowsOf<Row>({ columns }: Table<Row>, values: readonly Value[]): Generator<[number, readonly Value[]]> {
  const width = columns.length + 1
  for (let offset = 0; offset < values.length; offset += width)
    yield [Number(values[offset]), values.slice(offset + 1, offset + width)]
}

interface InboxQuestion {
  readonly shard: number
  readonly limit: number
}

/** What lies in the inboxes of several shards, for each of them the oldest rows: most have none. */
function inboxesStep(schema: string, ns: string, questions: readonly InboxQuestion[]): Step {
  const text = `SELECT given.shard, ${inboxTable.columns.map(({ name }) => `kept.${name}`).join(', ')}
    FROM unnest($1::int[]) AS given (shard), LATERAL (SELECT * FROM ${schema}.inbox AS one
      WHERE one.shard = given.shard AND one.ns = $2 ORDER BY one.id LIMIT $3::bigint) AS kept`
  const shards = new Set(questions.map(({ shard }) => shard))
  const limit = Math.max(...questions.map((question) => question.limit))
  return { text, parameters: [`{${[...shards].join(',')}}`, ns, String(limit)] }
}

/** What lies in each inbox that was asked for, in its own order, whatever the plan has made of it. */
function inboxesFrom(values: readonly Value[], questions: readonly InboxQuestion[]): readonly (readonly InboxRow[])[] {
  const found = new Map<number, InboxRow[]>()
  for (const [shard, rest] of rowsOf(inboxTable, values)) {
    const rows = found.get(shard) ?? []
    found.set(shard, rows)
    rows.push(...fromValues(inboxTable, rest))
  }
  return questions.map(({ shard }) => (found.get(shard) ?? []).toSorted((a, b) => a.id - b.id))
}

// What can be broken in what moves: the writer and its gate, the inbox, claims, timers, reactions, recovery; and in the store.
import type { Mutant } from './mutants.ts'

export const ENGINE_MUTANTS: readonly Mutant[] = [
  {
    name: 'answer-of-a-thrown-turn-forgotten',
    breaks: 'a run that is stopped after its code threw knows what it was answered then',
    file: 'engine/loader.ts',
    changes: [['held === null ? delivered : { ...delivered, of: held.first.seq }', 'delivered']],
    within: 1000,
  },
  {
    name: 'no-fence',
    breaks: 'whoever was fenced writes nothing',
    file: 'stores/memory/memory-data.ts',
    changes: [['epoch !== this.epoch || base !== this.head', 'base !== this.head']],
    within: 300,
  },
  {
    name: 'no-take-over',
    breaks: 'taking a shard over raises its epoch',
    file: 'stores/memory/memory-data.ts',
    changes: [['this.epoch += 1', 'this.epoch = Math.max(1, this.epoch)']],
    within: 300,
  },
  {
    name: 'no-gate',
    breaks: 'an effect starts when every earlier turn of its run is durable',
    file: 'engine/turn-rows.ts',
    changes: [
      [
        'if (!ending) context.writer.onDurable(() => startEffect(context, run, command.op))',
        'if (!ending) setImmediate(() => startEffect(context, run, command.op))',
      ],
    ],
    within: 300,
  },
  {
    name: 'no-gate-of-reactions',
    breaks: 'the effect of a reaction starts when its event is durable',
    file: 'engine/solo-runs.ts',
    changes: [['context.writer.onDurable(() => startEffect(context, run, op))', 'startEffect(context, run, op)']],
    within: 300,
  },
  {
    name: 'early-acknowledgement',
    breaks: 'what is acknowledged is durable',
    file: 'engine/writer.ts',
    changes: [['this.onDurable(() => {\n      this.#waiting.delete(reject)\n      settle()\n    })', 'settle()']],
    within: 300,
  },
  {
    name: 'durable-before-commit',
    breaks: 'what waits for a commit waits until it has succeeded',
    file: 'engine/writer.ts',
    changes: [
      [
        '    try {\n      await (open.size > 0',
        '    for (const callback of durable.splice(0)) callback()\n    try {\n      await (open.size > 0',
      ],
    ],
    within: 300,
  },
  {
    name: 'miss-taken-as-fenced',
    breaks: 'a retry that is refused is settled by reading',
    file: 'engine/commits.ts',
    changes: [["error.code === 'SHARD_FENCED' && wasSent", "error.code === 'SHARD_FENCED' && false"]],
    within: 300,
  },
  {
    name: 'unknown-taken-as-done',
    breaks: 'a commit of which nothing is known is looked for',
    file: 'engine/commits.ts',
    changes: [['if (await this.#isThere(batch, error)) return', 'return']],
    within: 300,
  },
  {
    name: 'full-taken-as-done',
    breaks: 'what did not fit is sent again',
    file: 'engine/commits.ts',
    changes: [['if (urgent) await space.pause(FULL_PAUSE_MS)\n        urgent = true', 'return']],
    within: 300,
  },
  {
    name: 'durable-out-of-order',
    breaks: 'a commit counts when those before it do',
    file: 'engine/commits.ts',
    changes: [['this.#last.then(() => this.#settle(sent))', 'this.#settle(sent)']],
    within: 1000,
  },
  {
    name: 'miss-behind-another-taken-as-fenced',
    breaks: 'a batch that missed because its predecessor was not written is sent again',
    file: 'engine/commits.ts',
    changes: [['let wasSent = isBehind', 'let wasSent = false']],
    within: 1000,
  },
  {
    name: 'forgets-what-is-behind',
    breaks: 'a batch is there when one behind it is',
    file: 'engine/commits.ts',
    changes: [['this.#sent.some((sent) => sent.batch.head === now.head)', 'now.head === batch.head']],
    within: 1000,
  },
  {
    name: 'forgets-drained-ids',
    breaks: 'a drained id is known until a read that began after its commit has returned',
    file: 'engine/inbox.ts',
    changes: [
      ['for (const [id, last] of this.#handled) if (last < read) this.#handled.delete(id)', 'this.#handled.clear()'],
    ],
    within: 300,
  },
  {
    name: 'drops-what-it-cannot-ask',
    breaks: 'a row of the inbox of which the store cannot be asked stays',
    file: 'engine/requests.ts',
    changes: [["error.code === 'STORE_FAILED'", 'false']],
    within: 3000,
  },
  {
    name: 'no-poll',
    breaks: 'hints may be lost: the inbox is looked into every second',
    file: 'engine/inbox.ts',
    changes: [['this.#poll = this.#options.clock.after(POLL_MS, tick)', '']],
    within: 300,
  },
  {
    name: 'memory-before-inbox',
    breaks: 'what came by hand stands behind what lay in the inbox',
    file: 'engine/find-run.ts',
    changes: [['if (way.drained === undefined) await context.inbox.read()', '']],
    within: 300,
  },
  {
    name: 'negative-answer-at-once',
    breaks: 'a negative answer waits for the inbox',
    file: 'engine/application.ts',
    changes: [['await this.shard.context.inbox.read()\n', '']],
    within: 1000,
  },
  {
    name: 'name-free-at-once',
    breaks: 'a name is free when the inbox has been read',
    file: 'engine/claims.ts',
    changes: [
      [
        'const [stored] = await Promise.all([this.#ask(space, id), this.#readInbox()])',
        'const stored = await this.#ask(space, id)',
      ],
    ],
    within: 300,
  },
  {
    name: 'forgets-claims',
    breaks: 'a name that was taken is known until the store says so',
    file: 'engine/claims.ts',
    changes: [['this.#fresh.set(`${space} ${id}`, taken)', '']],
    within: 300,
  },
  {
    name: 'timer-before-inbox',
    breaks: 'a timer fires behind what was acknowledged before it was due',
    file: 'engine/shard.ts',
    changes: [['await inbox.read()\n', '']],
    within: 300,
  },
  {
    name: 'timer-before-events',
    breaks: 'a timer fires behind the events that were there when it was due',
    file: 'engine/shard.ts',
    changes: [['await receivers.caughtUp()', '']],
    within: 1000,
  },
  {
    name: 'timer-early',
    breaks: 'a timer is never early',
    file: 'engine/timers.ts',
    changes: [
      ['const now = this.#options.clock.now()\n    try', 'const now = this.#options.clock.now() + 200\n    try'],
    ],
    within: 300,
  },
  {
    name: 'timers-lost',
    breaks: 'what is overdue at the start fires',
    file: 'engine/timers.ts',
    changes: [['for (const row of rows) this.add(row)', '']],
    within: 1000,
  },
  {
    name: 'double-publish',
    breaks: 'an event is published once',
    file: 'engine/turn-rows.ts',
    changes: [
      [
        "function writeEmit(context: ShardContext, run: LiveRun, command: Extract<Command, { kind: 'emit' }>): void {\n  const identity",
        "function writeEmit(context: ShardContext, run: LiveRun, command: Extract<Command, { kind: 'emit' }>, again = true): void {\n  if (again) writeEmit(context, run, command, false)\n  const identity",
      ],
    ],
    within: 300,
  },
  {
    name: 'reaction-lost',
    breaks: 'a reaction exists exactly when its event does',
    file: 'engine/facts.ts',
    changes: [
      [
        'if (fact.published)\n    for (const reaction',
        'if (fact.published && row.pos % 5 > 0)\n    for (const reaction',
      ],
    ],
    within: 300,
  },
  {
    name: 'no-lanes',
    breaks: 'reactions of one service and key run one at a time, in order',
    file: 'engine/lanes.ts',
    changes: [['    return false\n  }\n\n  /** Whether others', '    return true\n  }\n\n  /** Whether others']],
    within: 1000,
  },
  {
    name: 'deaf-receivers',
    breaks: 'an event wakes the runs that wait for it',
    file: 'engine/receivers.ts',
    changes: [['if (subscription.receiver.cursors.has(event.type)) this.#read(subscription)', '']],
    within: 300,
  },
  {
    name: 'fence-of-another',
    breaks: 'an effect carries the epoch of its owner',
    file: 'engine/calls.ts',
    changes: [['${tenure.shard}.${tenure.epoch}`', '${tenure.shard}.1`']],
    within: 300,
  },
  {
    name: 'unstable-key',
    breaks: 'the key of a call is the same in every attempt',
    file: 'engine/calls.ts',
    changes: [
      ['idempotencyKey: idempotencyKey(identity, op),', 'idempotencyKey: `${idempotencyKey(identity, op)}${attempt}`,'],
    ],
    within: 300,
  },
  {
    name: 'no-tombstone',
    breaks: 'an undo says what it takes back',
    file: 'engine/calls.ts',
    changes: [
      [
        'const identity = identityOf(environment.store, row)\n  return {',
        'undoes = null\n  const identity = identityOf(environment.store, row)\n  return {',
      ],
    ],
    within: 3000,
  },
  {
    name: 'calls-lost',
    breaks: 'recovery takes up what a run was doing',
    file: 'engine/loader.ts',
    changes: [['else if (!run.stuckOps.has(op) && !isStopping) startEffect(context, run, op)', '']],
    within: 300,
  },
  {
    name: 'joins-lost',
    breaks: 'a run hears of the end of another that ended before it asked',
    file: 'engine/joins.ts',
    changes: [
      ['if (context.open.numOf(id) === undefined) answerEnded', 'if (context.open.numOf(id) === -1) answerEnded'],
    ],
    within: 1000,
  },
  {
    name: 'unpaired-immediates',
    breaks: 'a delivery and the close of its turn are a pair',
    file: 'engine/pump.ts',
    changes: [
      [
        '      setImmediate(this.#begin)\n      setImmediate(this.#end)',
        '      setImmediate(() => {\n        this.#begin()\n        this.#end()\n      })',
      ],
    ],
    within: 300,
  },
  {
    name: 'end-told-early',
    breaks: 'a client hears of an end that is durable',
    file: 'engine/settle.ts',
    changes: [
      [
        'context.writer.acknowledgement(\n    () => extras.settled?.(result),\n    (error) => extras.failed?.(error),\n  )',
        'extras.settled(result)',
      ],
    ],
    within: 300,
  },
  {
    name: 'trial-timers-at-once',
    breaks: 'a time limit waits for its run that is being brought back',
    file: 'engine/loading.ts',
    changes: [
      ['return waiting !== undefined', 'return false'],
      ['waiting?.push({ go', 'void ({ go'],
    ],
    within: 5000,
  },
  {
    name: 'time-goes-back',
    breaks: 'times of rows never go back',
    file: 'engine/shard.ts',
    changes: [['this.#lastAt = Math.max(this.#lastAt, at)', 'this.#lastAt = at']],
    within: 1000,
  },
  {
    name: 'flows-not-caught-up',
    breaks: 'what was committed and not taken by the monitor is taken after a crash',
    file: 'engine/monitor.ts',
    changes: [['for (let more = row !== null; more;)', 'for (let more = false; more;)']],
    within: 1000,
  },
  {
    name: 'flow-begins-anew',
    breaks: 'a flow goes on from where its row stands',
    file: 'engine/monitor.ts',
    changes: [['if (row !== null) {\n      flow.armed', 'if (row === undefined) {\n      flow.armed']],
    within: 1000,
  },
]

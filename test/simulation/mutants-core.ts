// What can be broken in what decides: turns, replay, keys, the mailbox, undo, generations.
import type { Mutant } from './mutants.ts'

export const CORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'key-without-generation',
    breaks: 'keys of all generations of a run differ',
    file: 'core/ids.ts',
    changes: [['return `${space}:${run.id}:${run.generation}:${named}`', 'return `${space}:${run.id}:0:${named}`']],
    within: 300,
  },
  {
    name: 'signal-lost',
    breaks: 'a signal that nobody waits for is kept',
    file: 'core/mailbox.ts',
    changes: [['if (!waited) this.#buffer.push({ name, payload })', '']],
    within: 300,
  },
  {
    name: 'signal-twice',
    breaks: 'a signal of an id is delivered once',
    file: 'core/mailbox.ts',
    changes: [['return this.#seen.has(signalId)', 'return false']],
    within: 300,
  },
  {
    name: 'newest-signal-first',
    breaks: 'signals are taken in their order',
    file: 'core/mailbox.ts',
    changes: [['this.#buffer.findIndex((signal)', 'this.#buffer.findLastIndex((signal)']],
    within: 1000,
  },
  {
    name: 'forgets-seen-signals',
    breaks: 'a continued run knows the signals that it has had',
    file: 'core/mailbox.ts',
    changes: [['[...this.#seen].slice(-SEEN_CARRIED)', '[]']],
    within: 1000,
  },
  {
    name: 'forgets-unread-signals',
    breaks: 'a continued run has the signals that nobody has read',
    file: 'core/mailbox.ts',
    changes: [['return { signals, seen', 'return { signals: signals.slice(0, 0), seen']],
    within: 1000,
  },
  {
    name: 'forgets-undos',
    breaks: 'a continued run takes back what its generations did',
    file: 'core/carry.ts',
    changes: [['undos: calls,', 'undos: [],']],
    within: 1000,
  },
  {
    name: 'undo-skipped',
    breaks: 'what is of unknown outcome is taken back',
    file: 'core/undoing.ts',
    changes: [
      ['await undoOne(scope, entry, outcome)', 'if (outcome !== undefined) await undoOne(scope, entry, outcome)'],
    ],
    within: 300,
  },
  {
    name: 'undo-in-order',
    breaks: 'what was done last is taken back first',
    file: 'core/undo.ts',
    changes: [['return this.#entries.findLast((entry)', 'return this.#entries.find((entry)']],
    within: 300,
  },
  {
    name: 'undo-before-settled',
    breaks: 'a call is taken back when it has settled',
    file: 'core/undoing.ts',
    changes: [['const outcome = await entry.settled', 'const outcome = undefined']],
    within: 300,
  },
  {
    name: 'undo-under-one-key',
    breaks: 'an undo has a key of its own',
    file: 'core/undoing.ts',
    changes: [['{}, `undo:${op}`,', '{}, `undo:again`,']],
    within: 300,
  },
  {
    name: 'other-numbers',
    breaks: 'a replay draws the numbers that were drawn',
    file: 'core/machine.ts',
    changes: [
      [
        'turnStream(this.#seed, seq, this.#salt)',
        'turnStream(this.#seed, recorded === null ? seq : seq + 1, this.#salt)',
      ],
    ],
    within: 1000,
  },
  {
    name: 'events-read-twice',
    breaks: 'no event is delivered twice',
    file: 'core/mailbox.ts',
    changes: [['this.#cursors.set(type, pos)\n  }\n}', '}\n}']],
    within: 300,
  },
  {
    name: 'cancel-ignored',
    breaks: 'a cancelled run does not end well',
    file: 'core/machine.ts',
    changes: [
      [
        "if (this.cancelled === null) return { kind: 'ended', commands: [...commands, end], status: 'completed' }",
        "return { kind: 'ended', commands: [...commands, end], status: 'completed' }",
      ],
    ],
    within: 1000,
  },
]

// What the log says of runs that become stuck, and of what is set aside. A bug can stick thousands of runs in a minute, and a key that is
// missing sets as many rows aside, again at each node that takes their shard; what is wrong with each of them stands in its journal, or
// is told by `ballet aside`. So of one name and reason the first few are told (few-lines.ts). One a process; told by endings.ts,
// facts.ts and aside.ts, ended by Shards.
import type { Clock } from '../core/clock.ts'
import type { Json } from '../core/json.ts'
import type { InboxItem } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import { FewLines, timesWords } from './few-lines.ts'

/** A run that became stuck. */
export interface BecameStuck {
  readonly id: string
  readonly name: string
  readonly reason: string
  readonly op?: string | undefined
  readonly code: string
}

/** What was set aside. */
export interface SetAside extends Pick<InboxItem, 'kind' | 'target'> {
  readonly code: string
}

export class StuckLines {
  readonly #few: FewLines
  readonly #log: Log

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#few = new FewLines(clock)
    this.#log = log
  }

  say({ id, name, reason, op, code }: BecameStuck, words: string, data?: Json): void {
    this.#few.say(
      `${reason} ${name}`,
      () => this.#log.error(words, data, { run: id, op, code }),
      (more) =>
        this.#log.error(
          `Runs of ${name} became stuck (${reason}) ${timesWords(more)} within a minute, the last of them "${id}": ballet runs --reason ${reason} --name ${name} shows them`,
          { more, name, reason },
          { code },
        ),
    )
  }

  aside({ kind, target, code }: SetAside, words: string): void {
    this.#few.say(
      `aside ${kind} ${code}`,
      () => this.#log.error(words, undefined, { code }),
      (more) =>
        this.#log.error(
          `What came (${kind}) was set aside ${timesWords(more)} within a minute, the last of it for ${target}: ballet aside --kind ${kind} shows it`,
          { more, kind },
          { code },
        ),
    )
  }

  /** Nothing more comes: what was not told yet is. */
  close(): void {
    this.#few.close()
  }
}

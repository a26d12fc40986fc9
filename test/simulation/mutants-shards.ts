// What can be broken between shards and between nodes: leases, inboxes, hand-over, and answers of nodes that do not have the shard.
// Played on stories with several shards.
import type { Mutant } from './mutants.ts'

export const SHARD_MUTANTS: readonly Mutant[] = [
  {
    name: 'lease-believed-too-long',
    breaks: 'nobody begins an effect when his lease may be over',
    file: 'engine/hold.ts',
    changes: [['return this.unrenewedMs < this.#lengthMs', 'return true']],
    within: 500,
  },
  {
    name: 'no-fence-between-nodes',
    breaks: 'a node that has lost a shard writes nothing in it',
    file: 'stores/memory/memory-data.ts',
    changes: [['epoch !== this.epoch || base !== this.head', 'base !== this.head']],
    within: 500,
  },
  {
    name: 'inbox-row-goes-later',
    breaks: 'the row of an event goes in the batch that brings the event',
    file: 'engine/between-shards.ts',
    changes: [
      [
        '  whole(context, () => appendEvent(context, fact))\n  drain()\n',
        '  whole(context, () => appendEvent(context, fact))\n  context.writer.onDurable(() => (drain(), context.writer.flush()))\n',
      ],
    ],
    within: 500,
  },
  {
    name: 'inbox-row-goes-before',
    breaks: 'the row of an event does not go before the event is there',
    file: 'engine/between-shards.ts',
    changes: [
      [
        '  whole(context, () => appendEvent(context, fact))\n  drain()\n',
        '  drain()\n  context.writer.onDurable(() => (whole(context, () => appendEvent(context, fact)), context.writer.flush()))\n',
      ],
    ],
    within: 500,
  },
  {
    name: 'begins-twice',
    breaks: 'a workflow that was asked for twice by another shard begins once',
    file: 'engine/between-shards.ts',
    changes: [['if (taken === null) whole(', 'if (taken !== undefined) whole(']],
    within: 500,
  },
  {
    name: 'begun-not-answered',
    breaks: 'the shard that asked for a workflow hears that it has begun',
    file: 'engine/between-shards.ts',
    changes: [["    post(context, 'begun', from,", "    if (refused !== null) post(context, 'begun', from,"]],
    within: 100,
  },
  {
    name: 'only-hints',
    breaks: 'a hint may be lost, and what waits in an inbox is found all the same',
    file: 'engine/inbox.ts',
    changes: [['this.#leave = this.#options.pulse.join(this.look)', '']],
    within: 500,
  },
  {
    name: 'unknown-elsewhere',
    breaks: 'a node says that there is no run when the inbox of its shard has been taken',
    file: 'engine/application.ts',
    changes: [['this.#there.afterInbox(number, () => this.queries.run(id))', 'this.queries.run(id)']],
    within: 1000,
  },
  {
    name: 'acknowledged-before-taken',
    breaks: 'a signal by way of an inbox is acknowledged when its run has it',
    file: 'engine/elsewhere.ts',
    changes: [["    if (tx === undefined) return this.#ask<Signalled>('signal', row.id, body, 'run')\n", '']],
    within: 1000,
  },
  {
    name: 'handed-on-at-work',
    breaks: 'a shard is given back when what is under way there has ended',
    file: 'engine/shard.ts',
    changes: [
      [
        '    this.#stopLooking()\n    this.#loading.close()',
        '    void store.release(shard, this.#options.tenure.epoch).catch(() => {})\n    await new Promise((resolve) => void this.context.clock.after(2000, () => resolve(null)))\n    this.#stopLooking()\n    this.#loading.close()',
      ],
    ],
    within: 1000,
  },
  {
    name: 'lost-and-not-told',
    breaks: "a shard of which a renewal says that it is another node's is put down",
    file: 'engine/shares.ts',
    changes: [["      lost(shard, fault('SHARD_FENCED', { shard }))\n", '']],
    within: 1000,
  },
  {
    name: 'taking-renews-the-lease',
    breaks: 'that a shard was taken says nothing of what was held before',
    file: 'engine/shares.ts',
    changes: [
      [
        '      if (taken.length > 0) await this.#renew()\n',
        '      if (taken.length > 0) this.#hold.renewed({ elapsed: this.#lookedAt, now: this.#lookedAt })\n',
      ],
    ],
    within: 2000,
  },
  {
    name: 'reaction-astray',
    breaks: 'a reaction is in the shard of its event',
    file: 'core/placement.ts',
    changes: [['return this.slotOf(id) === slot ? id : `${id}${SLOT_MARK}${slot.toString(DIGITS)}`', 'return id']],
    within: 100,
  },
]

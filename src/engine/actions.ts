// What a person does to a run: cancel it, try a stuck call again, answer or fail it. Each is on the record, with who and
// why; whatever it answers is durable.
import { fault } from '../core/errors.ts'
import type {
  ActAllRequest,
  Acted,
  ActedAll,
  AnswerRequest,
  FailRequest,
  Reasoned,
  RetryRequest,
} from '../define/application.ts'
import type { Shard } from './shard.ts'

export class Actions {
  readonly #shard: Shard

  constructor(shard: Shard) {
    this.#shard = shard
  }

  async cancel(_run: string, _request: Reasoned): Promise<Acted> {
    this.#shard.check()
    throw fault('NOT_YET', { what: 'cancel' })
  }
  async retry(_run: string, _request: RetryRequest): Promise<Acted> {
    throw fault('NOT_YET', { what: 'retry' })
  }
  async answer(_run: string, _request: AnswerRequest): Promise<Acted> {
    throw fault('NOT_YET', { what: 'answer' })
  }
  async fail(_run: string, _request: FailRequest): Promise<Acted> {
    throw fault('NOT_YET', { what: 'fail' })
  }
  async all(_request: ActAllRequest): Promise<ActedAll> {
    throw fault('NOT_YET', { what: 'actOnAll' })
  }
}

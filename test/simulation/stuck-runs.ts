// What was left alone because processes died of it, as it seemed, is tried again by somebody who looks now and then.
import type { Stage } from '../../src/testing/simulation/stage.ts'

export class StuckRuns {
  readonly #stage: Stage
  #acting = false

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Has one of them tried again, unless one is being tried already. */
  tryAgain(): void {
    const rows = this.#stage.world.disks.flatMap(({ runs }) => [...runs.values()])
    const stuck = rows.find(({ status, ended }) => status === 'stuck' && ended === null)
    if (stuck === undefined || this.#acting) return
    this.#acting = true
    this.#stage
      .ask((app) => app.retry(stuck.id, { by: 'somebody', why: 'it was stuck' }))
      .catch(() => {})
      .finally(() => (this.#acting = false))
  }
}

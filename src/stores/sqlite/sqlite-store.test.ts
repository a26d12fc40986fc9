import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { storeConformance } from '../../testing/store-conformance.ts'
import { sqlite } from './sqlite-store.ts'

describe('sqlite store', () => {
  storeConformance(
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ballet-sqlite-'))
      const make = () => sqlite({ file: join(folder, 'store.db') })
      return { store: make(), reopen: async () => make(), dispose: () => rm(folder, { recursive: true }) }
    },
    { describe, test },
  )
})

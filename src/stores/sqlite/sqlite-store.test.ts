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
      const open = () => sqlite({ file: join(folder, 'store.db') })
      return { store: open(), reopen: async () => open(), dispose: () => rm(folder, { recursive: true }) }
    },
    { describe, test },
    { takesAhead: true },
  )
})

// What the options of an application file may be: found by an attack.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadApplication } from './load-application.ts'

async function load(options: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-options-'))
  writeFileSync(
    join(folder, 'app.mjs'),
    `export default { kind: 'application', services: [], workflows: [] }\nexport const options = ${options}\n`,
  )
  try {
    return await loadApplication('app.mjs', folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('an option of an application file that is undefined is as if it were not there, the codec too', async () => {
  expect((await load('{ log: undefined, codec: undefined, limits: undefined }')).options).toMatchObject({})
  await expect(load('{ codec: null }')).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
  await expect(load('{ codec: {} }')).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
  await expect(load('null')).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
})

// What the options of an application file may be: found by an attack.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadApplication } from './load-application.ts'

async function load(options: string, name = 'options') {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-options-'))
  writeFileSync(
    join(folder, 'app.mjs'),
    `export default { kind: 'application', services: [], workflows: [] }\nexport const ${name} = ${options}\n`,
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

test('what is wrong with them names the file, and a name that is nearly theirs is told', async () => {
  await expect(load('{ limit: {} }')).rejects.toThrow(/export const options of .*app\.mjs: there is no option "limit"/)
  await expect(load('{ limits: {} }', 'option')).rejects.toThrow(/app\.mjs: it is exported as "option"/)
  // Something else of that name is none of them.
  expect((await load('7', 'option')).options).toEqual({})
  expect((await load('{ limits: {} }', 'settings')).options).toEqual({})
})

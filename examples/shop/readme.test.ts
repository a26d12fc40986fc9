// The READMEs are true: their code stands in the shop, word for word, and the files that their commands name exist.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

const pages = ['README.md', 'README.pt-BR.md', 'examples/shop/README.md', 'docs/concepts/choreographies.md']
describe.each(pages)('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8')

  const blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => lines(block))
  test.each(blocks.map((block) => ({ name: block[0] ?? '', block: block.slice(1) })))('$name', ({ name, block }) => {
    const source = lines(readFileSync(join(root, name.replace('// ', '')), 'utf8')).join('\n')
    // `// ...` stands for what was left out.
    for (const part of block.join('\n').split('// ...')) expect(source).toContain(part.trim())
  })

  test('the files that its commands name exist', () => {
    const files = [...text.matchAll(/@(examples\/\S+)/g)].map(([, file = '']) => file)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

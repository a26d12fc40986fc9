// `npm start` and `npm run bench`: from a fresh clone to a running program of the repository with one command. Installs
// what is missing, builds what is stale, then runs the file that the arguments name under Node 24 and ends with its exit
// code. It reads no setting itself: PORT and the rest of the environment reach the program as they are.
import { build } from './build.mjs'
import { ensureInstalled, runNode } from './install.mjs'

const [file = 'examples/shop/start.ts', ...args] = process.argv.slice(2)
console.log(`ballet: starting ${file}`)
ensureInstalled()
const built = await build({ ifStale: true })
if (built === 0) {
  process.exitCode = await runNode([file, ...args])
} else {
  console.error('ballet: the build failed; what the compiler says about it stands above')
  process.exitCode = built
}

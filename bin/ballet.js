#!/usr/bin/env node
// The launcher of the command. It is written in old JavaScript on purpose: an older Node must be able to read it,
// and then says in one sentence what is missing instead of failing on syntax or on a module that it does not have.
var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    'ballet needs Node.js 24 or newer; this is ' +
      process.version +
      ': install a newer one from https://nodejs.org and try again.\n',
  )
  process.exitCode = 1
} else {
  import('../dist/cli/main.js').catch(function (error) {
    process.stderr.write(String((error && error.stack) || error) + '\n')
    process.exitCode = 1
  })
}

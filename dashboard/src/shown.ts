// The one place where the dashboard takes something of the sources: the words that it shares with the command.
export * from '../../src/cli/shown.ts'

// What went wrong between here and the server, in the words of the catalogue. The invariant: STORE_UNREACHABLE says that
// the same call may do better on another connection; whether it was carried out is known to whoever sent it. Nothing else
// here is worth another attempt. No error of the driver is handed on: it holds the parameters, which are people's data.
import { fault, isBalletError, type BalletError, type ErrorCode } from '../../core/errors.ts'
import type { PostgresAddress } from './address.ts'

/** Classes of SQLSTATE, or whole ones: the server goes, comes, is busy, or is one that may not be written to (a standby says 0A000). */
const passing = /^(?:08|0A000|40|57P|55P03|57014|53300|53400|25006|25P03)/
/** Codes of the driver and of Node.js for a connection that is not there, or not any more. A certificate has others. */
const gone = /^(?:CONNECT|E(?!RR_)[A-Z_]+$|ERR_STREAM|ERR_SOCKET)/
/** Of Node.js, for a certificate that is not taken. */
const ofCertificate = /CERT|ISSUER|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH/
const diskFull = /^(?:53100)/
/** Refused by a rule of the tables, or by what a type can hold: the rows are wrong, and the store is well. */
const oursToMend = /^(?:22|23|54)/
/** Who asks is not known, may not do it, or names a database that is not there. */
const refused = /^(?:28|3D000|42501)/
/** A division by zero: a statement did not touch the rows that it must. */
const MISSED = '22012'

/** The SQLSTATE of an error that the server answered with. */
function stateOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'PostgresError' || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Whether a statement did not touch the rows that it must, and thereby ended its transaction. */
export function isMiss(error: unknown): boolean {
  return stateOf(error) === MISSED
}

/** Whether another connection, or another moment, may do better. */
export function isPassing(error: unknown): boolean {
  return isBalletError(error) && error.code === 'STORE_UNREACHABLE'
}

export function unreachable(store: string, problem: string): BalletError {
  return fault('STORE_UNREACHABLE', { store, problem })
}

/** The error that an error of the driver stands for. */
export function failureOf(error: unknown, store: string): BalletError {
  if (isBalletError(error)) return error
  const problem = describe(error)
  const state = stateOf(error)
  // PgBouncer's words.
  if (problem.startsWith('unsupported startup parameter'))
    return fault('STORE_FAILED', { store, problem: `${problem}: behind a pooler the URL needs prepare=false` })
  if (state !== null) return fault(codeOf(state), { store, problem, state })
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (ofCertificate.test(code))
    // Behind the semicolon Node.js speaks of an option of its own, where the URL has one.
    return fault('STORE_FAILED', {
      store,
      problem: `the certificate of the server is not taken: ${problem.split(';')[0]} (${code})`,
    })
  return gone.test(code) ? unreachable(store, problem) : fault('STORE_FAILED', { store, problem })
}

/**
 * The error with which a store does not open. What the server refuses to whoever asks now, it refuses also to whoever asks
 * again: no supervisor is to try that for ever. A store that was open has no such error, because it was let in.
 */
export function openingFailure(
  error: unknown,
  { name, user, database, schema }: Pick<PostgresAddress, 'name' | 'user' | 'database' | 'schema'>,
): BalletError {
  const failure = failureOf(error, name)
  const { problem = '', state } = failure.details
  if (failure.code !== 'STORE_FAILED' || !refused.test(String(state))) return failure
  const [role, named] = [identifier(user), identifier(database)]
  const remedy =
    state === '3D000'
      ? `CREATE DATABASE ${named} OWNER ${role}, or correct the URL`
      : state !== '42501'
        ? 'correct the role and the password of the URL, or let the server take them (pg_hba.conf)'
        : String(problem).startsWith('permission denied for database')
          ? `GRANT CREATE ON DATABASE ${named} TO ${role}`
          : `the schema ${schema} and all that is in it must belong to the role ${role}`
  return fault('STORE_REFUSED', { store: name, problem, remedy })
}

/** As a statement takes a name. */
function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

function codeOf(state: string): ErrorCode {
  if (diskFull.test(state)) return 'STORE_FULL'
  if (passing.test(state)) return 'STORE_UNREACHABLE'
  return oursToMend.test(state) ? 'INVARIANT' : 'STORE_FAILED'
}

/** What it says, and which rule of the server that is; never its details, which quote rows. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ')
  if (!(error instanceof Error)) return String(error)
  const state = stateOf(error)
  const words = error.message.replaceAll('\0', '')
  return state === null ? words : `${words} (${state})`
}

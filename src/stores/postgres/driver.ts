// The package `postgres`, which only those need who have a store there: it is loaded when it is.
import type { Sql } from 'postgres'
import { fault } from '../../core/errors.ts'

/** What of the package is used. */
export type Driver = (options: object) => Sql

/** @throws PACKAGE_MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    return (await import('postgres')).default
  } catch (error) {
    throw fault('PACKAGE_MISSING', { name: 'postgres', why: 'a store in PostgreSQL' }, error)
  }
}

// The door `ballet/postgres`: for applications whose own tables are in PostgreSQL.
export { exactlyOnce, type Once, type OnceContext } from './stores/postgres/exactly-once.ts'

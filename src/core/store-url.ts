// How the URL of a database is told to people: in logs, errors, the address that a process leaves, and as the name by
// which two of them are compared. Whoever connects reads the whole URL (stores/postgres/address.ts).

const shape = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i

/** Whether a URL means a PostgreSQL database. */
export function isPostgresUrl(url: string): boolean {
  return /^postgres(?:ql)?:/i.test(url)
}

/** The parts of such a URL as they are written; null when it has another form. */
export function postgresParts(url: string): Readonly<Record<'login' | 'hosts' | 'path' | 'query', string>> | null {
  const found = shape.exec(url)
  if (found === null) return null
  const [, login = '', hosts = '', path = '', query = ''] = found
  return { login, hosts, path, query }
}

/** The URL without its password and without options, but for the schema, which tells one store from another. */
export function publicUrl(url: string): string {
  const parts = postgresParts(url)
  if (parts === null) return 'postgres://…'
  const [user = ''] = parts.login.split(':')
  const [, schema = 'ballet'] = /(?:^|&)schema=([^&]*)/.exec(parts.query) ?? []
  const place = `${user === '' ? '' : `${user}@`}${parts.hosts}${parts.path === '' ? '' : `/${parts.path}`}`
  return `postgres://${place}${schema === 'ballet' ? '' : `?schema=${schema}`}`
}

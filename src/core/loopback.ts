// Whether a name leads to this machine alone: what listens or is called there may go without a secret.

/** Of a name or an address, without its port; IPv6 with or without brackets. */
export function isLoopback(name: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]|::1)$/.test(name.toLowerCase())
}

// What somebody asks with the header `Retry-After` (RFC 9110, 10.2.3): seconds, or a date of HTTP. Read by whoever asks others over
// HTTP: the transport to services elsewhere, and the exporter of traces.

/**
 * Milliseconds from now on for which one asks to be left alone; 0 for a time that is over, null when the header says nothing of
 * that. @param nowMs by which a date is judged, milliseconds since the epoch
 */
export function retryAfterHeaderMs(header: string | null | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

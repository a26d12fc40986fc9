// How services are asked in stories that are to end well whatever goes wrong on the way: soon again, and often enough.
export const PATIENT = { retry: { attempts: 50, backoff: '20ms', limit: '200ms' }, timeout: '900ms' } as const

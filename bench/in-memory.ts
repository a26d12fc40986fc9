// Is a folder in memory? Nothing is synced there, so what is measured there says nothing of commits.
import { statfsSync } from 'node:fs'

/** What such a folder says it is, on Linux. */
const TMPFS = 0x01021994

export const isInMemory = (folder: string): boolean => statfsSync(folder).type === TMPFS

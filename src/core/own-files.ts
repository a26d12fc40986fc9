// Where the files of this package are. Sources run as they stand, each in the folder of its layer; built, they are put together
// (scripts/bundle.mjs), and this file is in dist/parts, which is as deep. Asked by whatever starts a program of ours in a
// thread or a process, or reads what is packed beside the code.

/** The file of a program of ours, by its path in src/ without an ending: `stores/sqlite/worker`. */
export function ownProgram(path: string): URL {
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  return new URL(`../${path}${ending}`, import.meta.url)
}

/** The folder that all code of ours is in, with a slash at its end. */
export const ownCode: URL = new URL('../', import.meta.url)

/** The folder of the package, with a slash at its end. */
export const ownPackage: URL = new URL('../../', import.meta.url)

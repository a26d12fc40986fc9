/** Commands to try, with what they show. `address` is `localhost:4400`. */
export declare const thingsToTry: (address: string) => readonly (readonly [what: string, command: string])[]
/** The front page. `address` is where it was asked for. */
export declare const welcome: (address: string) => string

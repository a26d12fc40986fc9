// The door `ballet/server`: the HTTP API of a running application, as a server of its own or as a function to mount in
// another one, and what the application's own routes need to read a body safely.
export { readJson } from './server/body.ts'
export { handler, type AppSource, type HandlerOptions } from './server/handler.ts'
export { nodeSecretsIn } from './server/node-secrets.ts'
export { leaveAddress, type Address } from './server/process-file.ts'
export { serve, type ListenOptions, type ServeOptions, type Serving } from './server/serve.ts'

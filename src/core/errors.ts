// The error catalogue: every error that Ballet raises has a code here, with its words, a hint what to do, the HTTP
// status and how its caller should react. problem+json, exit codes and docs/errors.md derive from this table; codes
// are never reused. A class stands for the reaction of the caller, not for the place where it arose.

/** What the caller should do: mend the input, try again later, accept that it is so, or report a bug of ours. */
export type ErrorFamily = 'fix' | 'retry' | 'final' | 'bug'

/**
 * Every error: family, HTTP status, message, hint. `{name}` in the words is replaced by the detail of that name. One error
 * a line, so that it reads as the table that it is.
 */
// prettier-ignore
export const catalogue = {
  // Requests
  JSON_MALFORMED: { family: 'fix', status: 400, message: 'The body is not JSON: {problem}.', hint: 'Send one JSON value in UTF-8.' },
  JSON_TOO_DEEP: { family: 'fix', status: 400, message: 'The JSON is nested deeper than {limit} levels.', hint: 'Flatten the value.' },
  JSON_KEY_FORBIDDEN: { family: 'fix', status: 400, message: 'The key "{key}" is not allowed, at {path}.', hint: 'Rename the field.' },
  JSON_KEY_REPEATED: { family: 'fix', status: 400, message: 'The key "{key}" stands twice, at {path}.', hint: 'Send every key once.' },
  JSON_TOO_MANY: { family: 'fix', status: 400, message: 'There are more than {limit} {what} at {path}.', hint: 'Send less at once, or a reference to it.' },
  JSON_NUMBER_LOSSY: { family: 'fix', status: 400, message: 'The number {number} at {path} cannot be kept exactly.', hint: 'Send it as a string.' },
  BODY_TOO_LARGE: { family: 'fix', status: 413, message: 'The body is larger than {limit} bytes.', hint: 'Send less, or send a reference to it.' },
  BODY_TYPE: { family: 'fix', status: 415, message: 'The content type "{type}" is not understood here.', hint: 'Send {expected}.' },
  BODY_ENCODED: { family: 'fix', status: 415, message: 'The content encoding "{encoding}" is not understood here.', hint: 'Send the body as it is.' },
  BODY_INCOMPLETE: { family: 'retry', status: 400, message: 'The body ended before it was complete.', hint: 'Send the request again.' },
  REQUEST_MALFORMED: { family: 'fix', status: 400, message: 'The request is not valid HTTP: {problem}.', hint: 'Correct the request.' },
  REQUEST_TIMEOUT: { family: 'retry', status: 408, message: 'The request did not arrive in time.', hint: 'Send it again, faster.' },
  HEADERS_TOO_LARGE: { family: 'fix', status: 431, message: 'The headers are larger than {limit} bytes.', hint: 'Send fewer or shorter headers.' },
  REQUEST_INVALID: { family: 'fix', status: 422, message: '{what} is not valid at {path}: {problem}.', hint: 'Correct that field and send again.' },
  QUERY_INVALID: { family: 'fix', status: 400, message: 'The parameter "{name}" is not valid: {problem}.', hint: 'Correct the parameter.' },
  ROUTE_UNKNOWN: { family: 'final', status: 404, message: 'There is nothing at {method} {path}.{nearest}', hint: 'GET /api/app lists what this application has.' },
  METHOD_NOT_ALLOWED: { family: 'final', status: 405, message: '{method} is not allowed on {path}.', hint: 'Use {allowed}.' },
  ORIGIN_FORBIDDEN: { family: 'fix', status: 403, message: 'A request from the origin "{origin}" is not accepted, since it came for the host "{host}".', hint: 'Call the API from its own origin, or from outside a browser. A proxy in front has to pass the Host on as the browser named it, with its port.' },
  HOST_FORBIDDEN: { family: 'fix', status: 403, message: 'A request for the host "{host}" is not accepted.', hint: 'Call the server by the address that it printed; a name that leads to it, by a proxy say, is allowed with the option hosts (ballet serve --hosts).' },
  TOKEN_REQUIRED: { family: 'fix', status: 401, message: 'This server asks for a token, and {problem}.', hint: 'Send "Authorization: Bearer <token>".' },
  TOKEN_READS_ONLY: { family: 'fix', status: 403, message: 'The token that was sent only reads, and {method} is a write.', hint: 'Send a token of BALLET_TOKEN: those of BALLET_READ_TOKEN are for GET and HEAD.' },
  API_KEY_OVER: { family: 'fix', status: 401, message: 'The API key "{name}" was good until {until}.', hint: 'Have a new one made: ballet key new.' },
  SCOPE_MISSING: { family: 'fix', status: 403, message: 'The API key "{name}" lacks the scope {scope}, which this asks for. It has: {scopes}.', hint: 'Use a key that has the scope, or have it added to the line of this one.' },
  SIGN_IN_LATER: { family: 'retry', status: 429, message: 'There were too many sign-ins with a wrong token.', hint: 'Sign in again in {seconds} s; a token in "Authorization: Bearer <token>" is taken all the same.' },
  CSRF_REQUIRED: { family: 'fix', status: 403, message: 'A write with a session must come from a page of this server, and {problem}.', hint: 'Send the header "x-ballet-csrf: 1" from a page of this server; a program sends a token in place of the session.' },
  DASHBOARD_ABSENT: { family: 'fix', status: 404, message: 'The dashboard was not built.', hint: 'In a checkout: npm run build. The package has it built.' },
  OVERLOADED: { family: 'retry', status: 429, message: 'The application has more to do than it can take: {problem}.', hint: 'Send the same request again in {seconds} s; nothing was taken.' },
  // Values and names
  INPUT_INVALID: { family: 'fix', status: 422, message: '{what} is not valid at {path}: {problem}.', hint: 'Correct that field and send again.' },
  VALUE_NOT_JSON: { family: 'fix', status: 422, message: '{what} cannot be stored as JSON: {problem}.', hint: 'Pass plain JSON values.' },
  PAYLOAD_TOO_LARGE: { family: 'fix', status: 413, message: '{what} has {size} bytes, more than {limit}.', hint: 'Keep it elsewhere and pass a reference to it.' },
  TIME_INVALID: { family: 'fix', status: 422, message: '{what} "{time}" is not valid: {problem}.', hint: 'Give a point in time, ISO 8601 with a time zone: 2026-12-24T18:00:00Z. A deadline comes after the run begins: later than "at", and than now. The command line also takes a length from now: 2h.' },
  ID_INVALID: { family: 'fix', status: 422, message: '{what} "{id}" is not a valid id: {problem}.', hint: 'Use up to 256 letters, digits and . _ : @ + = - only.' },
  KEY_INVALID: { family: 'fix', status: 422, message: 'The key {field} "{value}" is not valid: {problem}.', hint: 'Use up to 256 letters, digits and . _ : @ + = - only.' },
  CALL_UNKNOWN: { family: 'fix', status: 422, message: 'There is no workflow or operation "{name}" here.{nearest}', hint: 'GET /api/app lists them; a new one is listed in ballet({ workflows }), or its service in ballet({ services }).' },
  EVENT_UNKNOWN: { family: 'fix', status: 422, message: 'There is no event "{type}" here.{nearest}', hint: 'GET /api/app lists them; add it to ballet({ events }) if it is new.' },
  SIGNAL_UNKNOWN: { family: 'fix', status: 422, message: '{what} does not take the signal "{type}".{nearest}', hint: 'Declare it in the signals of the workflow.' },
  SCHEDULE_UNKNOWN: { family: 'final', status: 404, message: 'There is no schedule "{name}" here.{nearest}', hint: 'GET /api/schedules lists them, and app.schedules() in a program; a new one is listed in ballet({ schedules }).' },
  ASIDE_UNKNOWN: { family: 'final', status: 404, message: 'Nothing of the name "{item}" lies aside.', hint: 'It was taken since it was listed, or is being looked at once more. GET /api/aside lists what lies aside, and app.asides() in a program.' },
  ASIDE_DROPPED: { family: 'final', status: 409, message: 'What lay aside as "{item}" was dropped{by}.', hint: 'It will never be done. What it was to bring about can be asked for anew: ballet aside show {item} has what it said.' },
  CHOREOGRAPHY_UNKNOWN: { family: 'final', status: 404, message: 'There is no choreography "{name}" here.{nearest}', hint: 'GET /api/choreographies lists them, and app.describe() in a program; a new one is listed in ballet({ choreographies }).' },
  RUN_UNKNOWN: { family: 'final', status: 404, message: 'There is no run "{id}".', hint: 'GET /api/runs lists them, and app.runs() in a program.' },
  RUN_FORGOTTEN: { family: 'final', status: 410, message: 'The run "{id}" ended long ago and is forgotten.', hint: 'Its id is still taken, for as long as the retention says with which the application was opened. GET /api/runs lists the runs that are there.' },
  FLOW_UNKNOWN: { family: 'final', status: 404, message: 'The flow {choreography} has not begun for the key {key}: no event has come for it that can be the first.', hint: 'GET /api/choreographies/{choreography} lists the keys that have begun.' },
  FLOW_BROKEN: { family: 'final', status: 409, message: 'The flow {name} of {key} is broken: {type} came, which is {how} there.', hint: 'What it expected instead: GET /api/choreographies/{name}/{key}. What comes for the key from now on is answered by reactions.' },
  CONDUCT_IMPOSSIBLE: { family: 'fix', status: 422, message: 'The choreography {name} cannot be conducted: {problem}.', hint: 'Let a reaction call an operation that answers with the event, or list it as one that comes from outside: { outside: [...] }. ballet check tells more.' },
  CONDUCT_REFUSED: { family: 'final', status: 409, message: 'The flow {name} of {key} is not conducted: {problem}.', hint: 'A flow is conducted from its first event on, by one run. How it stands: GET /api/choreographies/{name}/{key}' },
  CONDUCT_FAILED: { family: 'final', status: 422, message: 'The run "{id}" cannot go on, because one of its calls failed: {message}', hint: 'See its children. What comes for the key from now on is answered by reactions.' },
  KEY_UNKNOWN: { family: 'final', status: 404, message: 'There is no run and no event of the key {key}.', hint: 'ballet runs and ballet events list what there is.' },
  RUN_ENDED: { family: 'final', status: 409, message: 'The run "{id}" has ended ({status}).', hint: 'Nothing can be sent to it any more.' },
  EVENTS_ELSEWHERE: { family: 'fix', status: 400, message: 'The run "{id}" waits for events of {key}, which are in another shard than the run.', hint: 'Start it without an id, or with one that ends as `:<value of the key>`; a run that another has started is where that one is.' },
  RUN_CONFLICT: { family: 'final', status: 409, message: 'The run "{id}" exists with another input.', hint: 'Use another id, or the same input.' },
  EVENT_CONFLICT: { family: 'final', status: 409, message: 'The event "{id}" of "{source}" exists with other data.', hint: 'Give every event an id of its own.' },
  SIGNAL_CONFLICT: { family: 'final', status: 409, message: 'The run "{id}" has had another signal under the id "{signal}", or the same with other data.', hint: 'Give every signal an id of its own, or none.' },
  SIGNALS_FULL: { family: 'retry', status: 429, message: 'The run "{id}" holds {limit} signals that it has not received yet, and may hold no more (limits.signals).', hint: 'Send it again when the run has received some; nothing was taken.' },
  OP_UNKNOWN: { family: 'final', status: 404, message: 'The run "{id}" waits for no call or step "{op}".{nearest}', hint: 'What it waits for: ballet show {id}' },
  ACTION_REFUSED: { family: 'final', status: 409, message: 'The run "{id}" cannot be given "{action}": {problem}.', hint: 'How it stands and what can be done: ballet show {id}' },
  // Definitions
  DEFINITION_INVALID: { family: 'fix', status: 500, message: '{what}: {problem}.', hint: 'Correct the definition.' },
  DURATION_INVALID: { family: 'fix', status: 500, message: '{at}"{duration}" is not a duration.', hint: 'Write a number and ms, s, m, h or d, for example "90s" or "1.5h".' },
  APPLICATION_UNFIT: { family: 'fix', status: 500, message: 'The parts of the application do not fit ({count}):\n{list}', hint: 'Mend each line above; nothing was started.' },
  FLOW_ENDLESS: { family: 'fix', status: 500, message: '{what} can never end: no sequence of events fulfils its pattern and all its rules.', hint: 'Drop the rule that forbids what the pattern asks for, or correct the pattern.' },
  FLOW_AMBIGUOUS: { family: 'fix', status: 500, message: '{what} is ambiguous: {problem}.', hint: 'Let every path have one name: name the part in which the paths differ, with .as(name).' },
  FLOW_TOO_LARGE: { family: 'fix', status: 500, message: '{what} is too large: it {problem}.', hint: 'Split it into several choreographies; all(...) of many parts is what multiplies.' },
  FLOW_KEY: { family: 'fix', status: 500, message: '{what} follows the key "{key}", and "{type}" has the key "{other}".', hint: 'Leave the event out, or give all events of one flow the same key field.' },
  PATHS_TOO_MANY: { family: 'fix', status: 500, message: '{what} has more than {limit} paths in this application.', hint: 'Leave out what can come at any moment (without), test parts with data of their own, or raise the limit: none is dropped in silence.' },
  PATHS_BROKEN: { family: 'fix', status: 500, message: '{what} does not hold; {tried} tried:\n{list}', hint: 'Mend the reaction or the service at each place, or the choreography if it asks for too much.' },
  SCHEMA_ASYNC: { family: 'fix', status: 500, message: 'The schema of {what} validates asynchronously.', hint: 'Use a synchronous schema; look things up in an operation.' },
  // What goes wrong in a run
  TERMINAL: { family: 'final', status: 422, message: '{message}', hint: 'The business said no: nothing to retry.' },
  ATTEMPT_FAILED: { family: 'retry', status: 502, message: '{message}', hint: 'See the attempts of the run.' },
  ATTEMPT_TIMEOUT: { family: 'retry', status: 504, message: '{call} did not answer within {limit}.', hint: 'Look at the service; raise the timeout of the operation if it needs longer.' },
  ATTEMPT_SILENT: { family: 'retry', status: 504, message: '{call} said nothing for {limit}.', hint: 'Look at the service; call context.heartbeat more often, or raise the heartbeat of the operation.' },
  HEARTBEAT_UNDECLARED: { family: 'fix', status: 500, message: 'context.heartbeat was called, and this has no heartbeat.', hint: "Give the operation a heartbeat: '30s' beside its timeout; a step cannot have one." },
  OUTCOME_UNDECLARED: { family: 'fix', status: 500, message: '{call} answered with {got}, which it does not declare.{nearest}', hint: 'Add the event to the outcomes of the operation, or return one that is declared.' },
  CALL_FAILED: { family: 'final', status: 422, message: '{call} failed: {message}', hint: 'See the attempts of the run.' },
  UNDO_FAILED: { family: 'fix', status: 500, message: '{op} was not taken back: {call} failed: {message}', hint: 'What was registered before it is not taken back either. Mend the service and start the application again.' },
  CALL_ABORTED: { family: 'final', status: 409, message: '{call} was given up before it answered.', hint: 'It is taken back if it has an undo; catch this where that is as it should be.' },
  RUN_CANCELLED: { family: 'final', status: 409, message: 'The run "{id}" was cancelled by {by}: {why}', hint: 'What it had done was taken back; see its journal.' },
  CANCEL_IGNORED: { family: 'fix', status: 500, message: '{run} was cancelled and goes on asking, {count} times in one turn.', hint: 'Let the rejection RUN_CANCELLED pass, or work in run.shield; then retry the run, or cancel it again.' },
  CHILD_FAILED: { family: 'final', status: 422, message: 'The run "{id}" ended as {status}: {message}', hint: 'See that run.' },
  RUN_FAILED: { family: 'final', status: 422, message: 'The run "{id}" failed: {message}', hint: 'See the journal of the run.' },
  RUN_THREW: { family: 'fix', status: 500, message: 'The code of {run} threw {name}: {message}', hint: 'Mend the code and start the application again: the run goes on from there.' },
  RUN_DIVERGED: { family: 'fix', status: 500, message: '{run} does not repeat what its journal says, at turn {seq}:\n{diff}', hint: 'Restore the code that wrote it, or guard the change with run.patched(id).' },
  RUN_UNREADABLE: { family: 'fix', status: 500, message: 'What the store has of {run} cannot be read: {problem}.', hint: 'Give the codec the key that it lacks, or restore the store from a backup, and start again; or end the run with `fail`. The others go on.' },
  RUN_POISONED: { family: 'fix', status: 500, message: 'The process died {deaths} times while {run} alone was under way ({what}).', hint: 'Mend the code, then retry the run; the others go on.' },
  RUN_TOO_LONG: { family: 'fix', status: 500, message: '{run} has {what}, and may have {limit} (limits.{option}).', hint: 'Let the workflow go on with run.continueAs(input); cancel this run, or raise the limit and retry it: open(definition, { limits }), or export const options = { limits } in the file that ballet serve runs.' },
  CONTINUE_REFUSED: { family: 'fix', status: 500, message: '{run} cannot continue as a new generation: {problem}.', hint: 'Await or abort what is under way before run.continueAs. What need not be taken back with the run is done by a workflow that it calls.' },
  FOREIGN_AWAIT: { family: 'fix', status: 500, message: '{run} awaits something that is not durable{work}.', hint: 'Wrap it in run.step(name, fn), or make it an operation; use run.sleep for time. The body of a step asks its run for nothing. Under ballet dev the message names it, and the line.' },
  CHILD_ID_TOO_LONG: { family: 'fix', status: 500, message: 'The run that {op} would begin has an id of {length} characters, and {limit} are the limit.', hint: 'The id of a child holds that of its parent and the `id` of its call: give shorter ones, nest less deeply, or emit an event to which a reaction starts it.' },
  OP_ID_REPEATED: { family: 'fix', status: 500, message: 'The id "{op}" is used twice in {run}.', hint: 'Give every call of one name an id of its own, or none.' },
  REMOTE_UNREACHABLE: { family: 'retry', status: 503, message: '{call} at {url} cannot be reached: {problem}.', hint: 'Look at the service and the network between.' },
  REMOTE_FAILED: { family: 'retry', status: 502, message: '{call} at {url} answered {answer}.', hint: 'Look at the service. 401, 403, 404 and their like say that the two sides do not fit: secrets, clocks, paths.' },
  REMOTE_ANSWER_INVALID: { family: 'retry', status: 502, message: '{call} at {url} answered with what is no answer: {problem}.', hint: 'Look at the service, and at what stands between: docs/reference/remote.md has what is an answer.' },
  CODE_MISSING: { family: 'fix', status: 500, message: '{run} needs {call}, which this application does not have.', hint: 'Bring the definition back, or answer the run by hand.' },
  // Stores
  STORE_UNKNOWN: { family: 'fix', status: 500, message: 'The store "{url}" is not understood.', hint: 'Use memory:, file:<path> or postgres://user@host/database.' },
  STORE_MISSING: { family: 'final', status: 404, message: 'There is no store at {path}.', hint: 'Start the application once, or name another file with --store.' },
  STORE_UNREADABLE: { family: 'fix', status: 500, message: 'The store {path} cannot be read where it is: the files of its log can be neither made nor used beside it, and also who only reads needs them.', hint: 'Copy it, with its log (-wal) if there is one, to a folder that you may write in, and name the copy with --store.' },
  STORE_REMOVED: { family: 'final', status: 500, message: 'The file of the store {path}, or its log, was removed, moved or replaced while it was open.', hint: 'What was acknowledged is in the file that was there: bring that one back, or a backup, and start again.' },
  STORE_MIXED: { family: 'fix', status: 500, message: 'The log beside {path} (-wal) is of another state of this file than the file itself.', hint: 'If a backup was put in its place, move away the files `{path}-wal` and `{path}-shm`, and start again; else put back the file that the log is of. Nothing was changed.' },
  STORE_LOCKED: { family: 'final', status: 409, message: 'The store {path} is in use by another process{owner}.', hint: 'Talk to that process, or stop it first.' },
  STORE_OF_ANOTHER: { family: 'fix', status: 500, message: 'The store {path} holds the runs of the application "{owner}"{namespace}, and this one is "{app}".', hint: 'Give it a store or a `namespace` of its own. Where it is that one under a new name, open it once with `renamedFrom: "{owner}"`.' },
  STORE_FOREIGN: { family: 'fix', status: 500, message: '{path} is not a Ballet store: {problem}.', hint: 'Name another file; this one was left as it is.' },
  STORE_NEWER: { family: 'fix', status: 500, message: '{path} was written by a newer Ballet (layout {found}, this one knows {known}).', hint: 'Use that newer version; the file was left as it is.' },
  STORE_FAILED: { family: 'retry', status: 503, message: 'The store failed: {problem}.', hint: 'What was acknowledged stays in the store; what was not may be asked for again. Look at the disk or the database, and start again.' },
  STORE_REFUSED: { family: 'fix', status: 500, message: 'The database of the store {store} refuses what the store needs: {problem}.', hint: 'Whoever looks after the database: {remedy}. Then start again.' },
  STORE_FULL: { family: 'retry', status: 507, message: 'The disk of the store is full: {problem}.', hint: 'Nothing that was acknowledged is lost; what was not may be asked for again. Make space; it goes on by itself.' },
  STORE_UNREACHABLE: { family: 'retry', status: 503, message: 'The database of the store {store} cannot be reached: {problem}.', hint: 'Nothing that was acknowledged is lost; what was not may be asked for again. Look at the server and the network.' },
  NATS_FAILED: { family: 'retry', status: 503, message: 'The stream {stream} at NATS: {problem}.', hint: 'It is tried again. Look whether NATS runs, whether the stream is there, and what this application may do there.' },
  PACKAGE_MISSING: { family: 'fix', status: 500, message: 'The package "{name}" is missing, which {why} needs.', hint: 'Install it beside ballet: npm install {name}' },
  STORE_READ_ONLY: { family: 'final', status: 409, message: 'The store {path} is open for reading only.', hint: 'Start the application to write.' },
  SHARD_FENCED: { family: 'retry', status: 503, message: 'Another process has taken over shard {shard}.', hint: 'Ask that process, or this one again in a moment.' },
  TX_UNSUPPORTED: { family: 'fix', status: 500, message: 'The store {store} is in no database that a transaction of yours could be in.', hint: 'Keep the store in PostgreSQL, or leave tx out.' },
  TX_INVALID: { family: 'fix', status: 500, message: 'tx is {problem}.', hint: 'Hand over the transaction itself, of postgres, pg, Drizzle or Kysely.' },
  TX_FOREIGN: { family: 'fix', status: 500, message: 'tx is a transaction on a database in which the store {store} is not.', hint: 'Open the transaction on the database of the store.' },
  TX_ENDED: { family: 'fix', status: 500, message: 'The work ended the transaction in which it was done.', hint: 'Leave COMMIT and ROLLBACK to exactlyOnce: work that throws is rolled back. What was committed, and then lost its answer, a person has to look at.' },
  INBOX_GONE: { family: 'bug', status: 500, message: 'Inbox rows were consumed twice.', hint: 'Report this.' },
  FLOW_THERE: { family: 'bug', status: 500, message: 'A flow that was taken for a new one has a row.', hint: 'Report this.' },
  COMMIT_UNKNOWN: { family: 'retry', status: 503, message: 'It is not known whether a commit happened.', hint: 'It is settled by asking the store.' },
  // The process
  APP_CLOSED: { family: 'retry', status: 503, message: 'The application is closing.', hint: 'Ask again in a moment.' },
  NOT_READY: { family: 'retry', status: 503, message: 'The application is still recovering.', hint: 'Ask again in a moment.' },
  LEASE_UNCONFIRMED: { family: 'retry', status: 503, message: 'This node is not sure to own its part of the store any more: the database has not confirmed its lease in time.', hint: 'Look at the database and the network. What was acknowledged stays in the store; this node goes on when the database answers, or another one takes over.' },
  NODE_STANDBY: { family: 'retry', status: 503, message: 'This node stands by: {owner}.', hint: 'Ask that node, or this one again in a moment. With the same BALLET_NODE_SECRET at all nodes this one passes requests on.' },
  OWNER_UNREACHABLE: { family: 'retry', status: 503, message: 'The node that owns the store, {address}, cannot be reached: {problem}.', hint: 'Nothing was taken. Send the same request again in a moment: another node takes over when that one is gone.' },
  OWNER_SILENT: { family: 'retry', status: 502, message: 'The node that owns the store, {address}, has not answered: {problem}.', hint: 'Whether it did what was asked is not known. What has an id is done once: send it again with the same one. What was asked of a run, the run shows: ballet show <id>' },
  OWNER_REFUSED: { family: 'final', status: 409, message: 'The node that owns the shard has refused {what}: {problem}.', hint: 'Nothing of it is left. Nodes of different versions may judge differently: ask again when all are of one.' },
  STORE_WENT_BACK: { family: 'retry', status: 502, message: 'The store has gone back to an earlier moment, it seems: {what} is not there any more, and was neither taken nor refused.', hint: 'A backup was put back, or a stand-by that lagged has become the first server. What has an id is done once: send it again with the same one.' },
  FORWARD_FORBIDDEN: { family: 'fix', status: 403, message: 'A request that another node passed on is refused: {problem}.', hint: 'Give all nodes the same BALLET_NODE_SECRET, of at least 16 characters, and let their clocks be right; end those that go on with another database.' },
  NODE_SECRET_SHORT: { family: 'fix', status: 500, message: 'The secret of the nodes has {length} characters, and must have at least {least}.', hint: 'Take a long random text, the same at all nodes: openssl rand -base64 32' },
  SECRET_INVALID: { family: 'fix', status: 500, message: '{place} is no secret of a service.', hint: 'A secret is "whsec_" and the base64 of 24 to 64 random bytes: echo "whsec_$(openssl rand -base64 32)"' },
  SECRET_MISSING: { family: 'fix', status: 500, message: '{what} needs a secret: {where} is not this machine alone.', hint: 'Give both sides the same secret, { secrets: [process.env.PAYMENT_SECRET] }: echo "whsec_$(openssl rand -base64 32)"' },
  SIGNATURE_REFUSED: { family: 'fix', status: 401, message: 'The request is not signed as it must be: {problem}.', hint: 'Give both sides the same secret, and let their clocks be right.' },
  OPERATION_UNHOSTED: { family: 'fix', status: 404, message: 'The operation "{operation}" is not carried out at {path}.{nearest}', hint: 'The path is the url of the service and the name of the operation; look at the url, and at the version that runs there.' },
  HEARTBEAT_UNWANTED: { family: 'final', status: 410, message: 'Nobody wants this attempt any more.', hint: 'Stop, and answer with how far it came: if it is still wanted, it is asked for again.' },
  ANSWER_UNAWAITED: { family: 'final', status: 404, message: 'Nobody waits for this answer any more.', hint: 'Keep it by its key: if it is still wanted, it is asked for again.' },
  WORK_UNFETCHED: { family: 'fix', status: 404, message: 'No service "{service}" fetches its calls here.', hint: 'Put it into the application with fetched(...), or mend the name; a service that is called is asked at its url.' },
  WORK_NODE_UNNAMED: { family: 'fix', status: 409, message: 'The webhook-id of a request for work begins with the node that it is made for, and this one names none that answers.', hint: 'Ask again with a new id that begins with "{node}.": each counts once, at that node.' },
  PORT_BUSY: { family: 'fix', status: 500, message: 'Port {port} is in use.', hint: 'Stop what listens there, or set PORT (or --port) to another.' },
  TOKEN_INVALID: { family: 'fix', status: 500, message: 'A token of the API {problem}.', hint: 'Set BALLET_TOKEN to printable ASCII characters without spaces and commas (openssl rand -base64 32), and BALLET_READ_TOKEN, if any, to others.' },
  API_KEYS_INVALID: { family: 'fix', status: 500, message: 'The API keys of {where} are not understood: {problem}.', hint: 'Write one a line, as ballet key new prints it: a name, scopes with + between, the SHA-256 of the key, and if it is to end, when.' },
  BIND_UNSAFE: { family: 'fix', status: 500, message: 'Binding to {host} would open the API to the network without a token.', hint: 'Bind to 127.0.0.1, or set BALLET_TOKEN or BALLET_API_KEYS.' },
  LISTEN_FAILED: { family: 'fix', status: 500, message: 'The server cannot listen on {host}, port {port}: {problem}.', hint: 'Name an address of this machine and a port that you may use.' },
  PROCESS_MISSING: { family: 'retry', status: 503, message: 'No running application was found for {store}.', hint: 'Start it with: {command}' },
  PROCESS_UNREACHABLE: { family: 'retry', status: 503, message: 'The application at {url} does not answer: {problem}.', hint: 'Is it running? --url names another.' },
  USAGE: { family: 'fix', status: 400, message: '{problem}', hint: 'ballet --help lists the commands.' },
  APP_INVALID: { family: 'fix', status: 500, message: '{path} is not an application: {problem}.', hint: '{todo}' },
  COMPARISON_INVALID: { family: 'fix', status: 500, message: '{path} says nothing that could be compared: {problem}.', hint: 'The same file needs "export const comparison: Comparison": how an order is placed in each style. docs/reference/cli.md has one under "ballet compare".' },
  COMPARE_FAILED: { family: 'fix', status: 500, message: 'The orders did not come through in the style {style}: {problem}.', hint: 'Carry one order through with ballet serve first; what the application writes to its error stream stands above.' },
  SNAPSHOT_INVALID: { family: 'fix', status: 500, message: '{path} is not a snapshot of contracts that can be read or written: {problem}.', hint: 'Bring the committed one back, or write it anew with ballet check app.ts --update.' },
  FILES_EXIST: { family: 'final', status: 409, message: '{folder} has {files} already; nothing was written.', hint: 'Use another folder; --force writes what is missing and leaves these as they are.' },
  FOLDER_REFUSED: { family: 'fix', status: 422, message: 'Nothing can be written into {folder}: {problem}.', hint: 'Name another folder, or one that your user may write to.' },
  ROUTE_THREW: { family: 'fix', status: 500, message: 'The route of the application for {method} {path} threw.', hint: 'Its log says what was thrown.' },
  INVARIANT: { family: 'bug', status: 500, message: 'A rule of the engine was broken: {problem}.', hint: 'This is our bug. Report it with the journal of the run.' },
} as const

/** A code of the catalogue; docs/errors.md says of each what it means and what to do. */
export type ErrorCode = keyof typeof catalogue

type Detail = string | number | boolean | null | readonly string[]
/** The values in the message of an error. */
export type Details = Readonly<Record<string, Detail>>

/** Any error of Ballet: `code` from the catalogue, `hint` says what to do, `details` are the values in the message. */
export class BalletError extends Error {
  readonly code: ErrorCode
  readonly details: Details
  /** A property of its own, so that whatever prints the error says what to do as well. */
  readonly hint: string
  override readonly name: string = 'BalletError'

  constructor(code: ErrorCode, details: Details = {}, cause?: unknown) {
    super(fill(catalogue[code].message, details), cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.hint = fill(catalogue[code].hint, details)
  }

  get status(): number {
    return catalogue[this.code].status
  }
  get family(): ErrorFamily {
    return catalogue[this.code].family
  }
}

/** The input is wrong: mend it and send it again. */
export class FixError extends BalletError {
  override readonly name: string = 'FixError'
}
/** Not now: the same request may succeed later. */
export class RetryError extends BalletError {
  override readonly name: string = 'RetryError'
}
/** It is so and stays so. */
export class FinalError extends BalletError {
  override readonly name: string = 'FinalError'
}
/** A bug of ours. */
export class BugError extends BalletError {
  override readonly name: string = 'BugError'
}

const classes = { fix: FixError, retry: RetryError, final: FinalError, bug: BugError } as const

/** The error of a code, in the class of its family. */
export function fault(code: ErrorCode, details: Details = {}, cause?: unknown): BalletError {
  return new classes[catalogue[code].family](code, details, cause)
}

/** What was thrown, as an error: whoever throws something else has failed in a way that nobody knows. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : fault('STORE_FAILED', { problem: String(thrown) })
}

/** Stops the run or the process when something that must be true is not. */
export function invariant(condition: unknown, problem: string): asserts condition {
  if (!condition) throw fault('INVARIANT', { problem })
}

/** Marks a switch as complete: a new case is a compile error here, and an invariant at run time. */
export function assertNever(value: never): never {
  throw fault('INVARIANT', { problem: `unexpected ${JSON.stringify(value)}` })
}

/**
 * Whether an unknown thrown thing is an error of the catalogue in whole (also one from another copy of this module), and not
 * one of somebody else that has such a code by chance.
 */
export function isBalletError(error: unknown): error is BalletError {
  try {
    if (!(error instanceof Error)) return false
    const { code, status, details } = error as Error & Readonly<Record<'code' | 'status' | 'details', unknown>>
    if (typeof code !== 'string' || !Object.hasOwn(catalogue, code)) return false
    return status === catalogue[code as ErrorCode].status && typeof details === 'object' && details !== null
  } catch {
    // What cannot even be looked at is none of ours.
    return false
  }
}

/**
 * Thrown by an operation: this will never work, do not retry; the call fails.
 * Thrown by a workflow: the run ends as failed (and takes back what it did).
 */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError'
  readonly terminal: true = true
}

/**
 * Thrown by an operation or a step: not now, and not before `retryAfterMs` have passed (what a service says with `Retry-After`). The
 * next attempt comes then or later, as the policy of retries has it; this one counts. Any error with a number as its `retryAfterMs` says
 * the same.
 */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError'
  /** Milliseconds, of which a day counts; what is not above 0 says nothing. */
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options)
    this.retryAfterMs = retryAfterMs
  }
}

/** A service that says more is asked again after a day: a year would be a slip of somebody, and a call that nobody hears of. */
const RETRY_AFTER_LIMIT_MS = 86_400_000

/** Milliseconds within which an unknown thrown thing asks not to be tried again; 0 when it says nothing of that. */
export function retryAfterMsOf(error: unknown): number {
  try {
    if (!(error instanceof Error) || !('retryAfterMs' in error)) return 0
    const { retryAfterMs } = error
    return typeof retryAfterMs === 'number' && retryAfterMs > 0
      ? Math.ceil(Math.min(retryAfterMs, RETRY_AFTER_LIMIT_MS))
      : 0
  } catch {
    return 0
  }
}

/** Whether an unknown thrown thing asks not to be retried. */
export function isTerminal(error: unknown): boolean {
  try {
    return error instanceof Error && 'terminal' in error && error.terminal === true
  } catch {
    return false
  }
}

/** The parts of each template that was filled: what stands there, and between two such parts the name of a detail. */
const templates = new Map<string, readonly string[]>()

function fill(template: string, details: Details): string {
  const parts = templates.get(template) ?? template.split(/\{(\w+)\}/)
  templates.set(template, parts)
  let text = ''
  for (const [index, part] of parts.entries()) text += index % 2 === 0 ? part : wordsOf(details[part])
  return text
}

function wordsOf(value: Detail | undefined): string {
  return value === undefined || value === null ? '' : Array.isArray(value) ? value.join(', ') : String(value)
}

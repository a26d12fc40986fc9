// Payloads that are taken have to come back as they were sent, wherever they can be read again: an input, an output, a
// state, the data of events and signals, the journal. Each place starts something with a value and reads it back; the
// comparison is of JSON values, by a reading that shares nothing with the product.
import { judge, withFaults, type Attempt, type Input, type Outcome } from './input.ts'
import { canonical } from './json-reference.ts'
import type { Text } from './json-texts.ts'
import { escaped } from './requests.ts'
import type { Target } from './target.ts'

type Send = (attempt: Attempt, text: string) => Promise<Outcome>

/** Every place where a payload goes in and can be read again. */
export const payloadPlaces: Readonly<Record<string, Send>> = {
  'input of an operation': async ({ target, tag }, text) => {
    const body = `{"call":"desk.echo","id":"${tag}","input":${text}}`
    const outcome = judge(await target.ask({ target: '/api/runs', body }))
    if (outcome.verdict !== 'taken') return outcome
    const run = await target.ask({ target: `/api/runs/${tag}?wait=15s` })
    const journal = await target.ask({ target: `/api/runs/${tag}/journal` })
    return withFaults(outcome, [
      differs('input', text, run.body, 'input'),
      differs('output', text, run.body, 'output'),
      differs('journal', text, journal.body, 'items', 0, 'delivered', 'payload'),
    ])
  },
  'input of a workflow': async ({ target, tag }, text) => {
    const body = `{"call":"mirror","id":"${tag}","input":${text}}`
    const outcome = judge(await target.ask({ target: '/api/runs', body }))
    if (outcome.verdict !== 'taken') return outcome
    const run = await target.ask({ target: `/api/runs/${tag}?wait=15s` })
    const journal = await target.ask({ target: `/api/runs/${tag}/journal` })
    // The same again is the same run: the hash of what was given does not depend on what was read before.
    const again = await target.ask({ target: '/api/runs', body })
    return withFaults(outcome, [
      differs('state', text, run.body, 'state'),
      differs('output', text, run.body, 'output'),
      differs('journal', text, journal.body, 'items', 0, 'commands', 0, 'state'),
      again.status === 200 ? undefined : `sent again, it is another run: ${again.status} ${again.body.slice(0, 200)}`,
    ])
  },
  'data of an event': async ({ target, tag }, text) => {
    const data = `{"noteId":"${tag}","value":${text}}`
    const outcome = judge(
      await target.ask({ target: '/api/events', body: `{"type":"note.taken","id":"${tag}","data":${data}}` }),
    )
    if (outcome.verdict !== 'taken') return outcome
    const events = await target.ask({ target: `/api/events?key=noteId:${tag}` })
    const reaction = await target.ask({ target: `/api/runs/${escaped(`desk:note.taken:${tag}`)}?wait=15s` })
    return withFaults(outcome, [
      differs('event', data, events.body, 'items', 0, 'data'),
      differs('input of the reaction', data, reaction.body, 'input'),
      differs('output of the reaction', data, reaction.body, 'output'),
    ])
  },
  'data of an event, binary': async ({ target, tag }, text) => {
    const data = `{"noteId":"${tag}","value":${text}}`
    const headers = ['ce-specversion: 1.0', 'ce-type: note.taken', `ce-id: ${tag}`, 'ce-source: elsewhere']
    const outcome = judge(await target.ask({ target: '/api/events', headers, body: data }))
    if (outcome.verdict !== 'taken') return outcome
    const key = await target.ask({ target: `/api/keys/noteId/${tag}` })
    return withFaults(outcome, [differs('event', data, key.body, 'events', 0, 'data')])
  },
  'data of a signal': async ({ target, tag }, text) => {
    const started = await target.ask({ target: '/api/runs', body: `{"call":"listener","id":"${tag}","input":null}` })
    const body = `{"id":"s","data":${text}}`
    const outcome = judge(await target.ask({ target: `/api/runs/${tag}/signals/said`, body }))
    if (outcome.verdict !== 'taken') {
      // The run would wait for ever: let it end.
      await target.ask({ target: `/api/runs/${tag}/signals/said`, body: '{"data":"enough"}' })
      return withFaults(outcome, [started.status === 201 ? undefined : `no listener: ${started.body}`])
    }
    const run = await target.ask({ target: `/api/runs/${tag}?wait=15s` })
    return withFaults(outcome, [differs('output', text, run.body, 'output')])
  },
  'answer of a person': async ({ target, tag }, text) => {
    // Its call is stuck, because it answers with what no JSON can hold.
    const wish = '{"place":"output","name":"a bigint"}'
    await target.ask({ target: '/api/runs', body: `{"call":"wicked","id":"${tag}","input":${wish}}` })
    const stuck = await untilStuck(target, tag)
    const body = `{"op":"desk.give#0","value":${text}}`
    const outcome = judge(await target.ask({ target: `/api/runs/${tag}/answer`, body }))
    if (outcome.verdict !== 'taken') return withFaults(outcome, [stuck])
    const run = await target.ask({ target: `/api/runs/${tag}?wait=15s` })
    return withFaults(outcome, [stuck, differs('output', text, run.body, 'output')])
  },
  'reason of a person': async ({ target, tag }, text) => {
    await target.ask({ target: '/api/runs', body: `{"call":"listener","id":"${tag}","input":null}` })
    const outcome = judge(await target.ask({ target: `/api/runs/${tag}/cancel`, body: `{"by":"ann","why":${text}}` }))
    if (outcome.verdict !== 'taken') {
      await target.ask({ target: `/api/runs/${tag}/signals/said`, body: '{"data":"enough"}' })
      return outcome
    }
    const run = await target.ask({ target: `/api/runs/${tag}?wait=15s` })
    const journal = await target.ask({ target: `/api/runs/${tag}/journal` })
    return withFaults(outcome, [
      /"status":"cancelled"/.test(run.body) ? undefined : `it is not cancelled: ${shown(run.body)}`,
      canonical(journal.body)?.includes(canonical(text) ?? '') === true
        ? undefined
        : `the reason is not in the journal`,
    ])
  },
  'body of an own route': async ({ target }, text) => {
    const answer = await target.ask({ target: '/echo', body: text })
    const outcome = judge(answer)
    return outcome.verdict === 'taken' ? withFaults(outcome, [differs('answer', text, answer.body)]) : outcome
  },
}

/** What is wrong when a run does not become stuck. */
async function untilStuck(target: Target, id: string): Promise<string | undefined> {
  for (let round = 0; round < 1000; round++) {
    const { body } = await target.ask({ target: `/api/runs/${id}?wait=10ms` })
    if (body.includes('"status":"stuck"')) return undefined
  }
  return 'the run did not become stuck'
}

/** One text in one of these places. */
export function payloadInput(place: string, [name, text]: Text): Input {
  const send = payloadPlaces[place] as Send
  const isAlways = name.includes('misread')
  return { place, name, isAlways, attack: async (attempt) => send(attempt, text()) }
}

/** What is wrong with what came back. */
function differs(
  what: string,
  sent: string,
  received: string,
  ...path: readonly (string | number)[]
): string | undefined {
  let came: string | undefined
  try {
    came = canonical(received, ...path)
  } catch (error) {
    return `${what}: ${String(error)}`
  }
  const wanted = canonical(sent)
  if (came === wanted) return undefined
  return `${what} came back as another: sent ${shown(wanted)}, got ${shown(came ?? received)}`
}

const shown = (text: string | undefined): string => String(text).slice(0, 300)

// The nodes that share the store, which of them has which shard, and where the services are that they call.
import type { ReactNode } from 'react'
import { Asides } from './asides.tsx'
import { Failure, Loading, Part, State, When } from './pieces.tsx'
import { useApp, useNodes } from './queries.ts'
import { href } from './router.ts'
import { fetchingWords, printable, showMs, type ApplicationView, type NodesView } from './shown.ts'
import { Table } from './table.tsx'

export function NodesPage(): ReactNode {
  const { data, error, isPending } = useNodes()
  const app = useApp()
  return (
    <>
      <h1>Nodes</h1>
      <Failure of={error} />
      {isPending ? <Loading /> : null}
      {data === undefined ? null : <Nodes nodes={data} />}
      <Services services={app.data?.services ?? []} />
    </>
  )
}

function Nodes({ nodes: { nodes, shards, aside, leaseMs } }: { readonly nodes: NodesView }): ReactNode {
  return (
    <>
      <p className="dim">
        {leaseMs === null
          ? 'One process at a time can have this store.'
          : `Nodes share this store; a lease is ${showMs(leaseMs)} long.`}
      </p>
      <Part title="Nodes">
        <Table
          label="Nodes"
          heads={['State', 'Node', 'Version', 'Address', { count: 'Shards' }, 'Began', 'Heard of', 'Lease until']}
        >
          {nodes.map((node) => (
            <tr key={node.id}>
              <td>
                <State of={node.state} />
              </td>
              <td className="id">
                {printable(node.id)}
                {node.self ? <span className="dim"> (answers here)</span> : null}
              </td>
              <td>
                {printable(node.version)} <span className="dim">on Ballet {printable(node.ballet)}</span>
              </td>
              <td className="id">{printable(node.address ?? '')}</td>
              <td className="count">{node.shards}</td>
              <td>
                <When at={node.began} ago />
              </td>
              <td>{node.heard === null ? '' : <When at={node.heard} ago />}</td>
              <td>{node.until === null ? '' : <When at={node.until} ago />}</td>
            </tr>
          ))}
        </Table>
      </Part>
      <Asides rows={aside.reduce((sum, { rows }) => sum + rows, 0)} />
      <Shards shards={shards} />
    </>
  )
}

function Shards({ shards }: Pick<NodesView, 'shards'>): ReactNode {
  return (
    <Part title="Shards">
      <Table
        label="Shards"
        heads={['Shard', 'Owner', 'Since', { count: 'Epoch' }, { count: 'Head' }, { count: 'In the inbox' }]}
      >
        {shards.map(({ shard, owner, address, since, epoch, head, waiting }) => (
          <tr key={shard}>
            <td>{shard}</td>
            <td className="id">{printable(owner ?? address ?? '') || <span className="care">▲ nobody</span>}</td>
            <td>{since === null ? '' : <When at={since} ago />}</td>
            <td className="count">{epoch}</td>
            <td className="count">{head.toLocaleString('en')}</td>
            <td className="count">{waiting.toLocaleString('en')}</td>
          </tr>
        ))}
      </Table>
    </Part>
  )
}

/** Which services there are, where each is carried out, and how often it may be asked. */
function Services({ services }: Pick<ApplicationView, 'services'>): ReactNode {
  if (services.length === 0) return null
  return (
    <Part title="Services" note="where each is carried out, and how often it may be asked">
      <Table label="Services" heads={['Service', 'Where', 'Limit', 'Operations']}>
        {services.map(({ name, limit, fetched, operations }) => (
          <tr key={name}>
            <td className="id">{printable(name)}</td>
            <td>{fetched === undefined ? placesOf(operations) : printable(fetchingWords(fetched))}</td>
            <td>{printable(limit ?? 'none')}</td>
            <td>
              {operations.map((operation) => (
                <div key={operation.name}>
                  <a className="id" href={href(['start'], { name: operation.name })}>
                    {printable(operation.name)}
                  </a>
                  {operation.limit === undefined ? null : (
                    <span className="dim small"> {printable(operation.limit)}</span>
                  )}
                </div>
              ))}
            </td>
          </tr>
        ))}
      </Table>
    </Part>
  )
}

function placesOf(operations: ApplicationView['services'][number]['operations']): string {
  const places = new Set(operations.map(({ elsewhere }) => elsewhere ?? 'in this application'))
  return printable([...places].join(', '))
}

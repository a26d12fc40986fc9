// The text format in which Prometheus reads metrics, version 0.0.4, read as strictly as it is written down: a line that is not
// as it should be, a metric that is told of twice or apart, a sample without a type, labels that stand twice, and buckets that
// fall, are errors. For tests.

export interface ReadMetric {
  readonly type: string
  readonly help: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`)
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|\\+Inf|NaN)$`,
)

/** @throws what is wrong with the text */
export function readExposition(text: string): ReadonlyMap<string, ReadMetric> {
  const metrics = new Map<string, ReadMetric>()
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  let current: { readonly name: string; readonly help: string } | null = null
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helped, help = ''] = HELP.exec(line) ?? []
    const [, typed, type = ''] = TYPE.exec(line) ?? []
    const [, sampled, labels = '', value = ''] = SAMPLE.exec(line) ?? []
    if (helped !== undefined) {
      if (metrics.has(helped)) throw new Error(`told of twice: ${helped}`)
      current = { name: helped, help }
    } else if (typed !== undefined) {
      if (current?.name !== typed || metrics.has(typed)) throw new Error(`a type out of its place: ${line}`)
      metrics.set(typed, { type, help: current.help, samples: [] })
    } else if (sampled !== undefined) {
      const metric = current === null ? undefined : metrics.get(current.name)
      if (metric === undefined || current === null) throw new Error(`a sample without a type: ${line}`)
      const suffix = metric.type === 'histogram' ? /^(.*)_(?:bucket|sum|count)$/.exec(sampled)?.[1] : sampled
      if (suffix !== current.name) throw new Error(`a sample of another metric: ${line}`)
      metric.samples.push({
        name: sampled,
        labels: labelsOf(labels),
        value: value === '+Inf' ? Infinity : Number(value),
      })
    } else throw new Error(`not a line of the format: ${line}`)
  }
  for (const [name, metric] of metrics) checkMetric(name, metric)
  return metrics
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (Object.hasOwn(labels, name)) throw new Error(`the label ${name} stands twice in ${text}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  }
  return labels
}

function checkMetric(name: string, { type, samples }: ReadMetric): void {
  if ((type === 'counter') !== name.endsWith('_total'))
    throw new Error(`a counter ends in _total, and nothing else: ${name}`)
  const named = (labels: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(labels))
  const seen = new Set<string>()
  const series = new Map<string, { buckets: [bound: number, count: number][]; sum?: number; count?: number }>()
  for (const { name: sample, labels, value } of samples) {
    const { le, ...own } = labels
    const whole = `${sample}${named(labels)}`
    if (seen.has(whole)) throw new Error(`stands twice: ${whole}`)
    seen.add(whole)
    if (type === 'counter' && !(value >= 0)) throw new Error(`a counter below 0: ${whole}`)
    if (type !== 'histogram') continue
    const key = named(own)
    const one = series.get(key) ?? { buckets: [] }
    series.set(key, one)
    if (sample.endsWith('_bucket')) one.buckets.push([le === '+Inf' ? Infinity : Number(le), value])
    else if (sample.endsWith('_sum')) one.sum = value
    else one.count = value
  }
  for (const [key, { buckets, sum, count }] of series) {
    const rises = buckets.every(
      ([bound, many], at) =>
        at === 0 || (bound > (buckets[at - 1]?.[0] ?? NaN) && many >= (buckets[at - 1]?.[1] ?? NaN)),
    )
    if (!rises || sum === undefined || buckets.at(-1)?.[0] !== Infinity || buckets.at(-1)?.[1] !== count)
      throw new Error(`no histogram: ${name}${key}`)
  }
}

/** The value of the one sample that has these labels; 0 when there is none. */
export function valueOf(
  metrics: ReadonlyMap<string, ReadMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  if (metric === undefined) throw new Error(`there is no metric ${name}`)
  const found = metric.samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found.reduce((sum, { value }) => sum + value, 0)
}

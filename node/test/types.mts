// Compiled, not run: what must type, and what must not.

import forescale = require('forescale')
import { Autoscaler, Decision, ForescaleError, lint, type Config, type Finding, type Forecast } from 'forescale'

const config: Config = {
  max_replicas: 60,
  mode: 'scale_up_only',
  metrics: { rps: { kind: 'total' }, cpu: { kind: 'utilization' } },
  capacity: { kind: 'fixed', metric: 'rps', load_per_replica: 110 },
  lead_time: '90s',
  policies: [
    { kind: 'target', metric: 'cpu', target: 0.7 },
    { kind: 'predictive', metric: 'rps', forecaster: { kind: 'seasonal_naive', season: '1d' } },
    { kind: 'schedule', cron: '0 8 * * mon-fri', time_zone: 'Europe/Berlin', duration: '10h', min_replicas: 10 },
  ],
  guards: [{ kind: 'cooldown', scale_down: 300 }],
}
const scaler: Autoscaler = new forescale.Autoscaler(config)
scaler.warmUp('rps', [new Date(), 5], [1, null, NaN])
scaler.warmUp('rps', new Float64Array(1), new Float64Array(1))
scaler.regressor('rps', 'campaign', new Date(), 1)
scaler.regressor('rps', 'campaign', [new Date(), 5], new Float64Array(2))

const decision: Decision = scaler.decide({
  at: new Date(),
  ready: 7,
  metrics: { rps: 1240, cpu: [0.71, null, { value: 0.3, request: 0.5, phase: 'unready' }], queue: { total: 3 } },
})
const wish: number | null = decision.wish
const codes: string[] = decision.steps.map((step) => step.reason.code)

const findings: Finding[] = lint(config, { now: new Date() })
const mending: string | undefined = findings[0]?.fix?.path

const answer = scaler.forecast('rps', { horizon: '30m' })
const forecast: Forecast | string = answer.abstained ? answer.explain() : answer
const twin: Autoscaler = Autoscaler.restore(JSON.parse(scaler.snapshot().toString('utf8')))

try {
  Autoscaler.fromFile('scaler.yaml')
} catch (error) {
  if (error instanceof ForescaleError) console.log(error.code, error.path, wish, codes, forecast, twin, mending)
}

const net: Promise<forescale.ElasticNet> = forescale.ElasticNet.fit([[1, null]], { step: '5m', settings: { horizon: 6 } })
const expected: Promise<Forecast | string> = net.then((fitted) => {
  const told = fitted.forecast([1, null], { issuedAt: new Date() })
  return told.abstained ? told.explain() : told
})
void expected
// @ts-expect-error: a value is not missing in silence
scaler.regressor('rps', 'campaign', 5, null)
// @ts-expect-error: fitted, not made
new forescale.ElasticNet()
// @ts-expect-error: the limit is not optional
new Autoscaler({ policies: [] })
// @ts-expect-error: no such kind
new Autoscaler({ max_replicas: 3, policies: [{ kind: 'targt', metric: 'cpu', target: 0.7 }] })
// @ts-expect-error: no such setting
new Autoscaler({ max_replicas: 3, min_replica: 1 })
// @ts-expect-error: time comes in with the observation
scaler.decide({ ready: 3 })
// @ts-expect-error: text is no reading
scaler.decide({ at: 0, ready: 3, metrics: { rps: '1240' } })

const report: Promise<forescale.Report> = forescale.replay(
  config,
  { times: [new Date(), 5], values: new Float64Array(2), known: { campaign: { times: [5], values: [1] } } },
  { start_up: '5m' },
  { signal: new AbortController().signal },
)
report.then(({ score, clairvoyant_gap: gap }) => console.log(score.violation_minutes, gap.cost_ratio))

const history: forescale.PrometheusHistory = forescale.prometheus.read([new Uint8Array(), '{}'], {
  labels: { job: 'shop' },
  sum: true,
  step: '1m',
})
scaler.warmUp('rps', history.times, history.values)
forescale.replay(config, history)
const queries: [number, number][] = forescale.prometheus.chunks(new Date(), 5, 60)
console.log(queries, history.nMissing)
// @ts-expect-error: no such option
forescale.prometheus.read('{}', { total: true })

const imports: forescale.ManifestImport[] = forescale.manifest.load('')
const fate: 'mapped' | 'approximated' | 'ignored' = imports[0]!.fields[0]!.fate
const imported: Autoscaler = new Autoscaler(imports[0]!.config)
// @ts-expect-error: a manifest is a text
forescale.manifest.load(3)
const sizer: forescale.Sizer = new forescale.Sizer({
  cpu: { target_percentile: 0.95 },
  memory: { half_life: '2d' },
  startup_boost: { type: 'factor', factor: 2 },
})
const refused: forescale.Refused = sizer.observe({ at: new Date(), cpu: 250, memory: null, container: 'web-0' })
const places: number[] = sizer.observeMany([0, 60_000], { cpu: [1, null], memory: new Float64Array(2) }).map(
  ({ index }) => index,
)
const size: forescale.Recommendation = sizer.recommend()
const target: number | undefined = size.cpu.bounds?.target
const cpu: number | null = sizer.startupCpu(size, '10s')
const oom: forescale.Reason | null = sizer.outOfMemory({ at: 0, requested: 5e8 })
console.log(refused.cpu?.code, places, target, cpu, oom, forescale.Sizer.fromCheckpoint(sizer.checkpoint(0)))
// @ts-expect-error: no such setting
new forescale.Sizer({ marign: 0.2 })
// @ts-expect-error: the bounds may be missing
size.memory.bounds.target

const detector: forescale.Detector = new forescale.Detector({ kind: 'shift', direction: 'above' }, { step: '5m' })
const seen: forescale.Anomaly = detector.score(0, null)
const told: forescale.AnomalyKind | null = detector.scoreMany([0], [1]).kind[0] ?? seen.kind
console.log(told)
// @ts-expect-error: no such kind
new forescale.Detector({ kind: 'shft' })

const model: forescale.Forecaster = new forescale.Forecaster({ kind: 'naive' }, { step: '1m' })
model.observe([new Date(), 5], [1, null])
model.observe(new Date(), 3)
const ahead = model.forecast({ horizon: 60, quantiles: [0.5, 0.95] })
console.log(ahead.abstained ? ahead.reason.code : ahead.row(0), new forescale.Forecaster(null))
const adapter: string = forescale.gpuInfo().adapter
void adapter
forescale.forecastPanel([[1, null], new Float64Array(2)], { step: '1m', horizon: '30m', settings: { kind: 'naive' } })
const panel: Promise<forescale.PanelForecast> = forescale.forecastPanel(new Float64Array(4), {
  nSeries: 2,
  step: 60_000,
  horizon: 30,
  start: new Date(),
})
panel.then(({ abstained, values }) => console.log(abstained[0]?.code, values))
// @ts-expect-error: a flat array needs the number of its series
forescale.forecastPanel(new Float64Array(4), { step: '1m', horizon: 30 })
// @ts-expect-error: no such kind
new forescale.Forecaster({ kind: 'naiv' })

const tuned: Promise<forescale.Tuning> = forescale.tune(
  { max_replicas: 9, policies: [] },
  { times: [0], values: [1] },
  {},
  { objective: { kind: 'least_cost', violation_share: 0.01 }, space: [{ path: 'max_replicas', from: 3, to: 9 }] },
)
tuned.then(({ recommended, front }) => console.log(recommended.expected?.saved_share.low, front[0]?.changes))
// @ts-expect-error: no such objective
forescale.tune({ max_replicas: 9, policies: [] }, { times: [], values: [] }, {}, { objective: { kind: 'best' } })

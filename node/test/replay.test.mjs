// A replay runs beside the event loop, gives the same bytes twice, and is refused as a rejection.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ForescaleError, Fronts, Report, diff, fronts, replay } from 'forescale'

const minute = 60_000
const start = Date.UTC(2026, 0, 5)
const times = Array.from({ length: 3 * 1440 }, (_, i) => start + i * minute)
const trace = {
  name: 'three days',
  times,
  values: times.map((_, i) => 1000 + 600 * Math.sin((2 * Math.PI * i) / 1440)),
}
const config = {
  min_replicas: 1,
  max_replicas: 60,
  metrics: { cpu: { kind: 'utilization' }, rps: { kind: 'total' } },
  policies: [{ kind: 'target', metric: 'cpu', target: 0.7 }],
}

test('replays a trace and scores it, the same bytes twice', async () => {
  const [one, other] = await Promise.all([replay(config, trace), replay(JSON.stringify(config), trace, '{}')])
  assert.ok(one instanceof Report)
  assert.equal(one.json, other.json)
  assert.ok(one.score.minutes > 1000 && one.score.replica_hours > 100, JSON.stringify(one.score))
  assert.equal(JSON.stringify(one), JSON.stringify(JSON.parse(one.json)))
  assert.match(one.toHtml(), /^\s*<!doctype html>[^]*three days[^]*<svg/i)
})

test('a missing value is a hole', async () => {
  const but = (series) => series.filter((_, i) => i !== 700)
  const without = await replay(config, { times: but(times), values: but(trace.values) })
  for (const missing of [null, undefined, NaN]) {
    const values = trace.values.map((value, i) => (i === 700 ? missing : value))
    assert.equal((await replay(config, { times, values })).json, without.json)
  }
})

test('the plant matters', async () => {
  const quick = await replay(config, trace, { start_up: '15s', noise: 0 })
  const slow = await replay(config, trace, { start_up: '10m', noise: 0 })
  assert.notDeepEqual(quick.score, slow.score)
})

test('the event loop goes on meanwhile', async () => {
  let turns = 0
  const timer = setInterval(() => (turns += 1), 1)
  const work = replay(config, trace, { interval: '1s' })
  await work
  clearInterval(timer)
  assert.notEqual(turns, 0)
})

const refused = (code, message) => (error) => {
  assert.ok(error instanceof ForescaleError, error)
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('what cannot be replayed is a rejection', async () => {
  const bad = (change) => replay(config, { ...trace, ...change })
  await assert.rejects(bad({ values: [1] }), refused('FORESCALE_TRACE', /1 values for 4320 times/))
  await assert.rejects(bad({ times: [start], values: [1] }), refused('FORESCALE_TRACE', /at least 2/))
  await assert.rejects(bad({ values: times.map(() => NaN) }), refused('FORESCALE_TRACE', /has 0 samples/))
  await assert.rejects(bad({ values: times.map(() => -1) }), refused('FORESCALE_TRACE', /`row 1` is -1/))
  await assert.rejects(bad({ times: [...times].reverse() }), refused('FORESCALE_TRACE', /must rise/))
  await assert.rejects(replay({ ...config, policies: [] }, trace), refused('FORESCALE_CONFIG', /is empty/))
  await assert.rejects(replay(config, trace, { noise: 2 }), refused('FORESCALE_CONFIG', /`noise` is 2/))
  await assert.rejects(replay(config, trace, { noise: NaN }), refused('FORESCALE_CONFIG', /NaN/))
  await assert.rejects(replay(config, trace, { noize: 0 }), refused('FORESCALE_CONFIG', /noize/))
})

test('an abort rejects with its reason, before and meanwhile', async () => {
  await assert.rejects(replay(config, trace, {}, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  const controller = new AbortController()
  const work = replay(config, trace, { interval: '1s' }, { signal: controller.signal })
  controller.abort(new Error('changed my mind'))
  await assert.rejects(work, /changed my mind/)
  assert.ok((await replay(config, trace, {}, { signal: new AbortController().signal })) instanceof Report)
})

test('a report is held against what really ran', async () => {
  const config = {
    max_replicas: 9,
    metrics: { rps: { kind: 'total' } },
    policies: [{ kind: 'target', metric: 'rps', target: 5 }],
  }
  const times = Array.from({ length: 180 }, (_, minute) => minute * 60_000)
  const plant = { load_per_replica: 10, noise: 0, missing: 0, initial_replicas: 4 }
  const report = await replay(config, { times, values: times.map(() => 20) }, plant)
  assert.equal(report.agreement, undefined)
  const values = times.map((_, minute) => (minute < 150 ? 4 : minute < 160 ? null : 5))
  const { agreement } = report.against({ times, values })
  assert.equal(agreement.n_unrecorded, 40)
  assert.ok(Math.abs(agreement.equal_share - 0.6) < 1e-9)
  assert.throws(() => report.against({ times: [1e12], values: [4] }), { code: 'FORESCALE_TRACE' })
  assert.throws(() => report.against(null), { code: 'FORESCALE_OBSERVATION' })
})

test('a moment is explained', async () => {
  const report = await replay(config, trace, { scored: '4h', decisions: true })
  const moment = report.explain(times.at(-1) - 60 * minute)
  assert.equal(moment.wanted[0].by, 'target(cpu)')
  assert.match(moment.told, /target\(cpu\) says/)
  assert.throws(() => report.explain(times[0]), refused('FORESCALE_TRACE', /which was replayed/))
})

test('two configurations are held side by side', async () => {
  const careful = { ...config, policies: [{ kind: 'target', metric: 'cpu', target: 0.4 }] }
  const told = await diff({ now: config, careful }, trace, { scored: '4h' })
  assert.ok(told.mean_difference > 1, told.told)
  assert.match(told.told, /careful: /)
  assert.deepEqual(told.b.score, (await replay(careful, trace, { scored: '4h' })).score)
  await assert.rejects(diff({ now: config }, trace), /two configurations/)
})

test('fronts compare ways to scale', async () => {
  const options = { contenders: ['hpa', 'static_peak'], families: { mine: { now: config } } }
  const told = await fronts(trace, { scored: '4h' }, options)
  assert.ok(told instanceof Fronts)
  assert.deepEqual(told.sweeps.map((sweep) => sweep.name), ['hpa', 'static_peak', 'mine'])
  assert.ok(told.cost('hpa', 0.05) > 0 && told.cost('nobody', 0.05) === null)
  assert.match(told.toSvg(), /^<svg[^]*static_peak/)
  const unknown = fronts(trace, {}, { contenders: ['hpa_tune'] })
  await assert.rejects(unknown, refused('FORESCALE_CONFIG', /did you mean `hpa_tuned`/))
})

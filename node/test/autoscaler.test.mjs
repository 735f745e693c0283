// What JavaScript is loose about, and the shape of the answers.

import assert from 'node:assert/strict'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Abstain, Autoscaler, Decision, Forecast, ForescaleError } from 'forescale'

const config = {
  min_replicas: 1,
  max_replicas: 60,
  metrics: { rps: { kind: 'total' } },
  capacity: { kind: 'fixed', metric: 'rps', load_per_replica: 100, target_utilization: 0.5 },
  policies: [{ kind: 'predictive', metric: 'rps', quantile: 0.95, step: '1m', forecaster: { kind: 'seasonal_naive', season: '7m', smooth: 0 } }],
  guards: [],
}
const minute = 60_000
const start = Date.UTC(2026, 0, 5)

/** Six hours of a load that wavers around 1000 every seven minutes, which only a season foretells. */
function warm() {
  const scaler = new Autoscaler(config)
  const times = Array.from({ length: 360 }, (_, i) => start + i * minute)
  scaler.warmUp('rps', times, times.map((_, i) => 1000 + (i % 7)))
  return scaler
}

const refused = (code, path, message) => (error) => {
  assert.ok(error instanceof ForescaleError && error instanceof Error, error)
  assert.deepEqual([error.name, error.code, error.path], ['ForescaleError', code, path])
  assert.match(error.message, message)
  return true
}

test('decides for the load that comes, and says why', () => {
  const decision = warm().decide({ at: start + 361 * minute, ready: 7, metrics: { rps: 1000 } })
  assert.ok(decision instanceof Decision)
  assert.equal(decision.current, 7)
  // 1000 to 1006 a second, 50 planned for a replica.
  assert.ok(decision.replicas >= 20 && decision.replicas <= 22, decision.json)
  assert.equal(decision.mode, 'on')
  assert.match(decision.explain(), /^Scale up from 7 to 2\d replicas: /)
  assert.equal(decision.steps[0].by, 'predictive(rps)')
})

test('a decision is the same as object, as JSON and as text', () => {
  const decision = warm().decide({ at: start + 361 * minute, ready: 7, metrics: { rps: 1000 } })
  assert.deepEqual(JSON.parse(decision.json), decision.toJSON())
  assert.deepEqual(JSON.parse(JSON.stringify(decision)), decision.toJSON())
  assert.equal(`${decision}`, decision.json)
  assert.deepEqual(Object.keys(decision), ['at', 'current', 'replicas', 'wish', 'mode', 'steps'])
})

test('the same through import and require', () => {
  const required = createRequire(import.meta.url)('forescale')
  assert.equal(required.Autoscaler, Autoscaler)
  assert.equal(required.ForescaleError, ForescaleError)
})

test('settings as object, JSON, YAML and file are the same', () => {
  const yaml = `
max_replicas: 60
metrics: { rps: { kind: total } }
capacity: { kind: fixed, metric: rps, load_per_replica: 100, target_utilization: 0.5 }
policies:
  - { kind: predictive, metric: rps, quantile: 0.95, step: 1m, forecaster: { kind: seasonal_naive, season: 7m, smooth: 0 } }
guards: []
min_replicas: 1
`
  const folder = mkdtempSync(join(tmpdir(), 'forescale-'))
  const path = join(folder, 'config.yaml')
  writeFileSync(path, yaml)
  const effective = new Autoscaler(config).config
  for (const scaler of [
    new Autoscaler(JSON.stringify(config)),
    new Autoscaler(yaml),
    Autoscaler.fromFile(path),
  ]) {
    assert.deepEqual(scaler.config, effective)
  }
  rmSync(folder, { recursive: true })
  assert.deepEqual(effective.max_replicas, { value: 60, given: true })
  assert.equal(effective['capacity.headroom'].given, false)
})

test('a file that is not there is told by Node', () => {
  assert.throws(() => Autoscaler.fromFile('/nowhere/config.yaml'), { code: 'ENOENT' })
})

for (const [what, change, path, message] of [
  ['an unknown setting', { max_replica: 3 }, 'max_replica', /did you mean `max_replicas`/],
  ['a setting of the wrong type', { min_replicas: 'two' }, 'min_replicas', /must be/],
  ['limits that contradict', { min_replicas: 61 }, 'min_replicas', /is 61, must not be above/],
  ['NaN, which JSON would drop', { lead_time: NaN }, 'lead_time', /NaN/],
  ['infinity', { max_replicas: Infinity }, 'max_replicas', /Infinity/],
  ['an unknown kind', { guards: [{ kind: 'coldown' }] }, 'guards[0].kind', /`cooldown`/],
  ['no policies', { policies: [] }, 'policies', /is empty/],
]) {
  test(`refuses ${what}`, () => {
    const make = () => new Autoscaler({ ...config, ...change })
    assert.throws(make, refused('FORESCALE_CONFIG', path, message))
  })
}

test('refuses what are no settings', () => {
  for (const nothing of [undefined, null, 7, [], '', '{', 'a: [', '\0']) {
    assert.throws(() => new Autoscaler(nothing), { code: 'FORESCALE_CONFIG' }, `${nothing}`)
  }
})

test('time is a Date or milliseconds', () => {
  const at = new Date(start)
  const [one, other] = [at, at.getTime()].map((at) => new Autoscaler(config).decide({ at, ready: 3 }))
  assert.equal(one.json, other.json)
  assert.equal(one.at, start)
  for (const at of [undefined, null, NaN, new Date(NaN), '2026-01-05', 5n, Infinity]) {
    const ask = () => new Autoscaler(config).decide({ at, ready: 3 })
    assert.throws(ask, refused('FORESCALE_OBSERVATION', 'at', /^`at` is .*, must be a Date or/))
  }
})

test('a count is a whole number, and -1 does not wrap around', () => {
  const scaler = new Autoscaler(config)
  for (const count of [-1, 1.5, NaN, Infinity, 2 ** 32, '3', null]) {
    for (const path of ['ready', 'pending', 'requested']) {
      if (path === 'requested' && count === null) continue
      const ask = () => scaler.decide({ at: start, ready: 3, [path]: count })
      assert.throws(ask, refused('FORESCALE_OBSERVATION', path, /must be a whole number from 0/))
    }
  }
  assert.throws(() => scaler.decide({ at: start }), refused('FORESCALE_OBSERVATION', 'ready', /is missing/))
  assert.equal(scaler.decide({ at: start, ready: 3, pending: 2 }).current, 5)
  assert.equal(scaler.decide({ at: start + 1, ready: 3, pending: 2, requested: 9 }).current, 9)
})

test('bad data holds and says so, whatever the number', () => {
  for (const rps of [NaN, Infinity, -Infinity, -1, null, undefined, { total: NaN }, { average: -1 }, [NaN], new Float64Array([Infinity])]) {
    const scaler = new Autoscaler(config)
    const decision = scaler.decide({ at: start, ready: 4, metrics: { rps } })
    assert.equal(decision.replicas, 4, decision.explain())
    assert.notEqual(decision.steps.length, 0)
  }
})

test('numbers keep their size on the way in', () => {
  // Read as an integer the first would be 0, the second 2^63.
  for (const load of [1e-17, 1e300, 2 ** 53, 0.1 + 0.2]) {
    const scaler = new Autoscaler({ ...config, min_replicas: 0, zero: { metric: 'rps', activation: load / 2 } })
    const decision = scaler.decide({ at: start, ready: 1, requested: 0, metrics: { rps: load } })
    const step = decision.steps.find((step) => step.reason.code === 'activated')
    assert.equal(step.reason.facts.load, load)
  }
})

test('a reading may be given for each replica, as a total or as an average', () => {
  const load = (reading) => {
    const zero = { metric: 'rps', activation: 1 }
    const scaler = new Autoscaler({ ...config, min_replicas: 0, zero })
    const decision = scaler.decide({ at: start, ready: 4, requested: 0, metrics: { rps: reading } })
    return decision.steps.find((step) => step.reason.code === 'activated').reason.facts.load
  }
  assert.equal(load(80), 80)
  assert.equal(load({ total: 80 }), 80)
  assert.equal(load({ average: 20 }), 80)
  assert.equal(load([10, 30, 20, null]), 80)
  assert.equal(load([10, 30, 20, undefined]), 80)
  assert.equal(load(new Float64Array([10, 30, 20, 20])), 80)
  assert.equal(load(new Float64Array([99, 10, 30]).subarray(1)), 40)
  assert.equal(load([{ value: 20 }, { value: 20, phase: 'ready' }, { value: 99, phase: 'ignored' }]), 40)
  assert.equal(load([{ value: 20, request: null }, { value: null }]), 40)
})

test('refuses what is no reading', () => {
  const scaler = new Autoscaler(config)
  for (const rps of ['12', true, {}, { totl: 3 }, { total: 3, average: 1 }, { total: '3' }, { total: null }, ['1'], [[1]], [{ valeu: 1 }], [{ phase: 'gone' }], [{ value: '1' }], 5n, () => 1, new Date()]) {
    const ask = () => scaler.decide({ at: start, ready: 4, metrics: { rps } })
    assert.throws(ask, refused('FORESCALE_OBSERVATION', 'metrics.rps', /must be a number, null/))
  }
  for (const metrics of [null, 3, 'rps', [1], new Map([['rps', 1]])]) {
    const ask = () => scaler.decide({ at: start, ready: 4, metrics })
    assert.throws(ask, refused('FORESCALE_OBSERVATION', 'metrics', /must be an object/))
  }
})

test('names what a call lacks or has too much', () => {
  const scaler = new Autoscaler(config)
  const code = 'FORESCALE_OBSERVATION'
  assert.throws(() => scaler.decide(), refused(code, 'observation', /is missing, must be an object/))
  const misspelled = { at: start, ready: 4, metric: { rps: 1 } }
  assert.throws(() => scaler.decide(misspelled), refused(code, 'metric', /must be absent: an observation has/))
  assert.throws(() => scaler.forecast('rps'), refused(code, 'horizon', /is missing, must be a text/))
  assert.throws(() => scaler.warmUp('rps'), refused(code, 'times', /is missing, must be an array/))
  assert.throws(() => scaler.warmUp('rps', [start]), refused(code, 'values', /is missing, must be an array/))
})

test('history comes as typed arrays, numbers or dates, with gaps as null or NaN', () => {
  const times = Array.from({ length: 90 }, (_, i) => start + i * minute)
  const values = times.map((_, i) => (i === 40 ? null : 500 + (i % 5)))
  const twins = [
    [times, values],
    [new Float64Array(times), Float64Array.from(values, (value) => value ?? NaN)],
    [times.map((time) => new Date(time)), values.map((value) => value ?? undefined)],
  ].map(([times, values]) => {
    const scaler = new Autoscaler(config)
    scaler.warmUp('rps', times, values)
    return scaler.snapshot().toString()
  })
  assert.notEqual(twins[0], new Autoscaler(config).snapshot().toString())
  assert.deepEqual(twins, [twins[0], twins[0], twins[0]])
})

test('refuses history that is none', () => {
  const code = 'FORESCALE_OBSERVATION'
  const feed = (times, values, metric = 'rps') => () => new Autoscaler(config).warmUp(metric, times, values)
  assert.throws(feed([start], [1], 'rsp'), refused(code, 'metric', /is "rsp", must be one of/))
  assert.throws(feed([start, NaN], [1, 2]), refused(code, 'times[1]', /is NaN/))
  assert.throws(feed(['2026'], [1]), refused(code, 'times[0]', /is '2026'/))
  assert.throws(feed([start], ['1']), refused(code, 'values[0]', /must be a number or null/))
  assert.throws(feed([start, start + 1], [1]), { code })
  assert.throws(feed([start + minute, start], [1, 2]), { code })
  assert.throws(feed([start, start + minute], [1, -2]), { code })
  assert.throws(feed([start, start + minute], [1, Infinity]), { code })
})

test('forecasts with quantiles in rows that rise', () => {
  const forecast = warm().forecast('rps', { horizon: '5m', quantiles: [0.1, 0.5, 0.9] })
  assert.ok(forecast instanceof Forecast)
  assert.equal(forecast.abstained, false)
  assert.equal(forecast.horizon, 5)
  assert.equal(forecast.step, minute)
  assert.deepEqual(forecast.quantiles, [0.1, 0.5, 0.9])
  assert.ok(forecast.values instanceof Float64Array)
  for (let ahead = 0; ahead < 5; ahead += 1) {
    const [low, middle, high] = forecast.row(ahead)
    assert.ok(low <= middle && middle <= high && low > 900 && high < 1100, `${forecast.row(ahead)}`)
  }
  assert.deepEqual(warm().forecast('rps', { horizon: 5 * minute, quantiles: [0.1, 0.5, 0.9] }), forecast)
  const parsed = JSON.parse(JSON.stringify(forecast))
  assert.deepEqual(parsed.values, [...forecast.values])
})

test('tells how good its forecasts have been beside the references', () => {
  const rows = warm().accuracy('rps')
  const [first] = rows
  assert.equal(first.of, 'forecast')
  assert.equal(first.ahead, minute)
  assert.ok(first.nJudged > 0 && first.lately.loss >= 0 && first.ever.coverage <= 1)
  assert.ok(rows.some((row) => row.of === 'as_now' && row.ahead === first.ahead))
  assert.deepEqual(new Autoscaler(config).accuracy('rps'), [])
  assert.throws(() => warm().accuracy('cpu'), { code: 'FORESCALE_OBSERVATION', path: 'metric' })
})

test('abstains with the reason when there is too little history', () => {
  const abstain = new Autoscaler(config).forecast('rps', { horizon: '5m' })
  assert.ok(abstain instanceof Abstain)
  assert.equal(abstain.abstained, true)
  assert.equal(typeof abstain.reason.code, 'string')
  assert.match(abstain.explain(), /\w+ \w+/)
})

test('refuses a forecast that cannot be asked for', () => {
  const scaler = warm()
  const ask = (metric, options) => () => scaler.forecast(metric, options)
  assert.throws(ask('cpu', { horizon: '5m' }), { code: 'FORESCALE_OBSERVATION', path: 'metric' })
  assert.throws(ask('rps', { horizon: 'soon' }), { code: /^FORESCALE_/, path: 'horizon' })
  assert.throws(ask('rps', { horizon: -1 }), { path: 'horizon' })
  assert.throws(ask('rps', { horizon: NaN }), { path: 'horizon' })
  for (const quantiles of [[], [0.9, 0.1], [0], [1], [NaN]]) {
    assert.throws(ask('rps', { horizon: '5m', quantiles }), { code: /^FORESCALE_/ })
  }
})

test('a snapshot is bytes, text or an object, and changes no decision', () => {
  const scaler = warm()
  const bytes = scaler.snapshot()
  assert.ok(Buffer.isBuffer(bytes))
  const see = { at: start + 400 * minute, ready: 9, metrics: { rps: 1700.5 } }
  const want = scaler.decide(see).json
  for (const snapshot of [bytes, new Uint8Array(bytes), bytes.toString(), JSON.parse(bytes)]) {
    assert.equal(Autoscaler.restore(snapshot).decide(see).json, want)
  }
})

test('refuses a snapshot that is cut, foreign or none', () => {
  const bytes = warm().snapshot()
  for (const snapshot of [bytes.subarray(0, bytes.length / 2), Buffer.alloc(0), 'forescale', {}, { version: 1e9 }, null, undefined]) {
    assert.throws(() => Autoscaler.restore(snapshot), { code: 'FORESCALE_SNAPSHOT' })
  }
})

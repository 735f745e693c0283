// The answers of a Prometheus server in every form, options, refusals, and the way on.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Autoscaler, ForescaleError, prometheus, replay } from 'forescale'

const answer = (values, metric = {}) => ({
  status: 'success',
  data: { resultType: 'matrix', result: [{ metric, values }] },
})
const shop = answer([[0.5, '1.5'], [60.5, 'NaN'], [120.5, '3']], { job: 'shop' })
const valuesOf = (answers, options) => Array.from(prometheus.read(answers, options).values)

test('every form of answer is the same', () => {
  const history = prometheus.read({ ...shop, warnings: ['one store lost'] })
  assert.deepEqual(history, {
    times: Float64Array.of(500, 60_500, 120_500),
    values: Float64Array.of(1.5, NaN, 3),
    step: 60_000,
    nMissing: 1,
    warnings: ['one store lost'],
  })
  const text = JSON.stringify(shop)
  const bytes = new TextEncoder().encode(`--${text}`).subarray(2)
  for (const form of [shop, text, Buffer.from(text), bytes]) {
    assert.deepEqual(valuesOf(form), [1.5, NaN, 3])
    assert.deepEqual(valuesOf(new Set([form])), [1.5, NaN, 3])
  }
})

test('answers are stitched in any order, and series chosen or added up', () => {
  const later = answer([[120.5, '4'], [180.5, '5']], { job: 'shop' })
  assert.deepEqual(valuesOf([shop, later]), [1.5, NaN, 4, 5])
  assert.deepEqual(valuesOf([later, shop]), [1.5, NaN, 3, 5])
  const bank = answer([[0.5, '10'], [60.5, '20'], [120.5, '30']], { job: 'bank' })
  assert.deepEqual(valuesOf([shop, bank], { labels: { job: 'bank' } }), [10, 20, 30])
  assert.deepEqual(valuesOf([shop, bank], { sum: true }), [11.5, NaN, 33])
})

test('a counter becomes a rate, and the step may be given', () => {
  assert.deepEqual(valuesOf(answer([[0, '100'], [60, '160'], [120, '30']]), { counter: true }), [1, 0.5])
  assert.deepEqual(valuesOf(answer([[0, '1'], [120, '3']]), { step: '1m' }), [1, NaN, 3])
})

test('history is replayed and warms up', async () => {
  const minute = 60_000
  const start = Date.UTC(2026, 0, 5)
  const times = Array.from({ length: 2 * 1440 }, (_, i) => start + i * minute)
  const load = times.map((_, i) => (i === 700 ? NaN : 1000 + 600 * Math.sin((2 * Math.PI * i) / 1440)))
  const history = prometheus.read(answer(times.map((time, i) => [time / 1000, `${load[i]}`])))
  assert.deepEqual(history.values, Float64Array.from(load))
  const config = {
    max_replicas: 60,
    metrics: { rps: { kind: 'total' } },
    capacity: { kind: 'fixed', metric: 'rps', load_per_replica: 100 },
    policies: [{ kind: 'predictive', metric: 'rps', step: '5m' }],
  }
  const [one, other] = [new Autoscaler(config), new Autoscaler(config)]
  one.warmUp('rps', history.times, history.values)
  other.warmUp('rps', times, load)
  assert.deepEqual(one.snapshot(), other.snapshot())
  const plant = { scored: '8h' }
  const reports = [replay(config, history, plant), replay(config, { times, values: load }, plant)]
  const [told, want] = await Promise.all(reports)
  assert.equal(told.json, want.json)
})

const refused = (code, message) => (error) => {
  assert.ok(error instanceof ForescaleError, error)
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('what is no history is refused', () => {
  const error = { status: 'error', errorType: 'bad_data', error: 'parse error' }
  for (const [answers, options, code, message] of [
    ['', {}, 'TRACE', /`answers\[0\]` is empty/],
    [[shop, '<html>'], {}, 'TRACE', /`answers\[1\]` begins with "<html>"/],
    [JSON.stringify(shop).slice(0, 99), {}, 'TRACE', /not JSON: EOF while parsing/],
    [error, {}, 'TRACE', /`answers\[0\].status` is "error" \(bad_data\): parse error/],
    [[], {}, 'TRACE', /has no series/],
    [shop, { labels: { job: 'bank' } }, 'TRACE', /match none of the series/],
    [shop, { step: 0 }, 'CONFIG', /`step` is 0s/],
    [shop, { counters: true }, 'CONFIG', /`counters`/],
    [3, {}, 'OBSERVATION', /`answers\[0\]` is 3/],
    [null, {}, 'OBSERVATION', /`answers\[0\]` is null/],
    [undefined, {}, 'OBSERVATION', /`answers\[0\]` is missing/],
  ]) {
    assert.throws(() => prometheus.read(answers, options), refused(`FORESCALE_${code}`, message))
  }
})

test('chunks take dates, milliseconds and any form of step', () => {
  const want = [[0, 659_940_000], [660_000_000, 660_000_000]]
  assert.deepEqual(prometheus.chunks(0, 660_000_000, 60), want)
  assert.deepEqual(prometheus.chunks(new Date(0), new Date(660_059_000), '1m'), want)
  assert.throws(() => prometheus.chunks(1, 0, '1m'), refused('FORESCALE_TRACE', /`end` lies before/))
  assert.throws(() => prometheus.chunks(0, 1, 0), refused('FORESCALE_TRACE', /`step` is 0/))
  assert.throws(() => prometheus.chunks(0, 1, 'soon'), refused('FORESCALE_CONFIG', /`step`/))
  assert.throws(() => prometheus.chunks('monday', 1, 60), refused('FORESCALE_OBSERVATION', /`start`/))
  assert.throws(() => prometheus.chunks(0, 1), refused('FORESCALE_OBSERVATION', /`step` is missing/))
})

// One model for many series: fitted, asked, kept; what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ElasticNet } from 'forescale'

const hour = 3600e3
const load = (series, at) => {
  const day = (at + series) % 24 >= 8 && (at + series) % 24 < 18 ? 3 : 1
  return day * (100 + series) + ((at * at) % 7)
}
const rows = (n, length) => Array.from({ length: n }, (_, series) => Array.from({ length }, (_, at) => load(series, at)))
const options = { step: '1h', start: hour, settings: { horizon: 6 } }
const fitted = ElasticNet.fit(rows(8, 240), options)

test('it forecasts a series that it has not seen', async () => {
  const net = await fitted
  const history = Array.from({ length: 72 }, (_, at) => 2 * load(4, at))
  const forecast = net.forecast(history, { issuedAt: 72 * hour })
  assert.equal(forecast.horizon, 6)
  // Row 5 speaks of hour 77, five in the morning, and of ten to the series.
  assert.ok(Math.abs(forecast.row(5)[0] / (2 * load(4, 77)) - 1) < 0.2)
  const short = net.forecast([1, null, 3], { issuedAt: new Date(3 * hour) })
  assert.equal(short.reason.code, 'too_little_history')
})

test('a panel is forecast as each of its rows, in either form', async () => {
  const net = await fitted
  const values = rows(5, 96)
  values[2].fill(null)
  const ask = { start: hour, horizon: '4h', quantiles: [0.5, 0.9] }
  const panel = await net.forecastPanel(values, ask)
  assert.deepEqual([panel.nSeries, panel.horizon, Object.keys(panel.abstained)], [5, 4, ['2']])
  for (const series of [0, 1, 3, 4]) {
    const alone = net.forecast(values[series], { issuedAt: panel.issuedAt, horizon: 4, quantiles: [0.5, 0.9] })
    assert.deepEqual(panel.series(series), alone)
  }
  const flat = Float64Array.from(values.flat(), (value) => value ?? NaN)
  assert.deepEqual((await net.forecastPanel(flat, { ...ask, nSeries: 5 })).values, panel.values)
})

test('it is kept', async () => {
  const net = await fitted
  const twin = ElasticNet.restore(net.snapshot())
  assert.deepEqual(twin.snapshot(), net.snapshot())
  assert.deepEqual(twin.settings, { horizon: 6, penalty: 0.001, l1_ratio: 0.5, rows: 20000 })
  assert.throws(() => ElasticNet.restore('{}'), { code: 'FORESCALE_SNAPSHOT' })
})

test('what cannot be is named', async () => {
  const net = await fitted
  const refused = (settings, path, code = 'FORESCALE_CONFIG') =>
    assert.rejects(ElasticNet.fit(rows(2, 48), { ...options, settings }), { code, path })
  await refused({ penalty: 0 }, 'penalty')
  await refused({ horizn: 3 }, 'horizn')
  await refused({}, 'values', 'FORESCALE_OBSERVATION')
  assert.throws(() => net.forecast([1], { issuedAt: 0, horizon: 7 }), { code: 'FORESCALE_OBSERVATION', path: 'horizon' })
  assert.throws(() => net.forecast([1]), { code: 'FORESCALE_OBSERVATION', path: 'issuedAt' })
})

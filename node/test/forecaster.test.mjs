// One series without an autoscaler, and many at once: the core's numbers, and what is refused.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

import { Abstain, Forecast, Forecaster, PanelForecast, forecastPanel, gpuInfo } from 'forescale'

const folder = new URL('../../tests/forecasts/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name) => readFileSync(new URL(name, folder), 'utf8')

const HOURLY = { kind: 'seasonal_naive', season: '1h', smooth: '4m' }
const START = 1_767_603_600_000
const minutes = Array.from({ length: 300 }, (_, minute) => minute)
const times = minutes.map((minute) => START + 60_000 * minute)
const values = minutes.map((minute) => 1000 + 500 * Math.sin((2 * Math.PI * minute) / 60))
const ask = { step: '1m', horizon: 12, quantiles: [0.5, 0.95], settings: HOURLY, start: START }

function fed() {
  const model = new Forecaster(HOURLY, { step: '1m' })
  model.observe(times, values)
  return model
}

const refuses = (code, path, message = /./) => (error) => {
  assert.deepEqual([error.name, error.code, error.path], ['ForescaleError', `FORESCALE_${code}`, path])
  assert.match(error.message, message)
  return true
}

function alike(answer, want) {
  if (answer.abstained) return assert.deepEqual({ reason: answer.reason.code }, want)
  assert.equal(answer.issuedAt, want.issued_at)
  assert.equal(answer.values.length, want.values.length)
  answer.values.forEach((value, i) => assert.ok(Math.abs(value - want.values[i]) <= 1e-9 * Math.abs(want.values[i])))
}

for (const name of names) {
  test(`the forecasts of ${name} are those of the core`, async () => {
    const { settings, step, horizon, quantiles, times, series } = JSON.parse(read(name))
    const lines = read(name.replace('.json', '.expected.jsonl')).trim().split('\n')
    assert.equal(lines.length, series.length)
    const panel = await forecastPanel(series, { settings, step, horizon, quantiles, start: times[0] })
    assert.equal(panel.nSeries, series.length)
    lines.map(JSON.parse).forEach((want, i) => {
      const model = new Forecaster(settings, { step })
      model.observe(times, series[i])
      alike(model.forecast({ horizon, quantiles }), want)
      alike(panel.series(i), want)
    })
  })
}

test('there are fixtures', () => assert.ok(names.length >= 2))

test('every form of history is the same', () => {
  const want = fed().snapshot()
  for (const [at, loads] of [
    [times.map((time) => new Date(time)), values],
    [Float64Array.from(times), Float64Array.from(values)],
  ]) {
    const model = new Forecaster(HOURLY, { step: 60_000 })
    model.observe(at, loads)
    assert.deepEqual(model.snapshot(), want)
  }
  const one = new Forecaster(HOURLY)
  minutes.forEach((minute) => one.observe(minute % 2 ? times[minute] : new Date(times[minute]), values[minute]))
  assert.deepEqual(one.snapshot(), want)
})

test('a forecast begins right after the last value', () => {
  for (const horizon of [30, '30m']) {
    const forecast = fed().forecast({ horizon })
    assert.ok(forecast instanceof Forecast)
    assert.deepEqual([forecast.issuedAt, forecast.step, forecast.horizon], [times.at(-1), 60_000, 30])
    assert.ok(Math.abs(forecast.row(14)[0] - 1500) < 75)
  }
})

test('too little history is told', () => {
  const model = new Forecaster()
  for (const [at, loads] of [[[], []], [[START], [1]], [START + 60_000, null]]) {
    model.observe(at, loads)
    const answer = model.forecast()
    assert.ok(answer instanceof Abstain)
    assert.equal(answer.reason.code, 'too_little_history')
    assert.match(answer.explain(), /history/)
  }
  assert.deepEqual(new Forecaster(model.settings.kind).settings, model.settings)
})

test('a snapshot is the model', () => {
  const model = fed()
  for (const twin of [
    Forecaster.restore(model.snapshot()),
    Forecaster.restore(JSON.parse(model.snapshot().toString('utf8'))),
  ]) {
    assert.deepEqual(twin.snapshot(), model.snapshot())
    assert.deepEqual(twin.forecast({ horizon: 9 }), model.forecast({ horizon: 9 }))
  }
  for (const damaged of ['{}', new Uint8Array(), model.snapshot().subarray(0, 99)]) {
    assert.throws(() => Forecaster.restore(damaged), refuses('SNAPSHOT', ''))
  }
})

test('what is no history is refused and changes nothing', () => {
  const model = new Forecaster('naive')
  const before = model.snapshot()
  for (const [at, loads, path] of [
    [[0, 60_000], [1], 'values'],
    [[60_000, 0], [1, 1], 'times[1]'],
    [[0, 0], [1, 1], 'times[1]'],
    [[0, 60_000], [1, -1], 'values[1]'],
    [[0], [Infinity], 'values[0]'],
    [[NaN], [1], 'times[0]'],
    [['0'], [1], 'times[0]'],
    [[0], ['1'], 'values[0]'],
    [0, -1, 'values[0]'],
    [0, '1', 'values'],
    [[0], 1, 'values'],
    [null, [1], 'times'],
  ]) {
    assert.throws(() => model.observe(at, loads), refuses('OBSERVATION', path))
  }
  assert.deepEqual(model.snapshot(), before)
})

test('settings and arguments out of range are refused by name', () => {
  for (const [settings, step, path] of [
    [{ kind: 'naiv' }, '1m', 'kind'],
    ['naiv', '1m', 'kind'],
    [{ kind: 'naive', seson: 3 }, '1m', 'seson'],
    [{ kind: 'seasonal_naive', season: '90s' }, '1m', 'season'],
    ['naive', 0, 'step'],
    ['naive', 'soon', 'step'],
    ['naive', NaN, 'step'],
  ]) {
    assert.throws(() => new Forecaster(settings, { step }), refuses('CONFIG', path))
  }
  assert.throws(() => new Forecaster('naive', { step: null }), refuses('OBSERVATION', 'step'))
  for (const horizon of [0, 10_001, -1, 1.5, NaN, '0s', null]) {
    assert.throws(() => fed().forecast({ horizon }), refuses('OBSERVATION', 'horizon'))
  }
  for (const [quantiles, path] of [
    [[], 'quantiles'],
    [[1], 'quantiles[0]'],
    [[NaN], 'quantiles[0]'],
    [[0.9, 0.5], 'quantiles[1]'],
  ]) {
    assert.throws(() => fed().forecast({ quantiles }), refuses('OBSERVATION', path))
  }
})

test('each series of a panel is forecast as by a forecaster of its own', async () => {
  const negative = values.map((value, minute) => (minute % 50 ? value : -1))
  const series = [values, values.map(() => null), values.map((value) => value / 2), negative]
  const flat = Float64Array.from(series.flat(), (value) => value ?? NaN)
  const panel = await forecastPanel(series, ask)
  assert.ok(panel instanceof PanelForecast)
  assert.deepEqual(await forecastPanel(flat, { ...ask, nSeries: 4 }), panel)
  assert.deepEqual([panel.nSeries, panel.horizon, panel.issuedAt], [4, 12, times.at(-1)])
  assert.deepEqual(Object.keys(panel.abstained), ['1'])
  assert.equal(panel.abstained[1].code, 'too_little_history')
  const silent = new Forecaster(HOURLY)
  silent.observe(times, series[1])
  assert.equal(panel.series(1).explain(), silent.forecast().explain())
  assert.ok(panel.values.subarray(24, 48).every(Number.isNaN))
  assert.deepEqual(panel.series(0), fed().forecast({ horizon: 12 }))
  assert.equal(JSON.parse(JSON.stringify(panel)).values.length, 96)
  assert.throws(() => panel.series(4), refuses('OBSERVATION', 'index'))
})

test('a graphics card forecasts as the processor does, and none is a clear error', async (context) => {
  const before = process.env.FORESCALE_GPU
  context.after(() => (before === undefined ? delete process.env.FORESCALE_GPU : (process.env.FORESCALE_GPU = before)))
  const batch = { ...ask, settings: { kind: 'batch', seasons: ['1h'] } }
  const series = Array.from({ length: 20 }, (_, index) => values.map((value) => value * (index + 1)))
  process.env.FORESCALE_GPU = 'off'
  assert.throws(() => gpuInfo(), refuses('CONFIG', 'device'))
  await assert.rejects(forecastPanel(series, { ...batch, device: 'gpu' }), refuses('CONFIG', 'device'))
  const cpu = await forecastPanel(series, batch)
  assert.equal(cpu.device, 'cpu')
  await assert.rejects(forecastPanel(series, { ...ask, device: 'gpu' }), refuses('CONFIG', 'device'))

  process.env.FORESCALE_GPU = before || 'software'
  let adapter
  try {
    ;({ adapter } = gpuInfo())
  } catch (error) {
    if (process.env.FORESCALE_REQUIRE_GPU === '1') throw error
    return context.diagnostic(`skipped: no adapter: ${error.message}`)
  }
  const card = await forecastPanel(series, { ...batch, device: 'gpu' })
  assert.equal(card.device, adapter)
  assert.ok(card.values.every((value, at) => Math.abs(value - cpu.values[at]) <= 1e-4 * cpu.values[at]))
})

test('panels without series or samples are none the less panels', async () => {
  assert.equal((await forecastPanel([], ask)).nSeries, 0)
  const empty = await forecastPanel(new Float64Array(), { ...ask, nSeries: 2 })
  assert.deepEqual(Object.keys(empty.abstained), ['0', '1'])
})

test('what is no panel is refused', async () => {
  for (const [matrix, change, code, path] of [
    [new Float64Array(4), {}, 'OBSERVATION', 'nSeries'],
    [new Float64Array(4), { nSeries: 3 }, 'OBSERVATION', 'values'],
    [new Float64Array(4), { nSeries: -1 }, 'OBSERVATION', 'nSeries'],
    [[[1, 2], [1]], {}, 'OBSERVATION', 'values[1]'],
    [[1, 2], {}, 'OBSERVATION', 'values[0]'],
    [[['1']], {}, 'OBSERVATION', 'values[0][0]'],
    ['12', {}, 'OBSERVATION', 'values'],
    [[[1]], { horizon: 0 }, 'OBSERVATION', 'horizon'],
    [[[1]], { horizon: undefined }, 'OBSERVATION', 'horizon'],
    [[[1]], { quantiles: [1] }, 'OBSERVATION', 'quantiles[0]'],
    [[[1]], { start: NaN }, 'OBSERVATION', 'start'],
    [[[1]], { steps: 5 }, 'OBSERVATION', 'steps'],
    [[[1]], { step: 0 }, 'CONFIG', 'step'],
    [[[1]], { settings: 'naiv' }, 'CONFIG', 'kind'],
    [[[1]], { device: 'tpu' }, 'CONFIG', 'device'],
  ]) {
    await assert.rejects(forecastPanel(matrix, { ...ask, ...change }), refuses(code, path))
  }
})

test('an abort rejects with its reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await assert.rejects(forecastPanel([values], { ...ask, signal }), /enough/)
})

test('a campaign that is told ahead is expected', () => {
  const settings = { kind: 'regressors', forecaster: 'naive', regressors: { campaign: { lags: ['0s'] } } }
  const model = new Forecaster(settings, { step: '1m' })
  const runs = (minute) => minute >= 120 && minute % 180 < 60
  const minutes = Array.from({ length: 1980 }, (_, index) => index + 1)
  model.regressor('campaign', minutes.map((minute) => 60e3 * minute), minutes.map((minute) => Number(runs(minute))))
  const seen = minutes.slice(0, 1860)
  model.observe(seen.map((minute) => 60e3 * minute), seen.map((minute) => (runs(minute) ? 900 : 400)))
  const { values } = Forecaster.restore(model.snapshot()).forecast({ horizon: 120, quantiles: [0.5] })
  for (const ahead of [50, 119]) {
    const expected = runs(1861 + ahead) ? 900 : 400
    assert.ok(Math.abs(values[ahead] / expected - 1) < 0.1, `${ahead}: ${values[ahead]}`)
  }
  assert.throws(() => model.regressor('weather', 60e3, 1), { code: 'FORESCALE_OBSERVATION' })
})

test('the experts can be read', () => {
  const model = new Forecaster(undefined, { step: '5m' })
  const names = new Set(model.experts().map(({ name }) => name))
  assert.ok(names.has('ridge') && names.has('seasonal_naive'))
  const near = model.experts().filter(({ ahead }) => ahead === 1)
  assert.ok(Math.abs(near.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-4)
  assert.deepEqual(new Forecaster({ kind: 'naive' }, { step: '5m' }).experts(), [])
})

test('a load beyond what is carried is told early', () => {
  const forecast = fed().forecast({ horizon: 60, quantiles: [0.5, 0.95] })
  const crossing = forecast.crosses(1400, { within: '1h' })
  const ahead = (crossing.at - forecast.issuedAt) / forecast.step - 1
  const row = Array.from(forecast.row(ahead))
  assert.ok(row[1] > 1400 && crossing.load === row.find((load) => load > 1400))
  assert.ok(!Array.from({ length: ahead }, (_, before) => forecast.row(before)[1]).some((load) => load > 1400))
  assert.ok([0.05, 0.5].some((share) => Math.abs(crossing.probability - share) < 1e-9))
  assert.equal(forecast.crosses(1e9, { within: '1h' }), null)
  assert.equal(forecast.crosses(1400, { within: '1m' }), ahead === 0 ? crossing : null)
  assert.throws(() => forecast.crosses('many', { within: '1h' }), refuses('OBSERVATION', 'limit'))
  assert.throws(() => forecast.crosses(1, { within: 'soon' }), refuses('CONFIG', 'within'))
})

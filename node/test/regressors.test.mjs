// What is known besides the load: told, read from a metric, part of a replay; refusals.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Autoscaler, SelfTuning, replay } from 'forescale'

const day = 1440
const numbers = Array.from({ length: 4 * day }, (_, minute) => minute)
const minutes = numbers.map((minute) => 60e3 * minute)
// A campaign in each third hour.
const runs = numbers.map((minute) => Number(Math.floor(minute / 60) % 3 === 2))
const loads = numbers.map((minute) => 400 + 500 * runs[minute] + (minute % 11))

function config(regressors, metrics = {}) {
  return {
    max_replicas: 60,
    lead_time: '4m',
    metrics: { rps: { kind: 'total' }, ...metrics },
    capacity: { kind: 'fixed', metric: 'rps', load_per_replica: 60 },
    policies: [
      { kind: 'predictive', metric: 'rps', forecaster: { kind: 'regressors', forecaster: 'naive', regressors } },
    ],
  }
}

const gateway = { gateway: { kind: 'total' } }

function near(scaler, ahead, load) {
  const { values } = scaler.forecast('rps', { horizon: 60e3 * ahead, quantiles: [0.5] })
  const expected = values[values.length - 1]
  assert.ok(Math.abs(expected / load - 1) < 0.15, `${expected} for ${load}`)
}

test('a campaign that is told is expected', () => {
  const scaler = new Autoscaler(config({ campaign: {} }))
  const now = 3 * day
  scaler.regressor('rps', 'campaign', minutes.slice(0, now + 200), runs.slice(0, now + 200))
  scaler.warmUp('rps', minutes.slice(0, now), loads.slice(0, now))
  near(scaler, 60, 400)
  near(scaler, 140, 900)
  const twin = Autoscaler.restore(scaler.snapshot())
  scaler.regressor('rps', 'campaign', new Date(60e3 * now), 0) // it is called off
  near(scaler, 140, 400)
  near(twin, 140, 900)
})

test('an upstream that is a metric is read', () => {
  const scaler = new Autoscaler(config({ gateway: {} }, gateway))
  const now = 3 * day
  scaler.warmUp('gateway', minutes.slice(0, now), loads.slice(10, now + 10))
  scaler.warmUp('rps', minutes.slice(0, now), loads.slice(0, now))
  for (let minute = now; minute < now + 130; minute += 1) {
    const metrics = { rps: loads[minute], gateway: loads[minute + 10] }
    scaler.decide({ at: minutes[minute], ready: 9, metrics })
    near(scaler, 10, loads[minute + 9])
  }
})

test('what cannot be told is named', () => {
  const scaler = new Autoscaler(config({ campaign: {}, gateway: {} }, gateway))
  const refused = (path, ...told) =>
    assert.throws(() => scaler.regressor(...told), { code: 'FORESCALE_OBSERVATION', path })
  refused('metric', 'rpm', 'campaign', [0, 60e3], [1, 0])
  refused('name', 'rps', 'campain', [0, 60e3], [1, 0])
  refused('name', 'rps', 'gateway', [0, 60e3], [1, 0])
  refused('values', 'rps', 'campaign', [0, 60e3], [1])
  refused('times[1]', 'rps', 'campaign', [60e3, 0], [1, 0])
  refused('values[1]', 'rps', 'campaign', [0, 60e3], [1, null])
})

test('a replay knows what its trace does', async () => {
  const plant = { scored: '1d', load_per_replica: 60 }
  const trace = { times: minutes, values: loads }
  const late = async (settings, known) => (await replay(settings, { ...trace, known }, plant)).score.violation_minutes
  const told = await late(config({ campaign: {} }), { campaign: { times: minutes, values: runs } })
  const untold = await late(config({ campaign: {} }))
  assert.ok(told < 0.5 * untold, `${told} ${untold}`)
  await assert.rejects(late(config({ campaign: {} }), { campain: { times: minutes, values: runs } }), {
    code: 'FORESCALE_TRACE',
    path: 'known.campain',
  })
})

test('a self-tuning is told too', () => {
  const scaler = new SelfTuning(config({ campaign: {} }))
  scaler.regressor('rps', 'campaign', [0, 60e3], [1, 0])
  assert.match(scaler.snapshot().toString(), /"known":\{"campaign"/)
})

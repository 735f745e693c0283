// A search runs beside the event loop, finds what is better, and can be ended.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Autoscaler, ForescaleError, Tuning, tune } from 'forescale'

const start = Date.UTC(2026, 0, 5)
const times = Array.from({ length: 4 * 288 }, (_, i) => start + i * 300_000)
const values = times.map((_, i) => 1000 + 700 * Math.sin((2 * Math.PI * i) / 288))
const trace = { name: 'four days', times, values }
const config = {
  max_replicas: 60,
  metrics: { cpu: { kind: 'utilization' } },
  policies: [{ kind: 'target', metric: 'cpu', target: 0.3 }],
}
const plant = { interval: '1m' }

test('a wasteful target is raised, the same bytes twice', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => tune(config, trace, plant, { settings: 16 })))
  assert.ok(one instanceof Tuning)
  assert.equal(one.json, other.json)
  assert.equal(one.reason.code, 'proved_better')
  assert.ok(one.recommended.expected.saved_share.mean > 0.1, one.json)
  assert.ok(one.recommended.config.policies[0].target > 0.3)
  new Autoscaler(one.recommended.config)
  assert.equal(JSON.stringify(one), JSON.stringify(JSON.parse(one.json)))
})

test('the processor is told of, and a device that does not exist is refused', async () => {
  const tuning = await tune(config, trace, plant, { settings: 4 })
  assert.deepEqual([tuning.device, tuning.n_on_device], ['cpu', 0])
  await assert.rejects(tune(config, trace, plant, { device: 'tpu' }), { code: 'FORESCALE_CONFIG', message: /`device`/ })
})

test('the card is the one that is chosen, or told not to be there', async () => {
  const before = process.env.FORESCALE_GPU
  try {
    process.env.FORESCALE_GPU = 'off'
    await assert.rejects(tune(config, trace, plant, { device: 'gpu' }), { code: 'FORESCALE_CONFIG', message: /no adapter/ })
    process.env.FORESCALE_GPU = 'software'
    const tuning = await tune(config, trace, plant, { device: 'gpu', settings: 16 }).catch((error) => {
      if (process.env.FORESCALE_REQUIRE_GPU === '1' || !/no adapter/.test(error.message)) throw error
    })
    if (tuning) {
      assert.notEqual(tuning.device, 'cpu')
      assert.equal(tuning.n_on_device, tuning.n_tried)
      assert.equal(tuning.reason.code, 'proved_better')
    }
  } finally {
    if (before === undefined) delete process.env.FORESCALE_GPU
    else process.env.FORESCALE_GPU = before
  }
})

test('an abort rejects with its reason, before and meanwhile', async () => {
  await assert.rejects(tune(config, trace, plant, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  const controller = new AbortController()
  const work = tune(config, trace, { interval: '1s' }, { signal: controller.signal })
  controller.abort(new Error('changed my mind'))
  await assert.rejects(work, /changed my mind/)
})

test('an end returns what there is', async () => {
  const tuning = await tune(config, trace, plant, { settings: 64, until: AbortSignal.abort() })
  assert.equal(tuning.is_partial, true)
  assert.equal(tuning.reason.code, 'interrupted')
  assert.deepEqual(tuning.recommended, tuning.current)
})

test('what cannot be tuned is a rejection', async () => {
  const refused = (code, message) => (error) => {
    assert.ok(error instanceof ForescaleError, error)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(tune(config, trace, plant, { settings: 0 }), refused('FORESCALE_CONFIG', /`settings` is 0/))
  await assert.rejects(tune(config, trace, plant, { space: [] }), refused('FORESCALE_CONFIG', /`space` is empty/))
  const zeros = { times, values: times.map(() => 0) }
  await assert.rejects(tune(config, zeros, plant), refused('FORESCALE_TRACE', /no load/))
  await assert.rejects(tune(config, null), { code: /./ })
})

// An autoscaler that tunes itself decides on while it looks, adopts what proves better, and is saved whole.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Autoscaler, ForescaleError, Retuned, SelfTuning } from 'forescale'

const DAY = 86_400_000
const start = Date.UTC(2026, 0, 5)
const config = {
  max_replicas: 60,
  metrics: { cpu: { kind: 'utilization' } },
  policies: [{ kind: 'target', metric: 'cpu', target: 0.3 }],
}
const settings = { step: '5m', least: '2d', shadow: '1d', search: { settings: 8 } }

/** Decides each minute for a load that is a wave by day; the replicas at the end. */
function live(scaler, from, days, ready = 10) {
  for (let at = from; at < from + days * DAY; at += 60_000) {
    const busy = 6 - 4 * Math.cos((2 * Math.PI * (at % DAY)) / DAY)
    ready = scaler.decide({ at, ready, metrics: { cpu: Math.min(1, busy / ready) } }).replicas
  }
  return ready
}

test('it finds better settings and adopts them after a day in shadow', async () => {
  const scaler = new SelfTuning(config, settings)
  assert.ok(scaler instanceof Autoscaler)
  assert.equal((await scaler.retune()).reason.code, 'too_little_seen')
  const ready = live(scaler, start, 3)
  const work = scaler.retune()
  const replicas = live(scaler, start + 3 * DAY, 1, ready) // meanwhile
  const found = await work
  assert.ok(found instanceof Retuned)
  assert.equal(found.reason.code, 'proved_better')
  assert.equal(found.isChange, false)

  const before = scaler.snapshot()
  assert.equal((await scaler.retune({ until: AbortSignal.abort() })).reason.code, 'interrupted')
  await assert.rejects(scaler.retune({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  const adopted = await scaler.retune()
  assert.equal(adopted.reason.code, 'adopted', adopted.explain())
  assert.match(adopted.explain(), /^Set /)
  const change = adopted.changes.find(({ path }) => path === 'policies[0].target')
  assert.equal(change.from, 0.3)
  assert.equal(scaler.config['policies[0].target'].value, change.to)
  assert.deepEqual(scaler.events.at(-1), adopted)
  assert.equal(scaler.events.length, 4)
  assert.ok(live(scaler, start + 4 * DAY, 1, replicas) < replicas)

  const twin = SelfTuning.restore(before)
  assert.equal((await twin.retune()).explain(), adopted.explain())
  assert.throws(() => Autoscaler.restore(before), { code: 'FORESCALE_SNAPSHOT' })
  assert.throws(() => SelfTuning.restore(new Autoscaler(config).snapshot()), { code: 'FORESCALE_SNAPSHOT' })
})

test('what cannot be tuned is named', () => {
  const refused = (message) => (error) => {
    assert.ok(error instanceof ForescaleError, error)
    assert.equal(error.code, 'FORESCALE_CONFIG')
    assert.match(error.message, message)
    return true
  }
  assert.throws(() => new SelfTuning(config, { shadow: '1h' }), refused(/`shadow` is 1h/))
  assert.throws(() => new SelfTuning(config, { probations: '1d' }), refused(/did you mean `probation`/))
})

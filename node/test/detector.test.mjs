import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detector } from '../index.mjs'

const STEP = 300_000
const load = (index) => 500 + 100 * Math.sin(((Math.floor(index / 12) % 24) / 24) * 2 * Math.PI) + ((index * 7919) % 31)
const times = Float64Array.from({ length: 2000 }, (_, index) => STEP * index)
const values = Float64Array.from({ length: 2000 }, (_, index) => load(index))

test('a spike is told with its reason, and nothing before it', () => {
  const detector = new Detector(null, { step: '5m' })
  const scores = detector.scoreMany(times, values)
  assert.equal(scores.score.length, 2000)
  assert.ok(!scores.isAnomaly.slice(300).some(Boolean))
  const seen = detector.score(new Date(STEP * 2000), 5000)
  assert.deepEqual([seen.isAnomaly, seen.kind, seen.value], [true, 'spike', 5000])
  assert.ok(seen.pValue < 0.001 && seen.lower < seen.expected && seen.expected < seen.upper)
  assert.match(seen.explain(), /is a spike/)
  assert.equal(seen.reason.code, 'spike')
  assert.equal(seen.at.getTime(), STEP * 2000)
})

test('many at once are what one after the other is', () => {
  const many = new Detector('auto', { step: STEP }).scoreMany(Array.from(times), Array.from(values))
  const one = new Detector('auto', { step: STEP })
  for (let index = 0; index < 2000; index++) {
    const seen = one.score(times[index], values[index])
    assert.equal(seen.score, many.score[index])
    assert.equal(seen.kind ?? null, many.kind[index])
  }
})

test('what is missing is no number', () => {
  const detector = new Detector(null, { step: '5m' })
  detector.scoreMany(times.subarray(0, 600), values.subarray(0, 600))
  const seen = Array.from({ length: 12 }, (_, late) => detector.score(times[600 + late], late % 2 ? null : NaN))
  assert.equal(seen[0].value, null)
  assert.equal(seen[0].expected, null)
  assert.deepEqual(seen.filter((each) => each.isAnomaly).map((each) => each.kind), ['missing'])
})

test('a snapshot changes nothing', () => {
  const detector = new Detector('shift', { step: '5m' })
  detector.scoreMany(times.subarray(0, 777), values.subarray(0, 777))
  const twin = Detector.restore(detector.snapshot())
  const parsed = Detector.restore(JSON.parse(detector.snapshot().toString()))
  for (let index = 777; index < 1000; index++) {
    const seen = detector.score(times[index], values[index])
    assert.deepEqual(twin.score(times[index], values[index]), seen)
    assert.deepEqual(parsed.score(times[index], values[index]), seen)
  }
  assert.equal(detector.settings.kind, 'shift')
})

test('refusals name the place', () => {
  const refused = (code, message) => (error) => error.code === code && message.test(error.message)
  assert.throws(() => new Detector('recrod'), refused('FORESCALE_CONFIG', /did you mean `record`/))
  assert.throws(() => new Detector({ kind: 'auto', alarms_per_day: 0 }), refused('FORESCALE_CONFIG', /`alarms_per_day` is 0/))
  const detector = new Detector(null, { step: '5m' })
  detector.score(600_000, 1)
  assert.throws(() => detector.score(300_000, 1), refused('FORESCALE_OBSERVATION', /lies before/))
  assert.throws(() => detector.scoreMany([900_000, 600_000], [1, 1]), refused('FORESCALE_OBSERVATION', /times\[1\]/))
  assert.throws(() => Detector.restore('{}'), refused('FORESCALE_SNAPSHOT', /no snapshot/))
})

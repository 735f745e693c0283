import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Peers, Relation, TimeToLimit } from '../index.mjs'

const MINUTE = 60_000
const refused = (code, message) => (error) => error.code === code && message.test(error.message)

const tick = (minute, broken) =>
  Object.fromEntries(
    Array.from({ length: 6 }, (_, k) => [`web-${k}`, 0.5 + ((minute * 31 + k * 17) % 19) / 100 + (k === 2 ? broken : 0)]),
  )

test('the replica that differs is named, with its side and since when', () => {
  const peers = new Peers()
  assert.equal(peers.see(0, tick(0, 0)).reason.code, 'too_little_history')
  for (let minute = 1; minute < 50; minute++) peers.see(MINUTE * minute, tick(minute, 0))
  const twin = Peers.restore(JSON.parse(peers.snapshot().toString()))
  for (let minute = 50; minute < 60; minute++) {
    const odd = peers.see(new Date(MINUTE * minute), { ...tick(minute, 0.6), gone: null })
    assert.deepEqual(twin.see(MINUTE * minute, tick(minute, 0.6)), odd)
    if (minute < 55) continue
    assert.deepEqual(odd.map(({ name, side }) => [name, side]), [['web-2', 'above']])
    assert.equal(odd[0].since.getTime(), MINUTE * 50)
    assert.ok(!odd[0].isNew && odd[0].value > odd[0].median && odd[0].deviations > 2)
  }
  assert.match(peers.see(MINUTE * 60, { a: 1, b: 2 }).explain(), /only 2 members report/)
})

test('two metrics that part are told, and who moved', () => {
  const relation = new Relation({ memory: 500 })
  assert.equal(relation.settings.memory, 500)
  let told = null
  for (let minute = 0; minute < 320; minute++) {
    const load = 500 + 3 * ((minute * 7919) % 101)
    const cpu = minute < 300 ? load / 1000 + ((minute * 31) % 17) / 1000 : 0.2
    told = relation.observe(MINUTE * minute, load, cpu)
    if (minute < 59) assert.equal(told.reason.code, 'too_little_history')
    if (minute > 100 && minute < 300) assert.equal(told, null)
  }
  assert.deepEqual([told.moved, told.isAbove, told.since instanceof Date], ['second', false, true])
  assert.deepEqual(Relation.restore(relation.snapshot()).observe(MINUTE * 320, null, 1), null)
})

test('the time to a limit has a range, and a clean-up ends it', () => {
  const memory = new TimeToLimit({ limit: 900 })
  assert.ok(memory.answer().abstained)
  const minutes = Array.from({ length: 200 }, (_, minute) => minute)
  memory.observe(minutes.map((minute) => MINUTE * minute), minutes.map((minute) => 300 + 2 * minute + ((minute * 37) % 21) - 10))
  const { reached, earliest, likely, latest, notBefore } = memory.answer()
  assert.ok(!reached && notBefore === null && earliest < likely && likely < latest)
  assert.ok(Math.abs(likely / MINUTE - 300) < 10)
  const [lower, perDay, upper] = memory.perDay()
  assert.ok(lower < 2880 && 2880 < upper && Math.abs(perDay - 2880) < 100)
  assert.deepEqual(TimeToLimit.restore(memory.snapshot()).answer(), memory.answer())
  memory.reset()
  assert.equal(memory.perDay(), null)
  minutes.forEach((minute) => memory.observe(new Date(MINUTE * (200 + minute)), 950))
  assert.ok(memory.answer().reached)
})

test('refusals name the place', () => {
  assert.throws(() => new Peers({ least_member: 9 }), refused('FORESCALE_CONFIG', /did you mean `least_members`/))
  assert.throws(() => new Relation({ chance: 2 }), refused('FORESCALE_CONFIG', /`chance` is 2/))
  assert.throws(() => new TimeToLimit({}), refused('FORESCALE_CONFIG', /limit/))
  assert.throws(() => new TimeToLimit(), refused('FORESCALE_CONFIG', /settings/))
  assert.throws(() => new Peers().see(0, [1, 2]), refused('FORESCALE_OBSERVATION', /`readings`/))
  assert.throws(() => new Peers().see(0, { a: 'x' }), refused('FORESCALE_OBSERVATION', /`readings.a`/))
  assert.throws(() => new TimeToLimit({ limit: 1 }).observe([1, 2], [1]), refused('FORESCALE_OBSERVATION', /has 1 entries/))
  assert.throws(() => Relation.restore(new Peers().snapshot()), refused('FORESCALE_SNAPSHOT', /relation/))
})

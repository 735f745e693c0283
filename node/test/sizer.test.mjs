// Vertical sizing: the worked example, the sizings of the repository, and what is refused.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

import { Sizer } from 'forescale'

const DAY = 86_400_000
const folder = new URL('../../tests/sizing/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.sizing.json'))
const read = (name) => readFileSync(new URL(name, folder))
const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8')

const minutes = Array.from({ length: 1441 }, (_, minute) => minute)
const peaks = minutes.map((minute) => (minute === 720 ? 300e6 : 200e6))

/** A day of samples, one a minute, as in the example of the core. */
function fed() {
  const sizer = new Sizer()
  for (const minute of minutes) {
    const refused = sizer.observe({ at: minute * 60_000, cpu: 100, memory: peaks[minute] })
    assert.deepEqual(refused, { cpu: null, memory: null })
  }
  return sizer
}

const refuses = (code, path, message = /./) => (error) => {
  assert.deepEqual([error.name, error.code, error.path], ['ForescaleError', `FORESCALE_${code}`, path])
  assert.match(error.message, message)
  return true
}

test("the sizes are those of the core's example", () => {
  const size = fed().recommend(DAY)
  assert.deepEqual(size.cpu.bounds, { lower: 125, target: 126, upper: 252 })
  assert.deepEqual([size.cpu.reason.code, size.cpu.reason.facts.confidence], ['usage_history', 1])
  assert.equal(size.memory.bounds.target, 305_390_039 + 45_808_505)
  assert.deepEqual(JSON.parse(JSON.stringify(size)), JSON.parse(size.json))
  assert.equal(`${size}`, size.json)
})

test('without samples there is a reason and no number', () => {
  const sizer = new Sizer({ memory: { controlled: false } })
  const size = sizer.recommend()
  assert.deepEqual([size.cpu.bounds, size.cpu.reason.code], [null, 'no_samples'])
  assert.deepEqual([size.memory.bounds, size.memory.reason.code], [null, 'not_controlled'])
  assert.equal(sizer.startupCpu(size), null)
})

test('many samples are the same as one after the other', () => {
  const times = minutes.map((minute) => minute * 60_000)
  const cpu = minutes.map(() => 100)
  for (const [at, readings] of [
    [times, { cpu, memory: peaks }],
    [times.map((time) => new Date(time)), { cpu, memory: peaks }],
    [Float64Array.from(times), { cpu: Float64Array.from(cpu), memory: Float64Array.from(peaks) }],
  ]) {
    const sizer = new Sizer()
    assert.deepEqual(sizer.observeMany(at, readings), [])
    assert.deepEqual(sizer.snapshot(), fed().snapshot())
  }
})

test('a missing reading is null or NaN, and what is refused has its place', () => {
  const sizer = new Sizer()
  const cpu = [null, NaN, -5, 7]
  const refused = sizer.observeMany([0, 60_000, 120_000, 90_000], { cpu, memory: [1e8, 1e8, 1e8, 1e8] })
  const codes = refused.map(({ index, cpu, memory }) => [index, cpu?.code, memory?.code])
  assert.deepEqual(codes, [[2, 'metric_invalid', undefined], [3, undefined, 'time_went_back']])
  // Beside one alone NaN is no missing reading, but an invalid one.
  assert.equal(sizer.observe({ at: 180_000, cpu: NaN }).cpu.code, 'metric_invalid')
})

test('out of memory counts as a peak above what was requested', () => {
  const sizer = fed()
  const before = sizer.recommend().memory.bounds.target
  assert.equal(sizer.outOfMemory({ at: DAY + 60_000, requested: 5e8 }), null)
  const after = sizer.recommend().memory.bounds.target
  assert.ok(after > 6e8 && before < 6e8, `${before} became ${after}`)
  assert.equal(sizer.outOfMemory({ at: DAY + 60_000, requested: -1 }).code, 'metric_invalid')
})

test('a starting container gets its boost', () => {
  const sizer = new Sizer({ startup_boost: { type: 'factor', factor: 3, duration: '30s' } })
  sizer.observe({ at: 0, cpu: 100 })
  const size = sizer.recommend()
  const cpu = [null, 29_000, '30s', 60_000].map((ready) => sizer.startupCpu(size, ready))
  assert.deepEqual(cpu, [378, 378, 126, 126])
  assert.throws(() => sizer.startupCpu({ cpu: 1 }), refuses('OBSERVATION', 'recommendation'))
  assert.throws(() => sizer.startupCpu(size, 'soon'), (error) => error.path === 'readyFor')
})

test('a wrong setting is named with the nearest one', () => {
  assert.throws(() => new Sizer({ marign: 0.2 }), refuses('CONFIG', 'marign', /did you mean `margin`/))
  const yaml = 'cpu:\n  half_life: 0\n'
  assert.throws(() => new Sizer(yaml), refuses('CONFIG', 'cpu.half_life', /is 0, must be above 0/))
})

test('what is no sample is refused, and nothing is taken in', () => {
  const sizer = fed()
  const before = sizer.snapshot()
  const at = DAY + 60_000
  const wrong = [
    ['cpu', () => sizer.observeMany([at, at + 1], { cpu: [1] }), /has 1 readings, must have 2, as `times`/],
    ['memory', () => sizer.observeMany([at], { memory: [] })],
    ['times[0]', () => sizer.observeMany(['noon'], { cpu: [1] })],
    ['readings', () => sizer.observeMany([at])],
    ['at', () => sizer.observe({ cpu: 1 }), /missing/],
    ['cpu', () => sizer.observe({ at, cpu: '100m' })],
    ['cpus', () => sizer.observe({ at, cpus: 1 })],
    ['container', () => sizer.observe({ at, cpu: 1, container: 3 })],
    ['requested', () => sizer.outOfMemory({ at })],
    ['at', () => sizer.recommend('noon')],
  ]
  for (const [path, call, message] of wrong) assert.throws(call, refuses('OBSERVATION', path, message))
  assert.deepEqual(sizer.snapshot(), before)
})

test('a checkpoint goes there and back', () => {
  const sizer = fed()
  const status = sizer.checkpoint(DAY)
  assert.deepEqual([status.version, status.totalSamplesCount], ['v3', 1441])
  const twin = Sizer.fromCheckpoint(JSON.parse(JSON.stringify(status)))
  assert.deepEqual(twin.recommend(DAY).cpu, sizer.recommend(DAY).cpu)
  const other = { ...status, version: 'v2' }
  assert.throws(() => Sizer.fromCheckpoint(other), refuses('SNAPSHOT', '', /is "v2", must be "v3"/))
  assert.throws(() => Sizer.fromCheckpoint('v3'), refuses('SNAPSHOT', '', /the checkpoint is damaged/))
})

test('a snapshot loses nothing, and a damaged one is refused', () => {
  const sizer = fed()
  const bytes = sizer.snapshot()
  for (const twin of [Sizer.restore(bytes), Sizer.restore(JSON.parse(bytes)), Sizer.restore(`${bytes}`)]) {
    assert.deepEqual(twin.snapshot(), bytes)
    assert.equal(twin.recommend(DAY).json, sizer.recommend(DAY).json)
  }
  for (const damaged of [bytes.subarray(0, -9), '{}', { format: 'forescale sizer', version: 9 }]) {
    assert.throws(() => Sizer.restore(damaged), refuses('SNAPSHOT', ''))
  }
})

test('a container that is forgotten may start over', () => {
  const sizer = new Sizer()
  const code = (at) => sizer.observe({ at, cpu: 1, container: 'web-0' }).cpu?.code
  assert.deepEqual([code(60_000), code(0)], [undefined, 'time_went_back'])
  sizer.forget('web-0')
  assert.equal(code(0), undefined)
})

test('there are sizings', () => assert.notEqual(names.length, 0))

for (const name of names) {
  const { config, events } = JSON.parse(read(name))
  const sibling = (ending) => read(name.replace('sizing.json', ending))

  for (const swapped of [false, true]) {
    test(`${name} recommends as written, to the byte${swapped ? ', restored in between' : ''}`, () => {
      let sizer = new Sizer(config)
      const lines = []
      for (const event of events) {
        if (swapped) sizer = Sizer.restore(sizer.snapshot())
        const [[kind, { refused = [null, null], ...given }]] = Object.entries(event)
        if (kind === 'observe') {
          const { cpu, memory } = sizer.observe(given)
          assert.deepEqual([cpu?.code ?? null, memory?.code ?? null], refused)
        } else if (kind === 'out_of_memory') {
          assert.equal(sizer.outOfMemory(given), null)
        } else {
          lines.push(`${sizer.recommend(given.at).json}\n`)
        }
      }
      assert.equal(lines.join(''), `${sibling('recommendations.jsonl')}`)
      assert.equal(`${sizer.snapshot()}`, `${sibling('snapshot.json')}`)
    })
  }
}

function known(config) {
  try {
    new Sizer(config)
  } catch ({ message }) {
    assert.match(message, /is not a known setting/)
    return [...message.split('; ').at(-1).matchAll(/`(\w+)`/g)].map(([, key]) => key).sort()
  }
  return assert.fail('not refused')
}

function keysOf(name) {
  const [, body] = types.match(new RegExp(`^export interface ${name} \\{\\n(.*?)\\n\\}`, 'ms'))
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, key]) => key).sort()
}

test('the settings in the types are those of the core', () => {
  assert.deepEqual(keysOf('SizerConfig'), known({ '?': 0 }))
  assert.deepEqual(keysOf('SizerConfig'), Object.keys(new Sizer().settings).sort())
  assert.deepEqual(keysOf('ResourceSizing'), known({ memory: { '?': 0 } }))
})

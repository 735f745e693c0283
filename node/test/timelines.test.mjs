// The timelines that Rust and Python run too: the bindings agree to the byte.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

import { Autoscaler } from 'forescale'

const folder = new URL('../../tests/timelines/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name) => readFileSync(new URL(name, folder), 'utf8')

function scalerOf({ config, told = [], warm_up: history }) {
  const scaler = new Autoscaler(config)
  for (const { metric, name, times, values } of told) scaler.regressor(metric, name, times, values)
  if (history) scaler.warmUp(history.metric, history.times, history.values)
  return scaler
}

const seen = ({ at, replicas, metrics }) => ({ at, ...replicas, metrics })

test('there are timelines', () => assert.notEqual(names.length, 0))

for (const name of names) {
  const timeline = JSON.parse(read(name))

  test(`${name} decides as written, to the byte`, () => {
    const lines = read(name.replace(/json$/, 'decisions.jsonl')).trimEnd().split('\n')
    const scaler = scalerOf(timeline)
    assert.equal(timeline.observations.length, lines.length)
    timeline.observations.forEach((observation, index) => {
      const decision = scaler.decide(seen(observation))
      assert.equal(decision.json, lines[index], `${name}[${index}]: ${decision.explain()}`)
      const codes = decision.steps.map((step) => step.reason.code)
      assert.deepEqual({ replicas: decision.replicas, codes }, timeline.expected[index])
    })
  })

  test(`${name}: a snapshot between any two observations changes no decision`, () => {
    const straight = scalerOf(timeline)
    let restored = scalerOf(timeline)
    for (const observation of timeline.observations) {
      const bytes = restored.snapshot()
      restored = Autoscaler.restore(observation.at % 2 ? bytes : JSON.parse(bytes))
      assert.equal(restored.decide(seen(observation)).json, straight.decide(seen(observation)).json)
    }
    assert.deepEqual(restored.snapshot(), straight.snapshot())
  })
}

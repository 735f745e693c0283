// Findings as objects: their fields, their fixes, and what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ForescaleError, lint } from 'forescale'

const marks = (low) => ({
  max_replicas: 9,
  metrics: { cpu: { kind: 'utilization' } },
  policies: [{ kind: 'watermark', metric: 'cpu', low, high: 0.7 }],
})

test('what must oscillate is told with the change that mends it', () => {
  const [found, ...others] = lint(marks(0.5))
  assert.deepEqual(others, [])
  assert.deepEqual([found.code, found.severity, found.path], ['oscillation', 'error', 'policies[0].low'])
  assert.equal(found.facts.replicas_low, 1)
  assert.match(found.message, /^At 1 replica /)
  assert.deepEqual(lint(marks(found.fix.value)), [])
})

test('schedules count from now on', () => {
  const window = { start: '2025-12-01', end: '2026-01-01' }
  const config = { max_replicas: 9, policies: [{ kind: 'schedule', windows: [window], min_replicas: 3 }] }
  assert.deepEqual(lint(config), [])
  const [found] = lint(config, { now: new Date(Date.UTC(2026, 0, 3)) })
  assert.deepEqual([found.code, found.facts, found.fix], ['schedule_never_holds', { closed_days: 2 }, null])
})

test('what does not build is refused', () => {
  assert.throws(() => lint({ max_replicas: 0 }), ForescaleError)
})

// The types list the members and their settings by hand; the core's refusals tell what it knows.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { Autoscaler, Detector } from 'forescale'

const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8')

function settingsOf(name) {
  const [, parent, body] = types.match(
    new RegExp(`^export interface ${name}(?: extends (\\w+))? \\{\\n(.*?)\\n\\}`, 'ms'),
  )
  const own = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, key]) => key)
  return parent ? [...own, ...settingsOf(parent)] : own
}

/** By kind, the settings of each type in a union. */
function membersOf(union) {
  const [, names] = types.match(new RegExp(`^export type ${union} =([^\\n]*(?:\\n {2}[^\\n]*)*)`, 'm'))
  const members = names.match(/\w+/g).map((name) => {
    const [, kind] = types.match(new RegExp(`interface ${name}[^{]* \\{\\n {2}kind: '(\\w+)'`))
    return [kind, settingsOf(name).filter((key) => key !== 'kind').sort()]
  })
  return Object.fromEntries(members.sort())
}

function refusal(config) {
  try {
    'detector' in config ? new Detector(config.detector) : new Autoscaler(config)
  } catch (error) {
    return error.message
  }
  return assert.fail('not refused')
}

/** What the core knows in place of a setting called `?`. */
function known(config) {
  const message = refusal(config)
  assert.match(message, /is not a known setting/)
  return [...message.split('; ').at(-1).matchAll(/`(\w+)`/g)].map(([, key]) => key).sort()
}

test('the settings in the types are those of the core', () => {
  assert.deepEqual(settingsOf('Config').sort(), known({ '?': 0 }))
  assert.deepEqual(settingsOf('MetricConfig').sort(), known({ metrics: { rps: { '?': 0 } } }))
  const screened = { metrics: { rps: { kind: 'total', screen: { '?': 0 } } } }
  assert.deepEqual(settingsOf('ScreenConfig').sort(), known(screened))
  const leadTime = settingsOf('LearnedLeadTime').filter((key) => key !== 'kind')
  assert.deepEqual(leadTime.sort(), known({ lead_time: { kind: 'learned', '?': 0 } }))
  assert.deepEqual(settingsOf('ZeroConfig').sort(), known({ zero: { '?': 0 } }))
})

for (const [union, place] of Object.entries({
  CapacityConfig: (member) => ({ capacity: member }),
  PolicyConfig: (member) => ({ policies: [member] }),
  GuardConfig: (member) => ({ guards: [member] }),
  DetectorConfig: (member) => ({ detector: member }),
  ForecasterConfig: (member) => ({ policies: [{ kind: 'predictive', forecaster: member }] }),
})) {
  test(`the members of ${union} and their settings are those of the core`, () => {
    const kinds = [...refusal(place({ kind: '?' })).split('must be one of')[1].matchAll(/"(\w+)"/g)]
    const members = kinds.map(([, kind]) => [kind, known(place({ kind, '?': 0 }))])
    assert.deepEqual(membersOf(union), Object.fromEntries(members.sort()))
  })
}

// Manifests of other systems as settings.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import test from 'node:test'

import { Autoscaler, manifest } from 'forescale'

const folder = new URL('../../tests/manifests/', import.meta.url)
const names = readdirSync(folder).filter((name) => /\.(yaml|json)$/.test(name))

test('a manifest becomes settings that build', () => {
  assert.ok(names.length >= 20)
  for (const name of names) {
    let told = ''
    for (const found of manifest.load(readFileSync(new URL(name, folder), 'utf8'))) {
      new Autoscaler(found.config)
      new Autoscaler(found.configYaml)
      assert.deepEqual(Object.keys(found.metrics).sort(), Object.keys(found.config.metrics).sort())
      assert.ok(found.fields.every((field) => field.to ?? field.why), name)
      told += `${found}settings:\n${found.configYaml}\n`
    }
    const recorded = new URL(name.replace(/\.\w+$/, '.report.txt'), folder)
    assert.equal(told, readFileSync(recorded, 'utf8'), name)
  }
})

test('a wrong field is refused with its line', () => {
  const text = 'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec:\n  maxReplicas: ten\n'
  assert.throws(() => manifest.load(text), { code: 'FORESCALE_CONFIG', message: /`spec.maxReplicas` is "ten".*line 4/ })
  for (const [wrong, came] of [[3, '3'], [null, 'null'], [Buffer.from(text), 'of type Buffer'], [[text], 'of type Array']]) {
    const message = `the manifest is ${came}, must be a text, as readFileSync(path, 'utf8') gives`
    assert.throws(() => manifest.load(wrong), { code: 'FORESCALE_CONFIG', message })
  }
})

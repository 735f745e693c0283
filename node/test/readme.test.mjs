// What the README shows runs as it stands.

import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('the example of the README runs', async () => {
  const [, code] = readFileSync(new URL('../README.md', import.meta.url), 'utf8').match(/```js\n(.*?)```/s)
  // A module without a file finds no package by its name.
  const located = code.replace("'forescale'", JSON.stringify(new URL('../index.mjs', import.meta.url)))
  await import(`data:text/javascript,${encodeURIComponent(located)}`)
})

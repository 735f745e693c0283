'use strict'

// The package around the addon: checks what JavaScript is loose about (dates, whole numbers,
// missing values) and gives the answers their classes. Nothing is decided here.

const { readFileSync } = require('node:fs')
const { inspect } = require('node:util')
const addon = require('./forescale.node')

class ForescaleError extends Error {
  constructor(code, path, message) {
    super(message)
    this.name = 'ForescaleError'
    this.code = code
    this.path = path
  }
}

class Autoscaler {
  #core

  constructor(config) {
    const isCore = config instanceof addon.Autoscaler
    this.#core = isCore ? config : call(() => new addon.Autoscaler(text(config)))
  }

  static fromFile(path) {
    return new Autoscaler(readFileSync(path, 'utf8'))
  }

  static restore(snapshot) {
    const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
    return new Autoscaler(call(() => addon.Autoscaler.restore(bytes)))
  }

  get config() {
    const settings = JSON.parse(call(() => this.#core.config()))
    return Object.fromEntries(settings.map(({ path, ...setting }) => [path, setting]))
  }

  warmUp(metric, times, values) {
    const [at, load] = samples(times, values)
    call(() => this.#core.warmUp(metric, at, load))
  }

  regressor(metric, name, times, values) {
    call(() => this.#core.regressor(metric, name, ...pairs(times, values)))
  }

  decide(observation) {
    if (observation === null || typeof observation !== 'object') {
      throw refusal('observation', observation, 'an object with `at`, `ready` and `metrics`')
    }
    const { at, ready, pending = 0, requested = null, metrics = {}, ...rest } = observation
    // A misspelled `metrics` would hold forever and look like a broken source.
    for (const key in rest) {
      throw refusal(key, rest[key], 'absent: an observation has `at`, `ready`, `pending`, `requested` and `metrics`')
    }
    const time = millis(at, () => 'at')
    count(ready, 'ready')
    count(pending, 'pending')
    if (requested !== null) count(requested, 'requested')
    const isList = Array.isArray(metrics) || metrics?.[Symbol.iterator] !== undefined // as a Map
    if (metrics === null || typeof metrics !== 'object' || isList) {
      throw refusal('metrics', metrics, 'an object of readings by name')
    }
    return new Decision(call(() => this.#core.decide(time, ready, pending, requested, metrics)))
  }

  forecast(metric, { horizon, quantiles = [0.5, 0.95] } = {}) {
    if (horizon === undefined) throw refusal('horizon', horizon, 'a text such as "30m", or milliseconds')
    const answer = call(() => this.#core.forecast(metric, horizon, Array.from(quantiles)))
    return 'values' in answer ? new Forecast(answer) : new Abstain(answer)
  }

  said(metric, { at, load = null, quantiles = [0.05, 0.5, 0.95] } = {}) {
    const time = millis(at, () => 'at')
    const said = call(() => this.#core.said(metric, time, numberOrNull(load, 'load'), Array.from(quantiles)))
    return said === null ? null : { ...JSON.parse(said[0]), told: said[1] }
  }

  accuracy(metric) {
    return call(() => this.#core.accuracy(metric))
  }

  snapshot() {
    return call(() => this.#core.snapshot())
  }
}

class SelfTuning extends Autoscaler {
  #core

  constructor(config, settings = {}) {
    const isCore = config instanceof addon.Autoscaler
    const core = isCore ? config : call(() => addon.Autoscaler.selfTuning(text(config), text(settings)))
    super(core)
    this.#core = core
  }

  static fromFile(path, settings = {}) {
    return new SelfTuning(readFileSync(path, 'utf8'), settings)
  }

  static restore(snapshot) {
    const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
    return new SelfTuning(call(() => addon.Autoscaler.restoreSelfTuning(bytes)))
  }

  get events() {
    return call(() => this.#core.events()).map((event) => new Retuned(event))
  }

  async retune({ signal, until } = {}) {
    signal?.throwIfAborted()
    const step = call(() => this.#core.retuning())
    const settled = (retuned) => {
      signal?.throwIfAborted()
      return new Retuned(call(() => this.#core.settle(retuned)))
    }
    return endable(step, settled, signal, until)
  }
}

class Retuned {
  #explanation

  constructor({ json, isChange, explanation }) {
    const { at, ...rest } = JSON.parse(json)
    Object.assign(this, { at: new Date(at), ...rest, isChange })
    this.#explanation = explanation
  }

  explain() {
    return this.#explanation
  }
}

class Decision {
  #core
  #json

  constructor(core) {
    this.#core = core
    this.#json = core.json()
    Object.assign(this, JSON.parse(this.#json))
  }

  get json() {
    return this.#json
  }

  explain() {
    return this.#core.explain()
  }

  toJSON() {
    return { ...this }
  }

  toString() {
    return this.#json
  }
}

class Forecast {
  abstained = false

  constructor({ issuedAt, step, quantiles, values }) {
    Object.assign(this, { issuedAt, step, quantiles, values })
  }

  get horizon() {
    return this.values.length / this.quantiles.length
  }

  row(ahead) {
    const width = this.quantiles.length
    return this.values.subarray(ahead * width, (ahead + 1) * width)
  }

  crosses(limit, { within } = {}) {
    const { issuedAt, step, quantiles, values } = this
    if (typeof limit !== 'number') throw refusal('limit', limit, 'a number')
    const found = call(() => addon.crosses(step, Array.from(quantiles), values, limit, span(within, 'within')))
    if (found === null) return null
    const [after, probability, load] = found
    return { at: new Date(issuedAt + after), probability, load }
  }

  toJSON() {
    return { ...this, values: Array.from(this.values) }
  }
}

class Abstain {
  abstained = true
  #explanation

  constructor({ reason, explanation }) {
    this.reason = JSON.parse(reason)
    this.#explanation = explanation
  }

  explain() {
    return this.#explanation
  }
}

class Forecaster {
  #core

  constructor(settings, { step = '1m' } = {}) {
    const isCore = settings instanceof addon.Forecaster
    this.#core = isCore ? settings : call(() => new addon.Forecaster(settingsText(settings), span(step, 'step')))
  }

  static restore(snapshot) {
    const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
    return new Forecaster(call(() => addon.Forecaster.restore(bytes)))
  }

  get settings() {
    return JSON.parse(this.#core.settings())
  }

  observe(times, values) {
    call(() => this.#core.observe(...pairs(times, values)))
  }

  regressor(name, times, values) {
    call(() => this.#core.regressor(name, ...pairs(times, values)))
  }

  forecast({ horizon = 60, quantiles = [0.5, 0.95] } = {}) {
    const answer = call(() => this.#core.forecast(ahead(horizon), Array.from(quantiles)))
    return 'values' in answer ? new Forecast(answer) : new Abstain(answer)
  }

  experts() {
    return JSON.parse(this.#core.experts())
  }

  snapshot() {
    return call(() => this.#core.snapshot())
  }
}

class Anomaly {
  #explanation

  constructor({ json, explanation }) {
    const { at, p_value: pValue, is_anomaly: isAnomaly, ...rest } = JSON.parse(json)
    const known = { kind: null, expected: null, lower: null, upper: null }
    Object.assign(this, { at: new Date(at), ...known, ...rest, pValue, isAnomaly })
    this.#explanation = explanation
  }

  explain() {
    return this.#explanation
  }
}

class Detector {
  #core

  constructor(settings, { step = '1m' } = {}) {
    const isCore = settings instanceof addon.Detector
    this.#core = isCore ? settings : call(() => new addon.Detector(settingsText(settings), span(step, 'step')))
  }

  static restore(snapshot) {
    const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
    return new Detector(call(() => addon.Detector.restore(bytes)))
  }

  get settings() {
    return JSON.parse(this.#core.settings())
  }

  score(at, value) {
    return new Anomaly(call(() => this.#core.score(millis(at, () => 'at'), numberOrNaN(value, () => 'value'))))
  }

  scoreMany(times, values) {
    const { kind, ...scores } = call(() => this.#core.scoreMany(...samples(times, values)))
    return { ...scores, kind: kind.map((name) => name ?? null) }
  }

  snapshot() {
    return call(() => this.#core.snapshot())
  }
}

/** The compiled part of each `Watcher`. */
const cores = new WeakMap()

/** What watches several series or a limit. */
class Watcher {
  constructor(Core, settings) {
    cores.set(this, settings instanceof Core ? settings : call(() => new Core(text(settings))))
  }

  get settings() {
    return JSON.parse(cores.get(this).settings())
  }

  snapshot() {
    return call(() => cores.get(this).snapshot())
  }
}

function restored(Of, Core, snapshot) {
  const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
  return new Of(call(() => Core.restore(bytes)))
}

/** What a watcher's core answers: an object, its times as dates and its names as JavaScript has them. */
function ask(watcher, method, ...given) {
  const answer = call(() => cores.get(watcher)[method](...given))
  return typeof answer === 'string' ? JSON.parse(answer, dated) : new Abstain(answer)
}

/** For `JSON.parse`: instants as dates, names in camel case. */
function dated(key, value) {
  if (['since', 'earliest', 'likely', 'latest', 'not_before'].includes(key)) return new Date(value)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [camel(name), each]))
}

class Peers extends Watcher {
  constructor(settings = {}) {
    super(addon.Peers, settings)
  }

  static restore(snapshot) {
    return restored(Peers, addon.Peers, snapshot)
  }

  see(at, readings) {
    const isList = Array.isArray(readings) || readings?.[Symbol.iterator] !== undefined // as a Map
    if (readings === null || typeof readings !== 'object' || isList) {
      throw refusal('readings', readings, 'an object of numbers by name')
    }
    const values = Float64Array.from(Object.entries(readings), ([name, value]) =>
      numberOrNaN(value, () => `readings.${name}`),
    )
    return ask(this, 'see', millis(at, () => 'at'), Object.keys(readings), values)
  }
}

class Relation extends Watcher {
  constructor(settings = {}) {
    super(addon.Relation, settings)
  }

  static restore(snapshot) {
    return restored(Relation, addon.Relation, snapshot)
  }

  observe(at, first, second) {
    const pair = [numberOrNaN(first, () => 'first'), numberOrNaN(second, () => 'second')]
    return ask(this, 'observe', millis(at, () => 'at'), ...pair)
  }
}

class TimeToLimit extends Watcher {
  constructor(settings) {
    super(addon.TimeToLimit, settings)
  }

  static restore(snapshot) {
    return restored(TimeToLimit, addon.TimeToLimit, snapshot)
  }

  observe(times, values) {
    const isOne = times instanceof Date || typeof times === 'number'
    const [at, seen] = isOne ? samples([times], [values]) : samples(times, values)
    if (at.length !== seen.length) {
      const message = `\`values\` has ${seen.length} entries, must have ${at.length} as \`times\``
      throw new ForescaleError('FORESCALE_OBSERVATION', 'values', message)
    }
    cores.get(this).observe(at, seen)
  }

  answer() {
    const answer = ask(this, 'answer')
    if (answer instanceof Abstain) return answer
    const { range, ...rest } = answer === 'reached' ? {} : answer
    const none = { earliest: null, likely: null, latest: null, notBefore: null }
    return { ...none, ...rest, ...range, reached: answer === 'reached' }
  }

  perDay() {
    return cores.get(this).perDay()
  }

  reset() {
    cores.get(this).reset()
  }
}

class PanelForecast {
  #abstains

  constructor({ issuedAt, step, horizon, quantiles, values, abstained, device }) {
    this.#abstains = new Map(abstained.map(([series, answer]) => [series, new Abstain(answer)]))
    const reasons = Array.from(this.#abstains, ([series, { reason }]) => [series, reason])
    const told = { issuedAt, step, horizon, quantiles, values, device }
    Object.assign(this, { ...told, abstained: Object.fromEntries(reasons) })
  }

  get nSeries() {
    return this.values.length / (this.horizon * this.quantiles.length)
  }

  series(index) {
    const { issuedAt, step, quantiles, horizon, nSeries } = this
    if (!(Number.isInteger(index) && index >= 0 && index < nSeries)) {
      throw refusal('index', index, `a whole number from 0, below ${nSeries}`)
    }
    const width = horizon * quantiles.length
    const values = this.values.subarray(index * width, (index + 1) * width)
    return this.#abstains.get(index) ?? new Forecast({ issuedAt, step, quantiles, values })
  }

  toJSON() {
    return { ...this, values: Array.from(this.values) }
  }
}

async function forecastPanel(values, options) {
  const known = ['step', 'horizon', 'quantiles', 'nSeries', 'settings', 'start', 'device', 'signal']
  const given = fields('options', options, known)
  const { step, horizon, quantiles = [0.5, 0.95], nSeries, settings, start = 0, device = 'auto', signal } = given
  signal?.throwIfAborted()
  const [matrix, n] = panel(values, nSeries)
  const at = millis(start, () => 'start')
  const ask = [at, span(step, 'step'), ahead(horizon), Array.from(quantiles), String(device), process.env.FORESCALE_GPU]
  const work = Promise.resolve(call(() => addon.forecastPanel(settingsText(settings), matrix, n, ...ask)))
  const forecast = work.then((parts) => new PanelForecast(parts), (error) => Promise.reject(own(error)))
  return signal ? abortable(forecast, signal) : forecast
}

class ElasticNet {
  #core

  constructor(core) {
    this.#core = core
  }

  static async fit(values, options) {
    const given = fields('options', options, ['step', 'nSeries', 'settings', 'start', 'signal'])
    const { step, nSeries, settings, start = 0, signal } = given
    const [matrix, n] = panel(values, nSeries)
    const ask = [settingsText(settings), matrix, n, millis(start, () => 'start'), span(step, 'step')]
    return work(signal, () => addon.fitElasticNet(...ask), (core) => new ElasticNet(core))
  }

  static restore(snapshot) {
    return restored(ElasticNet, addon.ElasticNet, snapshot)
  }

  get settings() {
    return JSON.parse(this.#core.settings())
  }

  forecast(history, { issuedAt, horizon = this.settings.horizon, quantiles = [0.5, 0.95] } = {}) {
    const samples = column('history', history, numberOrNaN)
    const ask = [millis(issuedAt, () => 'issuedAt'), ahead(horizon), Array.from(quantiles)]
    const answer = call(() => this.#core.forecast(samples, ...ask))
    return 'values' in answer ? new Forecast(answer) : new Abstain(answer)
  }

  async forecastPanel(values, options = {}) {
    const given = fields('options', options, ['horizon', 'quantiles', 'nSeries', 'start', 'signal'])
    const { horizon = this.settings.horizon, quantiles = [0.5, 0.95], nSeries, start = 0, signal } = given
    const ask = [...panel(values, nSeries), millis(start, () => 'start'), ahead(horizon), Array.from(quantiles)]
    return work(signal, () => this.#core.forecastPanel(...ask), (parts) => new PanelForecast(parts))
  }

  snapshot() {
    return call(() => this.#core.snapshot())
  }
}

function gpuInfo() {
  const told = JSON.parse(call(() => addon.gpuInfo(process.env.FORESCALE_GPU)))
  const { max_binding_bytes, max_buffer_bytes, max_invocations, has_timestamps, ...rest } = told
  const limits = { maxBindingBytes: max_binding_bytes, maxBufferBytes: max_buffer_bytes }
  return { ...rest, ...limits, maxInvocations: max_invocations, hasTimestamps: has_timestamps }
}

/** What the core tells as JSON, as an object and as that very text. */
class Told {
  #json

  constructor(json) {
    this.#json = json
    Object.assign(this, JSON.parse(json))
  }

  get json() {
    return this.#json
  }

  toJSON() {
    return { ...this }
  }
}

class Report extends Told {
  #core

  constructor(core) {
    super(core.json())
    this.#core = core
  }

  toHtml() {
    return this.#core.html()
  }

  explain(at) {
    const [json, told] = call(() => this.#core.explain(millis(at, () => 'at')))
    return { ...JSON.parse(json), told }
  }

  against(recorded) {
    const { times, values } = recorded ?? {}
    return new Report(call(() => this.#core.against(...samples(times, values))))
  }
}

function lint(config, { now = null } = {}) {
  const at = now === null ? null : millis(now, () => 'now')
  return JSON.parse(call(() => addon.lint(text(config), at)))
}

class Sizer {
  #core

  constructor(config = {}) {
    const isCore = config instanceof addon.Sizer
    this.#core = isCore ? config : call(() => new addon.Sizer(text(config)))
  }

  static restore(snapshot) {
    const bytes = snapshot instanceof Uint8Array ? snapshot : Buffer.from(text(snapshot))
    return new Sizer(call(() => addon.Sizer.restore(bytes)))
  }

  static fromCheckpoint(checkpoint, config = {}) {
    return new Sizer(call(() => addon.Sizer.fromCheckpoint(text(config), text(checkpoint))))
  }

  get settings() {
    return JSON.parse(this.#core.settings())
  }

  observe(sample) {
    const known = ['at', 'container', 'cpu', 'memory', 'cpuRequest']
    const { at, container = '', cpu, memory, cpuRequest } = fields('sample', sample, known)
    const time = millis(at, () => 'at')
    name(container)
    const readings = Object.entries({ cpu, memory, cpuRequest }).map(([path, value]) => numberOrNull(value, path))
    const refused = this.#core.observe(time, container, ...readings)
    return refused === null ? { cpu: null, memory: null } : JSON.parse(refused)
  }

  observeMany(times, readings) {
    const { container = '', ...series } = fields('readings', readings, ['container', 'cpu', 'memory', 'cpuRequest'])
    name(container)
    const at = column('times', times, millis)
    const columns = ['cpu', 'memory', 'cpuRequest'].map((path) =>
      series[path] == null ? null : column(path, series[path], numberOrNaN),
    )
    return JSON.parse(call(() => this.#core.observeMany(container, at, ...columns)))
  }

  outOfMemory(event) {
    const { at, container = '', requested } = fields('event', event, ['at', 'container', 'requested'])
    const time = millis(at, () => 'at')
    name(container)
    if (typeof requested !== 'number') throw refusal('requested', requested, 'a number')
    return JSON.parse(this.#core.outOfMemory(time, container, requested))
  }

  forget(container) {
    this.#core.forget(name(container))
  }

  recommend(at) {
    return new Recommendation(this.#core.recommend(at == null ? null : millis(at, () => 'at')))
  }

  startupCpu(recommendation, readyFor = null) {
    if (!(recommendation instanceof Recommendation)) {
      throw refusal('recommendation', recommendation, 'what `recommend` answered')
    }
    const isSpan = readyFor === null || typeof readyFor === 'string' || typeof readyFor === 'number'
    if (!isSpan) throw refusal('readyFor', readyFor, 'a text such as "30s", milliseconds or null')
    return call(() => this.#core.startupCpu(Recommendation.coreOf(recommendation), readyFor))
  }

  checkpoint(at) {
    return JSON.parse(this.#core.checkpoint(millis(at, () => 'at')))
  }

  snapshot() {
    return call(() => this.#core.snapshot())
  }
}

class Recommendation {
  #core
  #json

  constructor(core) {
    this.#core = core
    this.#json = core.json()
    Object.assign(this, JSON.parse(this.#json))
  }

  static coreOf(recommendation) {
    return recommendation.#core
  }

  get json() {
    return this.#json
  }

  toJSON() {
    return { ...this }
  }

  toString() {
    return this.#json
  }
}

async function replay(config, trace, plant = {}, { signal } = {}) {
  return work(signal, () => addon.replay(text(config), text(plant), recorded(trace)), (core) => new Report(core))
}

class Fronts extends Told {
  #core

  constructor(core) {
    super(core.json())
    this.#core = core
  }

  cost(name, violationShare) {
    return this.#core.cost(name, violationShare)
  }

  gapClosed(violationShare, { by = 'predictive', than = 'hpa_tuned' } = {}) {
    return this.#core.gapClosed(violationShare, by, than)
  }

  toSvg() {
    return call(() => this.#core.svg())
  }
}

async function fronts(trace, plant = {}, { contenders = null, families = {}, signal } = {}) {
  const own = Object.entries(families).flatMap(([family, configs]) =>
    Object.entries(configs).map(([label, config]) => [family, label, text(config)]),
  )
  const names = contenders === null ? null : Array.from(contenders)
  return work(signal, () => addon.fronts(text(plant), recorded(trace), names, own), (core) => new Fronts(core))
}

async function diff(configs, trace, plant = {}, { signal } = {}) {
  const pair = Object.entries(configs ?? {}).map(([name, config]) => [name, text(config)])
  if (pair.length !== 2) throw refusal('configs', configs, 'two configurations by their names')
  const told = ([json, lines]) => ({ ...JSON.parse(json), told: lines })
  return work(signal, () => addon.diff(pair, text(plant), recorded(trace)), told)
}

/** What runs on the pool, and what its answer is made into. */
async function work(signal, start, made) {
  signal?.throwIfAborted()
  const answer = Promise.resolve(call(start)).then(made, (error) => Promise.reject(own(error)))
  return signal ? abortable(answer, signal) : answer
}

/** A trace as the core has it. */
function recorded(trace) {
  if (trace === null || typeof trace !== 'object') throw refusal('trace', trace, '{ times, values }')
  const { name = 'trace', times, values, known = {} } = trace
  const load = new addon.Trace(name, ...samples(times, values))
  const tell = (whole, [name, series]) => whole.withKnown(name, ...samples(series?.times, series?.values))
  return Object.entries(known).reduce(tell, load)
}

class Tuning extends Told {}

async function tune(config, trace, plant = {}, { signal, until, ...options } = {}) {
  signal?.throwIfAborted()
  const search = call(() => new addon.Search(text(config), text(plant), text(options), recorded(trace), process.env.FORESCALE_GPU))
  return endable(search, (json) => new Tuning(json), signal, until)
}

/** Work on the pool that an abort ends: of `signal` with its reason, of `until` with what there is. */
async function endable(work, made, signal, until) {
  const stop = () => work.stop()
  for (const ends of [signal, until]) {
    if (ends?.aborted) stop()
    ends?.addEventListener('abort', stop, { once: true })
  }
  const answer = Promise.resolve(work.run())
    .then(made, (error) => Promise.reject(own(error)))
    .finally(() => [signal, until].forEach((ends) => ends?.removeEventListener('abort', stop)))
  return signal ? abortable(answer, signal) : answer
}

/** History from Prometheus: the server's answers in, times and values out. */
class Import {
  constructor({ config_yaml: configYaml, report, ...rest }) {
    Object.assign(this, rest, { configYaml, report })
  }

  toString() {
    return this.report
  }
}

const manifest = {
  load(text) {
    if (typeof text !== 'string') {
      const isObject = typeof text === 'object' && text !== null
      const came = isObject ? `of type ${text.constructor?.name ?? 'Object'}` : inspect(text)
      const message = `the manifest is ${came}, must be a text, as readFileSync(path, 'utf8') gives`
      throw new ForescaleError('FORESCALE_CONFIG', '', message)
    }
    return JSON.parse(call(() => addon.loadManifest(text))).map((found) => new Import(found))
  },
}

const prometheus = {
  read(answers, options = {}) {
    const isOne = typeof answers === 'string' || answers instanceof Uint8Array || !(Symbol.iterator in Object(answers))
    const bodies = Array.from(isOne ? [answers] : answers, body)
    return call(() => addon.readPrometheus(bodies, text(options)))
  },

  chunks(start, end, step) {
    const [from, to] = [millis(start, () => 'start'), millis(end, () => 'end')]
    if (typeof step !== 'string' && typeof step !== 'number') {
      throw refusal('step', step, 'a text such as "1m", or seconds')
    }
    return call(() => addon.prometheusChunks(from, to, step))
  },
}

function body(answer, i) {
  if (answer instanceof Uint8Array) return Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  if (typeof answer === 'string') return Buffer.from(answer)
  if (answer !== null && typeof answer === 'object') return Buffer.from(JSON.stringify(answer))
  throw refusal(`answers[${i}]`, answer, 'bytes, a text or an object')
}

/** Rejects as soon as the signal says so; the thread of the pool ends its replay all the same. */
function abortable(work, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Settings as the core reads them. JSON would make NaN `null`, a value that may be allowed. */
function text(value) {
  if (typeof value === 'string') return value
  const strict = (_, item) => (typeof item === 'number' && !Number.isFinite(item) ? `${item}` : item)
  return `${JSON.stringify(value, strict)}`
}

function settingsText(settings) {
  return settings == null ? null : text(settings)
}

function span(value, path) {
  if (typeof value === 'string' || typeof value === 'number') return value
  throw refusal(path, value, 'a text such as "1m", or milliseconds')
}

/** How far ahead. */
function ahead(horizon) {
  if (typeof horizon === 'string') return horizon
  if (Number.isInteger(horizon) && horizon >= 0 && horizon <= 0xffffffff) return horizon
  throw refusal('horizon', horizon, 'a whole number of steps, or a text such as "30m"')
}

/** A matrix given row by row, flat, and the number of its rows. */
function rows(matrix) {
  if (ArrayBuffer.isView(matrix)) throw refusal('nSeries', undefined, 'the number of series in a flat array')
  if (typeof matrix?.[Symbol.iterator] !== 'function' || typeof matrix === 'string') {
    throw refusal('values', matrix, 'an array of arrays, or a flat one with `nSeries`')
  }
  const columns = Array.from(matrix, (row, i) => column(`values[${i}]`, row, numberOrNaN))
  const width = columns[0]?.length ?? 0
  const flat = new Float64Array(columns.length * width)
  columns.forEach((row, i) => {
    if (row.length !== width) {
      const message = `\`values[${i}]\` has ${row.length} numbers, must have ${width}, as the first row`
      throw new ForescaleError('FORESCALE_OBSERVATION', `values[${i}]`, message)
    }
    flat.set(row, i * width)
  })
  return [flat, columns.length]
}

/** A matrix, and the number of its rows. */
function panel(values, nSeries) {
  const [matrix, n] = nSeries === undefined ? rows(values) : [column('values', values, numberOrNaN), nSeries]
  count(n, 'nSeries')
  return [matrix, n]
}

function samples(times, values) {
  return [column('times', times, millis), column('values', values, numberOrNaN)]
}

/** The same, or one time and its value. */
function pairs(times, values) {
  const isOne = times instanceof Date || typeof times === 'number'
  if (!isOne) return samples(times, values)
  return samples([millis(times, () => 'times')], [numberOrNaN(values, () => 'values')])
}

/** A series as numbers; `read` checks each. */
function column(path, series, read) {
  const isSeries = typeof series === 'object' && typeof series?.length === 'number'
  if (!isSeries && typeof series?.[Symbol.iterator] !== 'function') throw refusal(path, series, 'an array')
  return Float64Array.from(series, (value, i) => read(value, () => `${path}[${i}]`))
}

/** An object with these keys and no other: a misspelled reading would be missing in silence. */
function fields(path, value, known) {
  const list = known.map((key) => `\`${key}\``).join(', ')
  if (value === null || typeof value !== 'object') throw refusal(path, value, `an object with ${list}`)
  for (const key in value) {
    if (!known.includes(key)) throw refusal(key, value[key], `absent: known are ${list}`)
  }
  return value
}

function name(container) {
  if (typeof container === 'string') return container
  throw refusal('container', container, 'a text')
}

function millis(time, path) {
  const value = time instanceof Date ? time.getTime() : time
  if (Number.isFinite(value)) return value
  throw refusal(path(), time, 'a Date or milliseconds since the epoch')
}

function numberOrNaN(value, path) {
  if (value === null || value === undefined) return NaN
  if (typeof value === 'number') return value
  throw refusal(path(), value, 'a number or null')
}

function numberOrNull(value, path) {
  return value === null || value === undefined ? null : numberOrNaN(value, () => path)
}

/** The addon itself would wrap -1 around to 4294967295. */
function count(value, path) {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return
  throw refusal(path, value, 'a whole number from 0 to 4294967295')
}

function refusal(path, value, wanted) {
  const came = value === undefined ? 'missing' : inspect(value, { depth: 0, breakLength: Infinity })
  return new ForescaleError('FORESCALE_OBSERVATION', path, `\`${path}\` is ${came}, must be ${wanted}`)
}

function call(work) {
  try {
    return work()
  } catch (error) {
    throw own(error)
  }
}

function own(error) {
  const isOurs = `${error.code}`.startsWith('FORESCALE_')
  return isOurs ? new ForescaleError(error.code, error.path, error.message) : error
}

module.exports = {
  Abstain,
  Anomaly,
  Autoscaler,
  Decision,
  Detector,
  ElasticNet,
  Forecast,
  Forecaster,
  ForescaleError,
  Fronts,
  PanelForecast,
  Peers,
  Recommendation,
  Relation,
  Report,
  Retuned,
  SelfTuning,
  Sizer,
  TimeToLimit,
  Tuning,
  diff,
  forecastPanel,
  fronts,
  gpuInfo,
  lint,
  manifest,
  prometheus,
  replay,
  tune,
}

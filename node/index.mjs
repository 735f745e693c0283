import forescale from './index.js'

export const { Abstain, Autoscaler, Decision, Forecast, ForescaleError, Report, manifest, prometheus, replay } = forescale

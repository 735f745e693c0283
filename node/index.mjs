import forescale from './index.js'

export const { Abstain, Autoscaler, Decision, Forecast, ForescaleError, Report, lint, prometheus, replay } = forescale
export const { Abstain, Autoscaler, Decision, Forecast, ForescaleError, Report, manifest, prometheus, replay } = forescale

import forescale from './index.js'

export const {
  Abstain,
  Autoscaler,
  Decision,
  Forecast,
  ForescaleError,
  Report,
  lint,
  manifest,
  prometheus,
  replay,
} = forescale

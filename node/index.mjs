import forescale from './index.js'

export const {
  Abstain,
  Autoscaler,
  Decision,
  Forecast,
  ForescaleError,
  Recommendation,
  Report,
  Sizer,
  lint,
  manifest,
  prometheus,
  replay,
} = forescale

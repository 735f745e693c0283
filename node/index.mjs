import forescale from './index.js'

export const {
  Abstain,
  Autoscaler,
  Decision,
  Forecast,
  Forecaster,
  ForescaleError,
  PanelForecast,
  Recommendation,
  Report,
  Sizer,
  forecastPanel,
  lint,
  manifest,
  prometheus,
  replay,
} = forescale

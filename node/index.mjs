import forescale from './index.js'

export const {
  Abstain,
  Anomaly,
  Autoscaler,
  Decision,
  Detector,
  Forecast,
  Forecaster,
  ForescaleError,
  PanelForecast,
  Recommendation,
  Report,
  Sizer,
  Tuning,
  forecastPanel,
  lint,
  manifest,
  prometheus,
  replay,
  tune,
} = forescale

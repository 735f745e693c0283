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
  Fronts,
  PanelForecast,
  Recommendation,
  Report,
  Sizer,
  diff,
  forecastPanel,
  fronts,
  lint,
  manifest,
  prometheus,
  replay,
} = forescale

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
  forecastPanel,
  gpuInfo,
  lint,
  manifest,
  prometheus,
  replay,
} = forescale

/// <reference types="node" />

/**
 * A span of time in the configuration: a text with units (`"90s"`, `"5m"`, `"1h30m"`) or a number
 * of **seconds**, as in every language.
 */
export type Duration = string | number

/** A point in time: a `Date`, or milliseconds since the epoch. */
export type Time = Date | number

/** Settings of an {@link Autoscaler}, with the keys of the configuration file. */
export interface Config {
  /** Never fewer. Default: 1. */
  min_replicas?: number
  /** Never more; at least 1. */
  max_replicas: number
  /** Whether decisions are acted upon. Default: `on`. */
  mode?: Mode
  /** The metrics an observation may carry, by name. */
  metrics?: Record<string, MetricConfig>
  /** What a replica carries; a `predictive` policy needs it. */
  capacity?: CapacityConfig
  /** From a replica's request to its readiness: known, or how it is learnt. Default: 2 minutes. */
  lead_time?: LeadTimeConfig
  /** Who proposes replicas. At least one. */
  policies?: PolicyConfig[]
  /** How their proposals become one. Default: `maximum`. */
  combine?: Combine
  /** Who holds changes back, in this order. Default: as the Kubernetes HPA. */
  guards?: GuardConfig[]
  /** Scale to and from zero; needs `min_replicas: 0`. */
  zero?: ZeroConfig
  /** Whether a workload found at zero, with `min_replicas` above it, is left alone. Default: no. */
  pause_at_zero?: boolean
}

/** Decides and tells only, never takes a replica away, or both directions. */
export type Mode = 'observe' | 'scale_up_only' | 'on'

/** What a bare number of a metric means. */
export interface MetricConfig {
  /** The load of the whole workload, the mean of a ready replica, or a ratio of its resources. */
  kind: 'total' | 'average' | 'utilization'
  /** Watches its load a minute and tells each alarm as a step of the decision. Default: none. */
  detector?: DetectorConfig | string
  /** What is done with readings that cannot be believed. Default: they are held back. */
  screen?: ScreenConfig | 'off'
}

/** What is done with a reading that is not believed. */
export type Treatment = 'hold' | 'cap' | 'substitute' | 'pass'

/** Screening of a metric's readings: a treatment for each finding, and how long it lasts. */
export interface ScreenConfig {
  /** NaN, infinite or negative. Default: `hold`. */
  invalid?: Treatment
  /** Beyond all usual rises, until one more reading confirms it. Default: `hold`. */
  rise?: Treatment
  /** Beyond all usual falls, until it is over or accepted. Default: `hold`. */
  fall?: Treatment
  /** Zero beside a busy past. Default: `hold`. */
  zero?: Treatment
  /** About a thousand times the load. Default: `hold`. */
  unit?: Treatment
  /** The same number for too long. Default: `hold`. */
  stuck?: Treatment
  /** A replica far off its siblings. Default: `cap`. */
  replica?: Treatment
  /** So long until a fall or another unit is taken for true. Default: 10 minutes. */
  accept_after?: Duration
  /** The same for a zero. Default: 1 hour. */
  accept_zero_after?: Duration
  /** The same for a number that stands still. Default: 1 hour. */
  accept_stuck_after?: Duration
  /** So long something takes the place of readings at most. Default: 30 minutes. */
  substitute_for?: Duration
  /** Nothing is found before so many values. Default: 30. */
  samples?: number
}

/** Scale to and from zero, as KEDA's activation threshold and cooldown. */
export interface ZeroConfig {
  /** The metric that tells whether there is work; this or `triggers`. */
  metric?: string
  /** Above this load of `metric` the workload is active. Default: 0. */
  activation?: number
  /** Several metrics that tell whether there is work; one that is active is enough. */
  triggers?: { metric: string; activation?: number }[]
  /** So long without activity before the last replica goes. Default: 5 minutes. */
  idle_grace?: Duration
  /** The same for a workload that was never seen active. Default: that of `idle_grace`. */
  initial_grace?: Duration
  /** Whether the idle times so far say when work comes back: asleep until just before, awake then. Default: false. */
  learn_arrivals?: boolean
}

/** Settings of a capacity. */
export type CapacityConfig = FixedCapacity | LearnedCapacity | LatencyCapacity

/** A load per replica that is known. */
export interface FixedCapacity {
  kind: 'fixed'
  /** The metric whose load this speaks of. */
  metric: string
  /** What one replica carries at most, in the load's unit; above 0. */
  load_per_replica: number
  /** The share of it that is planned with, in (0, 1]. Default: 0.75. */
  target_utilization?: number
  /** Spare load on top, as a ratio. Default: 0. */
  headroom?: number
}

/** A load per replica that is learnt from the load and the utilization. */
export interface LearnedCapacity {
  kind: 'learned'
  /** The metric whose load this speaks of. */
  metric: string
  /** The metric of kind `utilization` that the load causes. */
  utilization: string
  /** What one replica carries at most until it is learnt. Default: unknown until then. */
  load_per_replica?: number
  /** The utilization that is planned with, above the idle one, at most 1. Default: 0.75. */
  target_utilization?: number
  /** The utilization of a replica without load, in [0, 0.5]. Default: 0. */
  idle_utilization?: number
  /** Spare load on top, as a ratio. Default: 0. */
  headroom?: number
  /** So long after a change of the ready replicas nothing is learnt. Default: 1 minute. */
  settle?: Duration
  /** The median goes over so many samples, 5 to 10000. Default: 60. */
  window?: number
}

/** A load per replica that is learnt from the load and a latency. */
export interface LatencyCapacity {
  kind: 'latency'
  /** The metric whose load this speaks of. */
  metric: string
  /** The metric of kind `average` that tells the latency: its mean or a quantile of it. */
  latency: string
  /** The latency that is to be kept, in the unit of that metric; above 0. */
  objective: number
  /** What one replica carries within the objective until it is learnt. Default: unknown until then. */
  load_per_replica?: number
  /** Spare load on top, as a ratio. Default: 0.1. */
  headroom?: number
  /** So long after a change of the ready replicas nothing is learnt. Default: 1 minute. */
  settle?: Duration
}

/** Settings of a lead time; the text `learned` alone is that kind with its defaults. */
export type LeadTimeConfig = Duration | FixedLeadTime | LearnedLeadTime

/** The long form of a lead time that is known. */
export interface FixedLeadTime {
  kind: 'fixed'
  /** From a replica's request to its readiness. */
  duration: Duration
}

/** A lead time that is learnt from the replicas that are seen to start. */
export interface LearnedLeadTime {
  kind: 'learned'
  /** The lead time until starts were seen; above 0. Default: 2 minutes. */
  initial?: Duration
  /** The share of the starts that take no longer, in [0.5, 1). Default: 0.9. */
  quantile?: number
  /** Never shorter. Default: 0. */
  min?: Duration
  /** Never longer; a start that takes longer counts as failed. Default: ten times `initial`. */
  max?: Duration
  /** A scale-up counts half as much as one so many scale-ups newer. Default: 16. */
  half_life?: number
}

/** Settings of a policy. */
export type PolicyConfig =
  | TargetPolicy
  | TargetTrackingPolicy
  | StepPolicy
  | SimplePolicy
  | WatermarkPolicy
  | BacklogPolicy
  | JobsPolicy
  | ConcurrencyPolicy
  | SchedulePolicy
  | PredictivePolicy
  | CalendarPolicy
  | RulePolicy
  | TargetValuePolicy
  | ThresholdPolicy
  | FixedValuePolicy
  | PassThroughPolicy

/** What every policy may have beside the settings of its kind. */
export interface EveryPolicy {
  /** Whether it may only raise or only lower. Default: `both`. */
  direction?: 'both' | 'up' | 'down'
  /** Who holds its proposals back before they are combined. Default: nobody. */
  guards?: GuardConfig[]
  /** Of one named group those that are content take no part unless all are. Default: none. */
  group?: string
  /** What it proposes once its metric cannot be read for too long. Default: nothing. */
  fallback?: Fallback
}

/** Replicas that stand in for a metric that cannot be read, as KEDA; either `failures` or `after`. */
export interface Fallback {
  /** More consecutive failures than this. */
  failures?: number
  /** Failing for so long. */
  after?: Duration
  replicas: number
  /** How they go together with the replicas there are. Default: `static`. */
  behavior?: 'static' | 'current' | 'higher' | 'lower'
}

/** How the proposals of several policies become one; a text alone is a kind. */
export type Combine =
  | 'maximum'
  | 'all'
  | 'priority'
  | { kind: 'maximum' | 'all' | 'priority' }
  | { kind: 'k_of_n'; scale_up: number; scale_down: number }

/** The Kubernetes HPA's arithmetic: so many replicas that the metric is at its target. */
export interface TargetPolicy extends EveryPolicy {
  kind: 'target'
  metric: string
  /** What the metric is to be; for a utilization a ratio. */
  target: number
  /** What is compared with the target. Default: by the metric's kind. */
  by?: 'utilization' | 'average_value' | 'value'
  /** How far the ratio may lie from 1 before anything moves. Default: 0.1. */
  tolerance?: number | { up?: number; down?: number }
}

/** AWS's target tracking: in proportion to the distance from the target, in only after longer. */
export interface TargetTrackingPolicy extends EveryPolicy {
  kind: 'target_tracking'
  metric: string
  /** What the metric is to be for each replica; for a utilization a ratio. */
  target: number
  /** Whether it may take replicas away. Default: yes. */
  scale_in?: boolean
  /** The length of a period. Default: 1 minute. */
  period?: Duration
  /** So many periods in a row above the target scale out. Default: 3. */
  points_out?: number
  /** So many periods in a row below the target and its margin scale in. Default: 15. */
  points_in?: number
  /** How far below the target it scales in, as a share of it. Default: 0.1. */
  scale_in_margin?: number
  /** For how long a replica in service warms up. Default: 5 minutes. */
  warm_up?: Duration
}

/** AWS's step scaling: an adjustment by the size of a breach. */
export interface StepPolicy extends EveryPolicy {
  kind: 'step'
  /** What people call it. */
  name?: string
  metric: string
  /** What a breach is measured against. */
  threshold: number
  /** On which side of the threshold a period is breaching. */
  comparison: 'above' | 'at_or_above' | 'below' | 'at_or_below'
  /** What the steps' numbers mean. Default: `change`. */
  adjustment?: 'change' | 'exact' | 'percent'
  /** Adjustments by bounds against the threshold, without a gap or an overlap. */
  steps: { lower?: number; upper?: number; by: number }[]
  /** A change by percent is one of so many replicas at least. Default: 0. */
  min_adjustment?: number
  /** How the periods become the number that the step is chosen by. Default: `average`. */
  aggregation?: 'average' | 'maximum' | 'minimum'
  /** So many periods must be breaching. Default: 3. */
  points?: number
  /** Of so many. Default: as `points`. */
  of?: number
  /** The length of a period. Default: 1 minute. */
  period?: Duration
  /** What stands for periods without a reading. Default: `missing`. */
  missing_data?: 'breaching' | 'ignore' | 'missing' | 'not_breaching'
  /** For how long a replica in service warms up. Default: 5 minutes. */
  warm_up?: Duration
}

/** AWS's simple scaling: one adjustment, then a wait. */
export interface SimplePolicy extends EveryPolicy {
  kind: 'simple'
  /** What people call it. */
  name?: string
  metric: string
  /** What a period is compared with. */
  threshold: number
  /** On which side of the threshold a period is breaching. */
  comparison: 'above' | 'at_or_above' | 'below' | 'at_or_below'
  /** What `by` means. Default: `change`. */
  adjustment?: 'change' | 'exact' | 'percent'
  /** The adjustment: replicas, or whole percent. */
  by: number
  /** A change by percent is one of so many replicas at least. Default: 0. */
  min_adjustment?: number
  /** So many periods must be breaching. Default: 3. */
  points?: number
  /** Of so many. Default: as `points`. */
  of?: number
  /** The length of a period. Default: 1 minute. */
  period?: Duration
  /** What stands for periods without a reading. Default: `missing`. */
  missing_data?: 'breaching' | 'ignore' | 'missing' | 'not_breaching'
  /** No adjustment within this time after a change. Default: 5 minutes. */
  cooldown?: Duration
}

/** Two thresholds with a band between them in which nothing moves. */
export interface WatermarkPolicy extends EveryPolicy {
  kind: 'watermark'
  metric: string
  /** Shrinks below it. Default: that of `high`. */
  low?: number
  /** Grows above it. Default: that of `low`. */
  high?: number
  /** What is held against the marks. Default: `average`. */
  algorithm?: 'absolute' | 'average'
  /** Widens the band by this share of each mark. Default: 0.1. */
  tolerance?: number
  /** For how long the usage must have been above before it grows. Default: 0. */
  dwell_up?: Duration
  /** For how long the usage must have been below before it shrinks. Default: 0. */
  dwell_down?: Duration
  /** The mark that the size creeps to inside the band. Default: `none`. */
  converge_towards?: 'none' | 'low' | 'high'
  /** Sizes are rounded up to a multiple of this. Default: 1. */
  scaling_step?: number
  /** Whether a total of 0 is believed. Default: no. */
  tolerate_zero?: boolean
  /** Refuses to judge by fewer ready replicas than this share. Default: 0. */
  least_ready?: number
}

/** As many replicas as work off a queue in time. */
export interface BacklogPolicy extends EveryPolicy {
  kind: 'backlog'
  /** The length of the queue in items. */
  metric: string
  /** The metric of the arrivals in items a second. Default: only what waits is counted. */
  arrivals?: string
  /** In so much time the queue is to be worked off. Default: 5 minutes. */
  drain?: Duration
  /** What a replica works off, in items a second. */
  rate_per_replica: number
}

/** Jobs that work a queue off and end by themselves, as KEDA's ScaledJob. */
export interface JobsPolicy extends EveryPolicy {
  kind: 'jobs'
  /** The length of the queue in items. */
  metric: string
  /** Items of the queue a job. */
  target: number
  /** How the demand and the jobs there are become jobs to start. Default: `default`. */
  strategy?: 'default' | 'custom' | 'accurate' | 'eager'
  /** With `custom`: jobs that the demand is lessened by. Default: 0. */
  queue_length_deduction?: number
  /** With `custom`: the share of the running jobs that the demand is lessened by. */
  running_job_percentage?: number
  /** Jobs that run whatever the queue holds. Default: 0. */
  min_jobs?: number
  /** The most jobs. Default: 100. */
  max_jobs?: number
}

/** The Knative pod autoscaler: a stable and a panic average of the requests in flight. */
export interface ConcurrencyPolicy extends EveryPolicy {
  kind: 'concurrency'
  /** A total or an average, not a utilization. */
  metric: string
  /** The load a replica should have, in the metric's unit: 70 for a limit of 100 at 0.7. */
  target: number
  /** The window of the average that decides. Default: 60 s. */
  stable_window?: Duration
  /** The window of the average that tells a burst, as a ratio of `stable_window`. Default: 0.1. */
  panic_window_ratio?: number
  /** A burst wants this many times the ready replicas. Default: 2. */
  panic_threshold?: number
  /** At most this many times the ready replicas in one decision. Default: 1000. */
  max_scale_up_rate?: number
  /** At least the ready replicas divided by this in one decision. Default: 2. */
  max_scale_down_rate?: number
  /** Goes down only to the highest want of this time. Default: 0. */
  scale_down_delay?: Duration
  /** The fewest replicas where there is any load. Default: 1. */
  activation_scale?: number
  /** The load that should find room at once; 0 for none, -1 for any. Only told. Default: 211. */
  target_burst_capacity?: number
  /** The load a replica can have; for the burst capacity only. Default: `target / 0.7`. */
  total_value?: number
}

/** Replicas at times known beforehand: `cron` with `duration`, or `windows`. */
export interface SchedulePolicy extends EveryPolicy {
  kind: 'schedule'
  /** What people call it. */
  name?: string
  /** When windows start, in the civil time of `time_zone`. */
  cron?: string
  /** How long a window that `cron` opens stays open. */
  duration?: Duration
  /** Windows by date, such as `2026-12-24T08:00`. */
  windows?: { start: string; end: string }[]
  /** The IANA name of the time zone. Default: `UTC`. */
  time_zone?: string
  /** At least so many replicas while a window is open. */
  min_replicas?: number
  /** At most so many replicas while a window is open. */
  max_replicas?: number
  /** Exactly so many replicas while a window is open. */
  replicas?: number
  /** Where schedules overlap, those of the highest rank hold. Default: 0. */
  rank?: number
}

/** Replicas for the load that is forecast for the lead time and beyond. */
export interface PredictivePolicy extends EveryPolicy {
  kind: 'predictive'
  /** The metric whose load is forecast; the one of `capacity`. */
  metric: string
  /**
   * The share of time in violation that is accepted, about; 0.00001 to 1. Default, where no `quantile` is
   * set: `auto`, the risk that lately would have left the least of an HPA's violations and spare replicas.
   */
  risk?: number | 'auto'
  /** In place of `risk`: the load stays below the forecast with this probability, 0.5 to 0.999. */
  quantile?: number
  /** Length of the steps of the history. Default: 1 minute. */
  step?: Duration
  /** How far ahead the load must be carried. Default: twice the lead time. */
  horizon?: Duration
  /** The model. Default: `auto`. */
  forecaster?: ForecasterConfig
  /** The least skill with which the forecast is believed; below 1. Default: 0. */
  min_skill?: number
}

/** Other limits at times known beforehand, one window at a time; as Cloud Foundry's schedules. */
export interface CalendarPolicy extends EveryPolicy {
  kind: 'calendar'
  /** The IANA name of the time zone. Default: `UTC`. */
  time_zone?: string
  /** The windows; where two overlap, the one that starts first is kept and the later dropped. */
  entries: CalendarEntry[]
  /** What holds while no window is open. Default: the autoscaler's limits. */
  otherwise?: { min_replicas: number; max_replicas: number }
}

/** A window that comes again, `start_time` to `end_time`, or one by date, `start` to `end`. */
export interface CalendarEntry {
  /** 1 for Monday to 7 for Sunday. Default: every day. */
  days_of_week?: number[]
  /** 1 to 31, in place of `days_of_week`. */
  days_of_month?: number[]
  /** When the window opens on such a day, as `08:00`. */
  start_time?: string
  /** When the window closes on the same day; up to `24:00`. */
  end_time?: string
  /** The first date, as `2026-12-01`. Default: since ever. */
  start_date?: string
  /** The last date. Default: for ever. */
  end_date?: string
  /** When a window by date opens, as `2026-12-24T08:00`. */
  start?: string
  /** When a window by date closes. */
  end?: string
  /** At least so many replicas while the window is open. */
  min_replicas: number
  /** At most so many replicas while the window is open. */
  max_replicas: number
  /** At least so many replicas at the first decision within the window. Default: `min_replicas`. */
  initial_min_replicas?: number
}

/** A fixed adjustment once a metric has breached a threshold for a while; as Cloud Foundry. */
export interface RulePolicy extends EveryPolicy {
  kind: 'rule'
  metric: string
  /** How the metric compares with the threshold when it breaches it. */
  operator: '>' | '>=' | '<' | '<='
  /** The value that is breached; for a utilization a ratio. */
  threshold: number
  /** Every reading must have breached for longer than this. Default: 2 minutes. */
  breach_duration?: Duration
  /** No action within this time after a change. Default: 5 minutes. */
  cool_down?: Duration
  /** What is done: `+1`, `-2`, `+50%`, `-10%`. */
  adjustment: string | number
}

/** The replicas times the ratio of a metric to its target; as Nomad's `target-value`. */
export interface TargetValuePolicy extends EveryPolicy {
  kind: 'target_value'
  metric: string
  /** What the metric is to be; at 0 the metric is itself the ratio. */
  target: number
  /** How far the ratio may lie from 1 before anything moves. Default: 0.01. */
  threshold?: number
  /** At most so many replicas more at once. Default: no limit. */
  max_scale_up?: number
  /** At most so many replicas fewer at once. Default: no limit. */
  max_scale_down?: number
}

/** A fixed step while enough recent points lie within bounds; as Nomad's `threshold`. */
export interface ThresholdPolicy extends EveryPolicy {
  kind: 'threshold'
  metric: string
  /** Points from here up count. Default: all below `upper_bound`. */
  lower_bound?: number
  /** Points below this count. Default: all from `lower_bound` up. */
  upper_bound?: number
  /** So many points within the bounds are needed. Default: 5. */
  within_bounds_trigger?: number
  /** The points of the last while. Default: 1 minute. */
  window?: Duration
  /** So many replicas more; one of `delta`, `percentage` and `value`. */
  delta?: number
  /** By so many percent of the replicas, rounded up. */
  percentage?: number
  /** To so many replicas. */
  value?: number
}

/** Always so many replicas; as Nomad's `fixed-value`. */
export interface FixedValuePolicy extends EveryPolicy {
  kind: 'fixed_value'
  value: number
}

/** As many replicas as a metric says; as Nomad's `pass-through`. */
export interface PassThroughPolicy extends EveryPolicy {
  kind: 'pass_through'
  metric: string
  /** At most so many replicas more at once. Default: no limit. */
  max_scale_up?: number
  /** At most so many replicas fewer at once. Default: no limit. */
  max_scale_down?: number
}

/** Settings of a detector. */
export type DetectorConfig =
  | AutoDetector
  | SpikeDetector
  | ShapeDetector
  | ShiftDetector
  | CusumDetector
  | RecordDetector
  | VarianceDetector
  | StuckDetector

/** What every detector has. */
export interface EveryDetector {
  /** So many alarms a day are welcome in the long run; beyond them an event must be stronger. Default 0.2. */
  alarms_per_day?: number
  /** The seasons that are learnt. Default `'week'`: the time of day, and the hour of the week. */
  season?: 'none' | 'day' | 'week'
  /** A deviation below half of this is never abnormal, in the unit of the value. Default 0. */
  min_deviation?: number
  /** The side that is alarmed. Default `'both'`. */
  direction?: 'both' | 'above' | 'below'
}

/** All evidence together. The default. */
export interface AutoDetector extends EveryDetector {
  kind: 'auto'
}

/** One value that is far off. */
export interface SpikeDetector extends EveryDetector {
  kind: 'spike'
}

/** A course that no stretch of the last while resembles. */
export interface ShapeDetector extends EveryDetector {
  kind: 'shape'
}

/** A new level. */
export interface ShiftDetector extends EveryDetector {
  kind: 'shift'
}

/** A small change that lasts. */
export interface CusumDetector extends EveryDetector {
  kind: 'cusum'
}

/** A value outside everything seen so far. */
export interface RecordDetector extends EveryDetector {
  kind: 'record'
}

/** Noise that is larger or smaller than it was. */
export interface VarianceDetector extends EveryDetector {
  kind: 'variance'
}

/** A value that stands still. */
export interface StuckDetector extends EveryDetector {
  kind: 'stuck'
}

/** Settings of a forecaster. */
export type ForecasterConfig =
  | AutoForecaster
  | NaiveForecaster
  | DriftForecaster
  | SeasonalNaiveForecaster
  | HoltWintersForecaster
  | KalmanForecaster
  | ThetaForecaster
  | HarmonicForecaster
  | BatchForecaster
  | CrostonForecaster
  | EtsForecaster
  | MstlForecaster
  | RegressorsForecaster

/** Finds the seasons, and mixes experts as they proved right. The default. */
export interface AutoForecaster {
  kind: 'auto'
  /** Who is asked. Default: all. */
  experts?: (
    | 'ridge'
    | 'autoregression'
    | 'prior'
    | 'seasonal_naive'
    | 'profile'
    | 'slow_season'
    | 'naive'
    | 'level'
    | 'season_and_profile'
    | 'double_season'
  )[]
}

/** As now. */
export interface NaiveForecaster {
  kind: 'naive'
}

/** As now, on the way the load has lately been going, ever less the further ahead. */
export interface DriftForecaster {
  kind: 'drift'
  /** Time constant of the weights of samples in the slope. Default: 15 minutes. */
  stretch?: Duration
  /** Time constant with which the drift fades ahead. Default: 1 hour. */
  fade?: Duration
}

/** Damped exponential smoothing with several seasons, of many settings at once. */
export interface HoltWintersForecaster {
  kind: 'holt_winters'
  /** After these times the load comes again. Default: 1 day. */
  seasons?: Duration[]
}

/** Level, trend and a passing deviation, filtered for many noise ratios at once. */
export interface KalmanForecaster {
  kind: 'kalman'
  /** After these times the load comes again. Default: 1 day. */
  seasons?: Duration[]
}

/** A smoothed level and a share of the long line's slope, of many settings at once. */
export interface ThetaForecaster {
  kind: 'theta'
  /** After this time the load comes again; `null`: none. Default: 1 day. */
  season?: Duration | null
  /** Time constant of the weights of samples in the line, and how far it is drawn on. Default: 1 day. */
  line?: Duration
}

/** Seasons as sums of sines, at the level of now. */
export interface HarmonicForecaster {
  kind: 'harmonic'
  /** After these times the load comes again. Default: 1 day. */
  seasons?: Duration[]
  /** Pairs of sine and cosine for each season; 1 to 32 in all. Default: 6. */
  pairs?: number
  /** Time constant of forgetting; at least the longest season. Default: 7 days. */
  memory?: Duration
}

/** One walk through the whole history of each series when asked; for panels, and graphics cards. */
export interface BatchForecaster {
  kind: 'batch'
  /** Up to two seasons; one that the history does not hold twice is left out. Default: a day and a week. */
  seasons?: Duration[]
  /** So many of the last samples are learnt from; 32 to 100,000. Default: 8064. */
  n_samples?: number
}

/** Load that is mostly zero: how often it comes, and how much at a time. */
export interface CrostonForecaster {
  kind: 'croston'
  /** How the probability of a load is found. Default: `tsb`. */
  method?: 'tsb' | 'croston' | 'sba'
  /** Weight of a new demand; above 0 and at most 1. Default: 0.05. */
  smoothing?: number
}

/** The trend of an exponential smoothing model (AutoETS), at the level of now. */
export interface EtsForecaster {
  kind: 'ets'
  /** After these times the load comes again. Default: 1 day. */
  seasons?: Duration[]
  /** So many of the last samples are fitted; 24 to 2016. Default: 168. */
  n_samples?: number
  /** Time between two fits. Default: 1 hour. */
  refit?: Duration
}

/** As a season ago, at the level of now. */
export interface SeasonalNaiveForecaster {
  kind: 'seasonal_naive'
  /** After this time the load comes again. Default: 1 day. */
  season?: Duration
  /** The stretch whose mean is the recent level. Default: 10 minutes. */
  level?: Duration
  /** The stretch over which last season is averaged. Default: 30 minutes. */
  smooth?: Duration
}

/** Several seasons at once, by decomposition (MSTL). */
export interface MstlForecaster {
  kind: 'mstl'
  /** After these times the load comes again. Default: 1 day and 1 week. */
  seasons?: Duration[]
  /** So much is decomposed. Default: 14 days. */
  history?: Duration
  /** Time between two decompositions. Default: 1 hour. */
  refit?: Duration
}

/** Another forecaster, moved by what is known besides the load: regressors and holidays. */
export interface RegressorsForecaster {
  kind: 'regressors'
  /** The model of the rest. Default: `seasonal_naive`. */
  forecaster?: ForecasterConfig | string
  /**
   * By name; told by {@link Forecaster.regressor} and {@link Autoscaler.regressor}. In an autoscaler one with
   * the name of a metric of kind `total` has that metric's readings for its values.
   */
  regressors?: {
    [name: string]: {
      /** How long before the load it may have come. Default: 0 s, 1, 2, 5, 10, 15 and 30 minutes. */
      lags?: Duration[]
    }
  }
  /** The dates of holidays, past and to come, such as `2026-12-25`. */
  holidays?: string[]
  /** The weekday that holidays resemble. Default: past holidays, until there is one Sunday. */
  like?: 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday'
  /** The IANA name of the time zone of the dates. Default: `UTC`. */
  time_zone?: string
}

/** Settings of a guard. */
export type GuardConfig =
  | ToleranceGuard
  | StabilizationGuard
  | RateGuard
  | CooldownGuard
  | FlapBudgetGuard
  | ChangeLimitGuard
  | WithoutBehaviorGuard

/** No small change. */
export interface ToleranceGuard {
  kind: 'tolerance'
  /** No growth by at most this share of the current replicas. Default: 0.1. */
  scale_up?: number
  /** No shrinking by at most this share of the current replicas, below 1. Default: 0.1. */
  scale_down?: number
}

/** Grows only to the lowest, shrinks only to the highest recommendation of the last while. */
export interface StabilizationGuard {
  kind: 'stabilization'
  /** How far growth looks back. Default: 0. */
  scale_up?: Duration
  /** How far shrinking looks back. Default: 5 minutes. */
  scale_down?: Duration
}

/** So much change in so much time, as the policies of the Kubernetes HPA's behavior. */
export interface RateGuard {
  kind: 'rate'
  /** Limits of growth. Default: 100 percent or 4 replicas in 15 seconds. */
  scale_up?: ChangeRate[]
  /** Limits of shrinking. Default: 100 percent in 15 seconds. */
  scale_down?: ChangeRate[]
  /** Which of the limits of growth holds. Default: `max`. */
  select_scale_up?: 'max' | 'min' | 'disabled'
  /** Which of the limits of shrinking holds. Default: `max`. */
  select_scale_down?: 'max' | 'min' | 'disabled'
}

/** So many replicas, or percent of those at its start, in a period. */
export type ChangeRate = { replicas: number; period: Duration } | { percent: number; period: Duration }

/** No change soon after a change. */
export interface CooldownGuard {
  kind: 'cooldown'
  /** No scale-up within this time after any change. Default: 60 seconds. */
  scale_up?: Duration
  /** No scale-down within this time after any change. Default: 5 minutes. */
  scale_down?: Duration
}

/** So many turns in a window, then the size stays up. */
export interface FlapBudgetGuard {
  kind: 'flap_budget'
  /** How often the size may turn within the window, 1 to 1000. Default: 4. */
  turns?: number
  /** Default: 1 hour. */
  window?: Duration
}

/** No large change at once. */
export interface ChangeLimitGuard {
  kind: 'change_limit'
  /** Growth at once, as a ratio of the current replicas; 0 switches it off. Default: 0.5. */
  scale_up?: number
  /** Shrinking at once, as a ratio of the current replicas; 0 switches it off. Default: 0.2. */
  scale_down?: number
}

/** The highest proposal of the last while, as a Kubernetes HPA without `behavior`. */
export interface WithoutBehaviorGuard {
  kind: 'without_behavior'
  /** The highest proposal of this time holds. Default: 5 minutes. */
  window?: Duration
  /** One decision grows to at most so many times the current replicas, from 1. Default: 2. */
  factor?: number
  /** So far one decision may grow whatever the factor. Default: 4. */
  minimum?: number
}

/** What the host saw of its workload at one moment. */
export interface Observation {
  /** When. */
  at: Time
  /** Replicas that serve. */
  ready: number
  /** Replicas that are starting. Default: 0. */
  pending?: number
  /** The size asked for (Kubernetes: `spec.replicas`), where it differs from ready and pending together. */
  requested?: number | null
  /** The readings by the metric's name; one may be absent. */
  metrics?: Record<string, Reading>
}

/**
 * A metric's reading: a number (the metric's kind says of what), a list with one a replica, a total
 * or an average. Missing is `null`; NaN and the infinities are invalid, and held against.
 */
export type Reading =
  | number
  | null
  | undefined
  | readonly ReplicaReading[]
  | Float64Array
  | { total: number }
  | { average: number }

/** One replica's reading. */
export type ReplicaReading =
  | number
  | null
  | undefined
  | {
      value?: number | null
      /** What the replica asked for of the same resource, in the unit of `value`. */
      request?: number | null
      /** How the replica counts. Default: `ready`. */
      phase?: 'ready' | 'unready' | 'ignored' | 'unlisted'
    }

/** A setting in force, and whether it was given; if not, it is the default. */
export interface Setting {
  value: unknown
  given: boolean
}

/**
 * Turns observations of one workload into decisions. It reads no clock, network or file: time comes
 * in with the observation.
 */
export class Autoscaler {
  /**
   * @param config settings, or their text as JSON or YAML
   * @throws {ForescaleError} `FORESCALE_CONFIG`, with the setting's place in `path`
   */
  constructor(config: Config | string)

  /** From a JSON or YAML file. */
  static fromFile(path: string | URL): Autoscaler

  /**
   * Takes up a snapshot: bytes, its text, or the object parsed from it.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT`
   */
  static restore(snapshot: Uint8Array | string | object): Autoscaler

  /** Every setting in force by its place, such as `policies[0].quantile`. */
  get config(): Record<string, Setting>

  /**
   * Feeds history of a metric's total load, so that its forecast need not start from nothing.
   * @param times rising
   * @param values in the load's unit; a missing one is `null` or NaN
   * @throws {ForescaleError} `FORESCALE_OBSERVATION`
   */
  warmUp(
    metric: string,
    times: Float64Array | readonly Time[],
    values: ArrayLike<number | null | undefined>,
  ): void

  /**
   * Tells what is known besides the load, for a forecaster of the kind `regressors`: one value and its
   * time, or many, the oldest first. Each holds from its time until the next; what was known from the first
   * time on is replaced. Times may lie ahead, so that a campaign is known before it begins; what belongs to
   * a load should be told before it, and before its history. A regressor with the name of a metric of the
   * configuration is not told: its values are the readings, and history for {@link Autoscaler.warmUp}.
   * @param metric the metric whose load is forecast
   * @param name one of the `regressors` of its forecaster
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if no policy forecasts the metric, its forecaster has no
   *   regressor of that name or reads it from a metric, the two differ in length, the times do not rise, or
   *   a value is missing or infinite; nothing is taken in then
   */
  regressor(metric: string, name: string, time: Time, value: number): void
  regressor(metric: string, name: string, times: Float64Array | readonly Time[], values: ArrayLike<number>): void

  /**
   * The decision on one observation. Data that cannot be relied on is answered with the replicas
   * there are, and the reason; only an argument of the wrong type throws.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if `at`, a count or a reading is none, or a key is unknown
   */
  decide(observation: Observation): Decision

  /**
   * What the model of a metric expects, or why it does not say.
   * @param options.horizon how far ahead: a text such as `"30m"`, or milliseconds
   * @param options.quantiles rising, each in (0, 1). Default: 0.5 and 0.95
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` for a metric that no policy forecasts
   */
  forecast(
    metric: string,
    options: { horizon: string | number; quantiles?: Iterable<number> },
  ): Forecast | Abstain

  /**
   * What the forecast says of a moment, beside the load that came; `null` where it abstains or does
   * not reach there. The forecast is that from the last closed step on, so of the observation decided
   * last it knows nothing yet.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` for a metric that no policy forecasts
   */
  said(
    metric: string,
    moment: { at: Time; load?: number | null; quantiles?: Iterable<number> },
  ): (Said & { told: string }) | null

  /**
   * How good the forecasts of a metric have been, once their truth had come: rows for the horizons
   * of 1, 2, 4, ... steps and the lead time, the forecaster's and on the same steps those of what
   * needs no model. Empty before the first.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` for a metric that no policy forecasts
   */
  accuracy(metric: string): Accuracy[]

  /** The whole state as JSON in UTF-8; taken at any moment, it changes no later decision. */
  snapshot(): Buffer
}

/** How a {@link SelfTuning} tunes itself; each setting has a default. */
export interface SelfTuningConfig {
  /** What a search looks for, and how hard; its objective is what settings are compared by later too. */
  search?: TuneOptions
  /** The workload as the simulator sees it; start-up, interval, load per replica and metrics are what is known. */
  plant?: Plant
  /** The step on which the load is recorded. Default: 1m. */
  step?: Duration
  /** How much load is recorded at most. Default: 28d. */
  record?: Duration
  /** How much must be recorded before anything is searched. Default: 3d. */
  least?: Duration
  /** How much load must have come since before what was found can be adopted. Default: 2d. */
  shadow?: Duration
  /** What has not proved better after so much is dropped. Default: 7d. */
  shadow_longest?: Duration
  /** For so long after an adoption the settings before may come back. Default: 7d. */
  probation?: Duration
  /** For so long after that nothing is tried. Default: 7d. */
  pause?: Duration
  /** The share of the draws of days in which the others must be better. Default: 0.9. */
  confidence?: number
}

/**
 * An {@link Autoscaler} that records its load and finds itself better settings on it. What a search finds
 * is adopted only where it proves better in shadow, on load that has come since; the settings before come
 * back where they would have done better.
 */
export class SelfTuning extends Autoscaler {
  /**
   * @param config the settings to begin with: one load, one utilization, and a latency under the plant's name
   * @throws {ForescaleError} `FORESCALE_CONFIG`, with the setting's place in `path`
   */
  constructor(config: Config | string, settings?: SelfTuningConfig | string)

  /** From a JSON or YAML file. */
  static fromFile(path: string | URL, settings?: SelfTuningConfig | string): SelfTuning

  /**
   * Takes up a snapshot: bytes, its text, or the object parsed from it.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT`
   */
  static restore(snapshot: Uint8Array | string | object): SelfTuning

  /**
   * Goes one step on, beside the event loop: searches, or compares what was found or given up last with
   * what is in force. To be called when the host likes, nightly for example; decisions go on meanwhile.
   * An abort of `signal` rejects at once with its reason, one of `until` ends it; neither changes anything.
   * @throws {ForescaleError} `FORESCALE_CONFIG`, as a rejection, if nothing of the space can be built
   */
  retune(options?: { signal?: AbortSignal; until?: AbortSignal }): Promise<Retuned>

  /** What the last calls of `retune` came to, the oldest first; 64 at most. */
  get events(): Retuned[]
}

/** What one call of `retune` came to. */
export class Retuned {
  private constructor()
  /** The time of the last observation. */
  readonly at: Date
  /** What was changed, or would be by what is tried. */
  readonly changes: { path: string; from: unknown; to: unknown }[]
  /** Why. */
  readonly reason: Reason
  /** Whether other settings are in force since. */
  readonly isChange: boolean
  /** One English sentence. */
  explain(): string
}

/** The answer to one observation: replicas, and every step on the way to them. */
export class Decision {
  private constructor()
  /** The time of the observation, in milliseconds. */
  readonly at: number
  /** The replicas the workload was asked to have before. */
  readonly current: number
  /** The replicas it should have now. */
  readonly replicas: number
  /** The highest proposal, unrounded; `null` if no policy had an opinion. */
  readonly wish: number | null
  /** The mode it was made in. */
  readonly mode: Mode
  /** Every stage that spoke, in order. */
  readonly steps: readonly Step[]
  /** The decision as JSON text: the same bytes in every language. */
  get json(): string
  /** One English sentence: what is done and why. */
  explain(): string
  toJSON(): Pick<Decision, 'at' | 'current' | 'replicas' | 'wish' | 'mode' | 'steps'>
  /** As {@link json}. */
  toString(): string
}

/** One stage on the way to a decision. */
export interface Step {
  /** Who spoke: `target(cpu)`, `rate`, `limits` and the like. */
  by: string
  /** Replicas that came into this stage. */
  before: number
  /** Replicas that it answered with; `null` if it had no opinion. */
  replicas: number | null
  reason: Reason
}

/** A stable code, and facts as numbers whose names carry the unit. */
export interface Reason {
  code: string
  facts: Record<string, number | null>
}

/** Quantiles of the load for each of the next steps. */
export class Forecast {
  private constructor()
  readonly abstained: false
  /** End of the last sample that went into it, in milliseconds. */
  readonly issuedAt: number
  /** Time between two rows, in milliseconds; row `h` ends at `issuedAt + (h + 1) * step`. */
  readonly step: number
  /** The quantiles, rising. */
  readonly quantiles: readonly number[]
  /** Row-major, `[horizon x quantiles]`, in the unit of the load. */
  readonly values: Float64Array
  /** The number of steps it looks ahead. */
  get horizon(): number
  /** The quantiles of one step ahead, from 0: a view into `values`. */
  row(ahead: number): Float64Array
  /**
   * An early warning: the first step within a time at which one of the quantiles lies above a limit. With the
   * lead time of a replica as `within` and what all of them carry as `limit`, a replica started now comes too
   * late for it.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if an argument is of the wrong type
   */
  crosses(limit: number, options: { within: string | number }): Crossing | null
  toJSON(): object
}

/** A step of a forecast that lies above a limit. */
export interface Crossing {
  /** The end of the step. */
  at: Date
  /** The load is above the limit there with at least this probability. */
  probability: number
  /** The load that is exceeded with that probability. */
  load: number
}

/** How good the forecasts of one kind and horizon have been. */
export interface Accuracy {
  /** Whose: the forecaster's, "as now", the same time yesterday, or the running mean that suits best. */
  of: 'forecast' | 'as_now' | 'yesterday' | 'level'
  /** How long before its truth each was issued, in milliseconds. */
  ahead: number
  /** The policy's quantile, at which loss and coverage are measured. */
  quantile: number
  /** How many have met their truth. */
  nJudged: number
  /** Weighted over about the last day. */
  lately: Score
  /** All alike since the start. */
  ever: Score
}

/** Means over forecasts that have met their truth. */
export interface Score {
  /** Pinball loss at the quantile, in the unit of the load. */
  loss: number
  /** Share of loads at or below the quantile. */
  coverage: number
  /** The median (of a reference, its one value) less the load, in its unit. */
  bias: number
}

/** Why there is no forecast: too little history, a gap, a model that cannot be fitted. */
export class Abstain {
  private constructor()
  readonly abstained: true
  readonly reason: Reason
  /** The reason in English. */
  explain(): string
}

/** What an anomaly is. */
export type AnomalyKind = 'spike' | 'dip' | 'level_up' | 'level_down' | 'trend' | 'variance' | 'stuck' | 'missing'

/** What a detector says of one sample. */
export class Anomaly {
  private constructor()
  /** When. */
  readonly at: Date
  /** The value it is about; `null` for a missing one. */
  readonly value: number | null
  /** How much it is an event that was not told before, from 0 to 1; an alarm from 0.5 on. */
  readonly score: number
  /** The share of samples that show as much or more when all is as usual. */
  readonly pValue: number
  /** Whether this is an alarm. */
  readonly isAnomaly: boolean
  /** What it is; `null` while all is as usual. */
  readonly kind: AnomalyKind | null
  /** What was expected; `null` before there is enough history. */
  readonly expected: number | null
  /** Below this, one value in two thousand lies when all is as usual. */
  readonly lower: number | null
  /** Above this, one value in two thousand lies when all is as usual. */
  readonly upper: number | null
  /** Why: a stable code, and numbers whose names carry the unit. */
  readonly reason: Reason
  /** Why, as an English sentence. */
  explain(): string
}

/** What a detector says of many samples, an entry each; NaN where something is not known. */
export interface Scores {
  /** As {@link Anomaly.score}. */
  score: Float64Array
  /** As {@link Anomaly.pValue}. */
  pValue: Float64Array
  /** As {@link Anomaly.expected}. */
  expected: Float64Array
  /** As {@link Anomaly.lower}. */
  lower: Float64Array
  /** As {@link Anomaly.upper}. */
  upper: Float64Array
  /** As {@link Anomaly.isAnomaly}. */
  isAnomaly: boolean[]
  /** As {@link Anomaly.kind}. */
  kind: (AnomalyKind | null)[]
}

/**
 * Says of each value of a series how abnormal it is, and learns from it. Nothing is resampled.
 *
 * @example
 * const detector = new Detector(null, { step: '5m' })
 * const seen = detector.score(new Date(), 412)
 * if (seen.isAnomaly) console.log(seen.kind, seen.explain())
 */
export class Detector {
  /**
   * @param settings a detector's; a kind alone, or JSON or YAML text; `null` for the default
   * @param options.step the typical distance of two values: a text or milliseconds; default `'1m'`
   * @throws {ForescaleError} `FORESCALE_CONFIG` if a setting is unknown or out of range
   */
  constructor(settings?: DetectorConfig | string | null, options?: { step?: string | number })
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | object): Detector
  /** The settings in force, defaults too. */
  get settings(): { kind: string; [name: string]: unknown }
  /**
   * Scores a value, then learns from it. `null`, NaN and infinite values are missing: say so where a
   * value should have come.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if the time lies before the last one
   */
  score(at: Time, value: number | null | undefined): Anomaly
  /**
   * Scores values one after the other, each by what is known from those before it.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if the two differ in length, or a time lies before
   *   the one before; nothing is learnt then
   */
  scoreMany(times: Float64Array | readonly Time[], values: ArrayLike<number | null | undefined>): Scores
  /** Settings and state, as JSON in UTF-8; restoring it changes no later score. */
  snapshot(): Buffer
}

/** A member of a group that differs from the others. */
export interface Peer {
  name: string
  side: 'above' | 'below'
  /** Its reading. */
  value: number
  /** The median of the tick, in the same unit. */
  median: number
  /** How far it is off the median now, in deviations of the group. */
  deviations: number
  /** Since when it lies on that side. */
  since: Date
  /** Whether this is the first tick at which it is told. */
  isNew: boolean
}

/** Settings of {@link Peers}; all may be left out. */
export interface PeersConfig {
  /** With fewer members that report none can be said to differ; at least 4. Default: 4. */
  least_members?: number
  /** Nothing is told before so many ticks; at least 5. Default: 10. */
  least_ticks?: number
  /** The false alarms of the whole group that are put up with, a day. Default: 0.02. */
  false_alarms_per_day?: number
  /** A member that did not report for so long is gone. Default: 15 minutes. */
  forget_after?: Duration
}

/**
 * Finds the replicas that differ from their siblings, or the workloads that differ from a fleet.
 *
 * Common ups and downs cancel out. One wild tick is no difference; three deviations are found within
 * five ticks.
 *
 * @example
 * const peers = new Peers()
 * const odd = peers.see(new Date(), { 'web-0': 0.51, 'web-1': 0.49, 'web-2': 0.97, 'web-3': 0.52 })
 * if (Array.isArray(odd)) for (const { name, side } of odd) console.log(name, side)
 */
export class Peers {
  /** @throws {ForescaleError} `FORESCALE_CONFIG` if a setting is unknown or out of range */
  constructor(settings?: PeersConfig | string)
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | object): Peers
  /** The settings in force, defaults too. */
  get settings(): Required<PeersConfig>
  /**
   * Takes the readings of a tick by the members' names, and tells who differs, in their order; or why
   * nothing can be told: too few members, too few ticks. `null` and what is not finite is no reading; a
   * time that is not after the last one changes nothing.
   */
  see(at: Time, readings: Readonly<Record<string, number | null | undefined>>): Peer[] | Abstain
  /** Settings and state, as JSON in UTF-8; restoring it changes no later answer. */
  snapshot(): Buffer
}

/** Two metrics that no longer move together. */
export interface Break {
  /** What the first metric lets expect of the second. */
  expected: number
  /** The second metric's value. */
  value: number
  /** How far it is off, in deviations of the usual error. */
  deviations: number
  /** Whether it lies above what is expected. */
  isAbove: boolean
  /** Which of the two left its usual level further. */
  moved: 'first' | 'second' | 'both'
  /** Since when it is off. */
  since: Date
  /** Whether this is the first pair at which it is told. */
  isNew: boolean
}

/** Settings of a {@link Relation}; all may be left out. */
export interface RelationConfig {
  /** The samples over which the relation is remembered; 60 to 1,000,000. Default: 2,000. */
  memory?: number
  /** The share of samples that chance may take for off; in (0, 0.01]. Default: 1e-4. */
  chance?: number
  /** After so many samples off it the new relation is learnt as fast as the old was; at least 10. Default: 120. */
  accept_after?: number
}

/**
 * Watches whether two metrics of a workload go on moving together: load up, but the CPU flat.
 *
 * @example
 * const relation = new Relation()
 * const broken = relation.observe(new Date(), 1240, 0.61)
 * if (broken && 'moved' in broken) console.log(broken.moved, broken.deviations)
 */
export class Relation {
  /** @throws {ForescaleError} `FORESCALE_CONFIG` if a setting is unknown or out of range */
  constructor(settings?: RelationConfig | string)
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | object): Relation
  /** The settings in force, defaults too. */
  get settings(): Required<RelationConfig>
  /**
   * Takes a pair of values: `null` while they move together, or why nothing can be told (fewer than 60
   * pairs, or the first explains too little of the second). A pair with a value that is missing or not
   * finite, or not after the last one, is passed over.
   */
  observe(at: Time, first: number | null | undefined, second: number | null | undefined): Break | Abstain | null
  /** Settings and state, as JSON in UTF-8; restoring it changes no later answer. */
  snapshot(): Buffer
}

/** When a quantity reaches its limit, as of the last value. */
export interface Limit {
  /** The last values are at the limit or beyond it. */
  reached: boolean
  /** Where the trend itself reaches the limit; `null` without a trend that does. */
  likely: Date | null
  /** Before it in one of twenty cases, where there is a trend. */
  earliest: Date | null
  /** After it in one of twenty cases, where there is a trend. */
  latest: Date | null
  /** Without such a trend: not reached before in nineteen of twenty cases. */
  notBefore: Date | null
}

/** Settings of {@link TimeToLimit}. */
export interface TimeToLimitConfig {
  /** The limit, in the unit of the values. */
  limit: number
  /** Where the limit lies. Default: `above`. */
  side?: 'above' | 'below'
  /** How far ahead a range is told, in stretches over which the trend has held; above 0, at most 10. Default: 1. */
  reach?: number
}

/**
 * Tells when a quantity reaches its limit: a leak, a disk, a quota, a pool of connections.
 *
 * @example
 * const memory = new TimeToLimit({ limit: 900 })
 * memory.observe(new Date(), 412)
 * const answer = memory.answer()
 * if ('likely' in answer && answer.likely) console.log(answer.likely, answer.latest)
 */
export class TimeToLimit {
  /** @throws {ForescaleError} `FORESCALE_CONFIG` if a setting is unknown, missing or out of range */
  constructor(settings: TimeToLimitConfig | string)
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | object): TimeToLimit
  /** The settings in force, defaults too. */
  get settings(): Required<TimeToLimitConfig>
  /** Takes a value; one that is missing, not finite, or not after the last one is passed over. */
  observe(time: Time, value: number | null | undefined): void
  /**
   * Takes values.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if the two differ in length; nothing is learnt then
   */
  observe(times: Float64Array | readonly Time[], values: ArrayLike<number | null | undefined>): void
  /** When the limit is reached; or why that is not known, with fewer than 30 values. */
  answer(): Limit | Abstain
  /** The trend in the limit's unit a day between the bounds of its 90 % range, where there is one. */
  perDay(): [number, number, number] | null
  /** Forgets all values, as after a restart that the host knows of. */
  reset(): void
  /** Settings and state, as JSON in UTF-8; restoring it changes no later answer. */
  snapshot(): Buffer
}

/** One of the experts that a forecaster mixes, around one horizon. */
export interface Expert {
  /** What it is called; the same at every horizon. */
  name: string
  /** The horizon in steps. */
  ahead: number
  /** Its share in the forecast, from 0 to 1; all at one horizon are 1 together. */
  weight: number
  /** Its mean absolute error lately, in square roots of the load. */
  error: number
}

/**
 * Forecasts one series that it is fed, for a host that needs no autoscaler.
 *
 * A value at a time speaks of the step that ends there. The steps run through the first time that
 * came, so that values on any even grid are taken as they are: the forecast begins right after the
 * last one. Values that come more often are averaged over their step, and nothing is learnt from it
 * until a time has reached its end; values that come less often are taken along lines, and wide gaps
 * are missing.
 *
 * @example
 * const model = new Forecaster({ kind: 'seasonal_naive', season: '1d' }, { step: '1m' })
 * model.observe(times, values)
 * const answer = model.forecast({ horizon: 60, quantiles: [0.5, 0.95] })
 * console.log(answer.abstained ? answer.explain() : answer.row(0))
 */
export class Forecaster {
  /**
   * @param settings as of a `predictive` policy's forecaster; a kind alone, or JSON or YAML text; `null`
   *   for the default
   * @param options.step length of the steps on which it learns and forecasts: a text or milliseconds;
   *   default `'1m'`
   * @throws {ForescaleError} `FORESCALE_CONFIG` if a setting is unknown or out of range
   */
  constructor(settings?: ForecasterConfig | string | null, options?: { step?: string | number })
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | object): Forecaster
  /** The settings in force, defaults too. */
  get settings(): { kind: string; [name: string]: unknown }
  /**
   * Takes in one value and its time, or many, the oldest first, each after all before; `null` and NaN
   * are missing values.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if the two differ in length, the times do not rise,
   *   or a value is negative or infinite; nothing is taken in then
   */
  observe(time: Time, value: number | null | undefined): void
  observe(times: Float64Array | readonly Time[], values: ArrayLike<number | null | undefined>): void
  /**
   * Tells what is known besides the load, for a forecaster of the kind `regressors`: one value and its
   * time, or many, the oldest first. Each holds from its time until the next; times may lie ahead. What
   * was known from the first time on is replaced.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if no regressor has that name, the two differ in
   *   length, the times do not rise, or a value is missing or infinite; nothing is taken in then
   */
  regressor(name: string, time: Time, value: number): void
  regressor(name: string, times: Float64Array | readonly Time[], values: ArrayLike<number>): void
  /**
   * What is expected after the last step that has ended.
   * @param options.horizon a whole number of steps (default 60), or a text such as `'30m'`
   * @param options.quantiles rising, each in (0, 1); default 0.5 and 0.95
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if one is out of range
   */
  forecast(options?: { horizon?: number | string; quantiles?: ArrayLike<number> }): Forecast | Abstain
  /** Who the forecast is mixed from, around each horizon; empty for a model of its own. */
  experts(): Expert[]
  /** Settings and state, as JSON in UTF-8; restoring it changes no later forecast. */
  snapshot(): Buffer
}

/** How a panel is forecast. */
export interface PanelOptions {
  /** Time between two samples: a text or milliseconds. */
  step: string | number
  /** A whole number of steps, or a text such as `'30m'`. */
  horizon: number | string
  /** Rising, each in (0, 1). Default: 0.5 and 0.95. */
  quantiles?: ArrayLike<number>
  /** As for {@link Forecaster}. */
  settings?: ForecasterConfig | string | null
  /**
   * The time of the first sample, which is the end of its step. Default: 0; models that know the
   * calendar need the true one.
   */
  start?: Time
  /**
   * Where: `cpu`, `gpu` for the graphics card, or `auto`, which takes the card where there is one and the
   * panel is large. The card is for the settings `batch`. The environment variable `FORESCALE_GPU`
   * chooses: `off`, `auto`, a part of a card's name, or `software` for a software driver.
   */
  device?: 'auto' | 'cpu' | 'gpu'
  /** Rejects the promise; the thread ends its work all the same. */
  signal?: AbortSignal
}

/** Quantiles of the load of many series for each of the next steps. */
export class PanelForecast {
  private constructor()
  /** End of the last sample, in milliseconds. */
  readonly issuedAt: number
  /** Time between two rows, in milliseconds; row `h` ends at `issuedAt + (h + 1) * step`. */
  readonly step: number
  /** The number of steps it looks ahead. */
  readonly horizon: number
  /** The quantiles, rising. */
  readonly quantiles: readonly number[]
  /** Row-major, `[series x horizon x quantiles]`, in the units of the loads; NaN where one abstains. */
  readonly values: Float64Array
  /** By the number of the series, why it has no forecast. */
  readonly abstained: Readonly<Record<number, Reason>>
  /** What did it: `cpu`, or the name of the graphics card. */
  readonly device: string
  /** The number of series. */
  get nSeries(): number
  /** One series, from 0, as a {@link Forecaster} of its own would answer; a view into `values`. */
  series(index: number): Forecast | Abstain
  toJSON(): object
}

/**
 * Forecasts many series, each with a model of its own, on all cores and off the main thread.
 *
 * The answer is the same whatever the number of cores. What is `null`, NaN, negative or infinite
 * counts as missing: a bad series does not cost the others their forecast.
 * @param values a row for each series, the oldest sample first, all of one length; or all rows in one
 *   flat array, with `nSeries`
 * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_OBSERVATION`, as a rejection
 */
export function forecastPanel(
  values: Iterable<ArrayLike<number | null | undefined>>,
  options: PanelOptions & { nSeries?: undefined },
): Promise<PanelForecast>
export function forecastPanel(
  values: ArrayLike<number | null | undefined>,
  options: PanelOptions & { nSeries: number },
): Promise<PanelForecast>

/** Settings of an {@link ElasticNet}. */
export interface ElasticNetSettings {
  /** How far ahead it will be asked for, in steps, up to 2,000. Default 12. */
  horizon?: number
  /** The weight of the penalty, above 0. Default 0.001. */
  penalty?: number
  /** The share of the absolute weights in the penalty, 0 to 1; the rest is of their squares. Default 0.5. */
  l1_ratio?: number
  /** As many rows of features at most are fitted for each horizon, 1,000 to 1,000,000. Default 20,000. */
  rows?: number
}

/** What an {@link ElasticNet} is fitted on. */
export interface FitOptions {
  /** Time between two samples: a text such as `'5m'`, or milliseconds. */
  step: string | number
  /** As an object, or as JSON or YAML text. */
  settings?: ElasticNetSettings | string | null
  /** The time of the first sample, which is the end of its step. Default 0; the calendar counts. */
  start?: Time
  /** Ends the wait; the fit itself goes on. */
  signal?: AbortSignal
}

/**
 * One elastic net over lags and the calendar for many series that resemble each other, fitted on all of
 * them together. A short history that says little by itself is forecast as the others went on from where it
 * is now; it need not be one of those of the fit.
 * @example
 * const net = await ElasticNet.fit(rows, { step: '5m', start: first })
 * const answer = net.forecast(history, { issuedAt: last })
 * console.log(answer.abstained ? answer.explain() : answer.row(0))
 */
export class ElasticNet {
  private constructor()
  /**
   * Fits the model on all cores, off the main thread: series of two days and the horizon at least.
   * @param values as of {@link forecastPanel}
   * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_OBSERVATION`, as a rejection
   */
  static fit(
    values: Iterable<ArrayLike<number | null | undefined>>,
    options: FitOptions & { nSeries?: undefined },
  ): Promise<ElasticNet>
  static fit(
    values: ArrayLike<number | null | undefined>,
    options: FitOptions & { nSeries: number },
  ): Promise<ElasticNet>
  /**
   * From a snapshot as bytes, or as the object parsed from them.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT` if it is cut, foreign, or of another version
   */
  static restore(snapshot: Uint8Array | string | object): ElasticNet
  /** The settings in force, defaults too. */
  get settings(): Required<ElasticNetSettings>
  /**
   * The forecast of a series from its last samples, a day and two hours at least; `null` and NaN are
   * missing ones.
   * @param options.issuedAt the end of the last sample
   * @param options.horizon steps, or a text such as `'30m'`; default as far as it was fitted for
   * @param options.quantiles rising, each in (0, 1); default 0.5 and 0.95
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if one is out of range
   */
  forecast(
    history: ArrayLike<number | null | undefined>,
    options: { issuedAt: Time; horizon?: number | string; quantiles?: Iterable<number> },
  ): Forecast | Abstain
  /**
   * Those of many series on the step of the fit, on all cores and off the main thread.
   * @param values as of {@link forecastPanel}
   * @throws {ForescaleError} `FORESCALE_OBSERVATION`, as a rejection
   */
  forecastPanel(
    values: Iterable<ArrayLike<number | null | undefined>> | ArrayLike<number | null | undefined>,
    options?: {
      start?: Time
      horizon?: number | string
      quantiles?: Iterable<number>
      nSeries?: number
      signal?: AbortSignal
    },
  ): Promise<PanelForecast>
  /** Settings and weights as JSON bytes. */
  snapshot(): Buffer
}

/** The graphics card that would be used. */
export interface GpuInfo {
  /** As its driver calls it. */
  readonly adapter: string
  /** `cpu` is a software driver. */
  readonly kind: 'discrete' | 'integrated' | 'virtual' | 'cpu' | 'other'
  /** The driver and its version. */
  readonly driver: string
  /** `vulkan`, `metal` or `dx12`. */
  readonly backend: string
  /** The longest piece of memory that a kernel sees at once: longer panels go in chunks. */
  readonly maxBindingBytes: number
  /** The longest buffer. */
  readonly maxBufferBytes: number
  /** The most invocations of one group. */
  readonly maxInvocations: number
  /** Whether the time in a kernel can be told from that of the transfer. */
  readonly hasTimestamps: boolean
}

/**
 * The graphics card that `device: 'gpu'` takes; opens it.
 * @throws {ForescaleError} `FORESCALE_CONFIG` if there is none, with what the system says
 */
export function gpuInfo(): GpuInfo

/** A recorded load. */
export interface Trace {
  /** What it is called in the report. */
  name?: string
  /** Rising, on a fixed step; holes of whole steps are filled on a straight line. */
  times: Float64Array | readonly Time[]
  /** The mean load in each step, in the load's unit; from 0 up. A missing one is `null` or NaN, a hole. */
  values: ArrayLike<number | null | undefined>
  /**
   * What is known besides the load, by name, for a forecaster with `regressors`: values that each hold
   * until the next. Those with the name of a metric of the configuration are shown as its readings when
   * their time has come (a mean belongs to the end of its span); those of a regressor alone are told before the
   * first decision, those of times to come too.
   */
  known?: Record<string, { times: Float64Array | readonly Time[]; values: ArrayLike<number> }>
}

/** What a forecast said of a moment, and what came. */
export interface Said {
  /** The end of the last step that the forecast knew, in milliseconds. */
  issued_at: number
  /** How long before the moment that was. */
  ahead: string
  /** The quantiles, rising in (0, 1). */
  quantiles: number[]
  /** The load at each of them. */
  values: number[]
  /** The load that came; `null` if that is not known. */
  came: number | null
}

/** Something that happens now and then, and lasts. */
export interface Episodes {
  /** How often a day it begins on average. Default: 0. */
  per_day?: number
  /** How long each lasts. Default: 10 minutes. */
  lasts?: Duration
}

/** What goes wrong in a plant; by default nothing does. */
export interface Faults {
  /** No metric can be read while it lasts. */
  missing?: Episodes
  /** All metrics read 0 while it lasts. */
  zero?: Episodes
  /** A share of the ready replicas is gone at once. Default share: 0.2. */
  node_loss?: { per_day?: number; share?: number }
  /** New replicas wait for a node while it lasts. */
  node_shortage?: Episodes
  /** A share of the starts takes so many times longer. Default: 0 and 4. */
  slow_starts?: { share?: number; times?: number }
}

/** Servers that share one line of requests (M/M/c), to a response time. */
export interface ServersWorkload {
  kind: 'servers'
  /** The mean time of a request that does not wait. Default: 100 milliseconds. */
  service_time?: Duration
  /** Requests that one replica serves at a time. Default: 1. */
  concurrency?: number
  /** The response time to keep to. Default: 500 milliseconds. */
  objective?: Duration
  /** The share of the requests that must keep to it. Default: 0.95. */
  quantile?: number
}

/** A server of a language model that batches at each step. */
export interface BatchServerWorkload {
  kind: 'batch_server'
  /** Tokens of a prompt on average. Default: 512. */
  input_tokens?: number
  /** Tokens of an answer on average. Default: 128. */
  output_tokens?: number
  /** Seconds of a step without any request. Default: 0.015. */
  base_seconds?: number
  /** Seconds that each request adds to a step. Default: 0.0002. */
  request_seconds?: number
  /** Seconds that reading a token of a prompt takes. Default: 0.00003. */
  input_token_seconds?: number
  /** The tokens that a replica's memory holds. Default: 100000. */
  kv_cache_tokens?: number
  /** Requests in a batch at most. Default: 256. */
  max_batch?: number
  /** The time between two tokens to keep to. Default: 50 milliseconds. */
  objective?: Duration
}

/** The workload as the simulator sees it, and which part of the trace is scored. */
export interface Plant {
  /** Time from decision to decision. Default: 15 seconds. */
  interval?: Duration
  /** The load one replica can carry. Default: so that the peak needs `peak_replicas`. */
  load_per_replica?: number
  /** The replicas that the scored peak needs. Default: 30. */
  peak_replicas?: number
  /** The utilization at which they carry it, in (0, 1]. Default: 0.7. */
  target_utilization?: number
  /** What carries the load, and when it is too slow. Default: a fluid queue. */
  workload?: { kind: 'fluid_queue' } | ServersWorkload | BatchServerWorkload
  /** From a replica's request to its readiness. Default: 2 minutes. */
  start_up?: Duration
  /** How far a start-up strays, as a share of it. Default: 0.2. */
  start_up_jitter?: number
  /** The start-up that 95 of 100 stay within, of a log-normal distribution. Default: none. */
  start_up_p95?: Duration | null
  /** How long a stopping replica is still paid for. Default: 30 seconds. */
  stop?: Duration
  /** Load that waited longer is late. Default: 1 second. */
  late_after?: Duration
  /** Load that would wait longer is dropped. Default: 30 seconds. */
  timeout?: Duration
  /** The age of a metric when it is read. Default: 30 seconds. */
  metric_lag?: Duration
  /** The relative standard deviation of a reading's error. Default: 0.02. */
  noise?: number
  /** The share of readings that are missing. Default: 0.01. */
  missing?: number
  /** Crashes of a ready replica per day. Default: 0. */
  crashes_per_day?: number
  /** What else goes wrong. Default: nothing. */
  faults?: Faults
  /** What a replica costs an hour, and how its time is rounded on the bill. Default: none. */
  price?: { per_hour: number; increment?: Duration; minimum?: Duration } | null
  /** The seed of every random number. Default: 1. */
  seed?: number
  /** The name under which the total load is observed. Default: `rps`. */
  load_metric?: string
  /** The name under which the mean utilization is observed. Default: `cpu`. */
  utilization_metric?: string
  /** The name under which the latency is observed, in seconds. Default: `latency`. */
  latency_metric?: string
  /** The replicas ready at the start. Default: what the first load needs. */
  initial_replicas?: number
  /** How much of the trace before the scored part is fed as history. Default: 28 days. */
  history?: Duration
  /** How much of the end of the trace is scored, at most a third of it. Default: 3 days. */
  scored?: Duration
  /** A forecast for the report is issued so often. Default: 3 hours. */
  forecast_every?: Duration
  /** How far the forecasts for the report look ahead. Default: 3 hours. */
  forecast_horizon?: Duration
  /** Whether each decision is kept in the report. Default: no. */
  decisions?: boolean
}

/** One thing that is wrong with a configuration. */
export interface Finding {
  /** The stable name of the kind of finding, such as `oscillation`. */
  code: string
  /** How bad it is. */
  severity: 'error' | 'warning' | 'note'
  /** The setting that it speaks of, such as `policies[0].low`. */
  path: string
  /** One sentence with the numbers. */
  message: string
  /** The numbers, by names that carry the unit. */
  facts: Record<string, number>
  /** The smallest change known to mend it, tried out before it is told; `null` if none is known. */
  fix: { path: string; value: unknown; message: string } | null
}

/**
 * Settings that must oscillate or can never work, each proven by running the loop; the worst first.
 *
 * Schedules count from `now` on; without it only what holds at any time is told.
 * @throws {ForescaleError} `FORESCALE_CONFIG` for a configuration that does not build
 */
export function lint(config: Config | string, options?: { now?: Date | number }): Finding[]

/**
 * What the configuration would have done to a recorded load, on a thread of the pool: the event loop
 * goes on.
 *
 * An abort rejects the promise at once with the signal's reason; the thread ends its replay all the
 * same.
 * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_TRACE`, as a rejection
 */
export function replay(
  config: Config | string,
  trace: Trace,
  plant?: Plant | string,
  options?: { signal?: AbortSignal },
): Promise<Report>

/**
 * Two configurations over the same load: where their decisions differ, by how much and why; `told` is
 * that in lines for people.
 * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_TRACE`, as a rejection
 */
export function diff(
  configs: Record<string, Config | string>,
  trace: Trace,
  plant?: Plant | string,
  options?: { signal?: AbortSignal },
): Promise<Diff & { told: string }>

/** Where the decisions of two configurations differ. */
export interface Diff {
  /** The name of the trace. */
  trace: string
  /** The first one. */
  a: { name: string; score: Score }
  /** The second one. */
  b: { name: string; score: Score }
  /** The share of the decisions in which they ask for different sizes. */
  differing_share: number
  /** Replicas that the second asks for more than the first on average. */
  mean_difference: number
  /** How often one of them begins to ask for more than the other. */
  n_stretches: number
  /** Of those stretches the moment of the largest difference, the largest first; times in milliseconds. */
  moments: {
    from: number
    to: number
    at: number
    load: number
    a: { replicas: number; why: string }
    b: { replicas: number; why: string }
  }[]
}

/** A way to scale that people use or could use, with one knob. */
export type Contender =
  | 'predictive'
  | 'hpa'
  | 'hpa_tuned'
  | 'knative'
  | 'aws_target_tracking'
  | 'aws_predictive'
  | 'periodic_maximum'
  | 'moving_maximum'
  | 'static_peak'

/**
 * Ways to scale over the same load, each over its knob: violations against replica-hours.
 * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_TRACE`, as a rejection
 */
export function fronts(
  trace: Trace,
  plant?: Plant | string,
  options?: {
    /** Default: all of them, which takes some seconds. */
    contenders?: Iterable<Contender>
    /** Configurations of one's own: by the name of the family and the label of each. */
    families?: Record<string, Record<string, Config | string>>
    signal?: AbortSignal
  },
): Promise<Fronts>

/** The fronts of several ways to scale on one trace. */
export class Fronts {
  private constructor()
  /** The name of the trace. */
  readonly trace: string
  /** The settings of the plant, with the load per replica filled in. */
  readonly settings: Required<Plant>
  /** The scores of the bounds. */
  readonly bounds: object
  /** A sweep for each, in their order; `index` is that of a point. */
  readonly sweeps: {
    name: string
    points: { label: string; score: Score }[]
    front: { index: number; violation_share: number; cost: number }[]
  }[]
  /** The fronts as JSON text: the same bytes in every language. */
  get json(): string
  toJSON(): object
  /** The least replica-hours at so many violations, as a share of the minutes; `null` if there are always more. */
  cost(name: string, violationShare: number): number | null
  /**
   * The share of the gap from `than` to clairvoyance that `by` closes at so many violations: 0 is as
   * dear, 1 as cheap as who knows the load; `-Infinity` where only `by` always has more violations.
   */
  gapClosed(violationShare: number, options?: { by?: string; than?: string }): number | null
  /** The picture as SVG. */
  toSvg(): string
}

/** One moment of a replay, told for people. */
export interface Moment {
  /** The beginning of the interval, in milliseconds. */
  at: number
  /** Mean load that came in it. */
  load: number
  /** Load that could be carried. */
  capacity: number
  /** Replicas ready when it began. */
  ready: number
  /** Load that waited at its end, times seconds. */
  queue: number
  /** What was decided, and every step to it. */
  decision: Pick<Decision, 'at' | 'current' | 'replicas' | 'wish' | 'mode' | 'steps'>
  /** The policies that wanted a number. */
  wanted: Decision['steps']
  /** What kept another number than the one wanted. */
  held: Decision['steps']
  /** What the last forecast before it had said of it, and what came. */
  forecast: Said | null
}

/** A field of a manifest that holds a value, and what became of it. */
export interface ManifestField {
  /** The number of its document in the text, from 1. */
  document: number
  /** Its place, such as `spec.maxReplicas`. */
  path: string
  /** Its line in the text, from 1. */
  line?: number
  /** Its value, cut if long; absent for a field that was ignored. */
  value?: string
  /** What became of it. */
  fate: 'mapped' | 'approximated' | 'ignored'
  /** The setting that was made of it. */
  to?: string
  /** Where an approximation differs. */
  how?: string
  /** Why it was ignored. */
  why?: string
}

/** A workload's settings, made of another autoscaler's; as a text it is the report for people. */
export interface ManifestImport {
  /** The foreign document's own name, with its namespace where it has one. */
  name: string
  /** What it was, such as `HorizontalPodAutoscaler autoscaling/v2`. */
  source: string
  /** The settings; `Autoscaler` takes them. */
  config: Config
  /** The same as YAML. */
  configYaml: string
  /** What became of each field, in the order of the text; each stands here once. */
  fields: ManifestField[]
  /** What the host must send, by the metric's name. */
  metrics: Record<string, string>
  /** Settings that the manifest does not speak of. */
  assumed: { setting: string; value: string; why: string }[]
  /** Documents of the same text that were not read. */
  skipped: { document: number; path: string; line?: number; what: string; why: string }[]
  /** The report for people. */
  report: string
  toString(): string
}

/** The manifests that people already have: Kubernetes' HPA, KEDA, Knative, AWS, Compute Engine and Azure. */
export const manifest: {
  /**
   * Reads the manifests in a text, YAML or JSON: one import for each workload.
   *
   * @throws {ForescaleError} `FORESCALE_CONFIG`, with line and column, for what cannot be read.
   */
  load(text: string): ManifestImport[]
}

/**
 * History from Prometheus: the server's answers in, times and values out. Nothing is fetched here;
 * whatever client the host has will do:
 *
 *     const answers = []
 *     for (const [start, end] of prometheus.chunks(monday, sunday, '1m')) {
 *       const query = 'sum(rate(http_requests_total{job="shop"}[5m]))'
 *       const parameters = new URLSearchParams({ query, start: start / 1000, end: end / 1000, step: 60 })
 *       const answer = await fetch(`http://localhost:9090/api/v1/query_range?${parameters}`)
 *       answers.push(await answer.text()) // an error's body too: it says what is wrong
 *     }
 *     const history = prometheus.read(answers)
 *     scaler.warmUp('rps', history.times, history.values)
 *     const report = await replay(config, { name: 'shop', ...history })
 */
export const prometheus: {
  /**
   * One series of times and values, from the bodies of the answers to a range query, in any order.
   * They must belong to one query with one step. They may overlap: the last one wins.
   * @param answers one answer or several: bytes, text, or the object parsed from it
   * @throws {ForescaleError} `FORESCALE_TRACE` if an answer is none (the server's own words if it is
   *   an error) or is not that of a range query, and if the series are several, none, without a value
   *   or not on one step; `FORESCALE_CONFIG` for an option
   */
  read(answers: PrometheusAnswer | Iterable<PrometheusAnswer>, options?: PrometheusOptions): PrometheusHistory

  /**
   * The queries to ask for, each `[start, end]` in milliseconds, both included, of at most 11,000
   * points: a server refuses more.
   * @throws {ForescaleError} `FORESCALE_TRACE` for a step of 0, an end before the start, and more than
   *   100,000 queries
   */
  chunks(start: Time, end: Time, step: Duration): [start: number, end: number][]
}

/** The body of an answer to `GET /api/v1/query_range`, or the object parsed from it. */
export type PrometheusAnswer = Uint8Array | string | object

/** Which series of a history count, and how. */
export interface PrometheusOptions {
  /** Only series with all of these labels count. Default: every series. */
  labels?: Record<string, string>
  /** Adds the series up. Default: no, there must be exactly one. */
  sum?: boolean
  /** The series are raw counters and become rates per second; a fall is a restart from 0. Default: no. */
  counter?: boolean
  /** The step of the query. Default: the shortest distance between two samples. */
  step?: Duration
}

/** A recorded load on a fixed step; a {@link Trace}, and history for {@link Autoscaler.warmUp}. */
export interface PrometheusHistory {
  /** Milliseconds since the epoch, one time a step from the first sample to the last. */
  times: Float64Array
  /** The value at each time; NaN where the record has none, or NaN or an infinity. */
  values: Float64Array
  /** The distance of two times, in milliseconds. */
  step: number
  /** How many values are missing. */
  nMissing: number
  /** What the server warned of, such as data it could not reach; each text once. */
  warnings: string[]
}

/** How good a replay was: what it cost, how slow it was, how restless. */
export interface Score {
  /** Minutes in which some load was late or dropped. */
  violation_minutes: number
  /** Minutes that were scored. */
  minutes: number
  /** Share of the load that was dropped. */
  dropped_share: number
  /** Share of the load that was served late. */
  late_share: number
  /** Replica-hours paid. */
  replica_hours: number
  /** What that cost in money; absent without a price. */
  cost?: number
  /** How long stretches of violation last, in minutes. */
  recovery: { n_stretches: number; median_minutes: number; longest_minutes: number }
  /** How often the size asked for changed. */
  actions: number
  /** How many of them went the other way than the one before. */
  reversals: number
  /** The elasticity metrics of SPEC, as shares; 0 is best. */
  elasticity: {
    under_accuracy: number
    over_accuracy: number
    under_time: number
    over_time: number
    instability: number
  }
}

/** How far a score is from a bound. */
export interface Gap {
  /** Replica-hours as a multiple of the bound's; `null` if the bound cost nothing. */
  cost_ratio: number | null
  /** Violation minutes more than the bound's; negative if fewer. */
  violation_minutes: number
}

/** How closely the sizes of a replay follow those recorded. */
export interface Agreement {
  /** Intervals for which there is a record. */
  n_compared: number
  n_unrecorded: number
  /** Share of the compared intervals with exactly the recorded size, 0 to 1. */
  equal_share: number
  /** Share that is off by one replica at most, 0 to 1. */
  within_one_share: number
  /** Replicas of the replay less those recorded, on average. */
  mean_difference: number
  mean_absolute_difference: number
  /** Replica-hours asked for as a multiple of those recorded; null if those were none. */
  cost_ratio: number | null
  /** The changes of size in the replay and in the record. */
  actions: [number, number]
  /** The first interval with another size, in milliseconds. */
  first_difference: number | null
}

/** What a replay came to. */
export class Report {
  private constructor()
  /** The name of the configuration. */
  readonly name: string
  /** The name of the trace. */
  readonly trace: string
  /** The settings of the plant, with the load per replica filled in. */
  readonly settings: Required<Plant>
  /** The figures of merit. */
  readonly score: Score
  /** The same for the bounds, on the same plant. */
  readonly bounds: object
  /** How far from a size that knows the load. */
  readonly clairvoyant_gap: Gap
  /** How far from the best constant size. */
  readonly constant_gap: Gap
  /** How closely it follows what really ran; absent before `against`. */
  readonly agreement?: Agreement
  /** What happened over time: one entry for each interval of the scored part. */
  readonly series: {
    /** Start of the first interval, in milliseconds. */
    start: number
    /** Length of an interval. */
    step: string
    /** Load that came. */
    load: number[]
    /** Load that could be carried. */
    capacity: number[]
    /** Replicas ready. */
    ready: number[]
    /** Replicas asked for. */
    wanted: number[]
    /** Load that waits at the end, times seconds. */
    queue: number[]
  }
  /** Forecasts issued on the way. */
  readonly forecasts: object[]
  /** Every decision, if the plant's settings ask for them. */
  readonly decisions?: Pick<Decision, 'at' | 'current' | 'replicas' | 'wish' | 'mode' | 'steps'>[]
  /** The report as JSON text: the same bytes in every language. */
  get json(): string
  toJSON(): object
  /**
   * The report held against the replicas that really ran, as its pictures then are; null and NaN are
   * holes in the record.
   * @throws {ForescaleError} `FORESCALE_TRACE` for a record that nowhere meets the replay
   */
  against(recorded: Trace): Report
  /**
   * What happened at a moment of the replay and why, `told` in sentences; needs a plant with
   * `decisions`.
   * @throws {ForescaleError} `FORESCALE_TRACE` for a moment that was not replayed
   */
  explain(at: Time): Moment & { told: string }
  /** One self-contained HTML file with pictures. */
  toHtml(): string
}

/** What a search is to find, how long it looks, and on what it is judged. */
export interface TuneOptions {
  /**
   * What is best. Default: the least total, where a minute in violation is as dear as 30 minutes of the
   * current fleet.
   */
  objective?:
    | { kind: 'least_cost'; violation_share: number }
    | { kind: 'least_violations'; replica_hours_per_day: number }
    | { kind: 'least_total'; violation_price: number }
  /** Settings that are tried. Default: 256. */
  settings?: number
  /** What may be changed. Default: what the configuration leaves open. */
  space?: Dimension[]
  /** How much of the trace settings are chosen on. Default: a third of it, 14 days at most. */
  selected?: Duration
  /** How much of its end tells what to expect. Default: a quarter of it, 7 days at most. */
  told?: Duration
  /** The share of cases in which what is expected lies in its interval. Default: 0.9. */
  confidence?: number
  /** The same seed gives the same answer, whatever the number of cores. Default: 1. */
  seed?: number
  /**
   * Where settings are replayed. Default: `cpu`. `gpu` is an error without an adapter, `auto` takes the
   * graphics card if there is a real one and settings are many; the environment variable `FORESCALE_GPU`
   * chooses it. What the card cannot replay goes the ordinary way, and whoever leads is replayed on the
   * processor before it is recommended.
   */
  device?: 'auto' | 'cpu' | 'gpu'
}

/** One setting that may be changed: values, or a range of numbers; durations in seconds. */
export interface Dimension {
  /** The place of the setting, such as `policies[0].target`. */
  path: string
  /** The values it may take, each merged into what stands there (JSON Merge Patch). */
  values?: unknown[]
  /** The lowest number of a range. */
  from?: number
  /** The highest number of a range. */
  to?: number
  /** Whether equal factors are equal steps. Default: false. */
  log?: boolean
  /** Only multiples of it are taken. Default: numbers of three digits. */
  grain?: number
}

/** A figure and the interval that it lies in with the confidence asked for. */
export interface TunedEstimate {
  mean: number
  low: number
  high: number
}

/** Settings that were tried. */
export interface Tuned {
  /** The whole configuration. */
  config: Config
  /** What differs from the current settings. */
  changes: { path: string; value: unknown }[]
  /** How it did where settings were chosen; of the best of many better than it will be. */
  selected: { violation_share: number; replica_hours_per_day: number }
  /** What to expect, from where nothing was chosen; `null` where the search was interrupted before. */
  expected: {
    violation_share: TunedEstimate
    replica_hours_per_day: TunedEstimate
    /** The share of the current settings' total that it saves. */
    saved_share: TunedEstimate
  } | null
}

/** What a search has found: the front, a recommendation, and what to expect of each. */
export class Tuning {
  private constructor()
  /** The name of the trace. */
  readonly trace: string
  /** The settings of the plant, with the load per replica filled in. */
  readonly settings: Required<Plant>
  /** What was best. */
  readonly objective: Required<TuneOptions>['objective']
  /** The part of the trace on which settings were chosen, in milliseconds. */
  readonly selected: { start: number; end: number }
  /** The part that was kept apart, in milliseconds. */
  readonly told: { start: number; end: number }
  /** Whether it was interrupted. */
  readonly is_partial: boolean
  /** Settings that were tried, beside the current ones. */
  readonly n_tried: number
  /** Settings that the space allows and the configuration does not. */
  readonly n_refused: number
  /** What replayed settings beside the processor: the adapter's name, or `cpu`. */
  readonly device: string
  /** Settings that were replayed on that device. */
  readonly n_on_device: number
  /** Why the first of the others was not, where a device was asked for. */
  readonly not_on_device?: string
  /** How far that device's figures were off at most, of those who were replayed once more. */
  readonly off_by?: { violation_share: number; replica_hours_per_day: number }
  /** The settings as they are. */
  readonly current: Tuned
  /** What can be had at which violations, the fewest violations first. */
  readonly front: Tuned[]
  /** What is best; the current settings where nothing proved better. */
  readonly recommended: Tuned
  /** Why. */
  readonly reason: { code: string; [fact: string]: unknown }
  /** The tuning as JSON text: the same bytes in every language. */
  get json(): string
  toJSON(): object
}

/**
 * Searches for better settings on a recorded load, on threads beside the event loop.
 *
 * An abort of `signal` rejects the promise at once with its reason and ends the search; an abort of
 * `until` ends it with what has been found so far, marked as partial.
 * @throws {ForescaleError} `FORESCALE_CONFIG` or `FORESCALE_TRACE`, as a rejection
 */
export function tune(
  config: Config | string,
  trace: Trace,
  plant?: Plant | string,
  options?: TuneOptions & { signal?: AbortSignal; until?: AbortSignal },
): Promise<Tuning>

/** Settings of a {@link Sizer}, with the keys of the configuration file; all may be left out. */
export interface SizerConfig {
  /** How CPU is sized. */
  cpu?: ResourceSizing
  /** How memory is sized. */
  memory?: ResourceSizing
  /** What is added to a percentile of the usage, as a ratio. Default: 0.15. */
  margin?: number
  /** What a pod gets at least, shared by its containers. Default: 25. */
  pod_min_cpu_millicores?: number
  /** What a pod gets at least, in MiB, shared by its containers. Default: 250. */
  pod_min_memory_mib?: number
  /** How many containers of the pod are sized. Default: 1. */
  n_containers?: number
  /** Only the peak of the memory within this time counts. Default: 24 hours. */
  memory_interval?: Duration
  /** After so many intervals without a sample nothing is recommended. Default: 8. */
  memory_intervals?: number
  /** Out of memory, the usage counts as this many times what it was. Default: 1.2. */
  oom_bump_ratio?: number
  /** Out of memory, the usage counts as so many bytes more, at least. Default: 100 MiB. */
  oom_min_bump_bytes?: number
  /** What a sample of the CPU counts: all the same, or by the cores requested. Default: `constant`. */
  cpu_sample_weight?: 'constant' | 'request'
  /** More CPU while the container starts. Default: none. */
  startup_boost?: StartupBoost | null
}

/** How one resource is sized; amounts are millicores or bytes. */
export interface ResourceSizing {
  /** Whether it is sized at all. Default: yes. */
  controlled?: boolean
  /** The percentile of the usage to request, in (0, 1]. Default: 0.9. */
  target_percentile?: number
  /** The percentile of the lower bound. Default: 0.5. */
  lower_percentile?: number
  /** The percentile of the upper bound. Default: 0.95. */
  upper_percentile?: number
  /** A sample counts half as much as one that is so much newer. Default: 24 hours. */
  half_life?: Duration
  /** How much history makes a confidence of 1. Default: 24 hours. */
  confidence_interval?: Duration
  /** Never less than this. Default: 0. */
  min_allowed?: number
  /** Never more than this. Default: 10^14, which is none. */
  max_allowed?: number
  /** Amounts are rounded up to a multiple of this. Default: 1. */
  round_up_to?: number
}

/** More CPU while a container starts: some times as much, or so many millicores more. */
export type StartupBoost =
  | { type: 'factor'; factor: number; duration?: Duration }
  | { type: 'quantity'; cpu_millicores: number; duration?: Duration }

/** What a container used at one time. */
export interface UsageSample {
  at: Time
  /** Which of the workload's running containers; may be left out if there is one only. */
  container?: string
  /** CPU in millicores, from 0 up. */
  cpu?: number | null
  /** Memory in bytes, from 0 up: the working set. */
  memory?: number | null
  /** What the container requests of the CPU, in millicores; for `cpu_sample_weight: request` only. */
  cpuRequest?: number | null
}

/** What one container used over time; each series as long as the times, `null` or NaN if missing. */
export interface UsageSeries {
  /** Which of the workload's running containers; may be left out if there is one only. */
  container?: string
  /** CPU in millicores. */
  cpu?: ArrayLike<number | null | undefined> | null
  /** Memory in bytes. */
  memory?: ArrayLike<number | null | undefined> | null
  /** What the container requests of the CPU, in millicores. */
  cpuRequest?: ArrayLike<number | null | undefined> | null
}

/** Why readings of a sample do not count; `null` if one does, or there was none. */
export interface Refused {
  cpu: Reason | null
  memory: Reason | null
}

/**
 * Sizes the containers of one name in one workload, as the Kubernetes VPA 1.4. CPU is in millicores,
 * memory in bytes. It reads no clock: time comes in with the sample.
 */
export class Sizer {
  /**
   * @param config settings, or their text as JSON or YAML. Default: those of the VPA
   * @throws {ForescaleError} `FORESCALE_CONFIG`, with the setting's place in `path`
   */
  constructor(config?: SizerConfig | string)

  /**
   * Takes up a snapshot: bytes, its text, or the object parsed from it.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT`
   */
  static restore(snapshot: Uint8Array | string | object): Sizer

  /**
   * Goes on from the `status` of a `VerticalPodAutoscalerCheckpoint`, version `v3`.
   * @throws {ForescaleError} `FORESCALE_SNAPSHOT`
   */
  static fromCheckpoint(checkpoint: object | string, config?: SizerConfig | string): Sizer

  /** The settings in force, defaults too. */
  get settings(): Required<SizerConfig>

  /**
   * Takes in what a container used; each reading counts or is refused for itself.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if an argument is of the wrong type, or a key is unknown
   */
  observe(sample: UsageSample): Refused

  /**
   * Takes in many samples of one container, the oldest first; the places of those of which something
   * was refused, and why.
   * @throws {ForescaleError} `FORESCALE_OBSERVATION` if a series differs in length from the times; then
   *   nothing is taken in
   */
  observeMany(
    times: Float64Array | readonly Time[],
    readings: UsageSeries,
  ): ({ index: number } & Refused)[]

  /**
   * Takes in that a container ran out of memory with so many bytes requested; counts as a peak above
   * what it requested and used. The answer is why it does not count, or `null`.
   */
  outOfMemory(event: { at: Time; container?: string; requested: number }): Reason | null

  /** Forgets which readings of a container came last, once it runs no more. What it used stays. */
  forget(container: string): void

  /**
   * What to request, with bounds and reasons; changes nothing.
   * @param at the time it is for; samples that are too old by then do not count. Default: the time of
   *   the latest sample
   */
  recommend(at?: Time): Recommendation

  /**
   * The CPU to request while the container starts, in millicores; `null` if there is no recommendation.
   * @param readyFor how long the container has been ready: a text such as `"30s"`, or milliseconds;
   *   `null`, the default, while it is not ready
   */
  startupCpu(recommendation: Recommendation, readyFor?: string | number | null): number | null

  /**
   * What the VPA would store: the `status` of a checkpoint, version `v3`. Weights are rounded, and the
   * memory of intervals still open is left out; a snapshot loses nothing.
   */
  checkpoint(at: Time): object

  /** The whole state as JSON in UTF-8; taken at any moment, it changes no later recommendation. */
  snapshot(): Buffer
}

/** What a container should request of each resource, and why. */
export class Recommendation {
  private constructor()
  /** CPU in millicores. */
  readonly cpu: Estimate
  /** Memory in bytes. */
  readonly memory: Estimate
  /** The recommendation as JSON text: the same bytes in every language. */
  get json(): string
  toJSON(): Pick<Recommendation, 'cpu' | 'memory'>
  /** As {@link json}. */
  toString(): string
}

/** What to request of one resource. */
export interface Estimate {
  /** The amounts; `null` if there is nothing to size by. */
  bounds: Bounds | null
  /** Why these, or why none. */
  reason: Reason
}

/** What to request, and between which bounds a present request may stay; millicores or bytes. */
export interface Bounds {
  /** Below this the container lacks. */
  lower: number
  target: number
  /** Above this the container wastes; 10^14 while no bound is known. */
  upper: number
}

/** What a call was refused for; the message says where, what came and what is allowed. */
export class ForescaleError extends Error {
  readonly name: 'ForescaleError'
  /** Stable: `FORESCALE_CONFIG`, `FORESCALE_OBSERVATION`, `FORESCALE_SNAPSHOT` or `FORESCALE_TRACE`. */
  readonly code: `FORESCALE_${string}`
  /** Where in the input, such as `policies[0].quantile`; empty for the whole. */
  readonly path: string
}

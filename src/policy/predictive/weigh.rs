//! Replicas by a risk: what is cheapest at the price that a violation has.
//!
//! In: the reading of now, the distribution of the load to come, the lead time. Out: the replicas that
//! are worth their price at each step until they could be changed again; without a forecast those
//! that carry the load of now with a plain reserve. Knows nothing of how the forecast is made.

use serde::{Deserialize, Serialize};

use super::nowcast::Nowcast;
use super::price::Chances;
use crate::demand::Demand;
use crate::explain::{Reason, codes};
use crate::forecast::{Forecast, LEVELS, Outlook};
use crate::policy::{Proposal, View, Want};
use crate::series::{TimedMax, total_load};
use crate::time::{Duration, Timestamp};

/// What is remembered from one reading to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weigher {
    nowcast: Nowcast,
    /// Without a forecast: the highest load lately, and until when it counts.
    held: Option<(Timestamp, f64)>,
    /// What was worth its price over the last lead time; a replica taken away is missed if it is
    /// needed again before another one could have come.
    #[serde(default)]
    lately: Option<TimedMax>,
}

/// What the replicas must bear, as far as they are concerned.
#[derive(Clone, Copy)]
struct Needed {
    replicas: f64,
    at: Timestamp,
    /// That they are too few.
    chance: f64,
    /// The same for one more replica.
    chance_with_one_more: f64,
}

impl Needed {
    /// One replica more than is cheapest stays where it is nearly worth its price.
    fn or_stay(self, current: u32, price: f64) -> Self {
        let saves = 1.0 - price * (self.chance - self.chance_with_one_more);
        let is_one_more = f64::from(current) == self.replicas + 1.0;
        if is_one_more && saves < Weigher::WORTH_A_MOVE {
            let (replicas, chance) = (self.replicas + 1.0, self.chance_with_one_more);
            return Self { replicas, chance, ..self };
        }
        self
    }
}

impl Weigher {
    /// Minutes of the usual fleet that a minute in violation costs at a risk of 1, where the load is
    /// as uncertain as it is large. With the root of its unrest the share of time in violation grows
    /// with the root too: between one price for all loads, which would have a calm one never and a
    /// wild one often in violation, and one share for all, whatever it costs.
    const PRICE: f64 = 0.75;

    /// Replicas that must be saved before any is taken away, so that noise moves nothing.
    const WORTH_A_MOVE: f64 = 0.5;

    /// Utilization without a forecast, and how long a load counts then; as the Kubernetes HPA's usual
    /// target and its window for scale-down.
    const UTILIZATION: f64 = 0.7;
    const HOLD: Duration = Duration::from_secs(300);

    /// The grain of the last lead time.
    const SLOT: Duration = Duration::from_secs(15);

    /// Standard errors that are added to the load of now.
    const SURE: f64 = 2.0;

    pub(super) fn propose(
        &mut self,
        view: &View<'_>,
        outlook: &Outlook,
        full: f64,
        risk: f64,
    ) -> Result<Proposal, Reason> {
        let ready = view.replicas.ready;
        let reading =
            view.usage(outlook.metric()).and_then(|(usage, kind)| total_load(usage, kind, ready));
        if let Ok(load) = reading {
            self.nowcast.see(view.at, load);
        }
        let now = self.nowcast.now(view.at, outlook.step().max(Duration::from_secs(60)));
        let forecast = outlook.distribution();
        let level = (outlook.level() / full).max(0.5);
        let price = Self::PRICE * level * outlook.unrest().sqrt() / risk;
        let needed = match forecast {
            Ok(forecast) => {
                let needed = needed(view, outlook, forecast, now, full, price);
                needed.map(|needed| needed.or_stay(view.replicas.current(), price))
            }
            Err(reason) => Err(reason),
        };
        match (needed, now) {
            (Ok(needed), _) => {
                let load = now.map_or(f64::NAN, |(load, _)| load);
                let replicas = self.keep(view.at, view.lead_time, needed.replicas);
                let mut reason = Reason::new(
                    codes::WORTH_ITS_PRICE,
                    [
                        ("replicas", needed.replicas),
                        ("chance", needed.chance),
                        ("ahead_seconds", needed.at.since(view.at).as_secs_f64()),
                        ("load_per_replica", full),
                    ],
                );
                if replicas > needed.replicas {
                    reason = reason.with("kept", replicas);
                }
                if load.is_finite() {
                    reason = reason.with("load", load);
                }
                self.held = None;
                let quantile = Some(1.0 - needed.chance);
                let demand = Demand { load: replicas * full, at: needed.at, quantile };
                let want = Want::Replicas(replicas as u32);
                Ok(Proposal { want, wish: Some(replicas), demand: Some(demand), reason })
            }
            (Err(_), Some((load, _))) => Ok(self.without_forecast(view.at, load, full)),
            (Err(reason), None) => Err(reading.err().unwrap_or(reason)),
        }
    }

    /// The most that was worth its price over the last lead time.
    fn keep(&mut self, at: Timestamp, lead_time: Duration, replicas: f64) -> f64 {
        let lately = self.lately.get_or_insert_with(|| TimedMax::new(lead_time, Self::SLOT));
        lately.resize(lead_time);
        lately.record(at, replicas);
        lately.max().unwrap_or(replicas)
    }

    /// As an HPA would, on the load.
    fn without_forecast(&mut self, at: Timestamp, load: f64, full: f64) -> Proposal {
        let held = self.held.filter(|&(until, highest)| at < until && highest > load);
        let (until, highest) = held.unwrap_or((at + Self::HOLD, load));
        self.held = Some((until, highest));
        let wish = highest / (full * Self::UTILIZATION);
        let facts =
            [("load", highest), ("utilization", Self::UTILIZATION), ("load_per_replica", full)];
        let want = Want::Replicas((wish - 1e-9).ceil() as u32);
        let demand = Some(Demand { load: highest, at, quantile: None });
        Proposal {
            want,
            wish: Some(wish),
            demand,
            reason: Reason::new(codes::NO_FORECAST_YET, facts),
        }
    }
}

/// The most that is needed at any step until what is asked for at the next step could be ready.
fn needed(
    view: &View<'_>,
    outlook: &Outlook,
    forecast: &Forecast,
    now: Option<(f64, f64)>,
    full: f64,
    price: f64,
) -> Result<Needed, Reason> {
    let (issued, step) = (forecast.issued_at, forecast.step);
    // A step more than the lead time: readings are late, and the next decision comes later.
    let reach = view.at + view.lead_time + step;
    if issued >= reach {
        let back = issued.since(view.at).as_secs_f64();
        return Err(Reason::new(codes::TIME_WENT_BACK, [("back_seconds", back)]));
    }
    let first = if issued < view.at {
        view.at.since(issued).as_millis() / step.as_millis().max(1)
    } else {
        0
    };
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let rows = forecast.horizon();
    if first >= rows {
        let gap = view.at.since(issued).as_secs_f64();
        return Err(Reason::new(codes::GAP_TOO_WIDE, [("gap_seconds", gap)]));
    }
    let root = |row: usize| forecast.row(row)[0].sqrt();
    let surprise = now.map(|(load, _)| load.sqrt() - root(first));
    let mut most = Needed { replicas: 0.0, at: view.at, chance: 0.0, chance_with_one_more: 0.0 };
    for row in first..rows {
        let begins = issued + step.times(row as i64);
        if row > first + 1 && begins >= reach {
            break;
        }
        let chances = match (surprise, now) {
            (Some(_), Some((load, error))) if row == first => {
                let replicas = ((load + Weigher::SURE * error) / full - 1e-9).ceil();
                if replicas > most.replicas {
                    most = Needed { replicas, at: begins, chance: 0.0, chance_with_one_more: 0.0 };
                }
                continue;
            }
            (Some(surprise), _) => {
                let median = root(row) + outlook.carried(row - first) * surprise;
                // Known now, it is as uncertain as what lies so much nearer.
                Chances::new(median, forecast.row(row - first - 1))
            }
            (None, _) => Chances::new(root(row), forecast.row(row)),
        };
        let (replicas, chance) = chances.cheapest(full, price);
        if replicas > most.replicas {
            let chance_with_one_more = chances.short((replicas + 1.0) * full);
            most = Needed { replicas, at: begins, chance, chance_with_one_more };
        }
    }
    debug_assert!(forecast.quantiles.len() == LEVELS.len(), "the outlook weighs");
    Ok(most)
}

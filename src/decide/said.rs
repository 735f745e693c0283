//! What a forecast said of a moment, and how it turned out.
//!
//! In: a forecast, a time, the load that came. Out: both beside each other. Knows no policy.

use serde::Serialize;

use crate::forecast::Forecast;
use crate::time::{Duration, Timestamp};

/// What a forecast said of a moment, and what came.
///
/// ```
/// use forescale::forecast::{Model, naive};
/// use forescale::{Said, Timestamp};
///
/// let mut model = Model::new(serde_json::from_str(r#"{"kind": "naive"}"#).unwrap(), "1m".parse()?)?;
/// let times: Vec<_> = (0..60).map(|minute| Timestamp::from_secs(60 * minute)).collect();
/// let loads: Vec<_> = (0..60).map(|minute| Some(100.0 + f64::from(minute % 5))).collect();
/// model.observe(&times, &loads)?;
/// let forecast = model.forecast(10, &[0.05, 0.5, 0.95])?.expect("there is history");
/// let at = forecast.issued_at + "5m".parse()?;
/// let said = Said::of(&forecast, at, Some(150.0)).expect("five minutes lie within ten");
/// assert_eq!(said.ahead.as_secs_f64(), 300.0);
/// assert!(said.explain().ends_with("150 came, more than at quantile 0.95."), "{}", said.explain());
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    /// The end of the last step that the forecast knew.
    pub issued_at: Timestamp,
    /// How long before the moment that was.
    pub ahead: Duration,
    /// The quantiles that were asked for, rising in (0, 1).
    pub quantiles: Vec<f64>,
    /// The load at each of them, in the load's unit.
    pub values: Vec<f64>,
    /// The load that came; `None` if that is not known.
    pub came: Option<f64>,
}

impl Said {
    /// What a forecast says of the step in which `at` lies; `None` where it does not reach there.
    #[must_use]
    pub fn of(forecast: &Forecast, at: Timestamp, came: Option<f64>) -> Option<Self> {
        let ahead = at.since(forecast.issued_at);
        let row = ahead.steps(forecast.step).saturating_sub(1);
        let reaches = forecast.issued_at <= at && row < forecast.horizon();
        reaches.then(|| Self {
            issued_at: forecast.issued_at,
            ahead,
            quantiles: forecast.quantiles.clone(),
            values: forecast.row(row).to_vec(),
            came,
        })
    }

    /// Both as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers can be written")
    }

    /// One English sentence.
    #[must_use]
    pub fn explain(&self) -> String {
        let pairs = || self.quantiles.iter().zip(&self.values);
        let middle = pairs().min_by(|a, b| (a.0 - 0.5).abs().total_cmp(&(b.0 - 0.5).abs()));
        let Some((quantile, value)) = middle else {
            return "The forecast said nothing.".into();
        };
        let short = |number: f64| {
            if number.abs() < 100.0 { format!("{number:.2}") } else { format!("{number:.0}") }
        };
        let mut told = format!(
            "The forecast from {} before said {} at quantile {quantile}",
            self.ahead,
            short(*value)
        );
        if let (Some(low), Some(high)) = (pairs().next(), pairs().next_back())
            && low.0 < high.0
        {
            let ends = [short(*low.1), short(*high.1)];
            told += &format!(", {} at {} and {} at {}", ends[0], low.0, ends[1], high.0);
        }
        match self.came {
            None => told + ".",
            Some(came) => {
                let below =
                    pairs().rfind(|(_, value)| **value < came).map(|(quantile, _)| quantile);
                let first = self.quantiles[0];
                let place = match (below, self.quantiles.last()) {
                    (None, _) => format!("not more than at quantile {first}"),
                    (Some(below), Some(last)) if below == last => {
                        format!("more than at quantile {last}")
                    }
                    (Some(below), _) => format!("between quantile {below} and the next"),
                };
                format!("{told}; {} came, {place}.", short(came).trim_end_matches(".00"))
            }
        }
    }
}

//! What an outlook's forecaster is told besides the load.
//!
//! In: values of a regressor, or readings of another metric that is one. Out: those values, or the means of
//! the readings over each step, told to the forecaster. Knows nothing of what they are worth.

use super::{Outlook, input};
use crate::forecast::Forecaster;
use crate::series::Resampler;
use crate::{Duration, Error, Timestamp};

/// Another metric whose load is told as it comes.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Of the metric, and of the regressor.
    pub(super) name: String,
    pub(super) resampler: Resampler,
}

impl Upstream {
    pub(super) fn new(name: &str, step: Duration) -> Self {
        Self { name: name.to_owned(), resampler: Resampler::new(step) }
    }

    /// Takes a reading; the mean of each step that closes is told. A step without one says nothing, so that
    /// the one before it goes on to hold.
    pub(super) fn observe(
        &mut self,
        at: Timestamp,
        load: Option<f64>,
        forecaster: &mut dyn Forecaster,
    ) {
        let Self { name, resampler } = self;
        resampler.push(at, load.filter(|load| load.is_finite()), |sample| {
            if let Some(value) = sample.value {
                let told = forecaster.regressor(name, &[sample.at], &[value]);
                told.expect("the regressor has that name, and a mean of readings is finite");
            }
        });
    }
}

impl Outlook {
    /// The names of the forecaster's regressors.
    pub(crate) fn regressors(&self) -> Vec<&str> {
        self.model.forecaster.regressors()
    }

    /// Lets regressors be the readings of metrics of their name, which
    /// [`observe_upstreams`](Self::observe_upstreams) hands over from now on.
    pub(crate) fn follow_upstreams(&mut self, names: Vec<String>) {
        let step = self.step();
        self.upstreams = names.iter().map(|name| Upstream::new(name, step)).collect();
    }

    /// The metrics that it reads beside its own.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &str> {
        self.upstreams.iter().map(|upstream| &*upstream.name)
    }

    /// Feeds the readings of the metrics that are regressors; before the reading of the load itself.
    pub(crate) fn observe_upstreams(&mut self, at: Timestamp, load: impl Fn(&str) -> Option<f64>) {
        for upstream in &mut self.upstreams {
            let load = load(&upstream.name);
            upstream.observe(at, load, &mut *self.model.forecaster);
        }
    }

    /// Feeds history of a metric that is a regressor, in the same way as that of the load; of another
    /// metric nothing is kept.
    ///
    /// # Errors
    /// As [`warm_up`](Self::warm_up).
    pub(crate) fn warm_up_upstream(
        &mut self,
        metric: &str,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> Result<(), Error> {
        input::check_history(None, times, values)?;
        let (step, fill) = (self.step(), self.fill());
        let Self { upstreams, model, .. } = self;
        if let Some(upstream) = upstreams.iter_mut().find(|upstream| upstream.name == metric) {
            fill(times, values, step, &mut |at, load| {
                upstream.observe(at, load, &mut *model.forecaster);
            });
            model.forecast();
        }
        Ok(())
    }

    /// Takes values of a regressor that the forecaster's settings name; see
    /// [`Autoscaler::regressor`](crate::Autoscaler::regressor).
    ///
    /// # Errors
    /// If the forecaster has no regressor of that name or reads it from a metric, the lengths differ,
    /// the times do not rise, or a value is not finite; nothing is taken then.
    pub fn regressor(
        &mut self,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<(), Error> {
        if self.upstreams().any(|upstream| upstream == name) {
            let message = format!(
                "is \"{name}\", whose values are the readings of the metric of that name, \
                 `warm_up` takes older ones"
            );
            return Err(Error::observation("name", message));
        }
        input::check_told(times, values)?;
        // A sample speaks of the time before its end, so what begins there is not yet in it.
        let later = |&at: &Timestamp| at + Duration::from_millis(1);
        let times: Vec<_> = times.iter().map(later).collect();
        self.model.forecaster.regressor(name, &times, values)?;
        self.model.forecast();
        Ok(())
    }
}

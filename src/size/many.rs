//! Many samples of one container at once, as a history comes.
//!
//! In: times and readings side by side. Out: what was refused, by place. Has no rule of its own.

use super::{Refused, Sample, Sizer};
use crate::error::Error;
use crate::time::Timestamp;

/// What one container used over time: readings beside their times.
///
/// A series of readings is as long as `times`; `None` in it is a missing one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Samples<'a> {
    /// Which of the workload's running containers; may stay empty if there is one only.
    pub container: &'a str,
    /// When, the oldest first.
    pub times: &'a [Timestamp],
    /// CPU in millicores.
    pub cpu_millicores: Option<&'a [Option<f64>]>,
    /// Memory in bytes: the working set.
    pub memory_bytes: Option<&'a [Option<f64>]>,
    /// What the container requests of the CPU, in millicores.
    pub cpu_request_millicores: Option<&'a [Option<f64>]>,
}

impl Sizer {
    /// Takes in many samples, each as [`observe`](Self::observe) does; the places of those of which
    /// something was refused, and why.
    ///
    /// ```
    /// use forescale::Timestamp;
    /// use forescale::size::{Samples, Sizer};
    ///
    /// let mut sizer = Sizer::from_text("{}")?;
    /// let times = [0, 60, 30].map(Timestamp::from_secs);
    /// let cpu = [Some(100.0), None, Some(80.0)];
    /// let samples = Samples { times: &times, cpu_millicores: Some(&cpu), ..Samples::default() };
    /// // The second has no reading, so that the third is after the first.
    /// assert!(sizer.observe_many(&samples)?.is_empty());
    /// let refused = sizer.observe_many(&samples)?;
    /// let [first, third] = refused[..] else { panic!("two have readings") };
    /// assert_eq!((first.0, first.1.cpu.map(|reason| reason.code())), (0, Some("time_went_back")));
    /// assert_eq!((third.0, third.1.cpu.map(|reason| reason.code())), (2, Some("time_stood_still")));
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) if a series differs in length from
    /// the times; then nothing is taken in.
    pub fn observe_many(&mut self, samples: &Samples<'_>) -> Result<Vec<(usize, Refused)>, Error> {
        let Samples { times, cpu_millicores, memory_bytes, cpu_request_millicores, .. } = *samples;
        for (name, series) in [
            ("cpu", cpu_millicores),
            ("memory", memory_bytes),
            ("cpu_request", cpu_request_millicores),
        ] {
            let given = series.map_or(times.len(), <[_]>::len);
            if given != times.len() {
                let message =
                    format!("has {given} readings, must have {}, as `times`", times.len());
                return Err(Error::observation(name, message));
            }
        }
        let mut sample = Sample::default().container(samples.container);
        let mut refused = Vec::new();
        for (index, &at) in times.iter().enumerate() {
            let reading = |series: Option<&[Option<f64>]>| *series?.get(index)?;
            sample.at = at;
            sample.cpu_millicores = reading(cpu_millicores);
            sample.memory_bytes = reading(memory_bytes);
            sample.cpu_request_millicores = reading(cpu_request_millicores);
            let answer = self.observe(&sample);
            if !answer.is_none() {
                refused.push((index, answer));
            }
        }
        Ok(refused)
    }
}

//! What the Kubernetes VPA stores of a container, so that either can go on where the other was.
//!
//! In: a sizer, or a checkpoint's status. Out: the other one. A checkpoint is short: it rounds the
//! weights and forgets the open intervals of the memory; the sizer's own snapshot loses nothing.

use serde::{Deserialize, Serialize};

use super::estimate::History;
use super::{Config, Sizer};
use crate::error::Error;
use crate::series::{HistogramCheckpoint, rfc3339};
use crate::time::Timestamp;

/// The `status` of a `VerticalPodAutoscalerCheckpoint` (`autoscaling.k8s.io/v1`), version `v3`.
///
/// ```
/// use forescale::size::{Config, Sample, Sizer, VpaCheckpoint};
/// use forescale::Timestamp;
///
/// let mut sizer = Sizer::new(Config::default())?;
/// let noon = Timestamp::from_secs(1_767_614_400);
/// sizer.observe(&Sample::at(noon).cpu_millicores(100.0));
/// let text = sizer.checkpoint(noon).to_json();
/// assert!(text.contains(r#""version":"v3""#) && text.contains(r#""bucketWeights":{"8":10000}"#));
///
/// let stored = VpaCheckpoint::from_json(&text)?;
/// let twin = Sizer::from_checkpoint(Config::default(), &stored)?;
/// assert_eq!(twin.recommend(noon), sizer.recommend(noon));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpaCheckpoint {
    /// When it was written.
    #[serde(default, with = "rfc3339")]
    pub last_update_time: Option<Timestamp>,
    /// The form; must be `v3`.
    pub version: String,
    /// CPU in cores.
    #[serde(default)]
    pub cpu_histogram: HistogramCheckpoint,
    /// Peaks of the memory in bytes.
    #[serde(default)]
    pub memory_histogram: HistogramCheckpoint,
    /// The earliest sample of the CPU.
    #[serde(default, with = "rfc3339")]
    pub first_sample_start: Option<Timestamp>,
    /// The latest sample of the CPU.
    #[serde(default, with = "rfc3339")]
    pub last_sample_start: Option<Timestamp>,
    /// How many samples of the CPU there were.
    #[serde(default)]
    pub total_samples_count: u64,
}

impl VpaCheckpoint {
    const VERSION: &str = "v3";

    /// Reads the `status` of a checkpoint: JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is no such status.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::snapshot(format!("the checkpoint is damaged: {error}")))
    }

    /// The status as JSON text, without line breaks.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a checkpoint has text keys and plain numbers only")
    }
}

impl Sizer {
    /// What the VPA would store at `now`. The peaks of intervals still open are left out, as they
    /// come again.
    ///
    /// Without any sample of the CPU it has the history of the memory, so that the sizer that
    /// takes it up knows how old it is.
    #[must_use]
    pub fn checkpoint(&self, now: Timestamp) -> VpaCheckpoint {
        let mut memory = self.memory.histogram.clone();
        for (peak, end) in self.containers.values().filter_map(|one| one.open_peak(now)) {
            memory.subtract(peak, 1.0, end);
        }
        let is_cpu_seen = self.cpu.history.samples > 0;
        let History { first, last, samples } =
            if is_cpu_seen { self.cpu.history } else { self.memory.history };
        VpaCheckpoint {
            last_update_time: Some(now),
            version: VpaCheckpoint::VERSION.to_owned(),
            cpu_histogram: self.cpu.histogram.save_checkpoint(),
            memory_histogram: memory.save_checkpoint(),
            first_sample_start: Some(first).filter(|_| samples > 0),
            last_sample_start: Some(last).filter(|_| samples > 0),
            total_samples_count: samples,
        }
    }

    /// A sizer that goes on from what the VPA stored.
    ///
    /// # Errors
    /// If a setting is out of its range, or the checkpoint is of another version or damaged.
    pub fn from_checkpoint(settings: Config, stored: &VpaCheckpoint) -> Result<Self, Error> {
        if stored.version != VpaCheckpoint::VERSION {
            let message =
                format!("the checkpoint's version is \"{}\", must be \"v3\"", stored.version);
            return Err(Error::snapshot(message));
        }
        let mut sizer = Self::new(settings)?;
        sizer.cpu.histogram.load_checkpoint(&stored.cpu_histogram)?;
        sizer.memory.histogram.load_checkpoint(&stored.memory_histogram)?;
        let samples = stored.total_samples_count;
        let (Some(first), Some(last)) = (stored.first_sample_start, stored.last_sample_start)
        else {
            return Ok(sizer);
        };
        let usage = if sizer.cpu.histogram.is_empty() { &mut sizer.memory } else { &mut sizer.cpu };
        usage.history = History { first, last, samples };
        sizer.last = Some(last);
        Ok(sizer)
    }
}

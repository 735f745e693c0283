//! Pods summed up by how they count, and the HPA's procedure on the sums.
//!
//! In: pods, one after the other, in any order. Out: a [`Sizing`]. One procedure serves both
//! measures, utilization and mean. Sums are all it needs, so it allocates nothing.

use super::replicas::{MOST_REPLICAS, Pod, Ratio, Refusal, Sizing, Verdict};
use super::tolerance::Tolerance;
use crate::series::Phase;

/// What is measured over the pods.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// Usage against requests.
    Utilization { target_percent: i64 },
    /// The mean reading.
    Average { target: i64 },
}

impl Measure {
    pub(super) fn of(self, listed: Sums, strays: Sums) -> Result<Ratio, Refusal> {
        match self {
            Self::Utilization { target_percent } => {
                if listed.n == 0 || listed.request == 0 {
                    return Err(Refusal::NoMatch);
                }
                // A whole percent before the ratio is formed.
                let measured = saturate(100 * listed.usage / listed.request);
                let average = saturate(listed.usage / i128::from(listed.n));
                Ok(Ratio { ratio: measured as f64 / target_percent as f64, measured, average })
            }
            Self::Average { target } => {
                let all = listed.and(strays);
                if all.n == 0 {
                    return Err(Refusal::NoReading);
                }
                let average = saturate(all.usage / i128::from(all.n));
                Ok(Ratio { ratio: average as f64 / target as f64, measured: average, average })
            }
        }
    }

    /// What a missing pod is taken to use before replicas are taken away.
    fn cautious(self, request: i64) -> i128 {
        match self {
            Self::Utilization { target_percent } => {
                let whole = i128::from(request) * i128::from(target_percent.max(100)) / 100;
                saturate(whole).into()
            }
            Self::Average { target } => target.into(),
        }
    }
}

/// The pods of one metric, summed up by how they count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    measure: Measure,
    n_listed: u64,
    has_reading: bool,
    lacks_request: bool,
    counted: Sums,
    strays: Sums,
    /// With the usage that they are taken to have before replicas are taken away.
    missing: Sums,
    unready: Sums,
}

impl Tally {
    pub(super) fn new(measure: Measure) -> Self {
        let none = Sums::default();
        Self {
            measure,
            n_listed: 0,
            has_reading: false,
            lacks_request: false,
            counted: none,
            strays: none,
            missing: none,
            unready: none,
        }
    }

    pub(super) fn of(measure: Measure, pods: impl IntoIterator<Item = Pod>) -> Self {
        let mut tally = Self::new(measure);
        pods.into_iter().for_each(|pod| tally.add(pod, 1));
        tally
    }

    /// Counts `times` equal pods in.
    pub(super) fn add(&mut self, pod: Pod, times: u32) {
        if times == 0 {
            return;
        }
        self.has_reading |= pod.value.is_some();
        let request = pod.request.unwrap_or(0);
        if pod.phase != Phase::Unlisted {
            self.n_listed += u64::from(times);
            self.lacks_request |= pod.request.is_none();
        }
        match (pod.phase, pod.value) {
            (Phase::Ready, Some(value)) => self.counted.add(value.into(), request, times),
            (Phase::Ready, None) => {
                self.missing.add(self.measure.cautious(request), request, times);
            }
            (Phase::Unready, _) => self.unready.add(0, request, times),
            (Phase::Unlisted, Some(value)) => self.strays.add(value.into(), 0, times),
            (Phase::Unlisted, None) | (Phase::Ignored, _) => {}
        }
    }

    pub(super) fn size(&self, current: u32, tolerance: Tolerance) -> Result<Sizing, Refusal> {
        let needs_requests = matches!(self.measure, Measure::Utilization { .. });
        let refusal = match self {
            Self { has_reading: false, .. } => Some(Refusal::NoReading),
            Self { n_listed: 0, .. } => Some(Refusal::NoPods),
            Self { lacks_request: true, .. } if needs_requests => Some(Refusal::MissingRequest),
            _ if self.counted.n + self.strays.n == 0 => Some(Refusal::NoUsableReading),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let first = self.measure.of(self.counted, self.strays)?;
        let answer = |replicas, wish, verdict| {
            let (measured, average) = (first.measured, Some(first.average));
            Ok(Sizing { replicas, wish, measured, average, verdict })
        };
        let stay = |verdict| answer(current, f64::from(current), verdict);

        let grows = first.ratio > 1.0;
        if self.missing.n == 0 && !(grows && self.unready.n > 0) {
            if tolerance.contains(first.ratio) {
                return stay(Verdict::Within);
            }
            let wish = first.ratio * self.counted.n as f64;
            return answer(ceil(wish), wish, side(first.ratio));
        }

        // Silent pods are assumed against the direction; exactly on target they stay out.
        let assumed = if grows {
            self.missing.idle().and(self.unready)
        } else if first.ratio < 1.0 {
            self.missing
        } else {
            Sums::default()
        };
        let listed = self.counted.and(assumed);
        let second = self.measure.of(listed, self.strays)?;
        if tolerance.contains(second.ratio) {
            let was_within = tolerance.contains(first.ratio);
            return stay(if was_within { Verdict::Within } else { Verdict::Unclear });
        }
        let turned = (first.ratio < 1.0 && second.ratio > 1.0) || (grows && second.ratio < 1.0);
        let wish = second.ratio * (listed.n + self.strays.n) as f64;
        let replicas = ceil(wish);
        // Pods and replicas differ in number during a surge: the count may not move against the ratio.
        let contrary = (second.ratio < 1.0 && replicas > current)
            || (second.ratio > 1.0 && replicas < current);
        if turned || contrary {
            return stay(Verdict::Unclear);
        }
        answer(replicas, wish, side(second.ratio))
    }
}

/// Sums over pods; wide enough for any number of 64-bit readings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    usage: i128,
    request: i128,
    n: u64,
}

impl Sums {
    pub(super) fn add(&mut self, usage: i128, request: i64, times: u32) {
        self.usage += usage * i128::from(times);
        self.request += i128::from(request) * i128::from(times);
        self.n += u64::from(times);
    }

    fn and(self, other: Self) -> Self {
        Self {
            usage: self.usage + other.usage,
            request: self.request + other.request,
            n: self.n + other.n,
        }
    }

    fn idle(self) -> Self {
        Self { usage: 0, ..self }
    }
}

pub(super) fn ceil(wish: f64) -> u32 {
    (wish.ceil() as u32).min(MOST_REPLICAS)
}

pub(super) fn side(ratio: f64) -> Verdict {
    if ratio > 1.0 { Verdict::Above } else { Verdict::Below }
}

fn saturate(wide: i128) -> i64 {
    wide.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

//! A made-up web service, for those who have no trace at hand.
//!
//! In: a number of weeks and a seed. Out: a [`Trace`] in steps of a minute, the same bytes on every
//! machine. Knows no policy.

use std::collections::BTreeMap;

use rand_pcg::Pcg32;

use super::plant::{normal, uniform};
use super::trace::Trace;
use crate::time::{Duration, Timestamp};

/// Minutes of a day and of a week.
const DAY: usize = 1440;
const WEEK: usize = 7 * DAY;

/// The load of a web service, in requests a second: `weeks` weeks (at least one) from Monday, 5
/// January 2026, 00:00 UTC, one value a minute.
///
/// It is the product of
/// - the day: quiet at night (0.25 of the peak), a rise from 6:00, peaks at 11:00 and 20:00;
/// - the week: Friday 0.97, Saturday 0.75, Sunday 0.65 of a working day, each day off by a few percent;
/// - slow wander (an autoregressive process, 4 %, an hour's memory) and noise of a minute (3 %);
///
/// and on that, in the last week, a flash crowd on Wednesday at 14:20 (2.2 times the load within 8
/// minutes, half of the excess gone every 25 minutes) and an outage on Friday from 10:05 to 10:45
/// (5 % of the load left, then a quarter more for 15 minutes, as those who failed try again). Weeks
/// before have a smaller flash crowd each, at a random hour.
///
/// ```
/// let trace = forescale::sim::web_service(2, 7);
/// assert_eq!(trace.values.len(), 2 * 7 * 24 * 60);
/// assert_eq!(trace, forescale::sim::web_service(2, 7)); // seeded
/// ```
#[must_use]
pub fn web_service(weeks: u32, seed: u64) -> Trace {
    let weeks = weeks.max(1) as usize;
    let mut random = Pcg32::new(seed, 11);
    let days: Vec<f64> = (0..weeks * 7).map(|_| 1.0 + 0.03 * normal(&mut random)).collect();
    let mut values = Vec::with_capacity(weeks * WEEK);
    let (memory, mut wander) = (libm::exp(-1.0 / 60.0), 0.0);
    for minute in 0..weeks * WEEK {
        wander = memory * wander + 0.04 * (1.0 - memory * memory).sqrt() * normal(&mut random);
        let noise = 0.03 * normal(&mut random);
        let load =
            1200.0 * shape(minute % DAY) * between_days(minute, &days) * libm::exp(wander + noise);
        values.push(load);
    }
    for week in 0..weeks - 1 {
        let at = week * WEEK + (uniform(&mut random) * WEEK as f64) as usize;
        flash_crowd(&mut values, at, 1.4 + 0.3 * uniform(&mut random));
    }
    let last = (weeks - 1) * WEEK;
    flash_crowd(&mut values, last + 2 * DAY + 14 * 60 + 20, 2.2);
    let outage = last + 4 * DAY + 10 * 60 + 5;
    values[outage..outage + 40].iter_mut().for_each(|load| *load *= 0.05);
    values[outage + 40..outage + 55].iter_mut().for_each(|load| *load *= 1.25);
    // Monday, 5 January 2026, 00:00 UTC.
    let start = Timestamp::from_secs(1_767_571_200);
    let name = "generated web service".to_owned();
    let known = BTreeMap::new();
    Trace { name, start, step: Duration::from_secs(60), values, n_filled: 0, known }
}

/// The day, 0.25 at night to about 1: two bell-shaped peaks on a broad day.
fn shape(minute: usize) -> f64 {
    let hour = minute as f64 / 60.0;
    let bell = |center: f64, width: f64| {
        // The day is a circle: 23:00 lies an hour before midnight's other side.
        let apart = (hour - center).abs();
        let apart = apart.min(24.0 - apart) / width;
        libm::exp(-0.5 * apart * apart)
    };
    0.25 + 0.55 * bell(11.0, 2.6) + 0.35 * bell(15.5, 2.4) + 0.65 * bell(20.0, 1.9)
}

/// The week, with each day's own factor, blended over the two hours around midnight.
fn between_days(minute: usize, days: &[f64]) -> f64 {
    const WEEKDAYS: [f64; 7] = [1.0, 1.0, 1.0, 1.0, 0.97, 0.75, 0.65];
    let factor = |day: usize| {
        let day = day.min(days.len() - 1);
        days[day] * WEEKDAYS[day % 7]
    };
    let (day, into) = (minute / DAY, (minute % DAY) as f64 / 60.0);
    let (before, after) = (factor(day.saturating_sub(1)), factor(day + 1));
    match into {
        early if early < 1.0 => before + (factor(day) - before) * (0.5 + early / 2.0),
        late if late > 23.0 => factor(day) + (after - factor(day)) * (late - 23.0) / 2.0,
        _ => factor(day),
    }
}

/// Multiplies the load by up to `factor`: within 8 minutes, then half of it gone every 25.
fn flash_crowd(values: &mut [f64], at: usize, factor: f64) {
    for (minute, load) in values[at..].iter_mut().take(6 * 60).enumerate() {
        let since = minute as f64;
        let grown = (since / 8.0).min(1.0);
        let faded = libm::exp2(-(since - 8.0).max(0.0) / 25.0);
        *load *= 1.0 + (factor - 1.0) * grown * faded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_the_last_week_are_there() {
        let trace = web_service(3, 7);
        let last = 2 * WEEK;
        let mean = |from: usize, n: usize| {
            trace.values[last + from..last + from + n].iter().sum::<f64>() / n as f64
        };
        let wednesday = 2 * DAY + 14 * 60 + 26;
        assert!(mean(wednesday, 10) > 1.7 * mean(wednesday - DAY, 10));
        let friday = 4 * DAY + 10 * 60 + 5;
        assert!(mean(friday, 40) < 0.1 * mean(friday - DAY, 40));
        assert!(trace.values.iter().all(|load| load.is_finite() && *load > 0.0));
    }

    /// The same bytes on every machine: libm, and no sum whose order could differ.
    #[test]
    fn the_bytes_are_known() {
        let trace = web_service(1, 7);
        let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
        for byte in trace.values.iter().flat_map(|value| value.to_bits().to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        assert_eq!(hash, 0xfe9b_7ffb_5372_d104, "{hash:#x}");
    }
}

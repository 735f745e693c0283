//! What one replica carries: given, or such that the replay comes closest to what really ran.

use forescale::sim::{self, Agreement, Settings, Trace};

use super::{Case, alternative, table, text};

/// Settles the load per replica of the plant; how it was found, and whether the first half of the
/// replay was fitted to the record by it.
pub(crate) fn settle(given: Option<f64>, case: &mut Case) -> Result<(String, bool), String> {
    if let Some(given) = given.filter(|given| !given.is_finite() || *given <= 0.0) {
        return Err(format!("--load-per-replica is {given}, must be above 0"));
    }
    if let Some(given) = given.or(case.plant.load_per_replica) {
        case.plant.load_per_replica = Some(given);
        return Ok((format!("a replica carries {}, as given", table::short(given)), false));
    }
    match fit(case)? {
        Some(Fitted::Closest(fitted)) => {
            case.plant.load_per_replica = Some(fitted);
            let told = format!(
                "a replica carries {}: with that the first half of the replay comes closest to what \
                 really ran",
                table::short(fitted),
            );
            return Ok((told, true));
        }
        Some(Fitted::Typical(held)) => {
            let typical = held / case.plant.target_utilization;
            case.plant.load_per_replica = Some(typical);
            let told = format!(
                "a replica is taken to carry {}, so that those that really ran had {} utilization \
                 (median): the manifest decides the same whatever it is, so the record cannot tell; \
                 give --load-per-replica for the truth",
                table::short(typical),
                case.plant.target_utilization,
            );
            return Ok((told, false));
        }
        None => {}
    }
    let derived = case.plant.capacity_on(&case.trace).map_err(|error| error.to_string())?;
    case.plant.load_per_replica = Some(derived);
    let told = format!(
        "a replica is taken to carry {}, so that the peak needs {} of them at {} utilization; give \
         --load-per-replica for the truth",
        table::short(derived),
        case.plant.peak_replicas,
        case.plant.target_utilization,
    );
    Ok((told, false))
}

/// What the record tells of the load per replica.
enum Fitted {
    /// The one with which the replay comes closest.
    Closest(f64),
    /// The replay is the same with each; so much a replica really had, in the median.
    Typical(f64),
}

/// The load per replica with which the manifest's replay differs least from the record in the first
/// half of the scored part; the second half is left to judge it by. `None` if nothing was recorded
/// there.
fn fit(case: &Case) -> Result<Option<Fitted>, String> {
    let Some(record) = &case.record else { return Ok(None) };
    let (from, until) = case.plant.scored_part(&case.trace);
    let n_half = until.since(from).steps(case.trace.step) / 2;
    let half = case.trace.step.times(n_half as i64);
    let n_kept = case.trace.values.len() - n_half;
    let trace = Trace { values: case.trace.values[..n_kept].to_vec(), ..case.trace.clone() };
    let Some(held) = alternative::held(&trace, record) else { return Ok(None) };
    let config = text(&case.import.config)?;
    let distance = |load_per_replica: f64| -> Result<Option<f64>, String> {
        let plant = Settings {
            load_per_replica: Some(load_per_replica),
            initial_replicas: case.plant.initial_replicas.or(record.at(from)),
            scored: half,
            ..case.plant.clone()
        };
        let configs = [(String::new(), config.clone())];
        let comparison =
            sim::compare(&trace, &plant, &configs, &|_| {}).map_err(|error| error.to_string())?;
        let agreement = Agreement::between(&comparison.reports[0].series, record);
        Ok(agreement.ok().map(|agreement| agreement.mean_absolute_difference))
    };
    // A replica in use carried `held`; a full one carries up to four times as much. Coarse, then fine.
    let (mut best, mut least, mut most) = (None, f64::INFINITY, 0.0_f64);
    let (mut center, mut spread) = (2.0 * held, 4.0_f64);
    for _round in 0..3 {
        for step in -8..=8 {
            let tried = center * spread.powf(f64::from(step) / 16.0);
            let Some(distance) = distance(tried)? else { continue };
            most = most.max(distance);
            if distance < least {
                (best, least) = (Some(tried), distance);
            }
        }
        center = best.unwrap_or(center);
        spread = spread.powf(0.2);
    }
    Ok(best.map(|best| if least < most { Fitted::Closest(best) } else { Fitted::Typical(held) }))
}

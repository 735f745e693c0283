//! Which step a breach falls into.
//!
//! In: step adjustments with bounds against a threshold, and a measured value. Out: the step whose
//! bounds it lies in. Knows no replicas. Source: the EC2 Auto Scaling guide, step adjustments.

use serde::{Deserialize, Serialize};

use crate::Error;

/// By how much to adjust if the breach lies within the bounds; AWS's `StepAdjustment`.
///
/// Bounds are differences from the threshold, in the metric's unit. Above the threshold the lower
/// one belongs to the step and the upper one does not; below it is the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepAdjustment {
    /// From here; without one from minus infinity. AWS: `MetricIntervalLowerBound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Up to here; without one to infinity. AWS: `MetricIntervalUpperBound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// The adjustment: replicas, or whole percent. AWS: `ScalingAdjustment`.
    pub by: i32,
}

impl StepAdjustment {
    /// Whether `value` lies within the bounds around `threshold`; `is_above` tells which of them
    /// belongs to the step.
    ///
    /// The bound is added to the threshold, not the threshold taken off the value, so that 0.7 lies
    /// at 0.5 and 0.2 in binary too.
    ///
    /// ```
    /// use forescale::policy::step::StepAdjustment;
    ///
    /// let step = StepAdjustment { lower: Some(10.0), upper: Some(20.0), by: 10 };
    /// assert!(step.holds(60.0, 50.0, true) && !step.holds(70.0, 50.0, true));
    /// ```
    #[must_use]
    pub fn holds(&self, value: f64, threshold: f64, is_above: bool) -> bool {
        let from = self.lower.map(|lower| threshold + lower);
        let to = self.upper.map(|upper| threshold + upper);
        if is_above {
            from.is_none_or(|from| value >= from) && to.is_none_or(|to| value < to)
        } else {
            from.is_none_or(|from| value > from) && to.is_none_or(|to| value <= to)
        }
    }
}

/// Refuses steps that AWS refuses, in whatever order they come.
pub(super) fn check(steps: &[StepAdjustment]) -> Result<(), Error> {
    /// AWS's quota of step adjustments a policy.
    const MOST: usize = 20;
    if steps.is_empty() || steps.len() > MOST {
        let message = format!("has {} steps, must have from 1 to {MOST}", steps.len());
        return Err(Error::config("steps", message));
    }
    let refused = |index: usize, field: &str, message: String| {
        Err(Error::config(format!("steps[{index}].{field}"), message))
    };
    for (index, step) in steps.iter().enumerate() {
        for (field, bound) in [("lower", step.lower), ("upper", step.upper)] {
            if let Some(bound) = bound.filter(|bound| !bound.is_finite()) {
                return refused(index, field, format!("is {bound}, must be a finite number"));
            }
        }
        match (step.lower, step.upper) {
            (None, None) => {
                let message = "is missing as `lower` is, one of them must be given".to_owned();
                return refused(index, "upper", message);
            }
            (Some(lower), Some(upper)) if lower >= upper => {
                let message = format!("is {lower}, must be below `upper`, {upper}");
                return refused(index, "lower", message);
            }
            _ => {}
        }
    }
    let mut order: Vec<_> = steps.iter().enumerate().collect();
    let from = |step: &StepAdjustment| step.lower.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|(_, one), (_, other)| from(one).total_cmp(&from(other)));
    for pair in order.windows(2) {
        let ((before, below), (index, step)) = (pair[0], pair[1]);
        match (below.upper, step.lower) {
            (Some(upper), Some(lower)) if upper == lower => {}
            (_, None) => {
                let message =
                    format!("is missing, as that of `steps[{before}]` is: only one may be");
                return refused(index, "lower", message);
            }
            (None, _) => {
                let message = "is missing, must be given in all steps but the highest".to_owned();
                return refused(before, "upper", message);
            }
            (Some(upper), Some(lower)) => {
                let what = if upper < lower { "a gap" } else { "an overlap" };
                let message = format!(
                    "is {lower}, which leaves {what} after `steps[{before}]`, up to {upper}"
                );
                return refused(index, "lower", message);
            }
        }
    }
    let ((first, lowest), (last, highest)) = (order[0], order[order.len() - 1]);
    if let Some(lower) = lowest.lower.filter(|&lower| lower < 0.0) {
        let message = format!("is {lower}, must be missing in the lowest step as it is below 0");
        return refused(first, "lower", message);
    }
    if let Some(upper) = highest.upper.filter(|&upper| upper > 0.0) {
        let message = format!("is {upper}, must be missing in the highest step as it is above 0");
        return refused(last, "upper", message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<StepAdjustment> {
        serde_json::from_str(text).expect(text)
    }

    /// The guide's example: threshold 50; unchanged, 10 % and 30 % to either side.
    #[test]
    fn each_bound_belongs_to_the_side_away_from_the_threshold() {
        let out = steps(
            r#"[{"lower": 0, "upper": 10, "by": 0}, {"lower": 10, "upper": 20, "by": 10},
                {"lower": 20, "by": 30}]"#,
        );
        let inwards = steps(
            r#"[{"lower": -10, "upper": 0, "by": 0}, {"lower": -20, "upper": -10, "by": -10},
                {"upper": -20, "by": -30}]"#,
        );
        let pick = |steps: &[StepAdjustment], value, is_above| {
            steps.iter().find(|step| step.holds(value, 50.0, is_above)).map(|step| step.by)
        };
        let table = [
            (0.0, None, Some(-30)),
            (30.0, None, Some(-30)),
            (30.1, None, Some(-10)),
            (40.0, None, Some(-10)),
            (40.1, None, Some(0)),
            (50.0, Some(0), Some(0)),
            (59.9, Some(0), None),
            (60.0, Some(10), None),
            (69.9, Some(10), None),
            (70.0, Some(30), None),
            (1e300, Some(30), None),
        ];
        for (value, above, below) in table {
            assert_eq!(pick(&out, value, true), above, "{value} above");
            assert_eq!(pick(&inwards, value, false), below, "{value} below");
        }
    }

    #[test]
    fn a_ratio_lies_at_its_bound_in_binary_too() {
        let step = StepAdjustment { lower: Some(0.2), upper: None, by: 1 };
        assert!(0.7 - 0.5 < 0.2 && step.holds(0.7, 0.5, true));
    }

    #[test]
    fn steps_that_aws_takes_are_taken_in_any_order() {
        for text in [
            r#"[{"lower": 0, "by": 1}]"#,
            r#"[{"upper": 0, "by": -1}]"#,
            r#"[{"lower": 20, "by": 30}, {"lower": 0, "upper": 10, "by": 0}, {"lower": 10, "upper": 20, "by": 10}]"#,
            r#"[{"upper": -20, "by": -3}, {"lower": -20, "upper": 0, "by": -1}]"#,
            r#"[{"upper": -5, "by": -1}, {"lower": -5, "upper": 5, "by": 0}, {"lower": 5, "by": 1}]"#,
        ] {
            assert_eq!(check(&steps(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn steps_that_aws_refuses_are_refused() {
        for (text, want) in [
            ("[]", "`steps` has 0 steps, must have from 1 to 20"),
            (r#"[{"by": 1}]"#, "`steps[0].upper` is missing as `lower` is"),
            (r#"[{"lower": 5, "upper": 5, "by": 1}]"#, "`steps[0].lower` is 5, must be below"),
            (
                r#"[{"lower": 0, "upper": 10, "by": 1}, {"lower": 11, "by": 2}]"#,
                "`steps[1].lower` is 11, which leaves a gap after `steps[0]`, up to 10",
            ),
            (
                r#"[{"lower": 9, "by": 2}, {"lower": 0, "upper": 10, "by": 1}]"#,
                "`steps[0].lower` is 9, which leaves an overlap",
            ),
            (
                r#"[{"lower": 0, "by": 1}, {"lower": 10, "by": 2}]"#,
                "`steps[0].upper` is missing, must be given in all steps but the highest",
            ),
            (
                r#"[{"upper": 0, "by": -1}, {"upper": -10, "by": -2}]"#,
                "`steps[1].lower` is missing, as that of `steps[0]` is",
            ),
            (r#"[{"lower": 0, "upper": 10, "by": 1}]"#, "`steps[0].upper` is 10, must be missing"),
            (
                r#"[{"lower": -10, "upper": 0, "by": -1}]"#,
                "`steps[0].lower` is -10, must be missing",
            ),
        ] {
            let error = check(&steps(text)).expect_err(text).to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
        let many = vec![StepAdjustment { lower: Some(0.0), upper: None, by: 1 }; 21];
        assert!(check(&many).is_err());
        let lower = Some(f64::NAN);
        assert!(check(&[StepAdjustment { lower, upper: None, by: 1 }]).is_err());
    }
}

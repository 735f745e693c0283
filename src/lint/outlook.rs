//! Forecasts that are asked for more than they can tell.

use super::finding::{Finding, Fix, Severity, short};
use crate::Config;
use crate::forecast::ERRORS_KEPT;
use crate::policy::PolicyConfig;

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    for (index, entry) in config.policies.iter().enumerate() {
        let PolicyConfig::Predictive(settings) = &entry.policy else { continue };
        let kept = ERRORS_KEPT as f64;
        let most = kept / (kept + 1.0);
        if let Some(quantile) = settings.quantile.filter(|&quantile| quantile > most) {
            let path = format!("policies[{index}].quantile");
            let highest = (most * 1000.0).floor() / 1000.0;
            let message = format!(
                "The quantile {quantile} is not known from the last {kept} errors that are kept: above {} \
                 it is the largest of them, whatever is asked for.",
                short(most),
            );
            let facts = [("quantile", quantile), ("n_errors", kept)];
            let code = "quantile_without_history";
            let mut finding = Finding::new(code, Severity::Warning, path.clone(), message, facts);
            finding.fix = Some(Fix::new(path, highest.into()));
            findings.push(finding);
        }
        let Some(horizon) =
            settings.horizon.filter(|&horizon| horizon < config.lead_time.initial())
        else {
            continue;
        };
        let path = format!("policies[{index}].horizon");
        let lead_time = config.lead_time.initial();
        let message = format!(
            "The forecast looks {horizon} ahead, but a replica asked for now is ready only in \
             {lead_time}, so what comes between is carried too late."
        );
        let facts = [
            ("horizon_seconds", horizon.as_secs_f64()),
            ("lead_time_seconds", lead_time.as_secs_f64()),
        ];
        let code = "horizon_shorter_than_lead_time";
        let mut finding = Finding::new(code, Severity::Warning, path.clone(), message, facts);
        finding.fix = Some(Fix::new(path, lead_time.to_string().replace(' ', "").into()));
        findings.push(finding);
    }
}

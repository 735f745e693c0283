//! Python's door to the core: `forescale._native`.
//!
//! In: configuration as text, data as numbers. Out: the core's answers as Python objects, its
//! errors as the exceptions of `forescale.errors`. Converts and nothing else: no arithmetic of
//! scaling, and no member of any room by name.

#![forbid(unsafe_code)]

mod autoscaler;
mod convert;
mod decision;
mod detector;
mod elastic_net;
mod error;
mod forecaster;
mod gpu;
mod lint;
mod manifest;
mod prometheus;
mod replay;
mod sizer;
mod tune;
mod watch;

/// The compiled part of `forescale`; what users import stands in the package.
#[pyo3::pymodule]
mod _native {
    use std::collections::BTreeMap;

    use forescale::capacity::CapacityConfig;
    use forescale::detect::DetectorConfig;
    use forescale::forecast::ForecasterConfig;
    use forescale::guard::GuardConfig;
    use forescale::policy::PolicyConfig;
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::autoscaler::Autoscaler;
    #[pymodule_export]
    use crate::decision::{Decision, Reason, Step};
    #[pymodule_export]
    use crate::detector::{Anomaly, Detector};
    #[pymodule_export]
    use crate::elastic_net::ElasticNet;
    #[pymodule_export]
    use crate::forecaster::{Forecaster, crosses, forecast_panel};
    #[pymodule_export]
    use crate::gpu::gpu_info;
    #[pymodule_export]
    use crate::lint::check;
    #[pymodule_export]
    use crate::manifest::load_manifest;
    #[pymodule_export]
    use crate::prometheus::{prometheus_chunks, read_prometheus};
    #[pymodule_export]
    use crate::replay::{Fronts, Report, Trace, diff, fronts, replay};
    #[pymodule_export]
    use crate::sizer::{Bounds, Estimate, Recommendation, Sizer};
    #[pymodule_export]
    use crate::tune::{Tuning, tune};
    #[pymodule_export]
    use crate::watch::{Peers, Relation, TimeToLimit};

    /// The version of the crate, which is that of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// The kinds of member that this build knows, by the place in the configuration.
    #[pyfunction]
    fn kinds() -> BTreeMap<&'static str, &'static [&'static str]> {
        BTreeMap::from([
            ("capacity", CapacityConfig::KINDS),
            ("detector", DetectorConfig::KINDS),
            ("forecaster", ForecasterConfig::KINDS),
            ("guards", GuardConfig::KINDS),
            ("policies", PolicyConfig::KINDS),
        ])
    }
}
